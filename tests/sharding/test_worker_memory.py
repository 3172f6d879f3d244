# SPDX-License-Identifier: BSD-3-Clause
"""Dask workers that need more memory than they have, and whose nannies start them again."""

import logging
import warnings

import dask
import joblib
import numpy as np
import pytest
import shard_tasks as tasks
from distributed import Client, LocalCluster

import skdist
from skdist.sharding import ShardLostError, shard_rows

pytestmark = pytest.mark.timed

X = np.random.default_rng(0).normal(size=(80, 3))
ALLOWED = 1  # workers that a task may kill before the scheduler gives it up


@pytest.fixture(scope="module")
def small_workers():
    """Two workers of 600 MB; their nannies end them at 95 % of that."""
    with (
        warnings.catch_warnings(),
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": ALLOWED,
                "distributed.worker.memory.pause": False,
                "distributed.worker.memory.spill": False,
                "distributed.worker.memory.target": False,
            }
        ),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit="600MB",
            host="127.0.0.1",
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def on_them(small_workers):
    small_workers.wait_for_workers(2, timeout=60)
    with joblib.parallel_config(backend="dask", client=small_workers):
        yield small_workers


def pids(client):
    return set(client.run(tasks.os.getpid).values())


def test_a_worker_that_was_started_again_for_its_memory_is_one_that_was_lost(on_them, tmp_path):
    before = pids(on_them)
    shards = shard_rows(X, n_shards=8)
    got = shards.map_reduce(tasks.eat_memory_first_time, 5, str(tmp_path))
    np.testing.assert_allclose(got, shards.map_reduce(tasks.gram), rtol=1e-12)
    assert len(list(tmp_path.iterdir())) == 2  # once in vain, and once more
    on_them.wait_for_workers(2, timeout=60)
    assert pids(on_them) != before
    # The rows that lay there are there again.
    assert shards.map_reduce(tasks.weighted_sum).weight == 80.0


@pytest.mark.long
def test_a_shard_that_no_worker_has_memory_for_is_named(on_them, tmp_path):
    shards = shard_rows(X, n_shards=8)
    with (
        skdist.config_context(retries=1),
        pytest.raises(ShardLostError, match=r"shard 5 of 8 \(rows 50 to 59\)"),
    ):
        shards.map(tasks.eat_memory_always, 5, str(tmp_path))
    # Once beside the others and once alone, each as often as the scheduler allows.
    assert len(list(tmp_path.iterdir())) <= 3 * (ALLOWED + 1)
    on_them.wait_for_workers(2, timeout=60)
    assert shards.map_reduce(tasks.weighted_sum).weight == 80.0
