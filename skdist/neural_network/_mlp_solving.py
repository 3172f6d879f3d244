# SPDX-License-Identifier: BSD-3-Clause
"""The solvers of a multilayer perceptron: from an estimator and its shards to fitted attributes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import shuffle

from skdist._caller import level_of_caller
from skdist._sklearn import told_of_lbfgs
from skdist._watching import shows
from skdist.kernels.mlp_layers import Layers
from skdist.neural_network._mlp_rows import TrainingRows, n_classes_of
from skdist.neural_network._mlp_strategy import Strategy
from skdist.solvers.diverged import Diverged
from skdist.solvers.gradient_sync import lbfgs
from skdist.solvers.network import Network, State, started
from skdist.solvers.network_score import accuracy, r_squared
from skdist.solvers.network_training import (
    GradientPass,
    LocalPass,
    Progress,
    Schedule,
    Trained,
    train,
)


def network_of(mlp: Any) -> Network:
    """What a fitted or started estimator minimises."""
    units = (mlp.coefs_[0].shape[0], *(W.shape[1] for W in mlp.coefs_))
    layers = Layers(units, mlp.activation, mlp.out_activation_)
    return Network(layers, mlp.loss, n_classes_of(mlp), float(mlp.alpha))


def _orders(rng: Any, n_rows: int, shuffled: bool) -> Iterator[np.ndarray]:
    """Orders of all rows, pass by pass, as scikit-learn draws them."""
    order = np.arange(n_rows)
    while True:
        if shuffled:
            order = shuffle(order, random_state=rng)
        yield order


def solve_by_steps(
    mlp: Any, network: Network, w: np.ndarray, rows: TrainingRows, strategy: Strategy,
    goes_on: bool, rng: Any,
) -> tuple:  # fmt: skip
    """Adam, or gradient descent with momentum."""
    steps = strategy.steps
    shows(lambda w: _model(network, w))
    orders = _orders(rng, rows.n_rows, mlp.shuffle)
    n_passes = 1 if goes_on else mlp.max_iter
    own_orders = orders if steps.n_shards == 1 else None
    run = LocalPass(rows.shards, network, steps, own_orders, n_passes)
    if strategy.sync == "gradient":
        run = GradientPass(rows.shards, network, steps, rows.starts, orders, n_passes)
    start = _start(mlp, w, steps.rule, goes_on)
    kind = mlp.learning_rate if mlp.solver == "sgd" else "constant"
    measure = accuracy if is_classifier(mlp) else r_squared
    try:
        trained = train(
            run,
            start,
            _progress(mlp, network),
            Schedule(kind, mlp.learning_rate_init, mlp.power_t),
            max_iter=n_passes,
            tol=mlp.tol,
            n_iter_no_change=mlp.n_iter_no_change,
            n_rows=rows.n_rows,
            n_met=mlp.t_,
            score=(lambda w: measure(rows.held_out, network, w)) if mlp.early_stopping else None,
            tell=print if mlp.verbose else None,
        )
    except Diverged as error:
        expose(mlp, network, error.trained)
        raise
    expose(mlp, network, trained)
    mlp.t_ += trained.n_iter * rows.n_rows
    if not (trained.stopped or goes_on):
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({mlp.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=level_of_caller(),
        )
    return trained.history


def _start(mlp: Any, w: np.ndarray, rule: Any, goes_on: bool) -> State:
    """At the parameters there are; `partial_fit` goes on with moments and step size."""
    state = started(w, rule, mlp.learning_rate_init)
    kept = vars(mlp).get("_kept_state")
    if goes_on and kept is not None and kept.values.shape == state.values.shape:
        state.values[1:] = kept.values[1:]
        state = replace(kept, values=state.values)
    return state


def _progress(mlp: Any, network: Network) -> Progress:
    """Of the fits that this one goes on from."""
    known = vars(mlp)
    begun = Progress(
        losses=tuple(known.get("loss_curve_", ())), stale=known.get("_no_improvement_count", 0)
    )
    if not mlp.early_stopping:
        best = known.get("best_loss_")
        return replace(begun, best_loss=np.inf if best is None else best)
    score = known.get("best_validation_score_")
    if score is None:
        return begun
    best_w = network.layers.pack(mlp._best_coefs, mlp._best_intercepts)
    scores = tuple(mlp.validation_scores_)
    return replace(begun, scores=scores, best_score=score, best_w=best_w)


def _model(network: Network, w: np.ndarray) -> dict[str, Any]:
    """What predictions need, of parameters (D,)."""
    w = w.copy()
    return {"coefs_": network.layers.weights(w), "intercepts_": network.layers.biases(w)}


def expose(mlp: Any, network: Network, trained: Trained) -> None:
    """Fitted attributes, scikit-learn's."""
    layers, progress = network.layers, trained.progress
    w = trained.state.w.copy()
    if mlp.early_stopping:
        best = w if progress.best_w is None else progress.best_w
        w = best.copy()
        mlp._best_coefs, mlp._best_intercepts = layers.weights(best), layers.biases(best)
        mlp.validation_scores_ = list(progress.scores)
        mlp.best_validation_score_ = progress.best_score
    else:
        mlp.best_loss_ = progress.best_loss
    mlp.coefs_, mlp.intercepts_ = layers.weights(w), layers.biases(w)
    mlp.n_iter_, mlp._no_improvement_count = trained.n_iter, progress.stale
    mlp.loss_curve_ = list(progress.losses)
    mlp.loss_ = progress.losses[-1] if progress.losses else np.inf
    mlp._kept_state = trained.state


def solve_lbfgs(
    mlp: Any, network: Network, w: np.ndarray, rows: TrainingRows, strategy: Strategy,
    goes_on: bool, rng: Any,
) -> tuple:  # fmt: skip
    """L-BFGS on merged gradients."""
    values: list[float] = []
    shows(lambda w: _model(network, w))
    options = {"maxfun": mlp.max_fun, "maxiter": mlp.max_iter, "gtol": mlp.tol}

    def told(value):
        values.append(value)
        if mlp.verbose:
            print(f"Evaluation {len(values)}, loss = {value:.8f}")

    result = lbfgs(rows.shards, network, w, options, told)
    if not (np.isfinite(result.x).all() and np.isfinite(result.fun)):
        raise ValueError(
            "Solver produced non-finite parameter weights or a non-finite loss. The input data may "
            "contain large values and need to be preprocessed."
        )
    mlp.n_iter_ = told_of_lbfgs(result, mlp.max_iter)
    mlp.loss_ = result.fun
    mlp.coefs_ = network.layers.weights(result.x)
    mlp.intercepts_ = network.layers.biases(result.x)
    return tuple(values)
