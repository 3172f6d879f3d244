# SPDX-License-Identifier: BSD-3-Clause
"""What tasks that share a process need not make again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

MEGABYTE = 1 << 20


class Sized(Protocol):
    """What tells how large it is."""

    @property
    def nbytes(self) -> int:
        """Memory of all its arrays."""


T = TypeVar("T", bound=Sized)


class Memo:
    """Arrays that tasks of this process share, up to so many megabytes."""

    def __init__(self, megabytes: float):
        self._room = megabytes * MEGABYTE
        self._known: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Who receives a copy would fill it for nothing: the next task gets another copy.
        return Memo, (0.0,)

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """What was made for the key, or is now, of so many `nbytes`.

        Two threads may make the same: they make equal things, and one of them is kept.
        """
        if key in self._known:
            return self._known[key]  # type: ignore[no-any-return]
        value = make()
        if value.nbytes <= self._room:
            self._room -= value.nbytes
            self._known[key] = value
        return value
