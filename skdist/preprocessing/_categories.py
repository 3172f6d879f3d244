# SPDX-License-Identifier: BSD-3-Clause
"""What encoders are fitted with: the distinct values of the columns, and how often they are there.

scikit-learn's own fit, given the distinct values for columns, makes all that is made of them: its
checks, its errors, and, with the counts put in, which categories are infrequent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from skdist._columns import learn_columns
from skdist._rows import MOST_SHARDS
from skdist._sklearn import columns_of, num_samples
from skdist._transformer import ShardedTransformer
from skdist.sharding import Shard, is_dask, shard_rows
from skdist.summaries import ColumnCounts

# In memory: looking values up in a table is not done by several threads at once, and sorting them
# pays for shards only where they are large.
ROWS_PER_SHARD = 1 << 20


class CountedCategories(ShardedTransformer):
    """Mixin in front of OrdinalEncoder and OneHotEncoder."""

    _method = "counts"

    def _why_alone(self, X, sample_weight, keep):
        if issparse(X):
            return "sparse rows are refused."
        return super()._why_alone(X, sample_weight, keep)

    def _shards(self, X, sample_weight=None):
        if is_dask(X):
            shards = shard_rows(X, None, n_shards=self.n_shards, n_jobs=self.n_jobs)
            learn_columns(self, X)
            return shards
        rows = X if getattr(X, "iloc", None) is not None else _one_array(X)
        n_shards = self.n_shards or self._default_n_shards(rows)
        return shard_rows(rows, None, n_shards=n_shards, n_jobs=self.n_jobs)

    def _default_n_shards(self, X):
        return int(np.clip(num_samples(X) // ROWS_PER_SHARD, 1, MOST_SHARDS))

    def _sum_up(self, shards, keep):
        self._check_infrequent_enabled()
        return shards.map_reduce(count_categories, keep or self._infrequent_enabled)

    def _take(self, sums):
        self._counted = sums
        try:
            self._fit_plainly(sums)
        finally:
            del self._counted

    def _check_X(self, X, ensure_all_finite=True):
        """scikit-learn's fit and transform call it for the columns of X."""
        if type(X) is ColumnCounts:
            return list(X.values), X.n_rows, len(X.values)
        return super()._check_X(X, ensure_all_finite=ensure_all_finite)

    def _fit_infrequent_category_mapping(self, n_samples, category_counts, missing_indices):
        """scikit-learn's fit calls it with the counts of what it was given."""
        counted = vars(self).get("_counted")
        if counted is not None:
            pairs = zip(self.categories_, counted.values, counted.counts, strict=True)
            category_counts = [counts_of(*pair) for pair in pairs]
        super()._fit_infrequent_category_mapping(n_samples, category_counts, missing_indices)

    def _like_back(self, X):
        kinds = [categories.dtype for categories in self.categories_]
        plain = self.handle_unknown == "error" and not self._infrequent_enabled
        return np.empty((1, len(kinds)), np.result_type(*kinds) if plain else object)


def count_categories(shard: Shard, counted: bool) -> ColumnCounts:
    """The distinct values of each column of a shard, `counted` or not."""
    if shard.n_rows == 0:
        return ColumnCounts.empty(shard.X.shape[1])
    kinds = getattr(shard.X, "dtypes", None)
    names = [] if kinds is None else [getattr(kind, "name", "") for kind in kinds]
    found = {
        j: BY_KIND[kind](shard.X.iloc[:, j]) for j, kind in enumerate(names) if kind in BY_KIND
    }
    if not found:
        return ColumnCounts.of_columns(columns_of(shard.X), counted)
    others = [j for j in range(len(names)) if j not in found]
    if others:
        rest = ColumnCounts.of_columns(columns_of(shard.X.iloc[:, others]), counted)
        found |= {j: pair for j, *pair in zip(others, rest.values, rest.counts, strict=True)}
    values, counts = zip(*(found[j] for j in range(len(names))), strict=True)
    return ColumnCounts(shard.n_rows, values, counts)


def _of_categorical(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of pandas' categories, by their codes."""
    categories = column.cat.categories
    counts = np.bincount(column.cat.codes.to_numpy() + 1, minlength=len(categories) + 1)
    return _in_order(np.asarray(categories), counts[1:], counts[0])


def _of_texts(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of pandas' texts, of which all that are missing are NaN here."""
    n_missing = int(column.isna().sum())
    counted = column.value_counts(sort=False)
    return _in_order(counted.index.to_numpy(object), counted.to_numpy(np.int64), n_missing)


def _in_order(
    values: np.ndarray, counts: np.ndarray, n_missing: int
) -> tuple[np.ndarray, np.ndarray]:
    """The values that are there, sorted, NaN last."""
    values, counts = values[counts > 0], counts[counts > 0]
    order = np.argsort(values)
    values, counts = values[order], counts[order].astype(np.int64)
    if n_missing:
        values = np.append(values, np.array([np.nan], np.result_type(values, np.float16)))
        counts = np.append(counts, n_missing)
    return values, counts


# pandas' kinds of columns whose values it can count without making objects of them.
BY_KIND = {"category": _of_categorical, "str": _of_texts, "string": _of_texts}


def counts_of(categories: np.ndarray, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How often each category is there, 0 for those that are not."""
    known = {_key(v): n for v, n in zip(values.tolist(), counts.tolist(), strict=True)}
    return np.array([known.get(_key(c), 0) for c in categories.tolist()], np.int64)


def _key(value: Any) -> Any:
    """NaN, which is not even itself, as something that is."""
    return value if value == value else (np.nan, "NaN")


def _one_array(X: Any) -> np.ndarray:
    """X as scikit-learn's encoders validate what is no dataframe; lists of texts as objects."""
    found = check_array(X, dtype=None, ensure_all_finite="allow-nan")
    if getattr(X, "dtype", None) is None and found.dtype.kind == "U":
        return check_array(X, dtype=object, ensure_all_finite="allow-nan")
    return found
