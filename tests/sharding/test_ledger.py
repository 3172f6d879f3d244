# SPDX-License-Identifier: BSD-3-Clause
"""What is written down of a fit: every task once, on the driver's clock, and notes."""

import time
from collections import Counter

import joblib
import numpy as np
import pytest
import shard_tasks as tasks

from skdist.sharding import replicate, running_fit, shard_rows
from skdist.sharding._ledger import MOST_NOTES, MOST_TASKS, Ledger, Offset
from skdist.sharding._spans import Span, _held, _high

pytestmark = pytest.mark.timed

X = np.random.default_rng(0).normal(size=(800, 5))


def nap(shard, seconds):
    """Sleep much longer on later shards."""
    time.sleep(seconds * (1 + shard.index) ** 2)
    return shard.X.sum(axis=0)


def of_rounds(fit):
    """(round, name, task) of every record of a round, counted."""
    records = [record for record in fit.ledger.read().tasks if record.round >= 0]
    return Counter((record.round, record.name, record.task) for record in records)


def test_every_task_is_written_down_once(backend):
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=3)
        shards.map(tasks.gram)
        derived = shards.map_shards(tasks.times, 2.0)
        derived.map_reduce(tasks.weighted_sum)
        derived.map_reduce(tasks.weighted_sum)
        replicate(2).map(tasks.power, [1, 2])
    expected = {(0, "gram", k): 1 for k in range(3)}
    expected |= {(1, "times", k): 1 for k in range(3)}
    expected |= {(number, "weighted_sum", k): 1 for number in (2, 3) for k in range(3)}
    expected |= {(4, "power", k): 1 for k in range(2)}
    assert of_rounds(fit) == expected


def test_tasks_of_trees_and_groups_come_to_the_driver(backend):
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=4)
        shards.map_tree_reduce(tasks.gram, merge=tasks.add)
        shards.group_reduce(tasks.column_total, range(2), merge=tasks.add, finish=tasks.named)
    of_round = Counter(record.round for record in fit.ledger.read().tasks)
    assert of_round[0] == 4 + 2 + 1
    in_place, apart = 2, 2 * 4 + 2
    assert of_round[1] == (apart if backend == "dask" else in_place)


def test_records_are_of_those_who_ran_them_on_the_drivers_clock(backend):
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=4)
        before = time.perf_counter() - fit.ledger.began
        shards.map(nap, 0.01)
        after = time.perf_counter() - fit.ledger.began
    record = fit.ledger.read()
    records = [task for task in record.tasks if task.round == 0]
    for task in records:
        assert before <= task.start < task.stop <= after
        assert task.stop - task.start >= 0.01 * (1 + task.task) ** 2
        assert task.cpu is None or task.cpu < 0.01 * (1 + task.task) ** 2
        assert task.peak_memory > 1 << 20
        assert task.attempt == 1
    marks = {"serial": "MainThread", "threading": "skdist", "loky": "@", "dask": "tcp://"}
    assert all(marks[backend] in task.worker for task in records)
    away = {task.worker for task in records} if backend in ("loky", "dask") else set()
    assert set(record.memory) >= {"driver", *away}


def test_the_seconds_of_rounds_are_computing_waiting_and_transfer(backend):
    shards = shard_rows(X, n_shards=3)
    shards.map_reduce(nap, 0.03)
    shards.map_reduce(nap, 0.01)
    cost = shards.cost
    workers = 1 if backend == "serial" else 2
    assert cost.seconds == pytest.approx(
        cost.transfer + (cost.compute + cost.waiting) / workers, rel=1e-9
    )
    assert 0.56 <= cost.compute < 0.56 + cost.seconds
    # 3 shards of 1, 4 and 9 naps on two workers: one of them has nothing to do for 4 naps at least.
    assert cost.waiting < 0.05 if backend == "serial" else cost.waiting > 0.1
    assert cost.driver_memory > 1 << 20
    assert (cost.worker_memory > 1 << 20) == (backend in ("loky", "dask"))


