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
from skdist.sharding._executors import Wave, call_labelled, task_scope, wait_for

_pools: dict[int, ThreadPoolExecutor] = {}
_pools_lock = threading.Lock()


@dataclass(frozen=True)
class ThreadExecutor:
    """A long-lived thread pool.

    joblib's own threading backend is not used: its ``Parallel`` polls every 10 ms, a hundred times
    what a round costs here.
    """

    workers: int
    shares_files: bool = True
    streams: bool = False

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """The values themselves: memory is shared."""
        return list(values)

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Run at most `workers` calls at once; the first exception cancels what is queued."""
        with one_blas_thread():
            if len(wave.own) == 1:
                return [_run_here(wave, 0)]
            pool = _pool(self.workers)
            futures = [pool.submit(_run_here, wave, k) for k in range(len(wave.own))]
            return results_or_first_error(futures)

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """The values themselves: they stay in memory."""
        return list(pieces)

    def collect(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """The values themselves."""
        return list(pieces)


def results_or_first_error(futures: Sequence["Future[Any]"]) -> list[Any]:
    """Results in order, or the first failed task's exception; what is still queued is cancelled."""
    try:
        wait_for(futures)
        for future in futures:
            if future.done():
                future.result()
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


def _run_here(wave: Wave, k: int) -> Any:
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
