# SPDX-License-Identifier: BSD-3-Clause
"""What nets over shards share: skorch's own fit, its training epochs spread over shards."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from hashlib import sha256
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from skorch.helper import predefined_split

from skdist._estimator import SHARDING, Stopwatch, refuse_collection
from skdist._labels import find_classes
from skdist._report import FitReport, ShardFacts
from skdist._rows import few_shards
from skdist._sklearn import Interval, StrOptions, check_parameters
from skdist.neural_network._torch_recipe import forget
from skdist.neural_network._torch_rounds import measured
from skdist.neural_network._torch_rows import PlacedRows, placed
from skdist.neural_network._torch_state import read_state
from skdist.neural_network._torch_training import (
    Diverged,
    Training,
    rate_factor,
    start_training,
)
from skdist.sharding import is_dask, shard_rows

PREDEFINED = predefined_split(None).func  # what makes a split of rows that were given

CONSTRAINTS = {
    **SHARDING,
    "sync": [StrOptions({"local", "gradient"})],
    "local_steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "outer": [StrOptions({"average", "nesterov"})],
    "rate_factor": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
}


def default_device() -> str:
    """CUDA where there is some, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def default_n_shards(n_samples: int, device: Any) -> int:
    """Shards from the number of rows alone, as few as keep some cores busy; one per CUDA device."""
    if device is not None and torch.device(device).type == "cuda":
        return max(1, torch.cuda.device_count())
    return few_shards(n_samples)


class DistributedNeuralNet:
    """Mixin in front of skorch's classes."""

    def __init__(
        self,
        module,
        *args,
        n_shards=None,
        sync="local",
        local_steps="auto",
        outer="average",
        rate_factor="auto",
        n_jobs=None,
        device=default_device(),  # noqa: B008 - the same for as long as the process lives
        **kwargs,
    ):
        super().__init__(module, *args, device=device, **kwargs)
        self.n_shards = n_shards
        self.sync = sync
        self.local_steps = local_steps
        self.outer = outer
        self.rate_factor = rate_factor
        self.n_jobs = n_jobs

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        """skorch's loop over epochs; those of several shards are spread over them.

        Raises
        ------
        ValueError
            When a loss, a gradient or a parameter is no number any more, naming the round and the
            shard; the net then has the parameters of before that round.
        """
        given = {name: getattr(self, name) for name in CONSTRAINTS}
        check_parameters(CONSTRAINTS, given, type(self).__name__)
        if self.local_steps != "auto" and self.sync == "gradient":
            raise ValueError(
                f"local_steps={self.local_steps} and sync='gradient' contradict each other: a "
                "merged gradient is one step. Take sync='local', or local_steps='auto'."
            )
        self._start_ = _digest(self)
        with self._spread_out():
            return super().fit_loop(X, y, epochs, **fit_params)

    @contextmanager
    def _spread_out(self):
        """Let go of the shards, and report, when a fit is over."""
        self._training_, watch = None, Stopwatch()
        try:
            yield
        finally:
            watch.lap("train")
            training = vars(self).pop("_training_")
            if training is not None:
                self.n_shards_, self.report_ = training.n_shards, _report(training, watch)
                forget(training.recipe.fit)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """skorch's epoch; one of training over the shards, if there are several."""
        if not training or iterator is None:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        n_rows, is_placed = len(iterator.dataset), isinstance(iterator.dataset, PlacedRows)
        n_shards = self.n_shards or default_n_shards(n_rows, self.device)
        self._n_rows_ = n_rows
        if n_shards == 1 and not is_placed:
            self.n_shards_, self.report_ = 1, _report_of_one(self, n_rows)
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        if self._training_ is None:
            self._training_ = start_training(self, iterator.dataset, fit_params, n_shards)
        n_batches = self._training_.epoch(iterator, fit_params)
        self.history.record(prefix + "_batch_count", n_batches)

    def train_step_single(self, batch, **fit_params):
        """skorch's gradient of a batch, of which the loss must be a number.

        Raises
        ------
        ValueError
            If it is not; no step is taken.
        """
        with vars(self).get("draws_", nullcontext()):  # a shard's own; the driver has none
            step = super().train_step_single(batch, **fit_params)
        if "_start_" in vars(self) and not torch.isfinite(step["loss"]).all():
            raise Diverged(
                f"The loss is no number any more in epoch {len(self.history)}, on shard 0 of 1, in "
                f"batch {len(self.history[-1]['batches'])}. The parameters are those before it. "
                "Take a smaller lr, scale the rows, or clip gradients."
            )
        return step

    def fit_shard(self, X, y=None, **fit_params):
        """Fit the rows that are here alone, for a :func:`skdist.merge`.

        Nets merge that started from the same parameters: call ``torch.manual_seed`` with the same
        number at each place before it; or go on from a merged net with ``warm_start=True``.

        Parameters
        ----------
        X, y : as `fit` takes them
            A classifier whose rows here lack classes must be told of all, by its parameter
            `classes`.
        **fit_params : dict
            What `fit` takes.

        Returns
        -------
        self
        """
        asked, self.n_shards = self.n_shards, 1
        try:
            return self.fit(X, y, **fit_params)
        finally:
            self.n_shards = asked

    def check_data(self, X, y=None):
        """skorch's checks; a Dask collection is looked at where it is, when it is placed."""
        if not is_dask(X):
            super().check_data(X, y)

    def get_split_datasets(self, X, y=None, **fit_params):
        """skorch's data sets to train on and to validate with.

        Raises
        ------
        ValueError
            Where a Dask collection would have to be split.
        """
        if not is_dask(X):
            return super().get_split_datasets(X, y, **fit_params)
        if self.train_split and getattr(self.train_split, "func", None) is not PREDEFINED:
            raise ValueError(
                f"train_split={self.train_split!r} would have to split a Dask collection, whose "
                "rows stay where they are. Take train_split=None, or rows of your own: "
                "skorch.helper.predefined_split(Dataset(X_valid, y_valid))."
            )
        shards = shard_rows(X, y, n_shards=self.n_shards, n_jobs=self.n_jobs)
        if is_classifier(self):
            self.classes_inferred_ = find_classes(shards)
        rows = placed(shards)
        return self.train_split(rows) if self.train_split else (rows, None)

    def get_dataset(self, X, y=None):
        """skorch's data set of X and y.

        Raises
        ------
        TypeError
            For a Dask collection, which would have to be gathered.
        """
        refuse_collection(X)
        return super().get_dataset(X, y)

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_training_", None)  # a checkpoint amid a fit: the shards are not part of it
        return state


