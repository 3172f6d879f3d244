# SPDX-License-Identifier: BSD-3-Clause
"""Any other joblib backend: multiprocessing, ray, spark, one of the user's own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import joblib

from skdist.sharding._cost import Meter, nbytes
from skdist.sharding._executors import Arrived, Wave, here, worker_scope
from skdist.sharding._faults import annotated, raise_portably
from skdist.sharding._spans import Span, this_process, timed


@dataclass(frozen=True, eq=False)
class JoblibExecutor:
    """``joblib.Parallel``, and nothing that only some backends can do.

    Nothing stays on the workers: arguments travel in every round, unless the backend itself
    recognises them. A worker that dies is the backend's to replace.
    """

    workers: int
    backend: Any
    shares_files: bool = False
    streams: bool = False
    merges_there: bool = False

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """The values themselves; they travel with every task."""
        return list(values)

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """One ``Parallel`` call; the first exception ends it."""
        # batch_size=1: a batch would ship several shards to one worker.
        parallel = joblib.Parallel(self.workers, self.backend, batch_size=1, pre_dispatch="all")
        sent_at = time.perf_counter()
        timed_results = parallel(
            joblib.delayed(call_elsewhere)(wave.function, own, wave.common, label)
            for own, label in zip(wave.own, wave.labels, strict=True)
        )
        for k, (_, span) in enumerate(timed_results):
            meter.task(k, span, sent=sent_at)
        results = [result for result, _ in timed_results]
        sent = nbytes(list(wave.own)) + len(wave.own) * nbytes(wave.common)
        meter.add(bytes_down=sent, bytes_up=nbytes(results))
        return results

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """The values themselves: they stay in memory."""
        return list(pieces)

    def collect(
        self, pieces: Sequence[Any], meter: Meter, arrived: Arrived | None = None
    ) -> list[Any]:
        """The values themselves."""
        return here(pieces, arrived)

    def results(self, wave: Wave, meter: Meter, arrived: Arrived | None = None) -> list[Any]:
        """What :meth:`run` does; the results arrive together."""
        return here(self.run(wave, meter), arrived)


def call_elsewhere(
    function: Callable[..., Any], own: tuple[Any, ...], common: tuple[Any, ...], label: str
) -> tuple[Any, Span]:
    """Run one task of a wave on a worker, and what it took; its exception names the task."""
    try:
        with worker_scope():
            return timed(this_process(), function, *own, *common)
    except Exception as error:
        raise_portably(annotated(error, label))
