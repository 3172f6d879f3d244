# SPDX-License-Identifier: BSD-3-Clause
"""Networks fitted at different places become one.

    w = sum_j c_j w_j / sum_j c_j,      c_j = n_j, the weight of the rows,
                                        or F_j + d n_j, Fisher's information of every parameter

if they started from the same parameters, and

    logits(x) = sum_j n_j logits_j(x) / sum_j n_j

in any case: a network whose hidden layers are those of the others, side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from operator import attrgetter
from typing import Any

import numpy as np
from scipy.linalg import block_diag
from sklearn.base import clone, is_classifier

from skdist._merge_checks import (
    check_classes,
    check_columns,
    check_equal,
    check_kinds,
    check_no_rows,
)
from skdist._sklearn import network_knows
from skdist.neural_network._alike import check_start, report_of, rows_behind
from skdist.neural_network._mlp_classifier import DistributedMLPClassifier
from skdist.neural_network._mlp_regressor import DistributedMLPRegressor
from skdist.neural_network._mlp_solving import network_of
from skdist.solvers.network import State

DAMPING = 1e-8  # d: where no row is sure of a parameter, rows count
SAME_START = (
    "Fit all with fit_shard and the same random_state, hidden_layer_sizes, columns, dtype and "
    "classes, or with warm_start=True from copies of one model"
)
# What networks must have in common besides kind, classes and columns.
ALIKE = {
    "number of outputs": "n_outputs_",
    "loss": "loss",
    "activation": "activation",
    "number of layers": "n_layers_",
}
# Of the rows of one place.
OF_ROWS = {
    "_best_coefs",
    "_best_intercepts",
    "_fisher",
    "_kept_state",
    "_random_state",
    "best_validation_score_",
    "validation_scores_",
}


def merge_networks(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """The average of networks that started alike.

    Raises
    ------
    ValueError
        If they did not, or differ in kind, columns, classes, layers; or if rows are passed.
    """
    check_no_rows(X, "network", "merged.set_params(warm_start=True).fit(X, y)")
    check_alike(models)
    check_start(models, "_start", "scikit-learn's", SAME_START)
    layers = network_of(first).layers
    rows = [model._n_rows for model in models]
    flats = [layers.pack(model.coefs_, model.intercepts_) for model in models]
    fisher = None
    weights: Sequence[Any] = rows
    if all("_fisher" in vars(model) for model in models):
        fisher = sum(model._fisher for model in models)
        weights = [m._fisher + DAMPING * n for m, n in zip(models, rows, strict=True)]
    w = _mean(flats, weights).astype(flats[0].dtype)
    merged = _like(first, models)
    merged.coefs_, merged.intercepts_ = layers.weights(w), layers.biases(w)
    merged._start = first._start
    if fisher is not None:
        merged._fisher = fisher
    if all("_kept_state" in vars(model) for model in models):
        merged._kept_state = _mean_state(w, models, rows)
    how = "weight of rows" if fisher is None else "Fisher's information"
    why = f"{len(models)} networks that started alike were averaged by {how}."
    merged.report_ = report_of(first.solver, "merge", why)
    return merged


def _mean(values: Sequence[Any], weights: Sequence[Any]) -> np.ndarray:
    total = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return np.asarray(total / sum(weights))


def _mean_state(w: np.ndarray, models: list[Any], rows: list[float]) -> State:
    """Where `partial_fit` goes on: mean moments, the steps and the step size of the longest run."""
    states = [model._kept_state for model in models]
    values = _mean([state.values for state in states], rows).astype(w.dtype)
    values[0] = w
    return State(values, max(s.t for s in states), min(s.rate for s in states))


def _like(first: Any, models: list[Any]) -> Any:
    """A model with the attributes of the first that are not of its rows, and sums of the others."""
    merged = clone(_ours(first))
    kept = {k: v for k, v in vars(first).items() if k not in OF_ROWS}
    fitted = {k: copy(v) for k, v in kept.items() if k not in merged.get_params(deep=False)}
    vars(merged).update(fitted)
    merged._n_rows = sum(model._n_rows for model in models)
    merged.n_shards_ = sum(model.n_shards_ for model in models)
    merged.t_ = sum(model.t_ for model in models)
    merged.n_iter_ = max(model.n_iter_ for model in models)
    losses = [model.loss_ for model in models]
    merged.loss_ = float(_mean(losses, [model._n_rows for model in models]))
    if "loss_curve_" in fitted:
        merged.loss_curve_, merged._no_improvement_count = [], 0
        merged.best_loss_, merged.validation_scores_ = np.inf, None
        merged.best_validation_score_ = None
    return merged


def _ours(model: Any) -> Any:
    """An estimator of ours with the parameters of the model, which may be scikit-learn's."""
    ours = DistributedMLPClassifier if is_classifier(model) else DistributedMLPRegressor
    return ours(**model.get_params(deep=False))


def check_alike(models: list[Any]) -> None:
    """Raise if networks differ in what can be averaged at all."""
    check_kinds(models)
    check_classes(models, "fit_shard(X, y, classes=...)")
    check_columns(models)
    for what, name in ALIKE.items():
        check_equal(models, what, attrgetter(name))


def average_mlp_logits(first: Any, models: list[Any]) -> Any:
    """The ensemble of multilayer perceptrons; see `logit_ensemble`."""
    check_alike(models)
    rows = rows_behind(models, "_n_rows")
    shares = rows / rows.sum()
    merged = clone(_ours(first))
    widths = [sum(W.shape[1] for W in layer) for layer in zip(*_hidden(models), strict=True)]
    merged.set_params(hidden_layer_sizes=tuple(widths))
    for name in ("n_features_in_", "feature_names_in_", "n_layers_", "n_outputs_", "loss_"):
        if name in vars(first):
            setattr(merged, name, getattr(first, name))
    merged.out_activation_, merged.t_ = first.out_activation_, sum(m.t_ for m in models)
    merged.n_iter_ = max(model.n_iter_ for model in models)
    merged.n_shards_, merged._n_rows = len(models), float(rows.sum())
    if is_classifier(first):
        network_knows(merged, first.classes_)
        merged._label_binarizer = first._label_binarizer
    merged.coefs_, merged.intercepts_ = _side_by_side(models, shares)
    why = f"The logits of {len(models)} networks are averaged."
    merged.report_ = report_of(first.solver, "ensemble", why)
    return merged


def _hidden(models: list[Any]) -> list[list[np.ndarray]]:
    return [model.coefs_[:-1] for model in models]


def _side_by_side(models: list[Any], shares: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Weights and biases of the ensemble."""
    dtype = models[0].coefs_[0].dtype
    coefs: list[Any] = [np.hstack(W) if layer == 0 else block_diag(*W)
                        for layer, W in enumerate(zip(*_hidden(models), strict=True))]  # fmt: skip
    biases: list[Any] = [
        np.concatenate(b) for b in zip(*(m.intercepts_[:-1] for m in models), strict=True)
    ]
    last = [share * model.coefs_[-1] for share, model in zip(shares, models, strict=True)]
    coefs.append(np.vstack(last) if coefs else sum(last))
    biases.append(sum(s * m.intercepts_[-1] for s, m in zip(shares, models, strict=True)))
    return [W.astype(dtype) for W in coefs], [b.astype(dtype) for b in biases]
