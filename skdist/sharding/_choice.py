# SPDX-License-Identifier: BSD-3-Clause
"""Which executor: the user's joblib configuration read in one place."""

import sys
from collections.abc import Callable
from typing import Any

import joblib
from joblib.parallel import default_parallel_config, get_active_backend

from skdist.sharding._executors import Executor, SerialExecutor, inside_task
from skdist.sharding._joblib import JoblibExecutor
from skdist.sharding._loky import LokyExecutor
from skdist.sharding._threads import ThreadExecutor
from skdist.sharding._type_table import class_names


def effective_workers(n_jobs: int | None = None) -> int:
    """How many tasks run at once, where the user's joblib configuration puts them.

    Parameters
    ----------
    n_jobs : int, optional
        As in joblib: ``-1`` is all cores, ``-2`` all but one. ``None`` is what
        :func:`joblib.parallel_config` says; where it says nothing, all cores, or all slots of the
        configured backend. Inside a task of an outer parallel loop, ``None`` is 1; on a Dask
        worker and inside a task of skdist, always 1.

    Returns
    -------
    workers : int

    Examples
    --------
    >>> from skdist.sharding import effective_workers
    >>> effective_workers(3)
    3
    """
    return executor_for(n_jobs).workers


def executor_for(n_jobs: int | None = None) -> Executor:
    """The executor that joblib's active configuration and `n_jobs` ask for."""
    if inside_task() or on_dask_worker():
        return SerialExecutor()
    backend = _active_backend()
    requested = _requested_jobs(n_jobs, backend)
    # Dask's backend takes any n_jobs for the whole cluster; 1 means "here" all the same.
    workers = 1 if requested == 1 else int(backend.effective_n_jobs(requested))
    if workers == 1:
        return SerialExecutor()
    return _make_executor(backend, workers)


def client_for_collections() -> Any:
    """The Dask client that a Dask collection is computed with, or ``None``: computed here.

    The client of joblib's Dask backend where that is active, else the one Dask itself would use.
    """
    if inside_task() or on_dask_worker():
        return None
    backend = _active_backend()
    if "joblib.DaskDistributedBackend" in class_names(backend):
        return backend.client
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client

    try:
        return default_client()
    except ValueError:
        return None


def on_dask_worker() -> bool:
    """Whether this thread is a slot of a Dask worker.

    A fit that waited there for other tasks would hold the slot that they need.
    """
    if "distributed.worker" not in sys.modules:
        return False
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


def _requested_jobs(n_jobs: int | None, backend: Any) -> int | None:
    """`n_jobs`, else joblib's configured value, else all; nested loops keep joblib's ``None``."""
    if n_jobs is not None:
        return n_jobs
    configured = _configured("n_jobs")
    if configured is not None or (backend.nesting_level or 0) > 0:
        return configured  # type: ignore[no-any-return]
    return -1


def _active_backend() -> Any:
    """joblib's active backend; threads where nobody chose one and joblib would take loky."""
    backend, _ = get_active_backend()
    if _configured("backend") is not None or _configured("prefer") == "processes":
        return backend
    threads, _ = get_active_backend(prefer="threads")
    return threads if type(backend) is joblib.parallel.BACKENDS["loky"] else backend


def _configured(key: str) -> Any:
    """What :func:`joblib.parallel_config` was told about `key`, or ``None``."""
    with joblib.parallel_config() as config:
        value = config[key]
    return None if value is default_parallel_config[key] else value


def _make_executor(backend: Any, workers: int) -> Executor:
    """The executor of joblib's own backend classes; any other class is joblib's to drive.

    By exact class: a subclass may have changed what it inherits.
    """
    cls = type(backend)
    make = _EXECUTORS.get(f"{cls.__module__}.{cls.__qualname__}", JoblibExecutor)
    return make(workers, backend)


def _threads(workers: int, backend: Any) -> Executor:
    return ThreadExecutor(workers)


def _dask(workers: int, backend: Any) -> Executor:
    from skdist.sharding._dask import DaskExecutor

    return DaskExecutor(workers, backend.client)


_EXECUTORS: dict[str, Callable[[int, Any], Executor]] = {
    "joblib._parallel_backends.ThreadingBackend": _threads,
    "joblib._parallel_backends.LokyBackend": LokyExecutor,
    "joblib._dask.DaskDistributedBackend": _dask,
}
