# SPDX-License-Identifier: BSD-3-Clause
"""How a SimpleImputer is fitted by sums."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse

from skdist._columns import learn_columns, plain_texts
from skdist._sklearn import imputer_input
from skdist._transformer import ShardedTransformer, TypedSums
from skdist.impute._column_fill import (
    ColumnFill,
    ImputerRows,
    MissingAsNaN,
    count_missing,
    count_present,
)
from skdist.sharding import is_dask, shard_rows
from skdist.solvers.column_medians import column_medians
from skdist.solvers.column_summaries import moments_of_columns


class FilledBySums(ShardedTransformer):
    """Mixin in front of SimpleImputer."""

    _method = "sums"
    _most_rounds = 4  # of medians

    def _why_alone(self, X, sample_weight, keep):
        if callable(self.strategy):
            return "strategy is a function of all values of a column."
        if issparse(getattr(X, "_meta", X)):
            return "sparse rows are imputed by scikit-learn's own fit."
        return super()._why_alone(X, sample_weight, keep)

    def _shards(self, X, sample_weight=None):
        probe = type(self)(**{**self.get_params(deep=False), "copy": False})
        if is_dask(X):
            shards = shard_rows(X, None, n_shards=self.n_shards, n_jobs=self.n_jobs)
            learn_columns(self, X)
            self._dtype = imputer_input(probe, _some_rows(X)).dtype
            return shards.seen_through(ImputerRows(probe, self.n_features_in_))
        rows = imputer_input(probe, X)
        self._dtype, self.n_features_in_ = rows.dtype, rows.shape[1]
        n_shards = self.n_shards or self._default_n_shards(rows)
        return shard_rows(rows, None, n_shards=n_shards, n_jobs=self.n_jobs)

    def _sum_up(self, shards, keep):
        numbers = shards.seen_through(MissingAsNaN(self.missing_values))
        dtype = vars(self).pop("_dtype")
        if self.strategy == "mean":
            sums = numbers.map_reduce(moments_of_columns)
        elif self.strategy == "median" and not keep:
            middle, n_values = column_medians(numbers, self.n_features_in_)
            sums = ColumnFill(tuple(middle), n_values > 0, n_values < shards.n_samples)
        elif self.strategy == "constant":
            sums = shards.map_reduce(count_missing, self.missing_values)
        else:
            sums = shards.map_reduce(count_present, self.missing_values)
        return TypedSums(sums, dtype)

    def _take(self, sums):
        fill = self._fill_of(sums.sums)
        self._fit_plainly(fill.as_rows(self.missing_values, sums.dtype))

    def _fill_of(self, sums):
        if type(sums) is ColumnFill:
            return sums
        if self.strategy == "constant":
            return ColumnFill.by_constant(sums, self.missing_values)
        by = {
            "mean": ColumnFill.by_mean,
            "median": ColumnFill.by_median,
            "most_frequent": ColumnFill.by_count,
        }
        return by[self.strategy](sums)

    def _like_back(self, X):
        return np.zeros((1, self.n_features_in_)) if self.add_indicator else None


def _some_rows(X):
    """Made up rows that have the columns of a collection."""
    if getattr(X, "columns", None) is not None:
        return plain_texts(X._meta_nonempty)
    return np.ones((1, X.shape[1]), X.dtype)
