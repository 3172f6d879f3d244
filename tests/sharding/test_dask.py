# SPDX-License-Identifier: BSD-3-Clause
import joblib
import numpy as np
import pytest
import shard_tasks as tasks
from distributed import WorkerPlugin

from skdist.sharding import replicate, shard_rows

X = np.random.default_rng(0).normal(size=(40_000, 25))  # 8 MB


class CountReceived(WorkerPlugin):
    """Counts, on a worker, the bytes of values that came to it: scattered or fetched."""

    name = "bytes-received"

    def setup(self, worker):
        self.worker, self.total = worker, 0

    def transition(self, key, start, finish, **kwargs):
        # What the worker computed itself comes to memory from the state "executing".
        if finish == "memory" and start in {"released", "flight"}:
            self.total += self.worker.state.tasks[key].nbytes


def read_count(dask_worker):
    return dask_worker.plugins[CountReceived.name].total


def bytes_received(client):
    """Bytes of values that all workers have received so far, by their own account."""
    return sum(client.run(read_count).values())


@pytest.fixture
def on_dask(dask_client):
    dask_client.register_plugin(CountReceived())
    with joblib.parallel_config(backend="dask", client=dask_client):
        yield dask_client
    dask_client.unregister_worker_plugin(CountReceived.name)


@pytest.mark.parametrize("n_shards", [2, 3, 4, 9])
def test_shards_travel_once_whatever_the_number_of_rounds(on_dask, n_shards):
    before = bytes_received(on_dask)
    shards = shard_rows(X, n_shards=n_shards)
    received = []
    for n_rounds in (1, 1, 8):
        for _ in range(n_rounds):
            shards.map_reduce(tasks.weighted_sum, 2.0)
        received.append(bytes_received(on_dask) - before)
    assert X.nbytes <= received[0] <= 1.01 * X.nbytes
    assert received[0] == received[1] == received[2]


def test_derived_shards_do_not_travel(on_dask):
    before = bytes_received(on_dask)
    derived = shard_rows(X, n_shards=4).map_shards(tasks.times, 2.0)
    for _ in range(5):
        derived.map_reduce(tasks.weighted_sum)
    assert bytes_received(on_dask) - before <= 1.01 * X.nbytes


def test_groups_go_from_worker_to_worker_and_shards_stay(on_dask):
    before = bytes_received(on_dask)
    shards = shard_rows(X, n_shards=4)
    sent = shards.cost.bytes_down
    blocks = shards.group_reduce(
        tasks.column, range(4), merge=tasks.concatenate, finish=tasks.group_length
    )
    assert blocks == [(g, len(X)) for g in range(4)]
    # Four columns of 25 at most moved on top of the shards, and none of it by the driver.
    assert bytes_received(on_dask) - before <= X.nbytes * (1.01 + 4 / 25)
    assert shards.cost.bytes_down - sent < 20_000
    assert shards.cost.bytes_up < 1000


def test_a_replicated_value_travels_once_per_worker(on_dask):
    before = bytes_received(on_dask)
    replicated = replicate(X)
    for _ in range(3):
        replicated.map(tasks.item_and_size, range(6))
    received = bytes_received(on_dask) - before
    assert 2 * X.nbytes <= received <= 2.02 * X.nbytes


def test_a_cluster_of_one_slot_runs_here(one_slot_client, tmp_path):
    with joblib.parallel_config(backend="dask", client=one_slot_client):
        shards = shard_rows(X, n_shards=3)
        expected = shard_rows(X, n_shards=3, n_jobs=1).map_reduce(tasks.gram)
        np.testing.assert_array_equal(shards.map_reduce(tasks.gram), expected)
        assert replicate(2).map(tasks.power, [1, 2], 3) == [2, 16]


def test_the_threads_of_one_worker_give_the_same_bits(two_slot_client):
    expected = shard_rows(X, n_shards=5, n_jobs=1).map_reduce(tasks.gram)
    with joblib.parallel_config(backend="dask", client=two_slot_client):
        shards = shard_rows(X, n_shards=5)
        for _ in range(3):
            np.testing.assert_array_equal(shards.map_reduce(tasks.gram), expected)


def test_joblib_finds_the_clusters_default_client(dask_client):
    with dask_client.as_current(), joblib.parallel_config(backend="dask"):
        assert shard_rows(X, n_shards=2).map(tasks.nothing) == [None, None]
