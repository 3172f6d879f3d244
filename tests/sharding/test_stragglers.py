# SPDX-License-Identifier: BSD-3-Clause
"""A process that is slow: its tasks are done elsewhere, and nobody waits for it."""

import time

import joblib
import journal_problems
import numpy as np
import pytest
import shard_tasks as tasks

import skdist
from skdist.sharding import running_fit, shard_rows
from skdist.sharding._stragglers import AT_LEAST, Stragglers

pytestmark = pytest.mark.timed

X = np.random.default_rng(0).normal(size=(80, 3))
LONG = 6.0


def test_who_is_late_is_told_once():
    late = Stragglers(range(4), deadline=1.5)
    assert late.is_watching
    late.came(0)
    time.sleep(AT_LEAST)
    assert late.late() == []  # the median is not known yet
    late.came(2)
    assert late.late() == []
    time.sleep(AT_LEAST)
    assert late.late() == [1, 3]
    assert late.late() == []


def test_without_a_deadline_nobody_is_late():
    assert not Stragglers(range(4)).is_watching


@pytest.fixture(params=["loky", "dask"])
def two_processes(request):
    """Two processes, and none that earlier tests made slow."""
    if request.param == "dask":
        client = request.getfixturevalue("dask_client")
        return joblib.parallel_config(backend="dask", client=client)
    return joblib.parallel_config(backend="loky", n_jobs=2)


def test_a_slow_process_is_not_waited_for(two_processes, tmp_path):
    with two_processes:
        shards = shard_rows(X, n_shards=8)
        shards.map(tasks.nothing)  # the processes are there
        expected = shards.map_reduce(tasks.gram)
        start = time.perf_counter()
        with skdist.config_context(deadline=3):
            got = shards.map_reduce(tasks.slow_in_one_process, str(tmp_path), LONG)
        seconds = time.perf_counter() - start
        np.testing.assert_array_equal(got, expected)
        assert seconds < LONG
        assert len(list(tmp_path.iterdir())) == 1  # somebody was slow
        time.sleep(max(0.0, LONG - seconds))  # and is done, for those who come next


def test_a_round_may_go_on_without_who_is_late(two_processes, tmp_path):
    with two_processes, running_fit() as fit:
        shards = shard_rows(X, n_shards=8)
        shards.map(tasks.nothing)
        start = time.perf_counter()
        with skdist.config_context(deadline=3, quorum=0.5):
            n_rows = shards.map_reduce_of_most(tasks.slow_count, str(tmp_path), LONG)
        seconds = time.perf_counter() - start
        assert 40 <= n_rows < 80
        assert seconds < LONG
        (told,) = fit.late
        assert (told.round, told.n_used, told.n_rows) == (1, n_rows, 80)
        assert len(told.shards) == (80 - n_rows) // 10
        assert str(told).startswith(f"Round 1 went on with {n_rows} of 80 rows, without shards ")
        time.sleep(max(0.0, LONG - seconds))
        assert shards.map_reduce_of_most(tasks.slow_count, str(tmp_path), 0.0) == 80


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_quorum_changes_nothing_where_nobody_is_late():
    plain = journal_problems.model_of(journal_problems.fitted("sgd"))
    with (
        joblib.parallel_config(backend="loky", n_jobs=2),
        skdist.config_context(deadline=1000, quorum=0.5),
    ):
        assert journal_problems.model_of(journal_problems.fitted("sgd")) == plain
