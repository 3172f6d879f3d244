# SPDX-License-Identifier: BSD-3-Clause
"""Processes that die, functions that raise; all on real pools and clusters."""

import functools
import operator
import os
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import shard_tasks as tasks

from skdist._config import config_context
from skdist.sharding import ShardLostError, shard_rows
from skdist.sharding._threads import ThreadExecutor

pytestmark = pytest.mark.timed

X = np.random.default_rng(0).normal(size=(800, 5))


@pytest.fixture
def expected():
    return shard_rows(X, n_shards=8, n_jobs=1).map_reduce(tasks.gram)


def test_a_killed_process_does_not_lose_the_round(process_backend, tmp_path, expected):
    shards = shard_rows(X, n_shards=8)
    got = shards.map_reduce(tasks.die_first_time, 3, str(tmp_path))
    np.testing.assert_array_equal(got, expected)
    assert len(os.listdir(tmp_path)) == 2
    assert 1 <= shards.cost.retries <= 8 + 2  # shards, and merges of them on two workers
    np.testing.assert_array_equal(shards.map_reduce(tasks.gram), expected)


def test_a_killed_process_in_a_tree_reduction(process_backend, tmp_path, expected):
    shards = shard_rows(X, n_shards=8)
    merge = functools.partial(tasks.dies_in_merge, str(tmp_path))
    got = shards.map_tree_reduce(tasks.gram, merge=merge)
    np.testing.assert_array_equal(got, expected)


def test_derived_shards_lost_with_a_worker_are_made_again(process_backend, tmp_path, expected):
    derived = shard_rows(X, n_shards=8).map_shards(tasks.times, 1.0)
    for round_folder in ("a", "b"):
        folder = tmp_path / round_folder
        folder.mkdir()
        got = derived.map_reduce(tasks.die_first_time, 3, str(folder))
        np.testing.assert_array_equal(got, expected)


def test_a_killed_process_in_group_reduce(process_backend, tmp_path):
    shards = shard_rows(X, n_shards=8)
    extract = functools.partial(tasks.die_once_extracting, str(tmp_path))
    got = shards.group_reduce(extract, range(3), merge=operator.add, finish=tasks.named)
    undisturbed = shards.group_reduce(
        tasks.column_total, range(3), merge=operator.add, finish=tasks.named
    )
    assert got == undisturbed


