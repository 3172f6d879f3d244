# SPDX-License-Identifier: BSD-3-Clause
"""What a shard does in a round of stochastic gradient descent: passes over its own rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skdist.kernels.compiling import read_only
from skdist.kernels.sgd_dense import dense_pass
from skdist.kernels.sgd_rules import Iterate, shuffled
from skdist.kernels.sgd_sparse import sparse_pass
from skdist.solvers.descent import Descent, Position, Vector, on_rows, packed
from skdist.solvers.held_out import training_rows
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard


@dataclass(frozen=True, eq=False)
class PassSums:
    """What the passes over some shards came to; ``+`` field by field."""

    iterate: WeightedMean  # see `packed`; by the weight of the rows
    motion: WeightedMean  # (P,) |D_j|^2; by the weight of the rows
    loss: WeightedMean  # (P,) by the number of rows
    average: WeightedMean  # (P, d + 1), of the iterates on the way; by their number

    def __add__(self, other: PassSums) -> PassSums:
        return PassSums(
            self.iterate + other.iterate,
            self.motion + other.motion,
            self.loss + other.loss,
            self.average + other.average,
        )


def run_passes(
    shard: Shard, descent: Descent, position: Position, done: int, passes: int, n_rows: int
) -> PassSums:
    """Pass over a shard from the position that all shards start from."""
    rows = training_rows(shard, descent)
    now, n_own = Iterate(*(a.copy() for a in position.now)), max(len(rows), 1)
    losses, average = np.zeros(len(now.b)), WeightedMean.empty()
    active = read_only(position.active)
    for n_pass in range(done, done + passes):
        order = rows
        if descent.run:
            order = shuffled(rows, descent.run, descent.seed, n_pass, shard.index)
        t = position.t + (n_pass - done) * n_rows
        met, total, count = on_rows(
            dense_pass, sparse_pass, shard, order, descent, active, now, t, n_rows / n_own
        )
        losses += met / (n_own * passes)
        if count:  # else nothing is averaged, and nothing need travel
            average += WeightedMean(float(count), total / count)
        _check_finite(now, n_pass + 1)
    weight = len(rows) if shard.sample_weight is None else shard.sample_weight[rows].sum()
    return PassSums(
        WeightedMean(float(weight), packed(now)),
        WeightedMean(float(weight), squares(now, position.now)),
        WeightedMean(float(len(rows)), losses),
        average,
    )


def _check_finite(now: Iterate, n_pass: int) -> None:
    if not (np.isfinite(now.W).all() and np.isfinite(now.b).all()):
        raise ValueError(
            f"Floating-point under-/overflow occurred at epoch #{n_pass}. Scaling input data with "
            "StandardScaler or MinMaxScaler might help."
        )


def squares(now: Iterate, start: Iterate) -> Vector:
    """Squared distance of two iterates, (P,)."""
    with np.errstate(over="ignore"):
        return np.asarray(np.square(now.W - start.W).sum(axis=1) + np.square(now.b - start.b))
