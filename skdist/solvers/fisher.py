# SPDX-License-Identifier: BSD-3-Clause
"""The diagonal of Fisher's information of a network: how sure rows are of each parameter.

    F = sum_i s_i (d loss_i / dw)^2,        merged  w = sum_j F_j w_j / sum_j F_j

(Matena & Raffel, "Merging models with Fisher-weighted averaging", 2022.)

Cost: one round, a pass over the rows; D numbers per shard down and up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skdist.kernels.mlp_passes import room_for, square_sums
from skdist.solvers.network import Array, Network

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

ROWS = 1_024  # at a time


def fisher_sums(shards: ShardedDataset, network: Network, w: Array) -> Array:
    """Sums over all rows of their squared gradients at w, (D,) float64."""
    total: Array = shards.map_reduce(squares_of, network, w)
    return total


def squares_of(shard: Shard, network: Network, w: Array) -> Array:
    """Those of a shard."""
    n, total = shard.X.shape[0], np.zeros(len(w))
    room = room_for(network.layers, w, min(n, ROWS), picks_dense=False)
    for start in range(0, n, ROWS):
        rows = slice(start, start + ROWS)
        weight = None if shard.sample_weight is None else shard.sample_weight[rows]
        y = network.targets(shard.y[rows])
        total += square_sums(network.layers, room, network.inputs(shard.X[rows]), y, weight)
    return total
