# SPDX-License-Identifier: BSD-3-Clause
"""Shards that are placed go from workers that turn out slow to others.

Shards are placed before anybody knows how fast workers are. Every round tells: with seconds t_k of
shard k of n_k rows at worker w(k), and the slowness s_w = sum t_k / sum n_k over its shards,

    the round took max_w T_w, T_w = sum of t_k at w;  shard k would take s_v / s_w(k) t_k at v

What a better placement would have saved adds up from round to round. When it exceeds what moving
costs, shards are moved: never more than twice as much is lost as by who knew the speeds, and
the length of the fit, from the beginning (as of skis that are rented before they are bought). What
shards answer, and the tree in which that is merged, do not depend on where they are.

A round counts if the same worker was last in the one before it: a first task loads code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

WORTH = 0.75  # a placement is better if it takes at most this share of the time
BANDWIDTH, A_MOVE = 1e8, 0.02  # nominal bytes a second between workers; seconds besides


class Took(NamedTuple):
    """A shard in a round."""

    piece: Any
    worker: str
    seconds: float
    rows: int


class Move(NamedTuple):
    """A shard that is to go elsewhere."""

    piece: Any
    to: str


@dataclass(eq=False)
class Balance:
    """What has been lost to slow workers since shards were last moved, in seconds."""

    lost: float = field(default=0.0)
    _last: str = field(default="")

    def after(
        self,
        took: Sequence[Took],
        slots: Callable[[], Mapping[str, int]],
        sizes: Callable[[Sequence[Any]], float],
    ) -> list[Move]:
        """The shards to move after a round, if any.

        Parameters
        ----------
        took : sequence of Took
            All shards of a round.
        slots : callable
            ``slots() -> {worker: tasks at once}``; is asked only when something was lost.
        sizes : callable
            ``sizes(pieces) -> bytes``; is asked only when moving may pay.
        """
        if not self._is_last_again(took):
            return []
        moves, saved = better(took, slots())
        if not moves:
            return []
        self.lost += saved
        if self.lost <= A_MOVE * len(moves):
            return []
        if self.lost <= A_MOVE * len(moves) + sizes([m.piece for m in moves]) / BANDWIDTH:
            return []
        self.lost = 0.0
        return moves

    def _is_last_again(self, took: Sequence[Took]) -> bool:
        """Whether one worker is far behind others, as before: cheap, being asked every round."""
        busy: dict[str, float] = {}
        for one in took:
            busy[one.worker] = busy.get(one.worker, 0.0) + one.seconds
        last = max(busy, key=lambda w: busy[w], default="")
        before, self._last = self._last, last
        alone = len(busy) == 1
        return last == before != "" and (alone or min(busy.values()) < WORTH * busy[last])


def better(took: Sequence[Took], slots: Mapping[str, int]) -> tuple[list[Move], float]:
    """Moves that shorten a round, and by how many seconds; none, unless that is much.

    Shards go one by one from who is last to who would be done first with it, while that helps.
    """
    at = {k: one.worker for k, one in enumerate(took)}
    slow = slowness(took, slots)
    if not set(at.values()) <= set(slots):  # a worker is gone: what it had is made elsewhere anyway
        return [], 0.0
    seconds = [{w: one.seconds * slow[w] / slow[one.worker] for w in slots} for one in took]
    busy = {w: sum(seconds[k][w] for k in at if at[k] == w) / slots[w] for w in slots}
    before = max(busy.values())
    while True:
        last = max(busy, key=lambda w: busy[w])
        own = [k for k in at if at[k] == last]
        found = [
            (busy[w] + seconds[k][w] / slots[w], k, w) for k in own for w in slots if w != last
        ]
        then, k, w = min(found, default=(busy[last], -1, last))
        if then >= busy[last]:
            break
        busy[last] -= seconds[k][last] / slots[last]
        busy[w], at[k] = then, w
    saved = before - max(busy.values())
    if max(busy.values()) > WORTH * before:
        return [], 0.0
    return [Move(took[k].piece, w) for k, w in at.items() if w != took[k].worker], saved


def slowness(took: Sequence[Took], slots: Mapping[str, int]) -> dict[str, float]:
    """Seconds a row of every worker; of one that had no shards the median of the others."""
    found = {}
    for w in slots:
        own = [one for one in took if one.worker == w]
        if own:
            rows = sum(one.rows for one in own)
            found[w] = max(sum(one.seconds for one in own), 1e-9) / max(rows, 1)
    usual = median(found.values()) if found else 1.0
    return {w: found.get(w, usual) for w in slots}
