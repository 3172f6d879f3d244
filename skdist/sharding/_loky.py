# SPDX-License-Identifier: BSD-3-Clause
"""joblib's loky processes on this machine."""

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from skdist.sharding._cost import Meter, nbytes
from skdist.sharding._executors import Arrived, Wave, here, wait_for, worker_scope
from skdist.sharding._faults import annotated, raise_portably, retry_alone
from skdist.sharding._spans import Span, this_process, timed
from skdist.sharding._spool import (
    Spooled,
    discard,
    pack,
    packed_size,
    receive,
    ship,
    spool,
    unpack,
)
from skdist.sharding._stragglers import Stragglers

LOOK_EVERY = 0.05  # seconds, where there is a deadline


@dataclass(frozen=True, eq=False)
class PackedTask:
    """``function(*own, *common)``, to be called in another process of this machine, and shipped."""

    function: bytes | Spooled
    own: bytes | Spooled

    def __call__(self) -> bytes | Spooled:
        try:
            function, common = unpack(self.function)
            own = [unpack(arg) if type(arg) is Spooled else arg for arg in unpack(self.own)]
            with worker_scope():
                result, span = timed(this_process(), function, *own, *common)
            return ship((result, tuple(span)))
        except Exception as error:
            raise_portably(error)


@dataclass(frozen=True, eq=False)
class LokyExecutor:
    """The pool of processes that ``joblib.Parallel`` uses, driven through its futures.

    joblib opens the pool, with the user's settings, and shares it with everything else that uses
    it. Only ``Parallel``'s waiting is left out: it polls every 10 ms.
    """

    workers: int
    backend: Any
    shares_files: bool = True
    streams: bool = False
    merges_there: bool = False

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """One file per value, which every process maps once."""
        pieces = [spool(value) for value in values]
        meter.add(bytes_down=sum(piece.size for piece in pieces))
        return pieces

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Run a wave; tasks whose process died are run again, alone."""
        return self.results(wave, meter)

    def results(self, wave: Wave, meter: Meter, arrived: Arrived | None = None) -> list[Any]:
        """What :meth:`run` does."""
        function = pack((wave.function, wave.common))
        tasks = [PackedTask(function, pack(own)) for own in wave.own]
        results = Results(meter, arrived)

        def attempt(indices: Iterable[int]) -> list[int]:
            chosen = {k: tasks[k] for k in indices}
            self._try(chosen, wave, results)
            return [k for k in chosen if k not in results]

        lost = attempt(wave.begun)
        retry_alone(lambda k: not attempt([k]), lost, wave.labels, meter)
        meter.add(bytes_down=_bytes_sent(tasks), bytes_up=nbytes(results))
        return [results[k] for k in range(len(tasks))]

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """One file per value, so that it crosses no pipe again."""
        return self.place(pieces, meter)

    def collect(
        self, pieces: Sequence[Any], meter: Meter, arrived: Arrived | None = None
    ) -> list[Any]:
        """The values themselves: results come back to this process anyway."""
        return here(pieces, arrived)

    def _try(self, tasks: Mapping[int, PackedTask], wave: Wave, results: "Results") -> None:
        """Receive what tasks whose process lived return; the first exception of one is raised."""
        futures: dict[int, Future[Any]] = {}
        labels = wave.labels
        with joblib.Parallel(n_jobs=self.workers, backend=self.backend) as parallel:
            pool = parallel._backend  # joblib has no public way to the backend it opened
            try:
                for k, task in tasks.items():
                    results.sends(k)
                    futures[k] = pool.submit(task)
                stragglers = Stragglers(tasks, is_enough=wave.is_enough)
                if stragglers.is_watching:
                    _race(pool, tasks, futures, stragglers, results)
                look = functools.partial(break_if_unmanaged, pool)
                wait_for(futures.values(), results.receiving(futures), look)
                _receive_from_living(futures, labels, results)
            except TerminatedWorkerError:  # a death while tasks were still being handed over
                _receive_from_living(futures, labels, results)
            except BaseException:
                for k in futures.keys() - results.keys():
                    futures[k].add_done_callback(_discard_result)
                raise
            finally:
                for future in futures.values():
                    future.cancel()


def _race(
    pool: Any,
    tasks: Mapping[int, PackedTask],
    futures: "dict[int, Future[Any]]",
    stragglers: Stragglers,
    results: "Results",
) -> None:
    """Send late tasks a second time; what comes first is the task's future from then on."""
    twins: dict[int, Future[Any]] = {}
    try:
        _run_twins(pool, tasks, futures, twins, stragglers, results)
    finally:
        for twin in twins.values():
            if not twin.cancel():
                twin.add_done_callback(_discard_result)


