# SPDX-License-Identifier: BSD-3-Clause
"""Where a fit would run: how many tasks at once, in how many processes, with how much memory."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from skdist.sharding._choice import client_for_collections, executor_for
from skdist.sharding._folding import branch_length, even_runs, pays_to_merge
from skdist.sharding._memory import held_memory, memory_limit, memory_of
from skdist.sharding._type_table import look_up


@dataclass(frozen=True)
class Place:
    """Where a fit would run.

    Parameters
    ----------
    kind : {"threads", "processes", "cluster"}
    workers : int
        Tasks that run at once.
    processes : int
        That run them.
    memory : int
        Bytes that a process of tasks may use; of several, the one with least.
    held : int
        Bytes that such a process holds now; of several, the one with most.
    driver_memory, driver_held : int
        The same of this process.
    """

    kind: str
    workers: int
    processes: int
    memory: int
    held: int
    driver_memory: int
    driver_held: int

    def tasks(self, n_shards: int) -> int:
        """How many tasks a round has: on a cluster workers take runs of small shards."""
        return len(even_runs(n_shards, self.workers)) if self.kind == "cluster" else n_shards

    def summaries(self, n_shards: int, size: float = math.inf) -> int:
        """How many summaries of so many bytes come to the driver in a round.

        In the first one nobody knows how many these are; workers merge what they have.
        """
        n_tasks = self.tasks(n_shards)
        if self.kind != "cluster" or not pays_to_merge(n_tasks, self.workers, size):
            return n_tasks
        return -(-n_shards // branch_length(n_shards, self.workers))


def place_of(is_collection: bool, n_jobs: int | None) -> Place:
    """Where rows in memory, or a Dask collection, would be fitted; starts nothing."""
    limit, held = memory_limit(), held_memory()
    client = client_for_collections() if is_collection else None
    executor: Any = None if client is not None else executor_for(n_jobs)
    client = executor.client if look_up(_HAS_CLIENT, executor) else client
    if client is not None:
        info = list(client.scheduler_info(n_workers=-1)["workers"].values())
        return Place(
            "cluster",
            sum(worker["nthreads"] for worker in info),
            max(len(info), 1),
            memory_of_workers(info),
            max((int(worker["metrics"].get("memory", 0)) for worker in info), default=0),
            limit,
            held,
        )
    if look_up(_IN_THIS_PROCESS, executor):
        return Place("threads", executor.workers, 1, limit, held, limit, held)
    workers = executor.workers
    return Place("processes", workers, workers, memory_of(executor), FRESH, limit, held)


FRESH = 120 << 20  # bytes that a process has imported before it does anything


def memory_of_workers(info: Sequence[Any]) -> int:
    """Bytes that the worker with least may use, as Dask's scheduler knows them."""
    return min((int(worker["memory_limit"] or memory_limit()) for worker in info), default=0)


def _yes(_: Any) -> bool:
    return True


_HAS_CLIENT: dict[str, Callable[[Any], bool]] = {"skdist.DaskExecutor": _yes}
_IN_THIS_PROCESS: dict[str, Callable[[Any], bool]] = {
    "skdist.SerialExecutor": _yes,
    "skdist.ThreadExecutor": _yes,
}
