# SPDX-License-Identifier: BSD-3-Clause
"""On a cluster, large summaries of many shards are merged on the workers before they travel."""

import operator

import joblib
import numpy as np
import pytest
import shard_tasks as tasks
from hypothesis import given
from hypothesis import strategies as st

from skdist import DistributedLogisticRegression, config_context
from skdist.sharding import ShardLostError, shard_rows
from skdist.sharding._dask import dealt
from skdist.sharding._folding import MERGED_FROM, branch_length, in_branches, leaves
from skdist.sharding._running_fit import running_fit
from skdist.sharding._tree import tree_fold

X = np.random.default_rng(0).normal(size=(9_000, 80))  # a Gram matrix has 51 kB


@pytest.fixture
def on_dask(dask_client):
    with joblib.parallel_config(backend="dask", client=dask_client):
        yield dask_client


def rounds_of(shards, function, n_rounds, *broadcast):
    """Bytes that come up in each round, and the last result."""
    up = [shards.cost.bytes_up]
    for _ in range(n_rounds):
        result = shards.map_reduce(function, *broadcast)
        up.append(shards.cost.bytes_up)
    return np.diff(up), result


@pytest.mark.parametrize("n_shards", [2, 3, 8, 13])
def test_the_bits_are_those_of_one_process(on_dask, n_shards):
    sent, there = rounds_of(shard_rows(X, n_shards=n_shards), tasks.gram, 3)
    with joblib.parallel_config(n_jobs=1):
        here = shard_rows(X, n_shards=n_shards).map_reduce(tasks.gram)
    np.testing.assert_array_equal(there, here)
    assert here.nbytes > MERGED_FROM
    summaries = np.round(sent / here.nbytes).astype(int).tolist()
    assert summaries == {2: [2, 2, 2], 3: [3, 3, 3], 8: [2, 2, 2], 13: [4, 4, 4]}[n_shards]


def test_a_timeline_names_the_merges(on_dask):
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=8)
        shards.map_reduce(tasks.gram)
        shards.map_tree_reduce(tasks.weighted_sum, merge=operator.add)
    named = [record.name for record in fit.ledger.read().tasks if record.round >= 0]
    assert (named.count("gram"), named.count("weighted_sum")) == (8, 8)
    assert named.count("merge") == 2 + 7


def test_small_summaries_come_as_they_are(on_dask):
    """A wave of merges costs more than they do: it is had once, when nobody knows."""
    shards = shard_rows(X, n_shards=8)
    sent, _ = rounds_of(shards, tasks.weighted_sum, 3)
    assert 3 * sent[0] < sent[1] == sent[2] < 5 * sent[0]


def test_who_watches_for_late_shards_gets_every_shard(on_dask):
    with config_context(deadline=50.0):
        sent, _ = rounds_of(shard_rows(X, n_shards=8), tasks.gram, 2)
    assert sent[0] == sent[1]


def test_a_journal_has_the_summary_of_every_shard(on_dask, tmp_path):
    rows = np.random.default_rng(1).normal(size=(6_000, 120))
    y = (rows[:, 0] + rows[:, 1] ** 3 > 0).astype(int)
    fits = []
    for settings in ({}, {"journal": tmp_path}):
        with config_context(**settings):
            fits.append(DistributedLogisticRegression(n_shards=8).fit(rows, y))
    merged, written = fits
    np.testing.assert_array_equal(merged.coef_, written.coef_)
    assert merged.report_.rounds == written.report_.rounds
    assert merged.report_.bytes_up < 0.7 * written.report_.bytes_up


class Watcher:
    def __init__(self):
        self.arrivals = []

    def begins(self, round):
        pass

    def arrived(self, round, task):
        self.arrivals.append((round.number, task))

    def noted(self, values):
        pass

    def ends(self, round):
        pass


def test_watchers_are_told_of_every_shard(on_dask):
    watcher = Watcher()
    with running_fit([watcher]):
        shards = shard_rows(X, n_shards=8)
        rounds_of(shards, tasks.gram, 2)
    assert sorted(watcher.arrivals) == [(r, k) for r in range(2) for k in range(8)]


def test_errors_name_the_shard(on_dask):
    shards = shard_rows(X, n_shards=8)
    rounds_of(shards, tasks.gram, 1)
    shards._meter.sizes["fail_plainly"] = MERGED_FROM
    with pytest.raises(ValueError, match="negative values") as caught:
        shards.map_reduce(tasks.fail_plainly, 3)
    assert "shard 3 of 8" in "".join(caught.value.__notes__)


