# SPDX-License-Identifier: BSD-3-Clause
"""Steps along merged gradients of which few entries travel, and the rest is owed.

    sent_j = top_k(e_j + m G_j / B),   e_j <- e_j + m G_j / B - sent_j,   g = 1/m sum_j sent_j

G_j is the sum over the rows that shard j has of a batch of B; sums are kept by row, since batches
differ in rows. Shards are told g in place of the parameters, and take the step, too; see
`gradient_sync`, and `owed_moves` for what is told and sent when.

The step must be linear in the gradients (Zheng, Huang & Kwok, 2019), so that what comes late is
not lost: momentum is. Adam divides by the root of their squares, of which few entries say nothing.

Cost: a round a step, of k of D entries: 8 k bytes up from each of m shards, at most 8 m k down to
each; of every `PERIOD` rounds one tells parameters and momentum, and one sends all entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from skdist.solvers.gradient_sync import GradientSums, along_gradient, gradient_of
from skdist.solvers.local_steps import Steps
from skdist.solvers.network import Array, Network, State
from skdist.solvers.owed_moves import Memory, MoveSums, Owed, Told, owed_before
from skdist.summaries import SparseMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


@dataclass(frozen=True, eq=False)
class Stepped:
    """A step along few entries of a mean gradient, as shards are told of it.

    Parameters
    ----------
    gradient : SparseMean
        Of a row.
    n_rows : int
        Of the batch.
    weight : float
        Of the batch.
    rate : float
    t : int
    """

    gradient: SparseMean
    n_rows: int
    weight: float
    rate: float
    t: int


def owing_step(
    shards: ShardedDataset, network: Network, steps: Steps, state: State, starts: Sequence[int],
    batch: Array, memory: Memory, is_last: bool,
) -> tuple[Array, GradientSums, Memory]:  # fmt: skip
    """A step along few entries of the gradients of a batch, and what shards owed of them."""
    values, n_rows = state.values, len(batch)
    told = memory.tell(values.ravel(), steps.share, is_last, among=values.shape[1])
    found, carried = shards.map_reduce_carrying(
        gradient_and_owe, memory.carried, network, steps, told, shards.n_shards, starts, batch
    )
    gradient = told.place(np.zeros_like(values[0]), found.sent) * n_rows
    sums, values = replace(found.rest, gradient=gradient), values.copy()
    # What was owed is sent also where the batch has no weight.
    step = Stepped(found.sent, n_rows, sums.weight or float(n_rows), state.rate, state.t + 1)
    if not sums.diverged:
        along_gradient(network, steps, values, gradient, step.weight, step.rate, step.t)
    return values, sums, memory.after(told, step, carried)


def gradient_and_owe(
    shard: Shard, own: Owed | None, network: Network, steps: Steps, told: Told, n_shards: int,
    starts: Sequence[int], batch: Array,
) -> tuple[MoveSums, Owed]:  # fmt: skip
    """`gradient_of`, of which the largest entries are sent, and the rest is owed."""
    n_parameters = network.layers.n_parameters
    nothing = np.zeros(n_parameters, shard.X.dtype)

    def along(w: Array, step: Stepped) -> Array:
        values, gradient = w.copy().reshape(-1, n_parameters), step.gradient.added_to(nothing)
        gradient *= step.n_rows
        along_gradient(network, steps, values, gradient, step.weight, step.rate, step.t)
        return values.ravel()

    before = owed_before(own, told, along)
    sums = gradient_of(shard, network, before.w[:n_parameters], starts, batch)
    place = before.rest[:n_parameters] + n_shards / len(batch) * sums.gradient
    sent, left = told.sent(1.0, nothing, place)
    without = replace(sums, gradient=nothing[:0])
    return MoveSums(sent, without), Owed(before.w, left)
