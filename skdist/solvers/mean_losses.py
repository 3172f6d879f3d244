# SPDX-License-Identifier: BSD-3-Clause
"""The losses at several places, in one pass over the rows.

Cost: one round; at G places of P problems, G P (d + 1) numbers a shard down and 2 G P up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skdist.kernels.compiling import read_only
from skdist.kernels.sgd_dense import dense_losses
from skdist.kernels.sgd_sparse import sparse_losses
from skdist.solvers.descent import Descent, Vector, on_rows
from skdist.solvers.held_out import training_rows
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


def mean_losses(
    shards: ShardedDataset, descent: Descent, W: Vector, b: Vector
) -> tuple[Vector, Vector]:
    """Means over the training rows of the weighted losses, and of the losses.

    Parameters
    ----------
    shards : ShardedDataset
    descent : Descent
    W, b : ndarray of shape (G, P, d) and (G, P), float64, or float32 to travel in fewer bytes
        P problems' parameters at G places.

    Returns
    -------
    weighted, plain : ndarray of shape (G, P)
    """
    both = shards.map_reduce(_mean_losses, descent, W, b).mean
    return both[0], both[1]


def _mean_losses(shard: Shard, descent: Descent, W: Vector, b: Vector) -> WeightedMean:
    rows, problems = training_rows(shard, descent), descent.problems
    of_classes = np.concatenate([problems.positive_weight, problems.negative_weight])
    weighs = shard.sample_weight is not None or bool((of_classes != 1.0).any())
    places = (read_only(np.ascontiguousarray(part, np.float64)) for part in (W, b))
    sums = on_rows(dense_losses, sparse_losses, shard, rows, descent, *places, weighs)
    return WeightedMean(float(len(rows)), np.array(sums) / max(len(rows), 1))
