# SPDX-License-Identifier: BSD-3-Clause
"""Functions that tests run on shards: module-level, so that every backend can pickle them."""

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np
import psutil
from threadpoolctl import threadpool_info

from skdist.sharding import effective_workers


@dataclass(frozen=True, eq=False)
class Weighted:
    """A weighted sum and its weight: the simplest summary whose merge rounds."""

    total: np.ndarray
    weight: float

    def __add__(self, other):
        return Weighted(self.total + other.total, self.weight + other.weight)


def weighted_sum(shard, scale=1.0):
    """Sum of rows times their weights (1 where there are none)."""
    X = np.asarray(shard.X, dtype=float)
    weight = np.ones(len(X)) if shard.sample_weight is None else shard.sample_weight
    return Weighted(scale * (weight @ X), float(weight.sum()))


def gram(shard):
    """A BLAS product whose bits depend on the order of its sums."""
    return np.asarray(shard.X).T @ np.asarray(shard.X)


def everything(shard, *broadcast):
    """What a task is given, as plain values."""
    return shard.index, shard.n_shards, shard.rows, shard.seed, shard.n_rows, broadcast


def times(shard, factor):
    return np.asarray(shard.X) * factor


def doubled(shard):
    """A view of a shard: its rows times 2."""
    return replace(shard, X=2.0 * np.asarray(shard.X))


def running_total(shard, own):
    """The sum of the rows, added to that of the rounds before; carried along."""
    total = float(np.asarray(shard.X).sum()) + (own or 0.0)
    return total, total


def identity(shard):
    return shard


def column_total(shard, column, offset=0.0):
    return float(np.asarray(shard.X)[:, column].sum()) + offset


def named(group, value):
    return group, value


def add(a, b):
    return a + b


def power(value, item, exponent=1):
    return value * item**exponent


def nothing(shard):
    return None


def process_id(shard):
    return os.getpid()


def seen_parallelism(shard, n_jobs=None):
    """(workers a fit in this task would use, most BLAS threads, live threads of skdist's pools)."""
    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return effective_workers(n_jobs), max(blas), joblib.effective_n_jobs(-1)


def tally(folder):
    """Count one call; returns how many there have been."""
    Path(folder, f"{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}").touch()
    return len(os.listdir(folder))


def die_first_time(shard, victim, folder):
    """Kills its own process the first time shard `victim` comes by."""
    if shard.index == victim and tally(folder) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return gram(shard)


def much(shard, size):
    """An array of `size` times the shard's number."""
    return np.full(size, float(shard.index))


def loky_workers():
    """Process ids of this process's pool."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            if "LokyProcess" in " ".join(child.cmdline()):
                found.append(child.pid)
    return found


def kill_a_loky_worker():
    """Kill the first worker of this process's pool, if there is one."""
    for pid in loky_workers()[:1]:
        os.kill(pid, signal.SIGKILL)