@pytest.mark.timeout(60)  # what it is about is a fit that waited for ever
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("deadline", [float("inf"), 100.0])
def test_a_pool_whose_managing_thread_has_ended_is_replaced(deadline, tmp_path):
    rows = np.ones((80, 2))
    expected = shard_rows(rows, n_shards=80, n_jobs=1).map(tasks.gram)
    with (
        joblib.parallel_config(backend="loky", n_jobs=2),
        config_context(deadline=deadline),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")  # as python -W error does
        warnings.filterwarnings("ignore", "A task of this fit took")
        shards = shard_rows(rows, n_shards=80)
        got = shards.map(tasks.hoard_when_called_again, str(tmp_path))
        np.testing.assert_array_equal(got, expected)
        assert shards.cost.retries > 0  # the thread did end
        np.testing.assert_array_equal(shards.map(tasks.gram), expected)


@pytest.mark.timeout(120)  # what it is about is a reader that waited for ever
def test_a_process_killed_while_it_returns_much_does_not_block_the_others(tmp_path):
    with joblib.parallel_config(backend="loky", n_jobs=2):
        shards = shard_rows(X, n_shards=16)
        shards.map(tasks.much, 10)
        start = time.perf_counter()
        shards.map(tasks.much, 1_000_000)
        seconds = time.perf_counter() - start
        for share in (0.2, 0.4, 0.6, 0.8):
            shards.map(tasks.much, 10)  # a pool that broke is opened again
            killer = threading.Timer(share * seconds, tasks.kill_a_loky_worker)
            killer.start()
            got = shards.map(tasks.much, 1_000_000)
            killer.join()
            assert [float(part.mean()) for part in got] == list(range(16))
            assert all(part.flags.writeable for part in got)


@pytest.mark.parametrize("retries", [0, 2])
def test_a_task_that_always_dies_is_given_up_and_named(process_backend, tmp_path, retries):
    shards = shard_rows(X, n_shards=8)
    shards.map(tasks.nothing)  # an earlier test may have left a pool that breaks at the first task
    message = r"shard 3 of 8 \(rows 300 to 399\) was given up"
    with config_context(retries=retries), pytest.raises(ShardLostError, match=message):
        shards.map(tasks.die_always, 3, str(tmp_path))
    tries = len(os.listdir(tmp_path))
    alone = max(1, retries)
    # Dask itself runs a task up to 1 + allowed-failures = 4 times before it says so.
    assert 1 + alone <= tries <= (1 + alone) * {"loky": 1, "dask": 4}[process_backend]
    assert shards.map(tasks.nothing) == [None] * 8


def test_an_exception_is_raised_once_with_the_shard_named(backend, tmp_path):
    shards = shard_rows(X, n_shards=8)
    with pytest.raises(ValueError, match="negative values in y") as caught:
        shards.map_reduce(tasks.fail, 3, str(tmp_path))
    assert caught.value.__notes__ == ["while fitting shard 3 of 8 (rows 300 to 399)"]
    assert len(os.listdir(tmp_path)) == 1
    assert shards.cost.retries == 0


def test_an_exception_under_a_tree_reduction_names_its_shard(backend, tmp_path):
    shards = shard_rows(X, n_shards=8)
    with pytest.raises(ValueError, match="negative values in y") as caught:
        shards.map_tree_reduce(tasks.fail, 3, str(tmp_path), merge=operator.add)
    assert caught.value.__notes__ == ["while fitting shard 3 of 8 (rows 300 to 399)"]
    assert len(os.listdir(tmp_path)) == 1


def test_an_exception_in_group_reduce_names_its_shard(backend, tmp_path):
    shards = shard_rows(X, n_shards=8)
    extract = functools.partial(tasks.fail_extracting, str(tmp_path))
    with pytest.raises(ValueError, match="negative values in y") as caught:
        shards.group_reduce(extract, [0], merge=operator.add, finish=tasks.named)
    assert caught.value.__notes__[0] == "while fitting shard 3 of 8 (rows 300 to 399)"
    assert len(os.listdir(tmp_path)) == 1


def test_an_exception_that_cannot_be_unpickled_is_not_a_dead_process(process_backend):
    shards = shard_rows(X, n_shards=2)
    # Where tblib is at work (joblib and Dask bring it), even this exception arrives as it is.
    with pytest.raises((RuntimeError, tasks.Unpicklable), match="bad rows") as caught:
        shards.map(tasks.fail_unpicklably)
    assert not isinstance(caught.value, ShardLostError)
    assert shards.cost.retries == 0


def test_an_exception_cancels_what_is_queued(tmp_path):
    shards = shard_rows(X, n_shards=100, n_jobs=2)
    assert isinstance(shards._executor, ThreadExecutor)
    with pytest.raises(ValueError, match="at once"):
        shards.map(tasks.fail_first_and_count, str(tmp_path))
    time.sleep(0.1)
    assert len(os.listdir(tmp_path)) < 10


def test_an_interrupt_cancels_what_is_queued(backend, tmp_path):
    shards = shard_rows(X, n_shards=40)
    shards.map(tasks.nothing)  # the workers are there
    timer = threading.Timer(0.4, tasks.interrupt_this_process)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        shards.map(tasks.count_slowly, str(tmp_path))
    timer.join()
    started = -1
    while started < len(os.listdir(tmp_path)):  # the pool ends what it had begun
        started = len(os.listdir(tmp_path))
        time.sleep(1.0)
    assert started < 40
