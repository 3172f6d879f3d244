# SPDX-License-Identifier: BSD-3-Clause
"""What the two multilayer perceptrons share: their fit, from rows and parameters to attributes."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from skdist._estimator import SHARDING, Stopwatch, all_or_nothing
from skdist._report import FitReport
from skdist._sklearn import Interval, StrOptions, fit_context, start_network
from skdist.neural_network._mlp_rows import (
    Given,
    TrainingRows,
    training_rows,
    validated,
    warn_of_skew,
)
from skdist.neural_network._mlp_solving import expose, network_of, solve_by_steps, solve_lbfgs
from skdist.neural_network._mlp_strategy import (
    Strategy,
    chosen_sync,
    default_n_shards,
    with_local_steps,
)
from skdist.solvers.fisher import fisher_sums
from skdist.solvers.local_steps import Steps
from skdist.solvers.network import Adam, Diverged, Momentum, Network, Rule

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


class DistributedMLP:
    """Mixin in front of scikit-learn's two classes."""

    _parameter_constraints = {
        **SHARDING,
        "sync": [StrOptions({"auto", "gradient", "local"})],
        "local_steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    }

    @fit_context(prefer_skip_nested_validation=True)
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
            If the partitions of a Dask collection differ much.
        """
        self._fit_network(X, y, sample_weight, Fit(self._starts_anew()))
        return self

    def _starts_anew(self):
        return "coefs_" not in vars(self) or not self.warm_start

    def _pass_once(self, X, y, sample_weight, classes=None):
        """`partial_fit`: one pass from where the last one ended."""
        how = Fit("coefs_" not in vars(self), incremental=True, classes=classes)
        self._fit_network(X, y, sample_weight, how)

    def _fit_network(self, X, y, sample_weight, how):
        with _kept_if_diverged(self):
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
            rows, strategy = _spread(self, given, network, rng)
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
        if how.incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")


@contextmanager
def _kept_if_diverged(mlp: Any):
    """All or nothing, but that a fit that diverged leaves the last good parameters."""
    diverged = None
    with all_or_nothing(mlp):
        try:
            yield
        except Diverged as error:
            if error.trained is None:
                raise
            expose(mlp, network_of(mlp), error.trained)
            diverged = error
    if diverged is not None:
        raise diverged


def _spread(mlp: Any, given: Given, network: Network, rng: Any) -> tuple[TrainingRows, Strategy]:
    """The rows on their shards, and how these are kept in step."""
    size, n = network.layers.n_parameters, given.n_samples
    batch_size = _batch_size(mlp, n)
    if given.shards is not None:
        n_shards = given.shards.n_shards
    else:
        n_shards = mlp.n_shards or default_n_shards(n, size, batch_size, mlp.solver)
    sync = chosen_sync(mlp.sync, mlp.solver, n_shards, size, max(1, batch_size // n_shards))
    averages = sync == "local" and n_shards > 1
    dealt = averages and mlp.shuffle and given.shards is None
    rows = training_rows(mlp, given, n_shards, dealt, rng)
    if averages and given.shards is not None:
        warn_of_skew(rows.table, not is_classifier(mlp))
    steps = Steps(
        rule_of(mlp),
        _clipped(mlp, _batch_size(mlp, rows.n_rows), rows.n_rows),
        rows.n_rows,
        n_shards,
        rows.n_rows,
        bool(mlp.shuffle),
        int(rng.randint(MAX_SEED)) if averages else 0,
    )
    return rows, Strategy(sync, with_local_steps(mlp, steps, size, dealt))


def rule_of(mlp: Any) -> Rule:
    """How gradients become steps."""
    if mlp.solver == "adam":
        return Adam(float(mlp.beta_1), float(mlp.beta_2), float(mlp.epsilon))
    return Momentum(float(mlp.momentum), bool(mlp.nesterovs_momentum))


def _batch_size(mlp: Any, n_rows: int) -> int:
    return min(AUTO_BATCH, n_rows) if mlp.batch_size == "auto" else int(mlp.batch_size)


def _clipped(mlp: Any, batch_size: int, n_rows: int) -> int:
    if batch_size > n_rows and mlp.solver != "lbfgs":
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    return int(np.clip(batch_size, 1, n_rows))


def _report(
    mlp: Any, rows: TrainingRows, strategy: Strategy, watch: Stopwatch, history: tuple
) -> None:
    m = rows.shards.n_shards
    averaged = m > 1 and strategy.sync == "local"
    why = {
        "local": f"Parameters and moments of {m} shards were averaged every "
        f"{strategy.steps.local_steps} steps: another number of shards gives another model.",
        "gradient": "Every gradient is the sum over the shards: their number changes rounding.",
    }[strategy.sync]
    extra: dict[str, object] = {"sync": strategy.sync, "history": history}
    if averaged:
        extra["local_steps"] = strategy.steps.local_steps
        extra["rate_factor"] = strategy.steps.longer
    mlp.n_shards_ = m
    mlp.report_ = FitReport(
        method=mlp.solver,
        strategy="average" if averaged else strategy.sync,
        exact=not averaged,
        why=("One shard: plain minibatch descent.",) if m == 1 else (why,),
        seconds=watch.seconds,
        shards=rows.table,
        extra=extra,
    ).charged(rows.shards.cost)
    if mlp.verbose:
        print(f"[{type(mlp).__name__}] {mlp.report_.in_one_line()}")
