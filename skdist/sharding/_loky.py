# SPDX-License-Identifier: BSD-3-Clause
"""joblib's loky processes on this machine."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from skdist.sharding._cost import Meter, nbytes
from skdist.sharding._executors import Wave, wait_for, worker_scope
from skdist.sharding._faults import annotated, raise_portably, retry_alone
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
                return ship(function(*own, *common))
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

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """One file per value, which every process maps once."""
        pieces = [spool(value) for value in values]
        meter.add(bytes_down=sum(piece.size for piece in pieces))
        return pieces

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Run a wave; tasks whose process died are run again, alone."""
        function = pack((wave.function, wave.common))
        tasks = [PackedTask(function, pack(own)) for own in wave.own]
        results: dict[int, Any] = {}

        def attempt(indices: Iterable[int]) -> list[int]:
            chosen = {k: tasks[k] for k in indices}
            results.update(self._try(chosen, wave.labels))
            return [k for k in chosen if k not in results]

        lost = attempt(range(len(tasks)))
        retry_alone(lambda k: not attempt([k]), lost, wave.labels, meter)
        meter.add(bytes_down=_bytes_sent(tasks), bytes_up=nbytes(results))
        return [results[k] for k in range(len(tasks))]

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """One file per value, so that it crosses no pipe again."""
        return self.place(pieces, meter)

    def collect(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """The values themselves: results come back to this process anyway."""
        return list(pieces)

    def _try(self, tasks: Mapping[int, PackedTask], labels: Sequence[str]) -> dict[int, Any]:
        """Results of the tasks whose process lived; the first exception of a task is raised."""
        futures: dict[int, Future[Any]] = {}
        with joblib.Parallel(n_jobs=self.workers, backend=self.backend) as parallel:
            pool = parallel._backend  # joblib has no public way to the backend it opened
            try:
                for k, task in tasks.items():
                    futures[k] = pool.submit(task)
                wait_for(futures.values())
                return _results_of_living(futures, labels)
            except TerminatedWorkerError:  # a death while tasks were still being handed over
                return _results_of_living(futures, labels)
            except BaseException:
                for future in futures.values():
                    future.add_done_callback(_discard_result)
                raise
            finally:
                for future in futures.values():
                    future.cancel()


def _results_of_living(
    futures: Mapping[int, "Future[Any]"], labels: Sequence[str]
) -> dict[int, Any]:
    """Results by task; a task that raised raises here, a task that died is left out."""
    errors = {k: future.exception() for k, future in futures.items() if future.done()}
    for k, error in errors.items():
        if error is not None and not isinstance(error, TerminatedWorkerError):
            raise annotated(error, labels[k])
    wait(futures.values())  # at once: either all have finished, or the pool is broken
    living = [k for k, future in futures.items() if future.exception() is None]
    return {k: receive(futures[k].result()) for k in living}


def _discard_result(future: "Future[Any]") -> None:
    if not future.cancelled() and future.exception() is None:
        discard(future.result())


def _bytes_sent(tasks: Sequence[PackedTask]) -> int:
    """What the pipes carried, and a broadcast's file once."""
    function = tasks[0].function if tasks else b""
    copies = 1 if type(function) is Spooled else len(tasks)
    return copies * packed_size(function) + sum(packed_size(task.own) for task in tasks)
