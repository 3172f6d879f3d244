# SPDX-License-Identifier: BSD-3-Clause
"""Clusters whose workers go and come while a fit runs."""

import logging
import time
import warnings

import joblib
import journal_problems
import pytest
import shard_tasks as tasks
from distributed import Client, LocalCluster
from journal_problems import Rounds, fitted, model_of

import skdist
from skdist.sharding import WorkersLostError, replicate, running_fit, shard_rows

pytestmark = pytest.mark.timed


@pytest.fixture
def cluster():
    """A cluster of two processes that nobody else uses."""
    with (
        warnings.catch_warnings(),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
        joblib.parallel_config(backend="dask", client=client),
    ):
        yield cluster, client


def scaled(cluster, client, n_workers):
    """So many workers, now."""
    cluster.scale(n_workers)
    while len(client.nthreads()) != n_workers:
        time.sleep(0.05)


def test_without_workers_a_fit_waits_a_while_and_keeps_its_journal(cluster, tmp_path):
    name = "logistic by lbfgs"
    all_rounds = Rounds()
    with joblib.parallel_config(backend="threading"), running_fit([all_rounds]):
        model = model_of(fitted(name))
    watcher = Rounds(8, lambda: scaled(*cluster, 0))
    with skdist.config_context(journal=tmp_path, worker_timeout=2.0):
        start = time.perf_counter()
        with (
            running_fit([watcher]),
            pytest.raises(WorkersLostError, match="no worker for worker_timeout=2 seconds"),
        ):
            fitted(name)
        assert time.perf_counter() - start < 60
        (kept,) = skdist.journals(tmp_path)
        assert kept.rounds == 8
        scaled(*cluster, 2)
        rest = Rounds()
        with running_fit([rest]):
            assert model_of(fitted(name)) == model
    assert rest.numbers == all_rounds.numbers[8:]


@pytest.mark.long
def test_a_worker_that_comes_late_is_used(cluster):
    shared = replicate(1)
    shards = shard_rows(journal_problems.X, n_shards=8)
    first = set(shared.map(tasks.slow_process_id, range(8)))
    scaled(*cluster, 3)
    late = set(shared.map(tasks.slow_process_id, range(12)))
    assert len(first) == 2
    assert len(late) == 3
    assert len(set(shards.map(tasks.process_id))) >= 2