def _digest(net: Any) -> str:
    """Of the parameters: nets that start alike have the same."""
    return sha256(read_state(net, 1.0, moments=False).mean.tobytes()).hexdigest()


def _report_of_one(net: Any, n_rows: int) -> FitReport:
    return FitReport(
        method=type(net.optimizer_).__name__,
        strategy="local",
        exact=True,
        why=("One shard: skorch's own loop.",),
        shards=(ShardFacts(range(n_rows), float(n_rows), (), 0.0),),
        extra={"history": ()},
    )


def _report(training: Training, watch: Stopwatch) -> FitReport:
    net, m, local = training.net, training.n_shards, training.net.sync == "local"
    why = "Every gradient is the sum over the shards: their number changes rounding."
    extra: dict[str, Any] = {"sync": net.sync, "history": tuple(training.rounds)}
    if local:
        why = (
            f"Parameters, moments and buffers of {m} shards were averaged every "
            f"{training.local_steps} steps: another number of shards gives another model."
        )
        extra["local_steps"] = training.local_steps
        extra["rate_factor"] = rate_factor(net, m)
    if training.rounds:
        extra["measured"] = measured(training.rounds)
    return FitReport(
        method=type(net.optimizer_).__name__,
        strategy="average" if local else "gradient",
        exact=not local,
        why=(why,),
        seconds=watch.seconds,
        shards=tuple(ShardFacts(r, float(len(r)), (), np.nan) for r in training.shards.rows),
        extra=extra,
    ).charged(training.shards.cost)
