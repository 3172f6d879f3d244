# SPDX-License-Identifier: BSD-3-Clause
"""How much memory there is where tasks run."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from skdist.sharding._type_table import look_up

if TYPE_CHECKING:
    from skdist.sharding._dataset import ShardedDataset
    from skdist.sharding._executors import Executor

UNKNOWN = 16 << 30  # of a system that does not say
# What a container may use: of the second version of control groups, and of the first.
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_limit() -> int:
    """Bytes of memory that this process may use: the machine's, or what its limits leave of that.

    Looked at are limits of the process (``RLIMIT_DATA``, ``RLIMIT_AS``) and of its container.
    """
    return min([_physical(), *_of_process(), *_of_container()])


def worker_memory(shards: "ShardedDataset") -> int:
    """Bytes that the process of a task may use; of several workers, the one with least."""
    return memory_of(shards._executor)


def memory_of(executor: "Executor") -> int:
    """:func:`worker_memory`, of the workers of an executor."""
    of = look_up({"skdist.DaskExecutor": _of_cluster}, executor)
    return memory_limit() if of is None else of(executor)


def free_memory(shards: "ShardedDataset") -> int:
    """:func:`worker_memory`, less what this process holds already, where tasks run here."""
    on_cluster = look_up({"skdist.DaskExecutor": _of_cluster}, shards._executor)
    return free_here() if on_cluster is None else on_cluster(shards._executor)


def free_here() -> int:
    """Bytes of memory that this process may still take; pages of files are nobody's."""
    return max(memory_limit() - _status().get("RssAnon", 0), 0)


def tasks_beside(shards: "ShardedDataset") -> int:
    """How many tasks share that memory, at once."""
    of = look_up({"skdist.DaskExecutor": _threads_of_cluster}, shards._executor)
    return shards._executor.workers if of is None else of(shards._executor)


def _physical() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows does not tell
        return UNKNOWN


def _of_process() -> list[int]:
    """What limits of the process leave to hold: they count what is only reserved, too."""
    try:
        import resource
    except ImportError:  # Windows
        return []
    limited = {resource.RLIMIT_DATA: ("VmData", "RssAnon"), resource.RLIMIT_AS: ("VmSize", "VmRSS")}
    found = []
    for kind, (counted, held) in limited.items():
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY:
            status = _status()
            reserved = max(status.get(counted, 0) - status.get(held, 0), 0)
            found.append(max(limit - reserved, 0))
    return found


def _status() -> dict[str, int]:
    """Bytes of this process by the names that Linux gives them; empty elsewhere."""
    with suppress(OSError, ValueError), open("/proc/self/status", encoding="utf-8") as file:
        lines = [line.split() for line in file]
        return {line[0][:-1]: int(line[1]) << 10 for line in lines if line[2:] == ["kB"]}
    return {}


def _of_container() -> list[int]:
    found = []
    for path in _CGROUPS:
        with suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            found.append(int(file.read()))  # "max" is no number, and no limit
    return found


def _of_cluster(executor: Any) -> int:
    workers = executor.client.scheduler_info(n_workers=-1)["workers"].values()
    return min((worker["memory_limit"] or UNKNOWN for worker in workers), default=UNKNOWN)


def most_memory(client: Any) -> int:
    """Bytes that the worker with most may use."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return max((worker["memory_limit"] or memory_limit() for worker in workers), default=UNKNOWN)


def _threads_of_cluster(executor: Any) -> int:
    return max(executor.client.nthreads().values(), default=1)


def held_memory() -> int:
    """Bytes that this process holds now; 0 where the system does not say."""
    with suppress(OSError, ValueError), open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
