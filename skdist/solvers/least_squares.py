# SPDX-License-Identifier: BSD-3-Clause
"""Least squares in one round of merged moments, or two.

    (xx, xy, x_mean, y_mean) = sum over shards of moments          (Chan's merge)
    w = (xx + alpha I)^-1 xy,    b = y_mean - x_mean' w

Exact, and the same however rows were cut. Where the moments are too ill-conditioned, a second
round merges the triangular factors of the shards, in which nothing was squared (TSQR).

Cost: one round, n d^2 flops and 8 d (d + T) bytes up per shard; with TSQR one more, 2 n (d + T)^2
flops and 8 (d + T)^2 bytes.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.centred_products import centred_products, row_blocks
from skdist.solvers.normal_equations import (
    LeastSquaresProblem,
    LeastSquaresSums,
    LinearSolution,
    is_well_conditioned,
    solve_by_factor,
    solve_by_moments,
)
from skdist.summaries import Moments, TriangularFactor

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

Array = NDArray[np.float64]

# Features from which summaries, 8 d^2 bytes each, are merged on the workers.
WIDE = 512


def least_squares(
    shards: ShardedDataset, n_features: int, problem: LeastSquaresProblem, n_classes: int = 0
) -> tuple[LinearSolution, LeastSquaresSums]:
    """The minimum over all rows, and the sums that tell it.

    Parameters
    ----------
    shards : ShardedDataset
        X (n, d) dense or CSR; y (n,) or (n, T) float64; sample_weight (n,) or None.
    n_features : int
    problem : LeastSquaresProblem
    n_classes : int, default=0
        0: y are targets. Else y are numbers of classes, and the targets are 1 for the row's class
        and -1 for each other; with two classes there is one target, 1 for the second.

    Returns
    -------
    solution : LinearSolution
    sums : LeastSquaresSums
        ``+`` of those of two data sets, solved, is the solution for both together.
    """
    sums = LeastSquaresSums(merged_moments(shards, n_features, n_classes))
    found = solve_by_moments(sums.moments, problem)
    if found is None and not is_well_conditioned(sums.moments):
        factor = merged_products(shards, n_features, shard_factor, n_classes)
        sums = LeastSquaresSums(sums.moments, factor)
    return solve_by_factor(sums, problem) if found is None else found, sums


def merged_moments(shards: ShardedDataset, n_features: int, n_classes: int = 0) -> Moments:
    """The moments of all rows; one round."""
    moments: Moments = merged_products(shards, n_features, shard_moments, n_classes)
    return moments


def merged_products(
    shards: ShardedDataset, n_features: int, summarize: Any, *broadcast: Any
) -> Any:
    """What shards sum up to, of 8 d^2 bytes each: merged on the workers where that is much."""
    if n_features < WIDE:
        return shards.map_reduce(summarize, *broadcast)
    return shards.map_tree_reduce(summarize, *broadcast, merge=operator.add)


def shard_moments(shard: Shard, n_classes: int) -> Moments:
    """The moments of one shard."""
    Y = targets_of(shard, n_classes)
    return Moments(shard.n_rows, *centred_products(shard.X, Y, shard.sample_weight))


def shard_factor(shard: Shard, n_classes: int) -> TriangularFactor:
    """The triangular factor of the features and targets of one shard, block by block."""
    Y, weight = targets_of(shard, n_classes), shard.sample_weight
    factor = TriangularFactor.empty(shard.X.shape[1] + Y.shape[1])
    for rows, B in row_blocks(shard.X, shard.X.shape[1]):
        own = None if weight is None else weight[rows]
        factor += TriangularFactor.of_rows(np.hstack([B, Y[rows]]), own)
    return factor


def targets_of(shard: Shard, n_classes: int) -> Array:
    """Targets (n, T); of classes, 1 for the row's own and -1 for the others."""
    y: Array = shard.y
    if n_classes == 0:
        return y[:, None] if y.ndim == 1 else y
    if n_classes <= 2:
        return 2.0 * y[:, None] - 1.0
    Y = np.full((shard.n_rows, n_classes), -1.0)
    Y[np.arange(shard.n_rows), y.astype(np.intp)] = 1.0
    return Y
