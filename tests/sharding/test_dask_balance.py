# SPDX-License-Identifier: BSD-3-Clause
"""Shards that are placed with a slow worker move to others, once it pays."""

import os
import signal
from collections import Counter

import dask.array as da
import joblib
import numpy as np
import pytest
import shard_tasks as tasks

from skdist.sharding import shard_rows
from skdist.sharding._dask_balance import Balance, Took, better, slowness

pytestmark = pytest.mark.timed

SLOTS = {"a": 1, "b": 1}


def took(slow=1.0, fast=0.1, n=4):
    """Rounds of n shards on each of two workers, one of them slow."""
    own = [Took(k, "a", slow, 10) for k in range(n)]
    return own + [Took(n + k, "b", fast, 10) for k in range(n)]


def test_speeds_are_those_of_rows():
    found = slowness([Took(0, "a", 2.0, 10), Took(1, "a", 4.0, 20), Took(2, "b", 1.0, 10)], SLOTS)
    assert found == {"a": pytest.approx(0.2), "b": pytest.approx(0.1)}


def test_who_takes_ten_times_as_long_keeps_little():
    moves, saved = better(took(), SLOTS)
    # All to b: 0.8 seconds, where one left at a takes 1.
    assert [move.to for move in moves] == ["b"] * 4
    assert saved == pytest.approx(4.0 - 0.8)


def test_threads_are_slots():
    moves, _ = better(took(slow=0.3), {"a": 4, "b": 1})  # 0.3 against 0.4 seconds
    assert not moves


def test_workers_that_came_later_get_shards():
    moves, saved = better([Took(k, "a", 1.0, 10) for k in range(4)], {**SLOTS, "c": 1})
    assert Counter(move.to for move in moves) in ({"b": 1, "c": 1}, {"b": 1, "c": 2})
    assert saved == pytest.approx(2.0)


def test_little_is_left_as_it_is():
    assert better(took(slow=0.12), SLOTS) == ([], 0.0)
    assert better(took(), {"b": 1}) == ([], 0.0)  # where the slow one is gone


def test_moves_when_more_was_lost_than_they_cost():
    balance = Balance()
    asked = []

    def after(round):
        return balance.after(round, lambda: SLOTS, lambda pieces: asked.append(pieces) or 8e8)

    assert after(took()) == []  # a first task loads code
    assert after(took()) == []  # 3.2 seconds of 8 are lost
    assert len(asked) == 1
    assert after(took()) == []
    assert len(after(took())) == 4
    assert balance.lost == 0.0
    assert after(took(slow=0.1, fast=1.0)) == []  # another one is slow now


@pytest.mark.parametrize("kind", ["placed", "collection"])
def test_a_slow_process_gets_fewer_shards(kind, dask_client, tmp_path):
    rows = np.arange(12_000.0).reshape(-1, 1)
    with joblib.parallel_config(backend="dask", client=dask_client), dask_client.as_current():
        if kind == "placed":
            shards = shard_rows(rows, n_shards=12)
        else:
            shards = shard_rows(da.from_array(rows, chunks=(1_000, 1)), n_shards=None)
        rounds = [shards.map(tasks.slow_here, str(tmp_path), 0.05, 0.001) for _ in range(5)]
        sums = shards.map(tasks.column_total, 0)
        held = [dask_client.who_has([piece.future]) for piece in shards._pieces]
    slow = int(next(tmp_path.iterdir()).read_text())
    assert Counter(rounds[0])[slow] > 1  # Dask has put about half of them there
    assert Counter(rounds[-1])[slow] <= 1
    np.testing.assert_array_equal(sums, rows.reshape(12, -1).sum(axis=1))
    # A shard is at one worker, not at two.
    assert all(len(who) == 1 for where in held for who in where.values())


def test_a_shard_that_moved_outlives_the_worker_it_is_at(dask_client, tmp_path):
    rows = np.arange(12_000.0).reshape(-1, 1)
    with joblib.parallel_config(backend="dask", client=dask_client):
        shards = shard_rows(rows, n_shards=12)
        for _ in range(4):
            found = shards.map(tasks.slow_here, str(tmp_path), 0.05, 0.001)
        slow = int(next(tmp_path.iterdir()).read_text())
        fast = next(pid for pid in found if pid != slow)
        assert Counter(found)[slow] <= 1
        os.kill(fast, signal.SIGKILL)
        sums = shards.map(tasks.column_total, 0)
    np.testing.assert_array_equal(sums, rows.reshape(12, -1).sum(axis=1))