def eat_memory():
    """Take memory until somebody ends this process; 2 GB at most."""
    eaten = []
    for _ in range(100):
        eaten.append(np.ones(20_000_000 // 8))
        time.sleep(0.02)
    raise AssertionError("nobody minded")


_hoard = []


def hoard_when_called_again(shard, folder):
    """The first process that is called again takes 400 MB for ever, and time for joblib to look."""
    hoards = bool(_hoard) and tally(folder) == 1
    _hoard.append(np.ones(50_000_000 if hoards else 1))
    time.sleep(1.2 if hoards else 0.05)
    return gram(shard)


def eat_memory_first_time(shard, victim, folder):
    """Shard `victim` needs more memory than there is the first time it comes by."""
    if shard.index == victim and tally(folder) == 1:
        eat_memory()
    return gram(shard)


def eat_memory_always(shard, victim, folder):
    if shard.index == victim:
        tally(folder)
        eat_memory()
    return shard.index


def die_always(shard, victim, folder):
    if shard.index == victim:
        tally(folder)
        os.kill(os.getpid(), signal.SIGKILL)
    return shard.index


def fail(shard, victim, folder):
    """Raises for one shard, as bad data would."""
    if shard.index == victim:
        tally(folder)
        raise ValueError("negative values in y")
    return shard.index


class Unpicklable(Exception):
    """Cannot be unpickled: its constructor wants two arguments."""

    def __init__(self, a, b):
        super().__init__(f"{a} {b}")


def fail_unpicklably(shard):
    raise Unpicklable("bad", "rows")


def dies_in_merge(folder, a, b):
    if tally(folder) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return a + b


def fail_plainly(shard, victim):
    if shard.index == victim:
        raise ValueError("negative values in y")
    return shard.index


def item_and_size(value, item):
    return item, value.nbytes


def die_once_extracting(folder, shard, group):
    if (shard.index, group) == (3, 1) and tally(folder) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return column_total(shard, group)


def fail_extracting(folder, shard, group):
    return fail(shard, 3, folder)


def fail_first_and_count(shard, folder):
    if shard.index == 0:
        raise ValueError("at once")
    tally(folder)
    time.sleep(0.02)


def count_slowly(shard, folder):
    tally(folder)
    time.sleep(0.1)


def interrupt_this_process():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def column(shard, j):
    return np.asarray(shard.X)[:, j]


def concatenate(a, b):
    return np.concatenate([a, b])


def group_length(group, value):
    return group, len(value)


def doubled_and_tallied(shard, folder):
    """The shard with 2 X; leaves a file behind for every time it was asked for."""
    tallied(np.asarray(shard.X), folder)
    return replace(shard, X=2 * np.asarray(shard.X))


def tallied(block, folder):
    """A block of a Dask array, its computation counted (not the empty block Dask tries with)."""
    if block.size:
        tally(folder)
    return block


def slow_in_one_process(shard, folder, seconds):
    """The first process that comes by sleeps at its first task, the others do not."""
    with contextlib.suppress(FileExistsError):
        Path(folder, "slow").touch(exist_ok=False)
        time.sleep(seconds)
    time.sleep(0.05)
    return gram(shard)


def slow_process_id(value, item):
    time.sleep(0.2)
    return os.getpid()


def slow_count(shard, folder, seconds):
    """The number of rows; the first process that comes by sleeps at its first task."""
    with contextlib.suppress(FileExistsError):
        Path(folder, "slow").touch(exist_ok=False)
        time.sleep(seconds)
    time.sleep(0.05)
    return shard.n_rows


def add_to_carried(shard, own, number, victim, folder):
    """A running total, left with the shard; shard `victim` kills its process, once."""
    if shard.index == victim and tally(folder) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    total = (0.0 if own is None else own) + number * float(shard.X.sum())
    return total, total


def a_while(shard):
    time.sleep(0.02)
    return shard.index


def _slowest(folder):
    """Whether this process is the first that came by."""
    first = os.path.join(folder, "slow")
    with contextlib.suppress(FileExistsError), open(first, "x", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    with open(first, encoding="utf-8") as file:
        return file.read() == str(os.getpid())


def slow_here(shard, folder, long, short):
    """The process; one of them takes long."""
    time.sleep(long if _slowest(folder) else short)
    return os.getpid()


def held_up(shard, folder, n_others):
    """The process; the first that comes by is held up until others have done so many tasks."""
    return held_up_item(None, shard.index, folder, n_others)


def held_up_item(value, item, folder, n_others):
    others = os.path.join(folder, "others")
    if _slowest(folder):
        deadline = time.monotonic() + 20.0
        while time.monotonic() < deadline and _n_files(others) < n_others:
            time.sleep(0.01)
    else:
        os.makedirs(others, exist_ok=True)
        Path(others, str(item)).touch()
    return os.getpid()


def _n_files(folder):
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0
