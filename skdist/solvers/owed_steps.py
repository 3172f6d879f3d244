# SPDX-License-Identifier: BSD-3-Clause
"""Local steps after which shards send few entries of their moves, and owe the rest.

See `local_steps`, and `owed_moves` for what is sent. Moments are not: they stay with their shards,
each entry beside the parameter that it moves, and become their mean when all is sent.

Cost: a round, of k of D parameters: 8 k bytes up from each of m shards, at most 8 m k down to each;
of every `PERIOD` rounds one tells all, and one sends all, moments included.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skdist.solvers.local_steps import Steps, StepSums, take_steps
from skdist.solvers.network import Network, State
from skdist.solvers.owed_moves import Memory, MoveSums, Owed, Told, owed_before
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


def owing_round(
    shards: ShardedDataset, network: Network, steps: Steps, state: State, n_pass: int, first: int,
    memory: Memory, is_last: bool,
) -> tuple[State, StepSums, Memory]:  # fmt: skip
    """`local_round`, after which shards send a share of their moves, and all in the last one."""
    values, n_steps = state.values, min(steps.local_steps, steps.per_pass - first)
    told = memory.tell(values.ravel(), steps.share, is_last, among=values.shape[1])
    sums, carried = shards.map_reduce_carrying(
        step_and_owe, memory.carried, network, steps, told, replace(state, values=values[:, :0]),
        n_pass, first, n_steps,
    )  # fmt: skip
    there = told.place(values.ravel(), sums.sent).reshape(values.shape)
    after = replace(state, values=there, t=state.t + n_steps)
    return after, sums.rest, memory.after(told, sums.sent, carried)


def step_and_owe(
    shard: Shard, own: Owed | None, network: Network, steps: Steps, told: Told, state: State,
    n_pass: int, first: int, n_steps: int,
) -> tuple[MoveSums, Owed]:  # fmt: skip
    """Steps from a shard's own place; the largest moves are sent, the rest is owed.

    The values of `state` are those that are told; it has their rows alone, (1 + n_moments, 0).
    """
    before = owed_before(own, told)
    here = replace(state, values=(before.w + before.rest).reshape(len(state.values), -1))
    with np.errstate(all="ignore"):  # the sums tell
        sums = take_steps(shard, network, steps, here, n_pass, first, n_steps, None)
        sent, left = told.sent(sums.place.weight, before.w, sums.place.mean.ravel())
    return MoveSums(sent, replace(sums, place=WeightedMean.empty())), Owed(before.w, left)
