# SPDX-License-Identifier: BSD-3-Clause
"""Forests whose trees see one shard each."""

import numpy as np
import pytest
from forest_problems import assert_same_tree, assert_same_trees, binned, column, cut, grow, state

from skdist.kernels.packed_trees import pack_votes
from skdist.kernels.predict_trees import add_votes
from skdist.sharding import shard_rows
from skdist.solvers.sharded_forest import sharded_forest

SEEDS = tuple(range(7))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 4)).astype(np.float32)
Y_3 = (X[:, 0] > 0).astype(float) + (X[:, 1] > 0)
Y_REAL = X[:, 0] + 0.1 * RNG.normal(size=600)
WEIGHT = RNG.integers(1, 4, 600).astype(float)


def forest_of(shards, n_classes, seeds=SEEDS, **rules):
    problem, layout = state(shards, n_classes, **rules)
    return sharded_forest(shards.map_shards(binned, problem, layout), problem, seeds)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("bootstrap", [False, True])
def test_one_shard_is_the_replicated_forest(bootstrap, weight):
    shards = cut(X, Y_3, weight)
    problem, layout = state(shards, 3, bootstrap=bootstrap)
    trees, tree_weight, home = forest_of(shards, 3, bootstrap=bootstrap)
    assert_same_trees(trees, grow(shards, problem, layout, SEEDS))
    assert (tree_weight == 1).all() and (home == 0).all()


@pytest.mark.parametrize(("y", "n_classes"), [(Y_3, 3), (Y_REAL, 0)])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_a_tree_is_that_of_its_shard_alone(y, n_classes, weight):
    bounds = [0, 100, 400, 600]
    trees, _, home = forest_of(cut(X, y, weight, at=bounds[1:-1]), n_classes)
    np.testing.assert_array_equal(home, [0, 1, 2, 0, 1, 2, 0])
    problem, _ = state(cut(X, y, weight), n_classes)  # bins and units are those of all rows
    for t, k in enumerate(home):
        own = slice(bounds[k], bounds[k + 1])
        alone = cut(X[own], y[own], None if weight is None else weight[own])
        theirs, layout = state(alone, n_classes)
        theirs = type(theirs)(
            theirs.rules, problem.bins, problem.fixed_point, theirs.n_draws, theirs.block_mass
        )
        (expected,) = grow(alone, theirs, layout, [SEEDS[t]]).each
        assert_same_tree(trees.each[t], expected)


def test_votes_weigh_the_rows_behind_them():
    _, tree_weight, home = forest_of(cut(X, Y_3, at=(100, 400)), 3)
    per_shard = np.bincount(home, tree_weight)
    np.testing.assert_allclose(per_shard / per_shard.sum(), np.array([100, 300, 200]) / 600)
    np.testing.assert_allclose(tree_weight.mean(), 1)
    assert len(set(tree_weight[home == 0])) == 1


@pytest.mark.parametrize("bootstrap", [False, True])
def test_votes_weigh_the_weights_behind_them(bootstrap):
    _, tree_weight, home = forest_of(cut(X, Y_3, WEIGHT, at=(100,)), 3, bootstrap=bootstrap)
    per_shard = np.bincount(home, tree_weight)
    expected = np.array([WEIGHT[:100].sum(), WEIGHT[100:].sum()]) / WEIGHT.sum()
    np.testing.assert_allclose(per_shard / per_shard.sum(), expected, rtol=1e-12)


def test_an_empty_shard_grows_nothing():
    trees, tree_weight, home = forest_of(cut(X, Y_3, at=(0, 300, 300)), 3)
    without, weight_without, _ = forest_of(cut(X, Y_3, at=(300,)), 3)
    np.testing.assert_array_equal(home, [1, 3, 1, 3, 1, 3, 1])
    assert_same_trees(trees, without)
    np.testing.assert_array_equal(tree_weight, weight_without)


@pytest.mark.parametrize("bootstrap", [False, True])
def test_a_shard_without_weight_grows_nothing(bootstrap):
    weight = np.where(np.arange(600) < 300, 0.0, 1.0)
    _, _, home = forest_of(cut(X, Y_3, weight, at=(300,)), 3, bootstrap=bootstrap)
    assert (home == 1).all()


@pytest.mark.parametrize("bootstrap", [False, True])
def test_no_weight_at_all_is_an_error(bootstrap):
    with pytest.raises(ValueError, match="all 2 shards weigh 0"):
        forest_of(cut(X, Y_3, np.zeros(600), at=(300,)), 3, bootstrap=bootstrap)


def test_a_shard_may_lack_a_class():
    order = np.argsort(Y_3, kind="stable")
    trees, _, home = forest_of(cut(X[order], Y_3[order], at=(200,)), 3)
    assert trees.n_values == 3
    first = trees.each[0]
    assert home[0] == 0 and not first.value[:, 2].any() and first.value[:, 0].any()
    np.testing.assert_allclose(column(trees, "value").sum(axis=1), 1)


def test_fewer_trees_than_shards():
    trees, tree_weight, home = forest_of(cut(X, Y_3, at=(100, 200, 300)), 3, seeds=(5, 6))
    assert trees.n_trees == 2 and home.tolist() == [0, 1]
    np.testing.assert_array_equal(tree_weight, 1)


def test_weight_2_is_the_row_twice():
    weight, twice = WEIGHT.clip(max=2), np.repeat(np.arange(600), WEIGHT.clip(max=2).astype(int))
    rounded = X.round(1)  # so few values that the bins are the same
    a, weight_a, _ = forest_of(cut(rounded, Y_3, weight, at=(200,)), 3, bootstrap=False)
    at = (int(weight[:200].sum()),)
    b, weight_b, _ = forest_of(cut(rounded[twice], Y_3[twice], at=at), 3, bootstrap=False)
    for name in ("value", "threshold"):
        np.testing.assert_array_equal(column(a, name), column(b, name))
    np.testing.assert_allclose(weight_a, weight_b, rtol=1e-12)


def test_missing_values():
    hidden = np.where(np.arange(600) % 3 == 0, np.nan, X[:, 0])
    X_missing = np.column_stack([hidden, RNG.normal(size=600)]).astype(np.float32)
    y = np.isnan(hidden).astype(float)
    trees, tree_weight, _ = forest_of(cut(X_missing, y, at=(300,)), 2)
    votes = np.zeros((600, 2))
    add_votes([pack_votes(tree) for tree in trees.each], X_missing, votes)
    assert tree_weight.shape == (7,) and (votes.argmax(axis=1) == y).all()


def test_the_same_forest_on_every_backend(backend):
    expected = forest_of(cut(X, Y_3, at=(300,)), 3)
    result = forest_of(shard_rows(X, Y_3, n_shards=2), 3)
    assert_same_trees(result[0], expected[0])
    np.testing.assert_array_equal(result[1], expected[1])
    np.testing.assert_array_equal(result[2], expected[2])
