# SPDX-License-Identifier: BSD-3-Clause
"""Threads: the default. Kernels release the GIL, and threads share the data at no cost."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from skdist.sharding._blas import one_blas_thread
from skdist.sharding._cost import Meter
from skdist.sharding._executors import (
    Arrived,
    Wave,
    call_labelled,
    here,
    task_scope,
    telling,
    wait_for,
)
from skdist.sharding._spans import Span
from skdist.sharding._stragglers import Stragglers

_pools: dict[int, ThreadPoolExecutor] = {}
_pools_lock = threading.Lock()


@dataclass(frozen=True)
class ThreadExecutor:
    """A long-lived thread pool.

    joblib's own threading backend is not used: its ``Parallel`` polls every 10 ms, many times
    what a round costs here.
    """

    workers: int
    shares_files: bool = True
    streams: bool = False
    merges_there: bool = False

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """The values themselves: memory is shared."""
        return list(values)

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Run at most `workers` calls at once; the first exception cancels what is queued."""
        return self.results(wave, meter)

    def results(self, wave: Wave, meter: Meter, arrived: Arrived | None = None) -> list[Any]:
        """What :meth:`run` does."""
        with one_blas_thread():
            if len(wave.own) == 1:
                return received([_run_here(wave, 0)], meter, arrived)
            pool = _pool(self.workers)
            begun = {k: pool.submit(_run_here, wave, k) for k in wave.begun}
            futures = [begun[k] for k in range(len(wave.own))]
            if wave.is_enough is not None:
                return results_of_enough(futures, wave, meter, arrived)
            return received(results_or_first_error(futures, arrived), meter)

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """The values themselves: they stay in memory."""
        return list(pieces)

    def collect(
        self, pieces: Sequence[Any], meter: Meter, arrived: Arrived | None = None
    ) -> list[Any]:
        """The values themselves."""
        return here(pieces, arrived)


def results_or_first_error(
    futures: Sequence["Future[Any]"], arrived: Arrived | None = None
) -> list[Any]:
    """Results in order, or the first failed task's exception; what is still queued is cancelled."""
    try:
        wait_for(futures, telling(futures, arrived))
        for future in futures:
            if future.done():
                future.result()
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


def results_of_enough(
    futures: Sequence["Future[Any]"], wave: Wave, meter: Meter, arrived: Arrived | None
) -> list[Any]:
    """Results in order, or `QuorumMet` where some are late; their threads go on until they end."""
    stragglers = Stragglers(range(len(futures)), is_enough=wave.is_enough)
    number = {id(future): k for k, future in enumerate(futures)}

    def done(future: "Future[Any]") -> None:
        k = number[id(future)]
        result, span = future.result()
        meter.task(k, span)
        stragglers.came(k)
        if arrived is not None:
            arrived(k, result)

    try:
        wait_for(futures, done, stragglers.late if stragglers.is_watching else None)
        for future in futures:
            if future.done():
                future.result()
        return [future.result()[0] for future in futures]
    finally:
        for future in futures:
            future.cancel()


def received(
    timed: Sequence[tuple[Any, Span]], meter: Meter, arrived: Arrived | None = None
) -> list[Any]:
    """The results of (result, span) of each task, the spans written down."""
    meter.tasks_here([span for _, span in timed])
    return here([result for result, _ in timed], arrived)


def _run_here(wave: Wave, k: int) -> tuple[Any, Span]:
    with task_scope():
        return call_labelled(wave, k)


def _pool(workers: int) -> ThreadPoolExecutor:
    with _pools_lock:
        if workers not in _pools:
            _pools[workers] = ThreadPoolExecutor(workers, thread_name_prefix="skdist")
        return _pools[workers]


def _forget_pools() -> None:
    """A forked child has the pools but not their threads: waiting for them would last for ever."""
    global _pools_lock
    _pools.clear()
    _pools_lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_pools)
