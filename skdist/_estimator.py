# SPDX-License-Identifier: BSD-3-Clause
"""What all estimators share besides scikit-learn's own classes."""

from __future__ import annotations

import time
from numbers import Integral
from typing import Any

from skdist._carried_settings import CarriesSettings
from skdist._on_collections import ClassesOnCollections, OnCollections
from skdist._sklearn import Interval
from skdist._watching import Watched
from skdist._whole_fit import whole_fit
from skdist.sharding import is_dask

# The parameters that every estimator adds, where scikit-learn's class lacks them.
SHARDING = {
    "n_shards": [Interval(Integral, 1, None, closed="left"), None],
    "n_jobs": [Integral, None],
}


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

    @whole_fit
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
        self._fit(X, y, sample_weight)

    @whole_fit
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
        self._fit(X, y, sample_weight, shard=True)

    def _fit_plainly(self, *args, **kwargs):
        """scikit-learn's own fit."""
        return super().fit(*args, **kwargs)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags


class ShardedClassifierFit(ClassesOnCollections, ShardedFit):
    """The same for classes, of which a shard may lack some."""

    @whole_fit
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
        self._fit(X, y, sample_weight, shard=True, classes=classes)


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
