# SPDX-License-Identifier: BSD-3-Clause
"""What an imputer is fitted with: of each column, the values to fill with, and what is missing.

scikit-learn's own fit to four rows that have those values, and that lack one where the column does,
makes all that is made of them: its checks, its errors, its indicator of what is missing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdist._columns import plain_texts
from skdist._sklearn import imputer_input, mask_of
from skdist.sharding import Shard
from skdist.summaries import ColumnCounts, ColumnMoments


@dataclass(frozen=True, eq=False)
class ColumnFill:
    """Of d columns.

    Parameters
    ----------
    middle : pair of sequences of length d
        The two values whose mean is to be filled in; equal where it is one of them.
    has_value, lacks_value : ndarray of shape (d,), bool
        Whether there is a value in any row, and whether there is a row without.
    """

    middle: tuple[Any, Any]
    has_value: np.ndarray
    lacks_value: np.ndarray

    @classmethod
    def by_mean(cls, moments: ColumnMoments) -> ColumnFill:
        """Means."""
        seen = moments.weight
        return cls((moments.mean, moments.mean), seen > 0, seen < moments.n_rows)

    @classmethod
    def by_median(cls, counts: ColumnCounts) -> ColumnFill:
        """Medians, of all values."""
        middle = [_middle(v, n) for v, n in zip(counts.values, counts.counts, strict=True)]
        low, high = zip(*middle, strict=True)
        return cls((low, high), *_seen(counts))

    @classmethod
    def by_count(cls, counts: ColumnCounts) -> ColumnFill:
        """The most frequent values, of several the least."""
        pairs = zip(counts.values, counts.counts, strict=True)
        most = [_least(v[n == n.max(initial=0)].tolist()) for v, n in pairs]
        return cls((most, most), *_seen(counts))

    @classmethod
    def by_constant(cls, masks: ColumnCounts, missing: Any) -> ColumnFill:
        """Any value that is not `missing`; masks are the counts of what is missing and not."""
        other = [1 if str(missing) == "0" else 0] * len(masks.values)
        has_value = np.array([bool((~v).any()) for v in masks.values])
        return cls((other, other), has_value, np.array([bool(v.any()) for v in masks.values]))

    def as_rows(self, missing: Any, dtype: Any) -> np.ndarray:
        """Four rows whose mean, median and mode are what is to be filled in."""
        if np.dtype(dtype).kind == "f" and not isinstance(missing, int | float):
            missing = np.nan  # pandas.NA among numbers
        rows = np.empty((4, len(self.has_value)), dtype)
        for j, pair in enumerate(zip(*self.middle, strict=True)):
            rows[:, j] = pair * 2 if self.has_value[j] else (missing,) * 4
            if self.lacks_value[j]:
                rows[2:, j] = missing
        return rows


def _seen(counts: ColumnCounts) -> tuple[np.ndarray, np.ndarray]:
    n_values = np.array([n.sum() for n in counts.counts])
    return n_values > 0, n_values < counts.n_rows


def _middle(values: np.ndarray, counts: np.ndarray) -> tuple[Any, Any]:
    if len(values) == 0:
        return np.nan, np.nan
    upto = counts.cumsum()
    at = np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")
    return values[at[0]], values[at[1]]


def _least(values: list[Any]) -> Any:
    """The least; of what has no common order, the first by kind and text."""
    try:
        return min(values, default=np.nan)
    except TypeError:
        return min(values, key=lambda value: (str(type(value)), str(value)))


@dataclass(frozen=True, eq=False)
class ImputerRows:
    """``shard -> shard`` of a partition as it came: validated as scikit-learn's imputer does."""

    imputer: Any
    n_features: int

    def __call__(self, shard: Shard) -> Shard:
        if shard.n_rows == 0:
            return replace(shard, X=np.empty((0, self.n_features)))
        return replace(shard, X=imputer_input(copy.copy(self.imputer), plain_texts(shard.X)))


@dataclass(frozen=True, eq=False)
class MissingAsNaN:
    """``shard -> shard`` of numbers, NaN where a value is missing."""

    missing: Any

    def __call__(self, shard: Shard) -> Shard:
        if isinstance(self.missing, float) and self.missing != self.missing:
            return shard
        X = np.where(mask_of(shard.X, self.missing), np.nan, shard.X)
        return replace(shard, X=X.astype(np.result_type(shard.X, np.float16), copy=False))


def count_present(shard: Shard, missing: Any) -> ColumnCounts:
    """How often each value is there, of those that are not missing."""
    columns = [column[~mask_of(column, missing)] for column in shard.X.T]
    return replace(ColumnCounts.of_columns(columns), n_rows=shard.n_rows)


def count_missing(shard: Shard, missing: Any) -> ColumnCounts:
    """How often a value is missing, True, and how often not."""
    if shard.n_rows == 0:
        return ColumnCounts.empty(shard.X.shape[1])
    lost = mask_of(shard.X, missing).sum(axis=0)
    counts = np.stack([shard.n_rows - lost, lost], axis=1).astype(np.int64)
    both = np.array([False, True])
    return ColumnCounts(
        shard.n_rows, tuple(both[n > 0] for n in counts), tuple(n[n > 0] for n in counts)
    )
