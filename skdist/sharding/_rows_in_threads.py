# SPDX-License-Identifier: BSD-3-Clause
"""Rows of one array in blocks over the threads of this machine: for prediction."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import joblib

from skdist.sharding._choice import executor_for
from skdist.sharding._cost import Meter
from skdist.sharding._executors import Wave
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
    workers = min(executor_for(n_jobs).workers, joblib.cpu_count(), max(1, n_rows // least))
    if workers == 1:
        return [function(0, n_rows)]
    size = -(-n_rows // workers)
    own = [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    labels = [f"rows {start} to {stop - 1}" for start, stop in own]
    return ThreadExecutor(workers).run(Wave(function, own, (), labels), Meter())


def joblib_workers(n_jobs: int | None = None) -> AbstractContextManager[Any]:
    """A context in which scikit-learn's own ``Parallel`` uses as many workers as skdist would.

    All cores where nothing is configured, and the backend the user configured.
    """
    return joblib.parallel_config(n_jobs=executor_for(n_jobs).workers)  # type: ignore[no-any-return]
