# SPDX-License-Identifier: BSD-3-Clause
import joblib
import pytest
import shard_tasks as tasks

from skdist.sharding import effective_workers, shard_rows
from skdist.sharding._choice import executor_for
from skdist.sharding._executors import SerialExecutor
from skdist.sharding._joblib import JoblibExecutor
from skdist.sharding._loky import LokyExecutor
from skdist.sharding._threads import ThreadExecutor

CORES = joblib.cpu_count()
ROWS = [[1.0]] * 4


class OwnBackend(joblib.parallel.ThreadingBackend):
    """A backend that a user has registered."""


@pytest.fixture
def own_backend():
    joblib.register_parallel_backend("own", OwnBackend)
    yield "own"
    joblib.parallel.BACKENDS.pop("own")


def test_nothing_configured_is_all_cores_and_threads():
    assert effective_workers() == effective_workers(-1) == CORES
    if CORES > 1:
        assert isinstance(executor_for(), ThreadExecutor)


def test_explicit_n_jobs_is_joblibs():
    assert effective_workers(5) == 5
    assert effective_workers(-CORES) == 1
    with pytest.raises(ValueError, match="n_jobs == 0"):
        effective_workers(0)


def test_n_jobs_alone_may_be_configured():
    with joblib.parallel_config(n_jobs=3):
        assert effective_workers() == 3
        assert isinstance(executor_for(), ThreadExecutor)
        assert effective_workers(2) == 2


@pytest.mark.parametrize(
    ("name", "executor"), [("threading", ThreadExecutor), ("loky", LokyExecutor)]
)
def test_a_configured_backend_is_taken(name, executor):
    with joblib.parallel_config(backend=name):
        assert effective_workers() == CORES
    with joblib.parallel_config(backend=name, n_jobs=3):
        assert effective_workers() == 3
        assert isinstance(executor_for(), executor)
        assert isinstance(executor_for(1), SerialExecutor)


def test_joblibs_hints_are_heeded():
    with joblib.parallel_config(prefer="processes", n_jobs=2):
        assert isinstance(executor_for(), LokyExecutor)
    with joblib.parallel_config(backend="loky", require="sharedmem", n_jobs=2):
        assert isinstance(executor_for(2), ThreadExecutor)


def test_a_backend_of_the_users_own_goes_through_joblib(own_backend):
    with joblib.parallel_config(backend=own_backend, n_jobs=2):
        shards = shard_rows(ROWS, n_shards=4)
        assert isinstance(shards._executor, JoblibExecutor)
        assert shards.map(tasks.everything)[2][0] == 2


def test_dask_takes_all_slots_but_one_job_is_here(dask_client):
    with joblib.parallel_config(backend="dask", client=dask_client):
        assert effective_workers() == 2
        assert effective_workers(1) == 1
        assert isinstance(executor_for(1), SerialExecutor)


def test_a_fit_inside_a_task_has_no_pool_of_its_own(backend):
    seen = shard_rows(ROWS, n_shards=4).map(tasks.seen_parallelism, 2)
    if backend == "serial":  # here the task is the caller's own thread: nothing is nested
        assert {workers for workers, _, _ in seen} == {2}
    else:
        assert {workers for workers, _, _ in seen} == {1}


def test_joblib_inside_a_task_in_another_process_is_sequential(process_backend):
    seen = shard_rows(ROWS, n_shards=4).map(tasks.seen_parallelism)
    assert {joblib_jobs for _, _, joblib_jobs in seen} == {1}


@pytest.mark.parametrize("name", ["loky", "threading"])
def test_inside_joblibs_own_loop_none_is_one(name):
    got = joblib.Parallel(n_jobs=2, backend=name)(
        joblib.delayed(effective_workers)(n_jobs) for n_jobs in (None, None, 2)
    )
    assert got == [1, 1, 2]
