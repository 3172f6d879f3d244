# SPDX-License-Identifier: BSD-3-Clause
"""More shards than workers: the largest are begun first, and who is slow gets fewer."""

from collections import Counter

import dask.array as da
import joblib
import numpy as np
import pytest
import shard_tasks as tasks

from skdist.sharding import replicate, running_fit, shard_rows
from skdist.sharding._executors import Wave
from skdist.sharding._recall import only

pytestmark = pytest.mark.timed

LENGTHS = (10, 300, 20, 200, 40, 30)


def cut(lengths=LENGTHS):
    return da.from_array(np.zeros((sum(lengths), 2)), chunks=(lengths, 2))


@pytest.mark.parametrize("where", ["serial", "threading", "loky"])
def test_the_largest_are_begun_first(where):
    told = {"n_jobs": 1} if where == "serial" else {"backend": where, "n_jobs": 2}
    with joblib.parallel_config(**told), running_fit() as fit:
        found = shard_rows(cut(), n_shards=None).map(tasks.a_while)
    assert found == list(range(6))  # in the order of the shards, whoever began first
    begun = sorted(fit.ledger.read().tasks, key=lambda task: task.start)
    order = [task.task for task in begun if task.name == "a_while"]
    if where == "serial":
        assert order == list(range(6))  # one after the other: no order is sooner
    else:
        # Two take what is next at once, so that neighbours may change places.
        by_size = [1, 3, 4, 5, 2, 0]
        assert all(abs(order.index(k) - by_size.index(k)) <= 1 for k in range(6))


def test_the_largest_are_begun_first_on_a_cluster(one_slot_client):
    with one_slot_client.as_current(), running_fit() as fit:
        rows = shard_rows(cut(), n_shards=None)
        rows.map(tasks.nothing)
        assert rows.map(tasks.a_while) == list(range(6))
    begun = sorted(fit.ledger.read().tasks, key=lambda task: task.start)
    order = [task.task for task in begun if task.name == "a_while"]
    assert order[-2:] == [2, 0] and set(order[:3]) >= {1, 3}


def test_equal_shards_have_no_order():
    assert shard_rows(np.zeros((99, 1)), n_shards=4)._order is None


def test_who_is_slow_gets_fewer_shards(tmp_path):
    """Where every process can read every shard."""
    with joblib.parallel_config(backend="loky", n_jobs=2):
        shards = shard_rows(np.zeros((24, 1)), n_shards=24)
        by = Counter(shards.map(tasks.held_up, str(tmp_path), 17))
    slow = int((tmp_path / "slow").read_text())
    assert by[slow] <= 24 - 17


def test_who_is_slow_gets_fewer_items(dask_client, tmp_path):
    with joblib.parallel_config(backend="dask", client=dask_client):
        value = replicate(np.zeros(3))
        by = Counter(value.map(tasks.held_up_item, range(16), str(tmp_path), 11))
    slow = int((tmp_path / "slow").read_text())
    assert by[slow] <= 16 - 11


def test_some_tasks_of_a_wave_keep_their_order():
    """A round that a journal has in part goes on with the rest."""
    own = [(k,) for k in range(4)]
    wave = Wave(tasks.nothing, own, (), list("abcd"), order=[3, 1, 0, 2], rows=[5, 9, 2, 10])
    rest = only(wave, [0, 2, 3])
    assert [rest.own[k] for k in rest.begun] == [(3,), (0,), (2,)]
    assert rest.labels == ["a", "c", "d"] and rest.rows == [5, 2, 10]
