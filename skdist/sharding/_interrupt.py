# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C that cannot get lost.

Python raises ``KeyboardInterrupt`` wherever the main thread happens to be. Inside a finaliser, as
of Dask's futures when a round lets go of them, an exception has nobody to reach: it is shown to
`sys.unraisablehook` and dropped, and the fit would go on for hours.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class LostInterrupt:
    """A Ctrl-C that a finaliser has swallowed, until it is raised again."""

    is_there: bool = False

    def raise_again(self) -> None:
        """Raise ``KeyboardInterrupt`` if one was lost."""
        if self.is_there:
            self.is_there = False
            raise KeyboardInterrupt


@contextmanager
def lost_interrupts() -> Iterator[LostInterrupt]:
    """Watch for a Ctrl-C that is lost inside, where signals arrive: in the main thread."""
    lost = LostInterrupt()
    if threading.current_thread() is not threading.main_thread():
        yield lost
        return
    before = sys.unraisablehook

    def keep_interrupt(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            lost.is_there = True
        else:
            before(unraisable)

    sys.unraisablehook = keep_interrupt
    try:
        yield lost
    finally:
        sys.unraisablehook = before
