# SPDX-License-Identifier: BSD-3-Clause
"""Moves of which few entries travel, the rest being owed: top-k with error feedback.

Shard j goes on from its own place, and sends of the way from w to where it comes the k entries
farthest from 0,

    w_j = where j comes from w + e_j,    sent_j = top_k(w_j - w),    e_j = w_j - w - sent_j,
    w <- w + sum_j m_j sent_j / sum_j m_j

(Stich, Cordonnier & Jaggi, 2018; Xie et al., 2020, for errors that are kept in w_j: added to moves
that end near an optimum of their own they would be moved again and again). What is owed, e_j, stays
with the shard, and so does w, which is told by what changed of it. Every `PERIOD` rounds shards
send all they owe and are told w as a whole: a lost worker's values, and those of a fit that is
resumed, are made again from there.

Cost: a round, 8 k bytes up from each of m shards and at most 8 m k down to each; of `PERIOD` rounds
one tells D numbers, and one sends D.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.summaries import SparseMean, WeightedMean

Array = NDArray[Any]
PERIOD = 16
ENTRY = 8  # bytes: an index and a value


def bytes_of_rounds(whole: float, few: float) -> tuple[float, float]:
    """Bytes a round, and once, where a `PERIOD`-th of the rounds has all and others few entries.

    Parameters
    ----------
    whole : float
        Bytes of all.
    few : float
        Entries of other rounds.

    Returns
    -------
    a_round, once : float
        Once, since periods are begun and ended however few rounds there are: half of one.
    """
    return (whole + (PERIOD - 1) * ENTRY * few) / PERIOD, (whole - ENTRY * few) / 2


@dataclass(frozen=True, eq=False)
class Told:
    """What shards are told of w; whole, or what changed of it.

    Parameters
    ----------
    whole : ndarray of shape (D,) or None
    move : any
        What the last round changed, such as a `SparseMean`; None with `whole`.
    k : int or None
        Entries to send; None: all, and nothing is owed any more.
    among : int
        Of so many first ones.
    """

    whole: Array | None
    move: Any
    k: int | None
    among: int

    def sent(self, weight: float, w: Array, place: Array) -> tuple[Any, Array]:
        """What a shard that came from w to `place` sends, and what it owes; both are (D,).

        All is sent as the place, not as the way to it: what is never negative must not become so.
        """
        if self.k is None:
            return WeightedMean(weight, place), np.zeros_like(place)
        left = place - w
        if weight == 0.0:  # a mean would not hear of it
            return SparseMean.empty(), left
        sent = SparseMean.largest(weight, left[: self.among], self.k)
        left[sent.index] -= sent.value
        return sent, left

    def place(self, w: Array, sent: Any) -> Array:
        """Where shards come to together, who sent this."""
        place: Array = sent.added_to(w) if self.k is not None else sent.mean
        return place.astype(w.dtype, copy=False)


@dataclass(frozen=True, eq=False)
class Owed:
    """What stays with a shard: w as all have it, (D,), and its moves not sent."""

    w: Array
    rest: Array


@dataclass(frozen=True, eq=False)
class Memory:
    """What the driver needs from round to round.

    Parameters
    ----------
    number : int
        Of the next round, since all was sent.
    move : any
        What the last one changed.
    carried : sequence or None
        What shards have kept; see `map_reduce_carrying`.
    """

    number: int = 0
    move: Any = None
    carried: Sequence[Any] | None = None

    @property
    def begins(self) -> bool:
        """Whether shards owe nothing, and are told all."""
        return self.number == 0

    def tell(self, w: Array, share: float, is_last: bool, among: int | None = None) -> Told:
        """What shards are told in the next round, of w (D,).

        They send a `share` of the first `among` entries; all of all if it `is_last`, or the last
        of `PERIOD`.
        """
        among = w.size if among is None else among
        ends = is_last or self.number == PERIOD - 1
        return Told(
            w if self.begins else None, self.move, None if ends else ceil(share * among), among
        )

    def after(self, told: Told, move: Any, carried: Sequence[Any]) -> Memory:
        """After a round; one in which all was sent leaves nothing to remember."""
        return Memory() if told.k is None else Memory(self.number + 1, move, carried)


@dataclass(frozen=True, eq=False)
class MoveSums:
    """What some shards sent, and what else there is to say; ``+`` field by field."""

    sent: Any  # a `SparseMean`, or a `WeightedMean` of all
    rest: Any

    def __add__(self, other: MoveSums) -> MoveSums:
        return MoveSums(self.sent + other.sent, self.rest + other.rest)


def _added(w: Array, move: SparseMean) -> Array:
    return move.added_to(w)


def owed_before(
    own: Owed | None, told: Told, along: Callable[[Array, Any], Array] = _added
) -> Owed:
    """What a shard has when a round begins.

    Parameters
    ----------
    own : Owed or None
        What it kept of the last one.
    told : Told
    along : callable
        ``along(w, move) -> w`` as the last round left it; the move is added if this is not given.
    """
    if own is None:
        assert told.whole is not None  # shards without memory are told all
        return Owed(told.whole, np.zeros_like(told.whole))
    return Owed(along(own.w, told.move), own.rest)