def _run_twins(
    pool: Any,
    tasks: Mapping[int, PackedTask],
    futures: "dict[int, Future[Any]]",
    twins: "dict[int, Future[Any]]",
    stragglers: Stragglers,
    results: "Results",
) -> None:
    while any(not future.done() for future in futures.values()):
        pending = [f for f in (*futures.values(), *twins.values()) if not f.done()]
        wait(pending, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
        break_if_unmanaged(pool)
        for k, future in futures.items():
            if future.done() and future.exception() is not None:
                return  # whose fault it is, is told by those who wait for all
            if future.done():
                stragglers.came(k)
                if stragglers.is_enough is not None:
                    results.receive(k, future)
        for k in [k for k, twin in twins.items() if twin.done() and not twin.exception()]:
            if not futures[k].done():
                if not futures[k].cancel():
                    futures[k].add_done_callback(_discard_result)
                futures[k] = twins.pop(k)
        for k in stragglers.late():
            results.sends(k)
            twins[k] = pool.submit(tasks[k])


def break_if_unmanaged(pool: Any) -> None:
    """Break a pool whose managing thread has ended: its workers' results would never be heard of.

    That thread warns when it replaces a worker whose memory has grown. Where warnings are errors,
    as under ``python -W error`` and in many test suites, the warning ends it, and every future of
    this pool, of this fit and of those to come, would be waited for without end. Tasks of a broken
    pool are lost ones: they run again in a new pool.
    """
    executor = pool._workers  # nor has joblib a public way to the pool of its backend
    manager, flags = executor._executor_manager_thread, executor._flags
    if not (manager is None or manager.is_alive() or flags.broken or flags.shutdown):
        manager.terminate_broken(TerminatedWorkerError("The pool's managing thread has ended."))


class Results(dict[int, Any]):
    """What has been received, by task."""

    def __init__(self, meter: Meter, arrived: Arrived | None) -> None:
        super().__init__()
        self._meter, self._arrived = meter, arrived
        self._sent: dict[int, list[float]] = {}

    def sends(self, k: int) -> None:
        """Task k is about to be sent, perhaps again."""
        self._sent.setdefault(k, []).append(time.perf_counter())

    def receive(self, k: int, future: "Future[Any]") -> None:
        """Take the result of task k, unless it was taken."""
        if k in self:
            return
        self[k], span = receive(future.result())
        sent = self._sent[k]
        self._meter.task(k, Span(*span), attempt=len(sent), sent=sent[-1])
        if self._arrived is not None:
            self._arrived(k, self[k])

    def receiving(
        self, futures: Mapping[int, "Future[Any]"]
    ) -> Callable[["Future[Any]"], None] | None:
        """What :func:`wait_for` calls, if somebody wants to know at once."""
        if self._arrived is None:
            return None
        number = {id(future): k for k, future in futures.items()}
        return lambda future: self.receive(number[id(future)], future)


def _receive_from_living(
    futures: Mapping[int, "Future[Any]"], labels: Sequence[str], results: "Results"
) -> None:
    """Receive all results; a task that raised raises here, a task that died is left out."""
    errors = {k: future.exception() for k, future in futures.items() if future.done()}
    for k, error in errors.items():
        if error is not None and not isinstance(error, TerminatedWorkerError):
            raise annotated(error, labels[k])
    wait(futures.values())  # at once: either all have finished, or the pool is broken
    for k, future in futures.items():
        if future.exception() is None:
            results.receive(k, future)


def _discard_result(future: "Future[Any]") -> None:
    if not future.cancelled() and future.exception() is None:
        discard(future.result())


def _bytes_sent(tasks: Sequence[PackedTask]) -> int:
    """What the pipes carried, and a broadcast's file once."""
    function = tasks[0].function if tasks else b""
    copies = 1 if type(function) is Spooled else len(tasks)
    return copies * packed_size(function) + sum(packed_size(task.own) for task in tasks)
