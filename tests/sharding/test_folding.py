# SPDX-License-Identifier: BSD-3-Clause
"""Runs of streamed shards: the tree stays the same, and few summaries are alive at once."""

import dask.array as da
import joblib
import numpy as np
import pytest
import shard_tasks as tasks
from hypothesis import given
from hypothesis import strategies as st

from skdist.sharding import shard_rows
from skdist.sharding._executors import Held, Wave
from skdist.sharding._folding import (
    MOST_BYTES_OF_RUN,
    even_runs,
    fold_parts,
    groups_at_workers,
    in_groups,
    in_order,
    leaves,
    run_length,
    runs_of_neighbours,
)
from skdist.sharding._tree import tree_fold


def bracketed(a, b):
    return f"({a}{b})"


@given(st.integers(1, 70), st.integers(1, 5))
def test_the_tree_is_the_one_of_single_shards(n_shards, workers):
    names = [f"{k} " for k in range(n_shards)]
    wave = Wave(str, [(name,) for name in names], (), names)
    runs = in_groups(wave, bracketed, even_runs(n_shards, workers))
    found = [runs.function(*own, *runs.common) for own in runs.own]
    assert {len(parts) for parts in found[:-1]} <= {1}
    assert fold_parts(bracketed, in_order(found)) == tree_fold(bracketed, names)
    assert len(found) >= min(n_shards, 4 * workers) or run_length(n_shards, workers) == 1


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from([1, 1 << 25])), min_size=1),
    st.integers(1, 3),
)
def test_the_tree_is_the_one_of_single_shards_wherever_they_are(places, workers):
    held = [Held(*place) for place in places]
    names = [f"{k} " for k in range(len(held))]
    runs = runs_of_neighbours(held, workers)
    assert [k for run in runs for k in run] == list(range(len(held)))
    for run in runs:
        own = [held[k] for k in run]
        assert len(run) == 1 or len({piece.worker for piece in own} - {""}) == 1
        assert len(run) == 1 or sum(piece.n_bytes for piece in own) <= MOST_BYTES_OF_RUN
        assert len(run) <= run_length(len(held), workers)
    wave = in_groups(Wave(str, [(name,) for name in names], (), names), bracketed, runs)
    found = [wave.function(*own) for own in wave.own]
    assert fold_parts(bracketed, in_order(found)) == tree_fold(bracketed, names)


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from([1, 1 << 25])), min_size=1),
    st.integers(1, 3),
)
def test_groups_of_a_worker_give_parts_of_the_tree(places, workers):
    held = [Held(*place) for place in places]
    names = [f"{k} " for k in range(len(held))]
    groups = groups_at_workers(held, workers)
    assert sorted(k for group in groups for k in group) == list(range(len(held)))
    for group in groups:
        own = [held[k] for k in group]
        assert len(group) == 1 or len({piece.worker for piece in own} - {""}) == 1
        assert len(group) == 1 or sum(piece.n_bytes for piece in own) <= MOST_BYTES_OF_RUN
        assert len(group) <= run_length(len(held), workers)
    plain = Wave(str, [(name,) for name in names], (), names)
    for merge in (bracketed, None):
        wave = in_groups(plain, merge, groups)
        parts = list(in_order([wave.function(*own) for own in wave.own]))
        assert sum(part.length for part in parts) == len(held)
        if merge is None:
            assert [part.value for part in parts] == names
        assert fold_parts(bracketed, parts) == tree_fold(bracketed, names)


def test_shards_of_two_workers_in_turn_are_few_tasks():
    held = [Held("ab"[k % 2], 10) for k in range(48)]
    assert len(runs_of_neighbours(held, 2)) == 48
    assert [len(group) for group in groups_at_workers(held, 2)] == [4] * 12


def test_neighbours_of_one_worker_are_one_run():
    held = [Held("a", 10)] * 24 + [Held("b", 10)] * 24
    assert runs_of_neighbours(held, 2) == even_runs(48, 2)
    assert {len(run) for run in even_runs(48, 2)} == {4}


def test_no_more_than_a_logarithm_of_the_summaries_is_alive():
    alive, most = [], []

    def value(k):
        alive.append(k)
        most.append(len(alive))
        return [k]

    def merge(a, b):
        alive.remove(b[0])
        return [a[0]]

    fold_parts(merge, leaves(map(value, range(1000))))
    assert max(most) <= 11


@pytest.mark.parametrize(("backend", "n_jobs"), [("threading", 1), ("threading", 2), ("loky", 2)])
def test_streamed_sums_have_the_bits_of_rows_in_memory(backend, n_jobs):
    X = np.random.default_rng(0).normal(size=(370, 3))
    streamed = da.from_array(X, chunks=(10, 3))
    expected = shard_rows(X, n_shards=37, n_jobs=1).map_reduce(tasks.gram)
    with joblib.parallel_config(backend=backend, n_jobs=n_jobs):
        shards = shard_rows(streamed, n_shards=None)
        assert shards.n_summaries == (5 if n_jobs == 1 else 10)
        np.testing.assert_array_equal(shards.map_reduce(tasks.gram), expected)


def test_an_error_names_its_shard():
    X = da.ones((100, 2), chunks=(5, 2))
    shards = shard_rows(X, n_shards=None, n_jobs=2)
    with pytest.raises(ValueError, match=r"shard 13 of 20 \(rows 65 to 69\)"):
        shards.map_reduce(tasks.fail_plainly, 13)
