# SPDX-License-Identifier: BSD-3-Clause
import joblib
import numpy as np
import pytest

from skdist.sharding import replicate, running_fit, shard_rows


class Diary:
    """Writes down all that it is told."""

    def __init__(self):
        self.lines = []

    def begins(self, round):
        self.lines.append(("begins", round.number, round.name, round.n_tasks))

    def arrived(self, round, task):
        self.lines.append(("arrived", round.number, task))

    def ends(self, round):
        self.lines.append(("ends", round.number))

    def noted(self, values):
        self.lines.append(("noted", values))


def total(shard, power):
    return float((shard.X**power).sum())


def refuse(shard):
    raise ValueError("no")


def squared(value, item):
    return value * item**2


def two_rounds():
    shards = shard_rows(np.arange(6.0).reshape(-1, 1), n_shards=3)
    shards.note(objective=shards.map_reduce(total, 1))
    return replicate(2.0).map(squared, [1, 2])


def told_by_threads():
    diary = Diary()
    with running_fit([diary]):
        two_rounds()
    return sorted(map(repr, diary.lines))


def test_a_watcher_is_told_of_rounds_tasks_and_notes():
    assert told_by_threads() == sorted(
        map(
            repr,
            [
                ("begins", 0, "total", 3),
                *(("arrived", 0, task) for task in range(3)),
                ("ends", 0),
                ("noted", {"objective": 15.0}),
                ("begins", 1, "squared", 2),
                *(("arrived", 1, task) for task in range(2)),
                ("ends", 1),
            ],
        )
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_processes_tell_the_same(n_jobs):
    diary = Diary()
    with joblib.parallel_config(backend="loky", n_jobs=n_jobs), running_fit([diary]):
        assert two_rounds() == [2.0, 8.0]
    assert sorted(map(repr, diary.lines)) == told_by_threads()


def test_a_cluster_tells_the_same(dask_client):
    diary = Diary()
    with dask_client.as_current(), joblib.parallel_config(backend="dask"), running_fit([diary]):
        assert two_rounds() == [2.0, 8.0]
    assert sorted(map(repr, diary.lines)) == told_by_threads()


def test_a_round_that_fails_ends():
    diary = Diary()
    shards = None
    with running_fit([diary]):
        shards = shard_rows(np.eye(2), n_shards=2)
        with pytest.raises(ValueError, match="no"):
            shards.map(refuse)
    assert diary.lines[0][0] == "begins"
    assert diary.lines[-1] == ("ends", 0)


def test_outside_of_fits_nobody_is_told():
    diary = Diary()
    with running_fit([diary]):
        pass
    two_rounds()
    assert diary.lines == []


def test_a_data_set_belongs_to_the_fit_it_was_made_in():
    outer, inner = Diary(), Diary()
    with running_fit([outer]):
        shards = shard_rows(np.eye(2), n_shards=2)
        with running_fit([inner]):
            shards.map(total, 1)
    assert inner.lines == []
    assert len(outer.lines) == 4
