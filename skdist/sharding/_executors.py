# SPDX-License-Identifier: BSD-3-Clause
"""Where tasks run: one interface, and the choice that joblib's configuration makes.

An executor runs *waves*: independent calls of one function. What a wave returns are *pieces*:
values in the driver for local executors, futures for Dask. A piece may be an argument of the next
wave, and `collect` brings pieces to the driver.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import joblib
from joblib.parallel import SequentialBackend

from skdist.sharding._blas import one_blas_thread
from skdist.sharding._cost import Meter
from skdist.sharding._faults import annotated
from skdist.sharding._spans import Span, this_thread, timed


@dataclass(frozen=True, eq=False)
class Wave:
    """The calls ``function(*own[k], *common)``, independent of one another.

    Parameters
    ----------
    function : callable
        Module-level and pure.
    own : sequence of tuple
        The arguments of one call each; pieces are allowed.
    common : tuple
        The broadcast: arguments of all calls. No pieces.
    labels : sequence of str
        What an error message calls each task, e.g. ``"shard 3 of 8 (rows 300 to 399)"``.
    is_enough : callable, optional
        Asked when tasks are late: whether the wave may end without them, by `QuorumMet`.
    order : sequence of int, optional
        In which the calls are begun: the largest first, so that nobody waits for it at the end.
    rows : sequence of int, optional
        Of the shard that each call is about.
    """

    function: Callable[..., Any]
    own: Sequence[tuple[Any, ...]]
    common: tuple[Any, ...]
    labels: Sequence[str]
    is_enough: Callable[[], bool] | None = None
    order: Sequence[int] | None = None
    rows: Sequence[int] | None = None

    @property
    def begun(self) -> Sequence[int]:
        """The numbers of the calls, as they are begun."""
        return range(len(self.own)) if self.order is None else self.order


class Held(NamedTuple):
    """Where a piece is, "" where nobody knows, and its bytes there."""

    worker: str = ""
    n_bytes: int = 0


Arrived = Callable[[int, Any], None]


class Executor(Protocol):
    """Runs waves of calls somewhere.

    Attributes
    ----------
    workers : int
        How many tasks run at once.
    shares_files : bool
        Whether every task can read every piece at no cost (memory or a local file). Where not,
        pieces are better sent to few tasks.
    streams : bool
        Whether shards are computed anew in every task, because they may not fit into memory.
    merges_there : bool
        Whether results stay with the workers until they are collected, so that they can be merged
        before they travel.
    """

    @property
    def workers(self) -> int: ...

    @property
    def shares_files(self) -> bool: ...

    @property
    def streams(self) -> bool: ...

    @property
    def merges_there(self) -> bool: ...

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """Put values where tasks can reach them, once; one piece each."""

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Run a wave; one piece per call, in order."""

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """Make what a wave returned fit to be an argument of many waves."""

    def collect(
        self, pieces: Sequence[Any], meter: Meter, arrived: Arrived | None = None
    ) -> list[Any]:
        """Bring pieces to the driver; `arrived` is called with each one's number and value."""

    def results(self, wave: Wave, meter: Meter, arrived: Arrived | None = None) -> list[Any]:
        """Run a wave and bring its results to the driver.

        ``arrived(k, result)`` is called here, in this thread, as soon as result k is there.
        """


class MergingExecutor(Executor, Protocol):
    """An executor that merges there."""

    def held(self, pieces: Sequence[Any]) -> list[Held]:
        """Where pieces are; who is asked answers at once, also of those that are not there yet."""


class _InTask(threading.local):
    depth = 0


_in_task = _InTask()


@contextmanager
def task_scope() -> Iterator[None]:
    """Marks this thread as running a task: a fit inside it must not wait for a pool of its own."""
    _in_task.depth += 1
    try:
        yield
    finally:
        _in_task.depth -= 1


def inside_task() -> bool:
    """Whether this thread is running one of our tasks."""
    return _in_task.depth > 0


@contextmanager
def worker_scope() -> Iterator[None]:
    """A task in a process of its own: one BLAS thread, and no pools for what it calls."""
    sequential = joblib.parallel_config(backend=SequentialBackend(nesting_level=1))
    with task_scope(), one_blas_thread(), sequential:
        yield


def wait_for(
    futures: Collection["Future[Any]"],
    done: Callable[["Future[Any]"], None] | None = None,
    look: Callable[[], object] | None = None,
) -> None:
    """Wait until one future has failed or all are done, with an ear for the user's interrupt.

    A wait without end would not notice a Ctrl-C where the process restarts interrupted system
    calls, as it does once an event loop (Dask's, say) has handled signals in it.

    `done` is called with each future that has succeeded, as it does; that wakes this thread once
    per future, where it would wake once. `look` is called every fifth of a second at least.
    """
    pending: Collection[Future[Any]] = futures
    until = FIRST_EXCEPTION if done is None else FIRST_COMPLETED
    while pending:
        ended, pending = wait(pending, timeout=0.2, return_when=until)
        failed = [future.exception() is not None for future in ended]
        for future, has_failed in zip(ended, failed, strict=True):
            if done is not None and not has_failed:
                done(future)
        if any(failed):
            return
        if look is not None:
            look()


def telling(
    futures: Sequence["Future[Any]"], arrived: Arrived | None
) -> Callable[["Future[Any]"], None] | None:
    """`arrived` as what :func:`wait_for` calls with a future of (result, span)."""
    if arrived is None:
        return None
    number = {id(future): k for k, future in enumerate(futures)}
    return lambda future: arrived(number[id(future)], future.result()[0])


def call_labelled(wave: Wave, k: int) -> tuple[Any, Span]:
    """Call `k` of a wave here, and what it took; an exception gets the task's label."""
    try:
        return timed(this_thread(), wave.function, *wave.own[k], *wave.common)
    except Exception as error:
        raise annotated(error, wave.labels[k])  # noqa: B904 - it is the same exception


@dataclass(frozen=True)
class SerialExecutor:
    """One call after the other, in the caller's thread."""

    workers: int = 1
    shares_files: bool = True
    streams: bool = False
    merges_there: bool = False

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """The values themselves."""
        return list(values)

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Call in order; the first exception ends the wave."""
        return self.results(wave, meter)

    def results(self, wave: Wave, meter: Meter, arrived: Arrived | None = None) -> list[Any]:
        """What :meth:`run` does."""
        results = []
        with one_blas_thread():
            for k in range(len(wave.own)):
                result, span = call_labelled(wave, k)
                meter.task(k, span)
                results.append(result)
                if arrived is not None:
                    arrived(k, result)
        return results

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """The values themselves: they stay in memory."""
        return list(pieces)

    def collect(
        self, pieces: Sequence[Any], meter: Meter, arrived: Arrived | None = None
    ) -> list[Any]:
        """The values themselves."""
        return here(pieces, arrived)


def here(pieces: Sequence[Any], arrived: Arrived | None) -> list[Any]:
    """Pieces that are values in the driver."""
    if arrived is not None:
        for k, piece in enumerate(pieces):
            arrived(k, piece)
    return list(pieces)
