# SPDX-License-Identifier: BSD-3-Clause
"""Work on arrays that are here, over the threads of this machine: for prediction."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import joblib

from skdist.sharding._choice import executor_for
from skdist.sharding._cost import Meter
from skdist.sharding._executors import Wave
from skdist.sharding._ledger import Ledger
from skdist.sharding._threads import ThreadExecutor


def for_row_blocks(
    function: Callable[..., Any], n_rows: int, *, least: int, n_jobs: int | None = None
) -> list[Any]:
    """``[function(start, stop) for each block of rows]``, on threads of this process.

    One block per thread, none smaller than `least` rows: what every block reads once, such as the
    trees of a forest, is then read as seldom as possible. Whatever joblib backend is configured,
    the blocks share this process's memory; how many run at once it does decide.

    Parameters
    ----------
    function : callable
        ``function(start, stop) -> result``; should release the GIL.
    n_rows : int
    least : int
        Rows below which another thread does not pay.
    n_jobs : int, optional
        See :func:`effective_workers`.
    """
    workers = min(local_workers(n_jobs), max(1, n_rows // least))
    size = -(-n_rows // workers) or 1
    starts = range(0, max(n_rows, 1), size)
    stops = [min(start + size, n_rows) for start in starts]
    return map_in_threads(function, starts, stops, n_jobs=n_jobs)


def map_in_threads(
    function: Callable[..., Any], *columns: Iterable[Any], n_jobs: int | None = None
) -> list[Any]:
    """``list(map(function, *columns))``, on threads of this process."""
    own = list(zip(*columns, strict=True))
    workers = min(local_workers(n_jobs), len(own))
    if workers <= 1:
        return [function(*arguments) for arguments in own]
    labels = [f"call {i} of {len(own)}" for i in range(len(own))]
    return ThreadExecutor(workers).run(Wave(function, own, (), labels), Meter(Ledger()))


def local_workers(n_jobs: int | None) -> int:
    """Tasks to run at once here, where other machines may be configured for what is not here."""
    return min(executor_for(n_jobs).workers, int(joblib.cpu_count()))


def joblib_workers(n_jobs: int | None = None) -> AbstractContextManager[Any]:
    """A context in which scikit-learn's own ``Parallel`` uses as many workers as skdist would.

    All cores where nothing is configured, and the backend the user configured.
    """
    workers = executor_for(n_jobs).workers
    # Inside a task on Dask the backend is Dask's, which does not listen to n_jobs=1.
    where = {"backend": "sequential"} if workers == 1 else {"n_jobs": workers}
    return joblib.parallel_config(**where)  # type: ignore[no-any-return]


def in_this_thread() -> AbstractContextManager[Any]:
    """A context in which fits run here, whatever the user configured."""
    return joblib.parallel_config(backend="sequential")  # type: ignore[no-any-return]
