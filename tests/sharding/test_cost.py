# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from shard_tasks import times, weighted_sum

from skdist.sharding import Cost, replicate, shard_rows
from skdist.sharding._cost import nbytes

X = np.zeros((1000, 100))


@dataclass
class Pair:
    a: np.ndarray
    b: list


@pytest.mark.parametrize(
    ("value", "arrays"),
    [
        (X, X.nbytes),
        ((X, [X]), 2 * X.nbytes),
        ({"x": X}, X.nbytes),
        (Pair(X, [X, X]), 3 * X.nbytes),
        (pd.DataFrame(X), X.nbytes),
        (None, 0),
    ],
)
def test_nbytes_finds_the_arrays(value, arrays):
    assert arrays <= nbytes(value) <= arrays + 1000


def test_threads_send_nothing():
    shards = shard_rows(X, n_shards=4, n_jobs=2)
    shards.map_reduce(weighted_sum, 2.0)
    shards.map_shards(times, 2.0).map(weighted_sum)
    cost = shards.cost
    assert (cost.rounds, cost.bytes_down, cost.bytes_up, cost.retries) == (3, 0, 0, 0)
    assert cost.seconds > 0


def test_shards_are_sent_once_and_broadcasts_every_round(process_backend):
    shards = shard_rows(X, n_shards=4)
    placed = shards.cost.bytes_down
    assert X.nbytes <= placed <= X.nbytes + 10_000
    state = np.zeros(1000)
    costs = []
    for _ in range(3):
        shards.map(times_shape, state)
        costs.append(shards.cost.bytes_down)
    sent = np.diff([placed, *costs])
    assert np.all(sent >= 4 * state.nbytes)
    assert np.all(sent <= 4 * state.nbytes + 10_000)


def test_results_are_counted_upwards(process_backend):
    shards = shard_rows(X, n_shards=4)
    shards.map(times, 1.0)
    assert X.nbytes <= shards.cost.bytes_up <= X.nbytes + 10_000


def test_a_large_broadcast_travels_once_per_worker(process_backend):
    shards = shard_rows(X, n_shards=8)
    before = shards.cost.bytes_down
    state = np.zeros(500_000)
    shards.map(times_shape, state)
    copies = {"loky": 1, "dask": 2}[process_backend]  # loky's processes read one file
    sent = shards.cost.bytes_down - before
    assert copies * state.nbytes <= sent <= copies * state.nbytes + 20_000


def test_replicated_cost(process_backend):
    placed = replicate(X)
    assert X.nbytes <= placed.cost.bytes_down <= 2 * X.nbytes + 10_000
    assert placed.cost.rounds == 0


def test_the_account_starts_empty():
    assert Cost() == Cost(0, 0, 0, 0.0, 0)


def times_shape(shard, state):
    return state.shape
