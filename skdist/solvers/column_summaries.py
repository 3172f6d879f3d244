# SPDX-License-Identifier: BSD-3-Clause
"""What shards say of their columns, in one round, to be added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.sparsefuncs import min_max_axis

from skdist.kernels.centred_products import centred_products, row_blocks
from skdist.kernels.column_sums import column_moments, column_ranges
from skdist.summaries import ColumnMoments, ColumnRanges, Moments, TriangularFactor

if TYPE_CHECKING:
    from skdist.sharding import Shard


def moments_of_columns(shard: Shard) -> ColumnMoments:
    """Weight, mean and squares of each column; NaN is no value."""
    return ColumnMoments(shard.n_rows, *column_moments(shard.X, shard.sample_weight))


def ranges_of_columns(shard: Shard) -> ColumnRanges:
    """Least and greatest value of each column; NaN is no value, a zero of sparse rows is one."""
    if shard.n_rows == 0:
        return ColumnRanges.empty(shard.X.shape[1], shard.X.dtype)
    if issparse(shard.X):
        return ColumnRanges(shard.n_rows, *min_max_axis(shard.X, axis=0, ignore_nan=True))
    return ColumnRanges(shard.n_rows, *column_ranges(shard.X))


def products_of_columns(shard: Shard) -> Moments:
    """Means, and sums of products about them, of all pairs of columns."""
    X = shard.X.tocsr() if issparse(shard.X) else shard.X
    return Moments(shard.n_rows, *centred_products(X, np.empty((shard.n_rows, 0))))


def factor_of_columns(shard: Shard) -> TriangularFactor:
    """The triangular factor of the centred rows, block by block."""
    X = shard.X.tocsr() if issparse(shard.X) else shard.X
    factor = TriangularFactor.empty(X.shape[1])
    for _, B in row_blocks(X, X.shape[1]):
        factor += TriangularFactor.of_rows(B)
    return factor
