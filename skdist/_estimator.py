# SPDX-License-Identifier: BSD-3-Clause
"""What all estimators share besides scikit-learn's own classes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from skdist._carried_settings import CarriesSettings
from skdist._on_collections import ClassesOnCollections, OnCollections
from skdist._remembered import remembered
from skdist._sklearn import Interval, fit_context
from skdist._watching import Watched, watched
from skdist.sharding import is_dask

# The parameters that every estimator adds, where scikit-learn's class lacks them.
SHARDING = {
    "n_shards": [Interval(Integral, 1, None, closed="left"), None],
    "n_jobs": [Integral, None],
}


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Leave an estimator as it was before, if what is done with it fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


@contextmanager
def all_or_nothing(estimator: Any, method: str = "fit", **data: Any) -> Iterator[None]:
    """Run a fit; if it fails, leave the estimator as it was before.

    `method` and `data`, the rows by name, tell a journal which fit it is.
    """
    with (
        unchanged_on_error(estimator),
        remembered(estimator, method, data),
        watched(estimator, method, data),
    ):
        yield


def refuse_collection(X: Any) -> None:
    """Raise for a Dask collection, where a method of scikit-learn would gather it silently."""
    if is_dask(X):
        raise TypeError(
            "X is a Dask collection, which would have to be gathered here. Predict it where "
            "it is: X.map_partitions(model.predict), X.map_blocks(...), or compute() it."
        )


class ShardedFit(OnCollections, CarriesSettings, Watched):
    """Mixin in front of a scikit-learn class, for fits that are there whole or not at all.

    A class says how in ``_fit(X, y, sample_weight, *, shard=False)``; with `shard` it keeps what a
    merge needs.
    """

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            float32 is kept, and summed as float64, but by kernel machines; everything else becomes
            float64, sparse matrices CSR.
        y : array-like of shape (n_samples,), or (n_samples, n_outputs) where the class takes it
            Of classes there must be two at least.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses. The estimator is then as it was before.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached; it says how far the optimum may be.
        """
        with all_or_nothing(self, X=X, y=y, sample_weight=sample_weight):
            self._fit(X, y, sample_weight)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_shard(self, X, y, sample_weight=None):
        """Fit the rows that are here, and keep what a :func:`skdist.merge` needs: see the notes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), or (n_samples, n_outputs) where the class takes it
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        with all_or_nothing(self, "fit_shard", X=X, y=y, sample_weight=sample_weight):
            self._fit(X, y, sample_weight, shard=True)
        return self

    def _fit_plainly(self, *args, **kwargs):
        """scikit-learn's own fit."""
        return super().fit(*args, **kwargs)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags


class ShardedClassifierFit(ClassesOnCollections, ShardedFit):
    """The same for classes, of which a shard may lack some."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit_shard(self, X, y, sample_weight=None, classes=None):
        """Fit the rows that are here, and keep what a :func:`skdist.merge` needs: see the notes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes there are, where these rows lack some.

        Returns
        -------
        self
        """
        rows = {"X": X, "y": y, "sample_weight": sample_weight, "classes": classes}
        with all_or_nothing(self, "fit_shard", **rows):
            self._fit(X, y, sample_weight, shard=True, classes=classes)
        return self


class Stopwatch:
    """Seconds per phase of a fit, in the order in which phases end."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Book the time since the last lap under `phase`."""
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now
