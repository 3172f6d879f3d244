# SPDX-License-Identifier: BSD-3-Clause
"""Rounds that go on without shards that are late: who is waited for, and what is said of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from skdist.sharding._stragglers import QuorumMet

if TYPE_CHECKING:
    from skdist.sharding._executors import Wave


@dataclass(frozen=True)
class Late:
    """A round that went on without some shards.

    Parameters
    ----------
    round : int
    shards : tuple of int
        Those that were late.
    n_used, n_rows : int
        Rows of the others, and of all.
    """

    round: int
    shards: tuple[int, ...]
    n_used: int
    n_rows: int

    @classmethod
    def of(cls, round: int, shards: Sequence[int], rows: Sequence[range]) -> "Late":
        """Of shards that have these rows."""
        n_rows = sum(map(len, rows))
        return cls(round, tuple(shards), n_rows - sum(len(rows[k]) for k in shards), n_rows)

    def __str__(self) -> str:
        which = ", ".join(map(str, self.shards))
        return (
            f"Round {self.round} went on with {self.n_used:,} of {self.n_rows:,} rows, without "
            f"shards {which}."
        )


def results_of_most(
    run: "Callable[[Wave, Callable[[int, Any], None]], list[Any]]",
    wave: "Wave",
    rows: Sequence[range],
    quorum: float,
) -> list[Any]:
    """The results of a wave; None of shards that are late, if `quorum` of the rows is there.

    Parameters
    ----------
    run : callable
        ``run(wave, look) -> results``, which calls ``look(k, result)`` as results come.
    wave : Wave
        A task per shard, whose results are not None.
    rows : sequence of range
        Those of the shards.
    quorum : float
        A share.
    """
    found: dict[int, Any] = {}
    n_rows = sum(map(len, rows))

    def is_enough() -> bool:
        return sum(len(rows[k]) for k in found) >= quorum * n_rows

    try:
        return run(replace(wave, is_enough=is_enough), found.__setitem__)
    except QuorumMet:
        return [found.get(k) for k in range(len(rows))]
