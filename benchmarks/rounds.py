# SPDX-License-Identifier: BSD-3-Clause
"""What a round costs: an empty one on each backend, and the bytes that travel on Dask.

Run with ``python benchmarks/rounds.py``; needs ``skdist[dask]``. The bytes are what each worker
itself counts as it receives values, shards and broadcasts alike; they include no message overhead.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import joblib
import numpy as np
from distributed import Client, LocalCluster, Worker, WorkerPlugin

from skdist.sharding import Shard, shard_rows

TARGETS_MS = {"threads": 1.0, "loky": 12.0, "Dask, two processes": 25.0}
N_TASKS = 2
WARM_UP, REPEATS = 10, 200
X = np.random.default_rng(0).normal(size=(100_000, 50))  # 40 MB


def nothing(shard: Shard) -> None:
    """The empty round's task."""


def column_sums(shard: Shard, scale: float) -> np.ndarray:
    """A small summary, so that what travels is the shards."""
    return scale * shard.X.sum(axis=0)


class CountReceived(WorkerPlugin):
    """Counts the bytes of values that a worker was sent or fetched."""

    name = "bytes-received"

    def setup(self, worker: Worker) -> None:
        self.worker, self.total = worker, 0

    def transition(self, key: str, start: str, finish: str, **kwargs: object) -> None:
        if finish == "memory" and start in {"released", "flight"}:
            self.total += self.worker.state.tasks[key].nbytes


def read_count(dask_worker: Worker) -> int:
    """The plugin's count, asked of a worker."""
    return dask_worker.plugins[CountReceived.name].total


def milliseconds(call: Callable[[], object]) -> np.ndarray:
    """Times of warm calls."""
    times = []
    for k in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        call()
        if k >= WARM_UP:
            times.append(1e3 * (time.perf_counter() - start))
    return np.array(times)


@contextmanager
def two_processes() -> Iterator[Client]:
    """A Dask cluster of two worker processes of one thread each."""
    options = {"host": "127.0.0.1", "dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with LocalCluster(2, threads_per_worker=1, processes=True, **options) as cluster:
        with Client(cluster, set_as_default=False) as client:
            yield client


def print_empty_rounds(client: Client) -> None:
    """Cost of ``shards.map`` with two tasks that do nothing."""
    backends = {
        "threads": {"backend": "threading", "n_jobs": 2},
        "loky": {"backend": "loky", "n_jobs": 2},
        "Dask, two processes": {"backend": "dask", "client": client},
    }
    print(f"Empty round, {N_TASKS} tasks, {REPEATS} rounds after {WARM_UP} to warm up, ms")
    print(f"{'':22}{'median':>9}{'90 %':>9}{'target':>9}")
    for name, options in backends.items():
        with joblib.parallel_config(**options):
            shards = shard_rows(X[:100], n_shards=N_TASKS)
            times = milliseconds(lambda: shards.map(nothing))  # noqa: B023 - called at once
        median, slow = np.median(times), np.quantile(times, 0.9)
        verdict = "" if median <= TARGETS_MS[name] else "   MISSED"
        print(f"{name:22}{median:9.2f}{slow:9.2f}{TARGETS_MS[name]:9.2f}{verdict}")


def print_bytes(client: Client) -> None:
    """Bytes that the workers received in a fit of 1, 2 and 10 rounds, and what Cost says."""
    client.register_plugin(CountReceived())
    print(f"\nBytes on Dask, X of {X.nbytes:,} bytes in 4 shards, by the workers' own count")
    print(
        f"{'rounds':>6}{'received':>16}{'/ size of X':>13}{'Cost.bytes_down':>17}{'up':>9}{'s':>7}"
    )
    for n_rounds in (1, 2, 10):
        before, start = sum(client.run(read_count).values()), time.perf_counter()
        with joblib.parallel_config(backend="dask", client=client):
            shards = shard_rows(X, n_shards=4)
            for _ in range(n_rounds):
                shards.map_reduce(column_sums, 1.0)
        seconds = time.perf_counter() - start
        received, cost = sum(client.run(read_count).values()) - before, shards.cost
        ratio = received / X.nbytes
        print(
            f"{n_rounds:6}{received:16,}{ratio:13.4f}{cost.bytes_down:17,}{cost.bytes_up:9,}"
            f"{seconds:7.2f}"
        )


def main() -> None:
    """Print both tables."""
    with two_processes() as client:
        print_empty_rounds(client)
        print_bytes(client)


if __name__ == "__main__":
    main()
