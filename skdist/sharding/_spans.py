# SPDX-License-Identifier: BSD-3-Clause
"""What a task took, measured where it runs."""

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Two looks at the memory of a process are at least so many seconds apart: tasks of microseconds
# are not to pay for it.
_BETWEEN_LOOKS = 0.01
_SHORT = 1e-3
_STATM = "/proc/self/statm"
_HAS_STATM = os.path.exists(_STATM)
_PAGE = os.sysconf("SC_PAGE_SIZE") if _HAS_STATM else 0
_HIGH_UNIT = 1024 if _HAS_STATM else 1  # Linux counts KiB, macOS bytes


class Span(NamedTuple):
    """A task on the clock of the process that ran it.

    Parameters
    ----------
    worker : str
        Of whom: a thread, ``pid@host``, or the address of a Dask worker.
    start, stop : float
        Seconds of that process's ``time.perf_counter``.
    cpu : float or None
        Seconds of processor that the task's thread used; None where the task that this process
        ran before took less than a millisecond.
    peak_memory : int
        See :func:`peak_memory`.
    """

    worker: str
    start: float
    stop: float
    cpu: float | None
    peak_memory: int


def timed(worker: str, function: Callable[..., Any], *args: Any) -> tuple[Any, Span]:
    """``function(*args)``, and what it took."""
    if not _state.looked_at:
        peak_memory(time.perf_counter())
    # The clock of the processor takes a microsecond, which is much where rounds are of nothing.
    cpu: float | None
    if _state.tasks_are_short:
        start = time.perf_counter()
        value = function(*args)
        stop, cpu = time.perf_counter(), None
    else:
        start, before = time.perf_counter(), time.thread_time()
        value = function(*args)
        cpu, stop = time.thread_time() - before, time.perf_counter()
    _state.tasks_are_short = stop - start < _SHORT
    peak = _state.peak if stop - _state.looked_at < _BETWEEN_LOOKS else peak_memory(stop)
    return value, Span(worker, start, stop, cpu, peak)


def this_thread() -> str:
    """A worker that is a thread of the driver."""
    return threading.current_thread().name


@cache
def this_process() -> str:
    """A worker that is a process: ``pid@host``."""
    return f"{os.getpid()}@{socket.gethostname()}"


@dataclass
class _State:
    looked_at: float = 0.0
    high: int = 0
    peak: int = 0
    tasks_are_short: bool = False


_state = _State()


def peak_memory(now: float) -> int:
    """Bytes that this process held, at most, since it was looked at before.

    The operating system knows the highest there ever was. Where that rose since, it is the peak;
    where it did not, an earlier peak hides what happened since, and what is held now is told. 0
    where the system does not say. `now` is ``time.perf_counter()``.
    """
    if now - _state.looked_at >= _BETWEEN_LOOKS:
        first, high, held = not _state.looked_at, _high(), _held()
        rose = high > _state.high and not first
        _state.peak = high if rose or not held else held
        _state.looked_at, _state.high = now, high
    return _state.peak


def _high() -> int:
    """Bytes this process has held at most so far."""
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _HIGH_UNIT


def _held() -> int:
    """Bytes this process holds."""
    if not _HAS_STATM:
        return 0
    with open(_STATM, "rb") as file:
        return int(file.read().split()[1]) * _PAGE


def _forget_parent() -> None:
    """A forked child is another process, with a memory of its own."""
    this_process.cache_clear()
    _state.looked_at = 0.0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
