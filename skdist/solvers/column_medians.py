# SPDX-License-Identifier: BSD-3-Clause
"""The two middle values of each column, exactly, by counting leading bits.

    key(x): 64 bits in the order of the floats
    n[p] = sum over shards of #{i : leading bits of key(x_i) = p}
    go on inside the p in which the middle rank lies, with the next bits

until few values are left there, which are then looked at one by one. The widths follow from the
number of columns alone, so that no shard sends more than 2 MiB: for 30 columns 12 bits at a time,
and three rounds for a million values. Never more than 64 / width + 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.ordered_bits import floats_of, ordered_bits
from skdist.summaries import ColumnCounts

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

Keys = NDArray[np.uint64]
Ranks = NDArray[np.int64]

BITS = 64
MOST_COUNTS = 1 << 18  # of a shard and a round
FEW = 1 << 12  # values of a column that are looked at one by one
BLOCK = 1 << 16  # numbers that are in the cache at once


@dataclass(frozen=True, eq=False)
class Brackets:
    """Where the lower and the upper middle value of each of d columns lie.

    Parameters
    ----------
    known : int
        How many leading bits are.
    prefix : ndarray of shape (2, d), uint64
        Those bits, as a number.
    rank : ndarray of shape (2, d), int64
        How many values of the same leading bits are less.
    inside : ndarray of shape (2, d), int64
        How many have those bits; 0 for columns without values.
    """

    known: int
    prefix: Keys
    rank: Ranks
    inside: Ranks

    @classmethod
    def of_all(cls, n_values: Ranks) -> Brackets:
        """Before any bit is known."""
        rank = np.stack([np.maximum(n_values - 1, 0) // 2, n_values // 2])
        return cls(0, np.zeros(rank.shape, np.uint64), rank, np.stack([n_values] * 2))


def column_medians(
    shards: ShardedDataset, n_features: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The middle values, (2, d), whose mean is the median, and how many values columns have, (d,).

    Parameters
    ----------
    shards : ShardedDataset
        Of dense X (n, d), float32 or float64, NaN being no value.
    n_features : int

    Returns
    -------
    middle : ndarray of shape (2, d), float64
        NaN where a column has no value; equal where it has an odd number of them.
    n_values : ndarray of shape (d,), int64
    """
    width = _width(n_features, 0)
    start = Brackets.of_all(np.zeros(n_features, np.int64))
    counts = shards.map_reduce(count_inside, start, width)
    n_values = counts[0].sum(axis=-1)
    found = narrowed(Brackets.of_all(n_values), counts, width)
    while found.known < BITS and found.inside.max(initial=0) > FEW:
        width = _width(n_features, found.known)
        found = narrowed(found, shards.map_reduce(count_inside, found, width), width)
    keys = found.prefix
    if found.known < BITS:
        keys = _pick(shards.map_reduce(values_inside, found), found.rank)
    return np.where(n_values > 0, floats_of(keys), np.nan), n_values


def _width(n_features: int, known: int) -> int:
    """Bits to count by."""
    allowed = int(np.log2(MOST_COUNTS / (2 * max(n_features, 1))))
    return min(max(allowed, 4), 12, BITS - known)


def count_inside(shard: Shard, at: Brackets, width: int) -> Ranks:
    """Values with the known bits, by their next ones: (2, d, 2^width), or (1, ...) if one does."""
    one = bool((at.prefix[0] == at.prefix[1]).all())
    d = at.prefix.shape[1]
    counts = np.zeros((1 if one else 2, d << width), np.int64)
    for column, keys in _keys(shard.X):
        for own, prefix in zip(counts, at.prefix, strict=False):
            chosen, bits = _inside(column, keys, prefix, at.known)
            digit = (bits >> np.uint64(BITS - at.known - width)).astype(np.int64)
            digit &= (1 << width) - 1
            own += np.bincount((chosen << width) + digit, minlength=d << width)
    return counts.reshape(-1, d, 1 << width)


def values_inside(shard: Shard, at: Brackets) -> ColumnCounts:
    """The values with the known bits, as keys, and how often they are there: 2 d columns."""
    d = at.prefix.shape[1]
    found: list[list[Any]] = [[np.empty(0, np.uint64)] for _ in range(2 * d)]
    for column, keys in _keys(shard.X):
        for side, prefix in enumerate(at.prefix):
            chosen, bits = _inside(column, keys, prefix, at.known)
            for j in np.unique(chosen):
                found[side * d + j].append(bits[chosen == j])
    columns = [np.unique(np.concatenate(own), return_counts=True) for own in found]
    values, counts = zip(*columns, strict=True)
    return ColumnCounts(shard.n_rows, values, counts)


def narrowed(at: Brackets, counts: Ranks, width: int) -> Brackets:
    """The brackets with `width` more bits known."""
    counts = np.broadcast_to(counts, (2, *counts.shape[1:]))
    upto = counts.cumsum(axis=-1)
    digit = np.minimum((upto <= at.rank[..., None]).sum(axis=-1), counts.shape[-1] - 1)
    own = np.take_along_axis(counts, digit[..., None], -1)[..., 0]
    below = np.take_along_axis(upto, digit[..., None], -1)[..., 0] - own
    prefix = (at.prefix << np.uint64(width)) | digit.astype(np.uint64)
    return Brackets(at.known + width, prefix, at.rank - below, own)


def _keys(X: Any) -> Iterator[tuple[NDArray[np.intp], Keys]]:
    """Blocks of values: their columns and keys, NaN left out."""
    size = max(1, BLOCK // max(X.shape[1], 1))
    for start in range(0, len(X), size):
        B = np.asarray(X[start : start + size], np.float64)
        column = np.broadcast_to(np.arange(B.shape[1]), B.shape)
        there = ~np.isnan(B)
        whole = bool(there.all())
        yield (
            (column.ravel(), ordered_bits(B).ravel())
            if whole
            else (
                column[there],
                ordered_bits(B[there]),
            )
        )


def _inside(
    column: NDArray[np.intp], keys: Keys, prefix: Keys, known: int
) -> tuple[NDArray[np.intp], Keys]:
    """Those whose leading bits are their column's."""
    if known == 0:
        return column, keys
    chosen = np.flatnonzero(keys >> np.uint64(BITS - known) == prefix[column])
    return column[chosen], keys[chosen]


def _pick(found: ColumnCounts, rank: Ranks) -> Keys:
    """The key of each rank, (2, d); 0 where a column has none."""
    keys = np.zeros(rank.size, np.uint64)
    for at, (values, counts) in enumerate(zip(found.values, found.counts, strict=True)):
        if len(values):
            keys[at] = values[np.searchsorted(counts.cumsum(), rank.flat[at], side="right")]
    return keys.reshape(rank.shape)
