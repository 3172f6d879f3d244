# SPDX-License-Identifier: BSD-3-Clause
"""What solvers ask of shards, round by round, and an account of it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Shards(Protocol):
    """What solvers ask of :class:`skdist.sharding.ShardedDataset`."""

    def map_reduce(
        self,
        summarize: Callable[..., Any],
        *broadcast: Any,
        merge: Callable[[Any, Any], Any] = operator.add,
    ) -> Any:
        """Merge ``summarize(shard, *broadcast)`` over the shards: one round."""

    def note(self, state: Any = None, **values: float) -> None:
        """Say where the solver stands, to whoever watches."""

    @property
    def time_is_up(self) -> bool:
        """Whether to end with what there is."""

    @property
    def may_leave_out(self) -> bool:
        """Whether rounds may go on without shards that are late.

        If so they have what `Spared` has, too.
        """


class Spared(Shards, Protocol):
    """Shards of which some may be late."""

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """``function(shard, *broadcast)`` of all shards."""

    def map_of_most(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """The same, None of shards that are late."""

    def fold(self, values: Sequence[Any], merge: Callable[[Any, Any], Any] = operator.add) -> Any:
        """A value of each shard, merged as `map_reduce` merges."""


@dataclass(frozen=True)
class Step:
    """Where a solver was after a round.

    Parameters
    ----------
    round : int
        Rounds of this fit so far.
    value : float
        F.
    bound : float
        Upper bound of F - min F; inf where there is none yet.
    bytes_up : int
        What each shard has sent so far.
    """

    round: int
    value: float
    bound: float
    bytes_up: int


@dataclass
class Rounds:
    """Shards, and an account of what they were asked."""

    shards: Shards
    count: int = 0
    bytes_up: int = 0

    def map_reduce(
        self,
        summarize: Callable[..., Any],
        *broadcast: Any,
        merge: Callable[[Any, Any], Any] = operator.add,
    ) -> Any:
        """That of the shards, counted."""
        merged = self.shards.map_reduce(summarize, *broadcast, merge=merge)
        self.count += 1
        self.bytes_up += merged.nbytes
        return merged

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """That of shards some of which may be late, counted."""
        return self._counted(cast(Spared, self.shards).map(function, *broadcast))

    def map_of_most(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """The same, None of shards that are late."""
        return self._counted(cast(Spared, self.shards).map_of_most(function, *broadcast))

    def fold(self, values: Sequence[Any], merge: Callable[[Any, Any], Any] = operator.add) -> Any:
        """That of the shards."""
        return cast(Spared, self.shards).fold(values, merge)

    def _counted(self, answers: list[Any]) -> list[Any]:
        self.count += 1
        self.bytes_up += max(answer.nbytes for answer in answers if answer is not None)
        return answers

    def note(self, state: Any = None, **values: float) -> None:
        """That of the shards."""
        self.shards.note(state, **values)

    @property
    def time_is_up(self) -> bool:
        """That of the shards."""
        return self.shards.time_is_up

    @property
    def may_leave_out(self) -> bool:
        """That of the shards."""
        return self.shards.may_leave_out

    def step(self, value: float, bound: float, w: Floats | None = None) -> Step:
        """F and its bound now, at w (K, p) where that is at hand; whoever watches is told."""
        known = {"certificate": bound} if np.isfinite(bound) else {}
        self.shards.note(w, objective=value, **known)
        return Step(self.count, value, bound, self.bytes_up)
