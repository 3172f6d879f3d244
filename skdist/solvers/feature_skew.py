# SPDX-License-Identifier: BSD-3-Clause
"""How unlike in their features shards are, of a sample of rows and columns.

    skew[k] = max over columns j of |mean_kj - mean_j| / deviation_j - 4 / sqrt(n_k)

The last term is what the largest of a thousand columns may differ by chance. Cost: one round; at
most 4,096 rows of a shard are looked at, and 1,024 columns: 32 KB up from each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from skdist.kernels.column_sums import column_moments
from skdist.summaries import ColumnMoments

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

MOST_ROWS, MOST_COLUMNS = 4_096, 1_024
BY_CHANCE = 4.0


def feature_skews(shards: ShardedDataset) -> list[float]:
    """The skew of each shard; 0 of shards without rows."""
    return skews_of(shards.map(moments_of_sample))


def moments_of_sample(shard: Shard) -> ColumnMoments:
    """Of some rows and columns, evenly spaced; NaN is no value."""
    X: Any = shard.X[:: max(1, -(-shard.n_rows // MOST_ROWS))]
    X = X[:, :: max(1, -(-X.shape[1] // MOST_COLUMNS))]
    with np.errstate(over="ignore"):  # of values whose squares are none, nothing is known
        return ColumnMoments(X.shape[0], *column_moments(X))


def skews_of(moments: Sequence[ColumnMoments]) -> list[float]:
    """The skews of shards with these moments; 0 where these are no numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _skews_of(moments)


def _skews_of(moments: Sequence[ColumnMoments]) -> list[float]:
    everything = reduce(add, moments)
    deviation = np.sqrt(everything.squares / np.maximum(everything.weight, 1.0))
    varies = deviation > 0.0
    found = []
    for own in moments:
        known = varies & (own.weight > 0.0)
        if not known.any():
            found.append(0.0)
            continue
        apart = np.abs(own.mean - everything.mean)[known] / deviation[known]
        by_chance = BY_CHANCE / np.sqrt(own.weight[known])
        found.append(float(max(0.0, np.max(apart - by_chance))))
    return found
