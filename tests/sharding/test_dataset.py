# SPDX-License-Identifier: BSD-3-Clause
import operator
import os

import joblib
import numpy as np
import pytest
import shard_tasks as tasks

from skdist.sharding import shard_rows
from skdist.sharding._shard import shard_seed

X = np.random.default_rng(0).normal(size=(1000, 7))


def test_map_tells_every_shard_who_it_is_in_order(backend):
    got = shard_rows(X, n_shards=3, seed=5).map(tasks.everything, "a", 2)
    rows = [range(334), range(334, 667), range(667, 1000)]
    expected = [(k, 3, r, shard_seed(5, k), len(r), ("a", 2)) for k, r in enumerate(rows)]
    assert got == expected


def test_map_reduce_merges_in_the_documented_tree(backend):
    shards = shard_rows(X, n_shards=5)
    s = [X[r.start : r.stop].T @ X[r.start : r.stop] for r in shards.rows]
    expected = ((s[0] + s[1]) + (s[2] + s[3])) + s[4]
    np.testing.assert_allclose(shards.map_reduce(tasks.gram), expected, rtol=1e-12)


@pytest.mark.parametrize("n_shards", [1, 2, 5, 8])
def test_both_reductions_have_the_bits_of_the_serial_one(backend, n_shards):
    expected = shard_rows(X, n_shards=n_shards, n_jobs=1).map_reduce(tasks.gram)
    shards = shard_rows(X, n_shards=n_shards)
    np.testing.assert_array_equal(shards.map_reduce(tasks.gram), expected)
    tree = shards.map_tree_reduce(tasks.gram, merge=operator.add)
    np.testing.assert_array_equal(tree, expected)


def test_bits_do_not_depend_on_memory_order_and_backend(backend):
    F = np.asfortranarray(X)
    expected = shard_rows(F, n_shards=3, n_jobs=1).map(tasks.gram)
    np.testing.assert_array_equal(shard_rows(F, n_shards=3).map(tasks.gram), expected)


def test_derived_shards_carry_the_value_and_drop_or_keep_y(backend):
    shards = shard_rows(X, np.arange(1000), np.ones(1000), n_shards=3, seed=1)
    derived = shards.map_shards(tasks.times, 2.0)
    again = derived.map_shards(tasks.times, 0.5, keep=True)
    for k, shard in enumerate(again.map(tasks.identity)):
        np.testing.assert_array_equal(shard.X, X[shard.rows.start : shard.rows.stop])
        assert shard.y is None
        assert shard.sample_weight is None
        assert (shard.index, shard.seed) == (k, shard_seed(1, k))
    kept = shards.map_shards(tasks.times, 2.0, keep=True).map(tasks.identity)
    np.testing.assert_array_equal(np.concatenate([s.y for s in kept]), np.arange(1000))
    assert derived.rows == shards.rows
    assert derived.cost == shards.cost


def test_group_reduce(backend):
    shards = shard_rows(X, n_shards=4)
    got = shards.group_reduce(
        tasks.column_total, range(7), 1.0, merge=operator.add, finish=tasks.named
    )
    assert [group for group, _ in got] == list(range(7))
    np.testing.assert_allclose([value for _, value in got], X.sum(axis=0) + 4)
    serial = shard_rows(X, n_shards=4, n_jobs=1).group_reduce(
        tasks.column_total, range(7), 1.0, merge=operator.add, finish=tasks.named
    )
    assert got == serial


def test_group_reduce_takes_the_view(backend):
    shards = shard_rows(X, n_shards=4).seen_through(tasks.doubled)
    got = shards.group_reduce(
        tasks.column_total, range(7), 1.0, merge=operator.add, finish=tasks.named
    )
    np.testing.assert_allclose([value for _, value in got], 2.0 * X.sum(axis=0) + 4)


def test_a_view_is_given_what_the_view_before_it_shows(backend):
    shards = shard_rows(X, n_shards=4)
    twice = shards.seen_through(tasks.doubled).seen_through(tasks.doubled)
    for plain, seen in zip(shards.map(tasks.identity), twice.map(tasks.identity), strict=True):
        np.testing.assert_array_equal(seen.X, 4 * plain.X)


def test_what_is_carried_is_of_the_view_taken_once(backend):
    shards = shard_rows(X, n_shards=3).seen_through(tasks.doubled)
    merged, carried = shards.map_reduce_carrying(tasks.running_total, None)
    np.testing.assert_allclose(merged, 2.0 * X.sum())
    merged, _ = shards.map_reduce_carrying(tasks.running_total, carried)
    np.testing.assert_allclose(merged, 4.0 * X.sum())


def test_group_reduce_of_no_groups(backend):
    shards = shard_rows(X, n_shards=2)
    assert shards.group_reduce(tasks.column_total, [], merge=operator.add, finish=tasks.named) == []


def test_sizes():
    shards = shard_rows(X, n_shards=3, n_jobs=1)
    assert (shards.n_shards, shards.n_samples) == (3, 1000)


def test_a_dataset_outlives_the_configuration_it_was_made_under():
    with joblib.parallel_config(backend="loky", n_jobs=2):
        shards = shard_rows(X, n_shards=2)
    assert os.getpid() not in shards.map(tasks.process_id)


def test_multiprocessing_goes_through_joblib():
    expected = shard_rows(X, n_shards=3, n_jobs=1).map_reduce(tasks.gram)
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        shards = shard_rows(X, n_shards=3)
        np.testing.assert_array_equal(shards.map_reduce(tasks.gram), expected)
        with pytest.raises(ValueError, match="negative values") as caught:
            shards.map(tasks.fail_plainly, 1)
    assert caught.value.__notes__ == ["while fitting shard 1 of 3 (rows 334 to 666)"]
    assert shards.cost.bytes_down >= X.nbytes
