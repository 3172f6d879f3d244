# SPDX-License-Identifier: BSD-3-Clause
"""What scalers are fitted with: moments or ranges of the columns, and what is made of them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse

from skdist._sklearn import handle_zeros_in_scale, is_constant_feature
from skdist._transformer import NumberTransformer
from skdist._whole_fit import whole_fit
from skdist.sharding import is_dask
from skdist.solvers.column_summaries import moments_of_columns, ranges_of_columns
from skdist.summaries import ColumnMoments


class ScaledByMoments(NumberTransformer):
    """Mixin in front of StandardScaler."""

    @whole_fit
    def fit(self, X, y=None, sample_weight=None):
        """Learn means and variances from all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            NaN is no value.
        y : None
            Without effect.
        sample_weight : array-like of shape (n_samples,), default=None
            Of a Dask collection, one that is cut alike.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses. The scaler is then as it was before.
        """
        self._fit_sums(X, sample_weight)

    @whole_fit
    def fit_shard(self, X, y=None, sample_weight=None):
        """Learn from the rows that are here; any fitted scaler can be merged.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : None
            Without effect.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        self._fit_sums(X, sample_weight, keep=True)

    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on with more rows, which must be in memory: scikit-learn's own `partial_fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : None
            Without effect.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        refuse_more(X)
        return super().partial_fit(X, y, sample_weight)

    def transform(self, X, copy=None):
        """Centre and scale.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        copy : bool, default=None
            Whether X must not be changed; None is the parameter of that name. Collections are not
            changed in either case.

        Returns
        -------
        X_out : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features)
            Of a Dask collection: a collection that is not computed yet, cut as X is. The scaler
            travels once to every worker.
        """
        return super().transform(X, copy=copy)

    def inverse_transform(self, X, copy=None):
        """Undo `transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
        copy : bool, default=None
            As in `transform`.

        Returns
        -------
        X_out : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features)
        """
        return super().inverse_transform(X, copy=copy)

    def _why_alone(self, X, sample_weight, keep):
        if issparse(X) and self.with_mean:
            return "sparse rows are not centred."
        if not is_dask(X) and sample_weight is not None and (np.asarray(sample_weight) < 0).any():
            return "weights are negative."
        return super()._why_alone(X, sample_weight, keep)

    def _shards(self, X, sample_weight=None):
        if self.with_mean and is_dask(X) and issparse(getattr(X, "_meta", None)):
            raise ValueError(
                "Cannot center sparse matrices: X is a Dask array of sparse blocks. Pass "
                "with_mean=False."
            )
        return super()._shards(X, sample_weight)

    def _sum_up(self, shards, keep):
        return shards.map_reduce(moments_of_columns)

    def _looks_finite(self, sums):
        return bool(np.isfinite(sums.mean + sums.squares).all())

    def _take(self, sums):
        there = sums.weight > 0.0
        mean = np.where(there, sums.mean, np.nan)
        var = np.divide(sums.squares, sums.weight, out=np.full(len(mean), np.nan), where=there)
        seen = sums.weight
        self.n_samples_seen_ = seen[0] if seen.max() == seen.min() else seen
        self.mean_ = mean if self.with_mean or self.with_std else None
        self.var_ = self.scale_ = None
        if self.with_std:
            constant = is_constant_feature(var, mean, self.n_samples_seen_)
            self.var_ = var
            self.scale_ = handle_zeros_in_scale(np.sqrt(var), copy=False, constant_mask=constant)

    def _kept(self):
        """The moments, which the attributes tell, those of scikit-learn's scalers too."""
        weight = np.broadcast_to(np.asarray(self.n_samples_seen_, np.float64), self.n_features_in_)
        mean, var = (
            np.zeros(len(weight)) if values is None else np.where(weight > 0.0, values, 0.0)
            for values in (self.mean_, self.var_)
        )
        return ColumnMoments(int(weight.max()), weight, mean, np.zeros(len(mean)), weight * var)


class ScaledByRanges(NumberTransformer):
    """Mixin in front of MinMaxScaler and MaxAbsScaler.

    scikit-learn's own fit to the two rows of least and greatest values makes all that is made of
    them.
    """

    _method = "ranges"

    def partial_fit(self, X, y=None):
        """Go on with more rows, which must be in memory: scikit-learn's own `partial_fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : None
            Without effect.

        Returns
        -------
        self
        """
        refuse_more(X)
        return super().partial_fit(X, y)

    def _sum_up(self, shards, keep):
        return shards.map_reduce(ranges_of_columns)

    def _looks_finite(self, sums):
        return not (np.isinf(sums.low) | np.isinf(sums.high)).any()

    def _take(self, sums):
        self._fit_plainly(np.stack([sums.low, sums.high]))
        self.n_samples_seen_ = sums.n_rows


def refuse_more(X):
    """Raise for a Dask collection as the rows to go on with."""
    if is_dask(X):
        raise TypeError(
            "X is a Dask collection, and partial_fit goes on with rows that are in memory. Call "
            "fit for the whole collection, or merge two fitted scalers with skdist.merge."
        )
