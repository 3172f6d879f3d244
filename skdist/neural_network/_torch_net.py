# SPDX-License-Identifier: BSD-3-Clause
"""What nets over shards share: skorch's own fit, its training epochs spread over shards."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from copy import deepcopy
from functools import partial
from hashlib import sha256
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from skorch.helper import predefined_split

from skdist._carried_settings import CarriesSettings
from skdist._config import settings
from skdist._estimator import SHARDING, Stopwatch, refuse_collection
from skdist._labels import find_classes
from skdist._remembered import remembered
from skdist._rows import few_shards
from skdist._sklearn import Interval, StrOptions, check_parameters
from skdist._watching import Watched, shows, watched
from skdist._whole_fit import all_or_nothing, unchanged_on_error
from skdist.neural_network._torch_alike import partitions_alike, unmeasured
from skdist.neural_network._torch_epoch import epoch_alone
from skdist.neural_network._torch_recipe import forget
from skdist.neural_network._torch_report import report_of, report_of_one
from skdist.neural_network._torch_rows import PlacedRows, placed
from skdist.neural_network._torch_start import shape_layers, start_training
from skdist.neural_network._torch_state import can_read, lacks_shapes, read_state
from skdist.neural_network._torch_unchanged import unchanged_contents
from skdist.sharding import current_fit, is_dask, shard_rows
from skdist.solvers.diverged import Diverged

PREDEFINED = predefined_split(None).func  # what makes a split of rows that were given

CONSTRAINTS = {
    **SHARDING,
    "sync": [StrOptions({"local", "gradient"})],
    "local_steps": [StrOptions({"auto", "measured"}), Interval(Integral, 1, None, closed="left")],
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


class DistributedNeuralNet(CarriesSettings, Watched):
    """Mixin in front of skorch's classes."""

    _has_status_line = False  # skorch prints a line per epoch

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

    def fit(self, X, y=None, **fit_params):
        """skorch's fit: the net is made anew unless ``warm_start``, and trained.

        Parameters
        ----------
        X, y : as skorch takes them; or Dask collections
        **fit_params : dict
            What skorch takes besides.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError, RuntimeError
            skorch's, PyTorch's and our own, of rows that cannot be trained on; the net is as it was
            before. Where training diverges it has the parameters of before that round.
        """
        so_far, kept = None, nullcontext()
        if self.warm_start:
            so_far, kept = _so_far(self), unchanged_contents(self, but=(Diverged,))
        with kept, all_or_nothing(self, X=X, y=y, **{"moments so far": so_far}):
            shows(_model)
            _draw_as_then()
            return super().fit(X, y, **fit_params)

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """skorch's: the net is trained further, or for the first time.

        Parameters
        ----------
        X, y : as skorch takes them; or Dask collections
        classes : ignored by skorch
        **fit_params : dict
            What skorch takes besides.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError, RuntimeError
            Those of `fit`. The net is as it was before the call, also where training diverges:
            parameters, history, and what optimisers and callbacks remember.
        """
        if current_fit().owner is self:  # `fit` trains by it, and has seen to all else
            return super().partial_fit(X, y, classes, **fit_params)
        data = {"X": X, "y": y, "moments so far": _so_far(self)}
        with (
            unchanged_contents(self),
            unchanged_on_error(self, but=()),
            remembered(self, "partial_fit", data),
            watched(self, "partial_fit", data),
        ):
            shows(_model)
            _draw_as_then()
            return super().partial_fit(X, y, classes, **fit_params)

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        """skorch's loop over epochs; those of several shards are spread over them.

        Raises
        ------
        ValueError
            When a loss, a gradient or a parameter is no number any more, naming the round and the
            shard; the net then has the parameters of before that round. `partial_fit` puts back
            those of before the call.
        """
        given = {name: getattr(self, name) for name in CONSTRAINTS}
        check_parameters(CONSTRAINTS, given, type(self).__name__)
        if self.local_steps != "auto" and self.sync == "gradient":
            raise ValueError(
                f"local_steps={self.local_steps} and sync='gradient' contradict each other: a "
                "merged gradient is one step. Take sync='local', or local_steps='auto'."
            )
        self._start_ = None if lacks_shapes(self) else _digest(self)
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
                self.n_shards_, self.report_ = training.n_shards, report_of(training, watch)
                forget(training.recipe.fit)

    def on_epoch_begin(self, net, *args, **kwargs):
        """skorch's: a new line in the history. A fit whose time is up ends as one interrupted."""
        if len(self.history) and current_fit().time_is_up:
            raise KeyboardInterrupt
        super().on_epoch_begin(net, *args, **kwargs)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """skorch's epoch; one of training over the shards, if there are several."""
        if not training or iterator is None:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        n_rows, is_placed = len(iterator.dataset), isinstance(iterator.dataset, PlacedRows)
        n_shards = self.n_shards or default_n_shards(n_rows, self.device)
        self._n_rows_ = n_rows
        if n_shards == 1 and not is_placed:
            self.n_shards_, self.report_ = 1, report_of_one(self, n_rows)
            run = partial(super().run_single_epoch, iterator, training, prefix, step_fn)
            epoch_alone(self, prefix, partial(run, **fit_params))
            return
        if self._training_ is None:
            if lacks_shapes(self):
                shape_layers(self, iterator.dataset, fit_params)
                self._start_ = _digest(self)
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
                f"batch {len(self.history[-1]['batches'])}. Nothing of it is kept. "
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
        table = unmeasured(shards.rows)
        if self.sync == "local" and shards.n_shards > 1:
            classes = self.classes_inferred_ if is_classifier(self) else None
            table = partitions_alike(shards, classes)
        rows = placed(shards, table)
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


def _model(net: Any) -> dict[str, Any]:
    """What predictions need, amid a fit."""
    return {"module_": deepcopy(net.module_)}


def _so_far(net: Any) -> Any:
    """What training goes on from, for a journal: buffers, moments, and the number of epochs."""
    if not settings().journal or not net.initialized_ or lacks_shapes(net):
        return None
    return read_state(net, 1.0, moments=can_read(net)), len(net.history)


def _draw_as_then() -> None:
    """Let torch draw what it drew when a fit that is resumed was begun."""
    state = current_fit().drawn("torch", lambda: torch.get_rng_state().numpy())
    torch.set_rng_state(torch.from_numpy(np.array(state)))


def _digest(net: Any) -> str:
    """Of the parameters: nets that start alike have the same."""
    return sha256(read_state(net, 1.0, moments=False).mean.tobytes()).hexdigest()
