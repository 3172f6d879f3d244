# SPDX-License-Identifier: BSD-3-Clause
"""What the two multilayer perceptrons share: their fit, from rows and parameters to attributes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from hashlib import sha256
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from skdist._caller import level_of_caller
from skdist._carried_settings import CarriesSettings
from skdist._config import settings
from skdist._estimator import SHARDING, Stopwatch
from skdist._report import FitReport
from skdist._skew import check_alike
from skdist._sklearn import Interval, StrOptions, start_network
from skdist._watching import Watched
from skdist._whole_fit import whole_fit
from skdist.neural_network._alike import AVERAGES_OF_UNLIKE
from skdist.neural_network._mlp_rows import (
    Given,
    TrainingRows,
    training_rows,
    validated,
)
from skdist.neural_network._mlp_solving import network_of, solve_by_steps, solve_lbfgs
from skdist.neural_network._mlp_strategy import (
    Strategy,
    chosen_sync,
    default_n_shards,
    with_local_steps,
)
from skdist.neural_network._mlp_wire import (
    asked_sync,
    check_share,
    is_shortened,
    of_wire,
    share_of,
)
from skdist.solvers.fisher import fisher_sums
from skdist.solvers.local_steps import Steps, measured_steps_between_rounds
from skdist.solvers.network import Adam, Momentum, Network, Rule

MAX_SEED = np.iinfo(np.int32).max
AUTO_BATCH = 200  # scikit-learn's


@dataclass(frozen=True)
class Fit:
    """What is asked of one fit.

    Parameters
    ----------
    first : bool
        Whether parameters are drawn, or those there are gone on from.
    incremental : bool
        Whether it is one pass of `partial_fit`.
    classes : array-like or None
        All there are, where y may lack some.
    fisher : bool
        Whether to keep Fisher's information for a merge.
    """

    first: bool
    incremental: bool = False
    classes: Any = None
    fisher: bool = False


class DistributedMLP(CarriesSettings, Watched):
    """Mixin in front of scikit-learn's two classes."""

    _rounds_are_alike = True
    _wires = frozenset({"exact", "float32", "share"})
    _parameter_constraints = {
        **SHARDING,
        "sync": [StrOptions({"auto", "gradient", "local"})],
        "local_steps": [
            StrOptions({"auto", "measured"}),
            Interval(Integral, 1, None, closed="left"),
        ],
    }

    @property
    def _rounds_of_an_iteration(self):
        return 2 if self.solver == "lbfgs" else 0  # one for each try of a line search

    @property
    def _most_notes(self):
        return max(self._rounds_of_an_iteration, 1) * self.max_iter

    @whole_fit
    def fit(self, X, y, sample_weight=None):
        """Train on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            float32 is kept; everything else becomes float64, sparse matrices CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses; the estimator is then as it was before. When
            parameters or losses are no numbers any more, naming the round and the shard; the
            estimator then has the parameters of before that round.

        Warns
        -----
        ConvergenceWarning
            If the fit ended at `max_iter`.
        UserWarning
            If networks are averaged and the partitions of a Dask collection differ much, or, with
        ``shuffle=False``, shards of consecutive rows.
        """
        self._fit_network(X, y, sample_weight, Fit(self._starts_anew()))

    def _starts_anew(self):
        return "coefs_" not in vars(self) or not self.warm_start

    def _pass_once(self, X, y, sample_weight, classes=None):
        """`partial_fit`: one pass from where the last one ended."""
        how = Fit("coefs_" not in vars(self), incremental=True, classes=classes)
        self._fit_network(X, y, sample_weight, how)

    def _fit_network(self, X, y, sample_weight, how):
        self._check_parameters(how)
        watch = Stopwatch()
        given = validated(self, X, y, sample_weight, how)
        rng = self._random_state = check_random_state(self.random_state)
        self.n_outputs_ = given.n_outputs
        if how.first:
            start_network(self, given.n_features, given.n_outputs, given.dtype)
        network = network_of(self)
        w = network.layers.pack(self.coefs_, self.intercepts_)
        if how.first or "_start" not in vars(self):
            self._start = sha256(w.tobytes()).hexdigest()
        rows, network, strategy = _spread(self, given, network, w, rng)
        watch.lap("prepare")
        self._n_rows = rows.weight
        solve = solve_lbfgs if self.solver == "lbfgs" else solve_by_steps
        history = solve(self, network, w, rows, strategy, how.incremental, rng)
        watch.lap("solve")
        if how.fisher:
            flat = network.layers.pack(self.coefs_, self.intercepts_)
            self._fisher = fisher_sums(rows.shards, network, flat)
            watch.lap("fisher")
        _report(self, rows, strategy, watch, history)

    def _check_parameters(self, how):
        """Errors for parameters that do not go together; scikit-learn's where they are its own."""
        if np.any(np.asarray(self.hidden_layer_sizes) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {self.hidden_layer_sizes}.")
        if self.local_steps != "auto" and self.sync == "gradient":
            raise ValueError(
                f"local_steps={self.local_steps} and sync='gradient' contradict each other: a "
                "merged gradient is one step. Take sync='local', or local_steps='auto'."
            )
        check_share(self, settings().wire)
        if how.incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")


def _spread(
    mlp: Any, given: Given, network: Network, w: np.ndarray, rng: Any
) -> tuple[TrainingRows, Network, Strategy]:
    """The rows on their shards, the network as it meets them, and how these are kept in step."""
    size, n = network.layers.n_parameters, given.n_samples
    batch_size = _batch_size(mlp, n)
    if given.shards is not None:
        n_shards = given.shards.n_shards
    else:
        n_shards = mlp.n_shards or default_n_shards(n, size, batch_size, mlp.solver)
    share = share_of(settings().wire, n_shards)
    sync = chosen_sync(
        asked_sync(mlp, share), mlp.solver, n_shards, size, max(1, batch_size // n_shards)
    )
    averages = sync == "local" and n_shards > 1
    dealt = averages and mlp.shuffle and given.shards is None
    rows = training_rows(mlp, given, n_shards, dealt, rng)
    network = replace(network, usual=rows.usual)
    if averages and not dealt:
        regression = not is_classifier(mlp)
        table = check_alike(rows.shards, rows.table, AVERAGES_OF_UNLIKE, regression=regression)
        rows = replace(rows, table=table)
    steps = Steps(
        rule_of(mlp, n_shards),
        _clipped(mlp, _batch_size(mlp, rows.n_rows), rows.n_rows),
        rows.n_rows,
        n_shards,
        rows.n_rows,
        bool(mlp.shuffle),
        int(rng.randint(MAX_SEED)) if averages else 0,
        shortened=is_shortened(mlp, n_shards, given.dtype),
        share=share,
    )
    steps = with_local_steps(mlp, steps, size, dealt)
    if averages and mlp.local_steps == "measured":
        h = measured_steps_between_rounds(rows.shards, network, steps, w, dealt)
        steps = replace(steps, local_steps=h)
    return rows, network, Strategy(sync, steps)


def rule_of(mlp: Any, n_shards: int) -> Rule:
    """How gradients become steps; on one shard rounded as scikit-learn does."""
    if mlp.solver == "adam":
        betas = float(mlp.beta_1), float(mlp.beta_2)
        return Adam(*betas, float(mlp.epsilon), wide=n_shards == 1)
    return Momentum(float(mlp.momentum), bool(mlp.nesterovs_momentum))


def _batch_size(mlp: Any, n_rows: int) -> int:
    return min(AUTO_BATCH, n_rows) if mlp.batch_size == "auto" else int(mlp.batch_size)


def _clipped(mlp: Any, batch_size: int, n_rows: int) -> int:
    if batch_size > n_rows and mlp.solver != "lbfgs":
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=level_of_caller(),
        )
    return int(np.clip(batch_size, 1, n_rows))


def _report(
    mlp: Any, rows: TrainingRows, strategy: Strategy, watch: Stopwatch, history: tuple
) -> None:
    m = rows.shards.n_shards
    averaged = m > 1 and strategy.sync == "local"
    by_clock = ", as was measured" if mlp.local_steps == "measured" else ""
    why = {
        "local": f"Parameters and moments of {m} shards were averaged every "
        f"{strategy.steps.local_steps} steps{by_clock}: another number of shards gives another "
        "model.",
        "gradient": "Every gradient is the sum over the shards"
        + (": their number changes rounding." if not strategy.steps.share else ", as far as sent."),
    }[strategy.sync]
    extra: dict[str, object] = {"sync": strategy.sync, "history": history}
    if averaged:
        extra["local_steps"] = strategy.steps.local_steps
        extra["rate_factor"] = strategy.steps.longer
    mlp.n_shards_ = m
    mlp.report_ = FitReport(
        method=mlp.solver,
        strategy="average" if averaged else strategy.sync,
        exact=not (averaged or strategy.steps.share),
        why=("One shard: plain minibatch descent." if m == 1 else why, *of_wire(mlp, strategy)),
        seconds=watch.seconds,
        shards=rows.table,
        extra=extra,
    ).charged(rows.shards.cost)
    if mlp.verbose:
        print(f"[{type(mlp).__name__}] {mlp.report_.in_one_line()}")
