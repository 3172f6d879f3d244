# SPDX-License-Identifier: BSD-3-Clause
"""How the parameters of a descent travel: whole, rounded, or only those that moved most.

"float32": the point that shards start from, and where they came to, are rounded on the way; passes
are made, and means kept, in float64.

A share k / D: top-k with error feedback, see `owed_moves`.

Cost: a round, of D numbers: "float32" 4 D bytes down and up; a share 8 k up and at most 8 m k down,
and a `PERIOD`-th of 8 D each, to and from each of m shards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skdist.kernels.sgd_rules import Iterate
from skdist.solvers.descent import Descent, Position, Vector, iterate_of, packed
from skdist.solvers.owed_moves import (
    Memory,
    MoveSums,
    Owed,
    Told,
    owed_before,
)
from skdist.solvers.pass_sums import PassSums, run_passes
from skdist.summaries import SparseMean, WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


@dataclass(frozen=True)
class Messages:
    """A round of passes over the shards, parameters travelling as `wire` says.

    Parameters
    ----------
    wire : {"exact", "float32"} or float in (0, 1)
    passes : int
        Over a shard.
    n_rows : int
        Of all shards.
    """

    wire: str | float
    passes: int
    n_rows: int

    @property
    def are_few(self) -> bool:
        """Whether shards send some of their parameters only."""
        return isinstance(self.wire, float)

    @property
    def told_as(self) -> type:
        """The dtype in which parameters travel."""
        return np.float32 if self.wire == "float32" else np.float64

    def round(
        self, shards: ShardedDataset, descent: Descent, position: Position, done: int,
        is_last: bool, memory: Memory,
    ) -> tuple[PassSums, Memory]:  # fmt: skip
        """After `done` passes."""
        if isinstance(self.wire, float):
            return self._few(shards, descent, position, done, is_last, memory, self.wire)
        told = replace(position, average=WeightedMean.empty())  # of which no shard asks
        ran: Callable[..., PassSums] = run_passes
        if self.told_as is np.float32:
            now = Iterate(*(part.astype(np.float32) for part in position.now))
            told, ran = replace(told, now=now), run_rounded
        summed = shards.map_reduce if is_last else shards.map_reduce_of_most
        return summed(ran, descent, told, done, self.passes, self.n_rows), memory

    def _few(
        self, shards: ShardedDataset, descent: Descent, position: Position, done: int,
        is_last: bool, memory: Memory, share: float,
    ) -> tuple[PassSums, Memory]:  # fmt: skip
        w = packed(position.now)
        told = memory.tell(w.ravel(), share, is_last)
        start = Start(position.now.eta, position.now.W.shape, position.t, position.active)
        sums, carried = shards.map_reduce_carrying(
            run_and_owe, memory.carried, descent, told, start, done, self.passes, self.n_rows
        )
        sent = sums.sent
        if told.k is not None:
            sent = _of_problems(sent, position.active, w.shape[1])
        mean = WeightedMean(sent.weight, told.place(w.ravel(), sent).reshape(w.shape))
        return replace(sums.rest, iterate=mean), memory.after(told, sent, carried)


def run_rounded(
    shard: Shard, descent: Descent, told: Position, done: int, passes: int, n_rows: int
) -> PassSums:
    """`run_passes` from a rounded position, to one."""
    now = Iterate(*(part.astype(np.float64) for part in told.now))
    sums = run_passes(shard, descent, replace(told, now=now), done, passes, n_rows)
    return replace(sums, iterate=_rounded(sums.iterate), average=_rounded(sums.average))


def _rounded(mean: WeightedMean) -> WeightedMean:
    with np.errstate(over="ignore"):
        return replace(mean, mean=mean.mean.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Start:
    """Where passes start, but for the parameters; see `Position`.

    `shape` is that of W.
    """

    eta: Vector
    shape: tuple[int, ...]
    t: float
    active: Any


def run_and_owe(
    shard: Shard, own: Owed | None, descent: Descent, told: Told, start: Start, done: int,
    passes: int, n_rows: int,
) -> tuple[MoveSums, Owed]:  # fmt: skip
    """Pass over a shard, send the largest moves, and owe the rest."""
    before, (n_problems, d) = owed_before(own, told), start.shape
    now = iterate_of((before.w + before.rest).reshape(n_problems, -1), d, start.eta)
    position = Position(now, start.t, WeightedMean.empty(), start.active)
    sums = run_passes(shard, descent, position, done, passes, n_rows)
    sent, left = told.sent(sums.iterate.weight, before.w, sums.iterate.mean.ravel())
    return MoveSums(sent, replace(sums, iterate=WeightedMean.empty())), Owed(before.w, left)


def _of_problems(move: SparseMean, active: Any, n_columns: int) -> SparseMean:
    """Problems that are done do not move any more, whatever shards owe them."""
    moves = np.isin(move.index // n_columns, active)
    return replace(move, index=move.index[moves], value=move.value[moves])
