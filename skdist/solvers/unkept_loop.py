# SPDX-License-Identifier: BSD-3-Clause
"""What a solver's loop keeps where nobody can go on from it: nothing."""

from __future__ import annotations

from typing import TypeVar

S = TypeVar("S")


class UnkeptLoop:
    """In place of the loop of a :class:`skdist.sharding.ShardedDataset`."""

    def latest(self, start: S) -> S:
        """Where to begin: at the start."""
        return start

    def keep(self, state: object, *, last: bool = False) -> None:
        """Forget it."""