def test_costs_add_up_and_the_larger_memory_stays():
    costs = []
    for seconds in (0.0, 0.01):
        shards = shard_rows(X, n_shards=2, n_jobs=1)
        shards.map(nap, seconds)
        costs.append(shards.cost)
    both = costs[0] + costs[1]
    assert both.compute == costs[0].compute + costs[1].compute
    assert both.driver_memory == max(cost.driver_memory for cost in costs)


def holds_more_than_ever(shard):
    """Hold 200 MB more than this process ever did; what it had held before."""
    before = _high()
    time.sleep(0.02)
    assert np.ones((before - _held() + 200_000_000) // 8).all()
    return before


def test_what_a_task_held_is_seen(process_backend):
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=2)
        shards.map(tasks.nothing)
        before = shards.map(holds_more_than_ever)
    seen = {task.task: task.peak_memory for task in fit.ledger.read().tasks if task.round == 1}
    for k, bytes_before in enumerate(before):
        assert seen[k] > bytes_before + 150_000_000
    assert shards.cost.worker_memory == max(seen.values())


def test_a_task_that_is_run_again_says_so(tmp_path):
    with joblib.parallel_config(backend="loky", n_jobs=2), running_fit() as fit:
        shard_rows(X, n_shards=8).map_reduce(tasks.die_first_time, 3, str(tmp_path))
    attempts = [task.attempt for task in fit.ledger.read().tasks]
    assert set(attempts) == {1, 2}


@pytest.mark.parametrize("ahead", [0.0, 1e6, -1e6])
def test_clocks_of_other_hosts_are_set_right(ahead):
    book = Ledger()
    now = time.perf_counter()
    for k in range(3):
        start = now + 0.1 * k
        span = Span("tcp://elsewhere", start + ahead + 1e-3, start + ahead + 2e-3, None, 1)
        book.task(k, "f", k, span, 1, start)
    record = book.read()
    starts = np.array([task.start for task in record.tasks]) + book.began
    # Received at once, before it can have stopped: the bounds meet within the test's own time.
    np.testing.assert_allclose(starts, now + 0.1 * np.arange(3), atol=0.5)


def test_a_clock_is_not_changed_without_need():
    offset = Offset()
    offset.bound(Span("w", 10.0, 11.0, None, 0), sent=9.0, received=12.0)
    assert offset.value == 0.0
    offset.bound(Span("w", 10.0, 11.0, None, 0), sent=10.5, received=12.0)
    assert offset.value == 0.75


def test_the_book_is_bounded():
    book = Ledger()
    n = 3 * MOST_TASKS + 7
    for k in range(n):
        book.task(k, "fg"[k % 2], 0, Span("w", 0.0, 1.0, 0.5 if k % 3 else None, k), 1, None)
        book.note(k, {"loss": float(k)})
    record = book.read()
    assert record.n_tasks == n
    assert [task.round for task in record.tasks] == list(range(n - MOST_TASKS, n))
    for task in record.tasks:
        assert (task.name, task.peak_memory) == ("fg"[task.round % 2], task.round)
        assert task.cpu == (0.5 if task.round % 3 else None)
    rounds = np.array([note.round for note in record.trace])
    assert rounds[0] == 0
    assert rounds[-1] == n - 1
    assert MOST_NOTES <= len(rounds) <= 2 * MOST_NOTES + 1
    assert len(set(np.diff(rounds[:-1]))) == 1


def test_notes_say_how_far_the_fit_is():
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=2, n_jobs=1)
        shards.note(loss=3.0)
        shards.map(tasks.nothing)
        shards.note(loss=2.0, certificate=0.5)
    first, second = fit.ledger.read().trace
    assert (first.round, dict(first.values)) == (-1, {"loss": 3.0})
    assert (second.round, dict(second.values)) == (0, {"loss": 2.0, "certificate": 0.5})
    assert first.seconds < second.seconds