def test_a_worker_that_dies_takes_no_summary_along(on_dask, tmp_path):
    shards = shard_rows(X, n_shards=8)
    expected = shards.map_reduce(tasks.die_first_time, 99, str(tmp_path))
    found = shards.map_reduce(tasks.die_first_time, 5, str(tmp_path))
    np.testing.assert_array_equal(found, expected)
    assert shards.cost.retries > 0 or len(list(tmp_path.iterdir())) == 1


@given(st.integers(0, 70), st.integers(1, 9))
def test_neighbours_are_dealt_to_one_worker(n_values, workers):
    order = dealt(n_values, workers)
    assert sorted(order) == list(range(n_values))
    if n_values % workers == 0:
        for w in range(workers):
            own = order[w::workers]
            assert own == list(range(w * len(own), (w + 1) * len(own)))


@given(st.integers(1, 100), st.integers(1, 9))
def test_branches_fold_to_the_whole_tree(n_shards, workers):
    def pair(a, b):
        return (a, b)

    singles = [range(k, k + 1) for k in range(n_shards)]
    pieces = [[part] for part in leaves(range(n_shards))]
    wave = in_branches(pieces, singles, [""] * n_shards, pair, workers)
    merged = tree_fold(pair, [wave.function(*own) for own in wave.own])
    assert merged == tree_fold(pair, list(range(n_shards)))
    assert min(workers, n_shards) <= len(wave.own) <= 2 * workers
    assert branch_length(n_shards, workers) == len(wave.own[0])


# -- many shards for each worker -----------------------------------------------------------------


def test_many_shards_of_a_worker_are_one_task(on_dask):
    """Of 48 shards, 24 a worker: runs of 4."""
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=48)
        found = [shards.map_reduce(tasks.weighted_sum) for _ in range(3)]
        counts = shards.map(tasks.nothing)
    assert counts == [None] * 48
    named = [record.name for record in fit.ledger.read().tasks if record.round >= 0]
    assert named.count("weighted_sum") == 48 // 4 * 3
    assert named.count("nothing") == 48 // 4
    with joblib.parallel_config(n_jobs=1):
        here = shard_rows(X, n_shards=48).map_reduce(tasks.weighted_sum)
    for sums in found:
        np.testing.assert_array_equal(sums.total, here.total)


def test_large_summaries_of_runs_are_merged_once_more(on_dask):
    up, there = rounds_of(shard_rows(X, n_shards=48), tasks.gram, 3)
    with joblib.parallel_config(n_jobs=1):
        here = shard_rows(X, n_shards=48).map_reduce(tasks.gram)
    np.testing.assert_array_equal(there, here)
    assert np.round(up / here.nbytes).astype(int).tolist() == [3, 3, 3]


def test_watchers_are_told_of_every_shard_of_a_run(on_dask):
    watcher = Watcher()
    with running_fit([watcher]):
        rounds_of(shard_rows(X, n_shards=48), tasks.weighted_sum, 2)
    assert sorted(watcher.arrivals) == [(r, k) for r in range(2) for k in range(48)]


def test_a_shard_of_a_run_that_kills_workers_is_named(on_dask, tmp_path):
    shards = shard_rows(X, n_shards=48)
    shards.map(tasks.nothing)
    with (
        config_context(retries=1),
        pytest.raises(ShardLostError, match=r"^shard 13 of 48 \(rows"),
    ):
        shards.map_reduce(tasks.die_always, 13, str(tmp_path))


def test_a_run_that_fails_names_the_shard(on_dask):
    shards = shard_rows(X, n_shards=48)
    shards.map(tasks.nothing)
    with pytest.raises(ValueError, match="negative values") as caught:
        shards.map_reduce(tasks.fail_plainly, 33)
    assert "shard 33 of 48" in "".join(caught.value.__notes__)


def test_runs_outlive_a_worker(on_dask, tmp_path):
    shards = shard_rows(X, n_shards=48)
    expected = shards.map_reduce(tasks.die_first_time, 99, str(tmp_path))
    found = shards.map_reduce(tasks.die_first_time, 5, str(tmp_path))
    np.testing.assert_array_equal(found, expected)
    assert shards.cost.retries > 0
    again = shards.map_reduce(tasks.die_first_time, 99, str(tmp_path))
    np.testing.assert_array_equal(again, expected)
