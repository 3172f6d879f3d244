# SPDX-License-Identifier: BSD-3-Clause
"""How the parameters of a descent travel: whole, rounded, or only those that moved most.

"float32": the point that shards start from, and where they came to, are rounded on the way; passes
are made, and means kept, in float64.

A share k / D, top-k with error feedback: shard j goes on from its own place, and sends of the way
from w to where it comes the k entries farthest from 0,

    w_j = passes from w + e_j,    sent_j = top_k(w_j - w),    e_j = w_j - w - sent_j,
    w <- w + sum_j m_j sent_j / sum_j m_j

(Stich, Cordonnier & Jaggi, 2018; Xie et al., 2020, for errors that are kept in w_j: added to moves
that end near an optimum of their own they would be moved again and again). What is owed, e_j, stays
with the shard, and so does w, which is told by what changed of it. Every `PERIOD` rounds shards
send all they owe and are told w as a whole: a lost worker's values are made again from there.

Cost: a round, of D numbers: "float32" 4 D bytes down and up; a share 8 k up and at most 8 m k down,
and a `PERIOD`-th of 8 D each, to and from each of m shards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from skdist.kernels.sgd_rules import Iterate
from skdist.solvers.descent import Descent, Position, Vector, iterate_of, packed
from skdist.solvers.pass_sums import PassSums, run_passes
from skdist.summaries import SparseMean, WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

PERIOD = 16


@dataclass(frozen=True, eq=False)
class Memory:
    """What a share of the parameters needs from round to round.

    Parameters
    ----------
    number : int
        Of the next round.
    move : SparseMean
        What the last one changed of the parameters, `packed`, in a row.
    carried : sequence or None
        What shards have kept; see `map_reduce_carrying`.
    """

    number: int = 0
    move: SparseMean = field(default_factory=SparseMean.empty)
    carried: Sequence[Any] | None = None


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
        begins = memory.number % PERIOD == 0
        ends = is_last or memory.number % PERIOD == PERIOD - 1
        told = Told(
            whole=w if begins else None,
            move=SparseMean.empty() if begins else memory.move,
            k=w.size if ends else ceil(share * w.size),
            eta=position.now.eta,
            n_features=position.now.W.shape[1],
            t=position.t,
            active=position.active,
        )
        sums, carried = shards.map_reduce_carrying(
            run_and_owe, None if begins else memory.carried, descent, told, done, self.passes,
            self.n_rows,
        )  # fmt: skip
        move = _of_problems(sums.sent, position.active, w.shape[1])
        there = move.added_to(w.ravel()).reshape(w.shape)
        mean = WeightedMean(sums.sent.weight, there)
        return replace(sums.rest, iterate=mean), Memory(memory.number + 1, move, carried)


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
class Told:
    """What shards are told of the parameters; whole, or what changed of them.

    Parameters
    ----------
    whole : ndarray of shape (P, c) or None
        `packed`.
    move : SparseMean
        Of those in a row.
    k : int
        Entries to send.
    eta, n_features, t, active : see `Position`
    """

    whole: Vector | None
    move: SparseMean
    k: int
    eta: Vector
    n_features: int
    t: float
    active: Any


@dataclass(frozen=True, eq=False)
class Owed:
    """What stays with a shard: the parameters that all have, (P, c), and its moves not sent."""

    w: Vector
    rest: Vector


@dataclass(frozen=True, eq=False)
class MoveSums:
    """What the passes over some shards came to; ``+`` field by field."""

    sent: SparseMean
    rest: PassSums  # without an iterate

    def __add__(self, other: MoveSums) -> MoveSums:
        return MoveSums(self.sent + other.sent, self.rest + other.rest)


def run_and_owe(
    shard: Shard, own: Owed | None, descent: Descent, told: Told, done: int, passes: int,
    n_rows: int,
) -> tuple[MoveSums, Owed]:  # fmt: skip
    """Pass over a shard, send the largest moves, and owe the rest."""
    if own is None:
        assert told.whole is not None  # shards without memory are told all
        own = Owed(told.whole, np.zeros_like(told.whole))
    w = told.move.added_to(own.w.ravel()).reshape(own.w.shape)
    now = iterate_of(w + own.rest, told.n_features, told.eta)
    position = Position(now, told.t, WeightedMean.empty(), told.active)
    sums = run_passes(shard, descent, position, done, passes, n_rows)
    move = (sums.iterate.mean - w).ravel()
    sent = SparseMean.largest(sums.iterate.weight, move, told.k)
    move[sent.index] -= sent.value
    rest = replace(sums, iterate=WeightedMean.empty())
    return MoveSums(sent, rest), Owed(w, move.reshape(w.shape))


def _of_problems(move: SparseMean, active: Any, n_columns: int) -> SparseMean:
    """Problems that are done do not move any more, whatever shards owe them."""
    moves = np.isin(move.index // n_columns, active)
    return replace(move, index=move.index[moves], value=move.value[moves])
