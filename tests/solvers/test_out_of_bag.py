# SPDX-License-Identifier: BSD-3-Clause
"""Out-of-bag votes against scikit-learn's trees, one by one, on the rows each has not seen."""

import numpy as np
import pytest
from forest_problems import binned, cut, grow, state
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdist.ensemble._export import to_sklearn_trees
from skdist.sharding import shard_rows
from skdist.solvers.binned_forest import block_size, concatenate, draws
from skdist.solvers.out_of_bag import out_of_bag_votes
from skdist.solvers.sharded_forest import alone, sharded_forest

SEEDS = (3, 1, 4, 15, 9)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(700, 4)).astype(np.float32)
X_MISSING = np.where(RNG.random(X.shape) < 0.2, np.float32(np.nan), X)
Y_3 = (X[:, 0] > 0).astype(float) + (X[:, 1] + RNG.normal(size=700) > 0)
Y_REAL = X[:, 0] + 0.1 * RNG.normal(size=700)
WEIGHT = RNG.integers(0, 4, 700).astype(float)

CASES = {
    "3 classes": (X, Y_3, None, 3, 1),
    "2 classes": (X, np.minimum(Y_3, 1), None, 2, 1),
    "mixed leaves": (X, Y_3, None, 3, 20),
    "missing": (X_MISSING, Y_3, None, 3, 1),
    "regression": (X, Y_REAL, None, 0, 1),
    "weights": (X, Y_3, WEIGHT, 3, 1),
    "one leaf": (X, Y_3, None, 3, 700),
    "one class": (X, np.zeros(700), None, 1, 1),
}


def votes_of(shards, n_classes, min_samples_leaf=1, bootstrap=True, seeds=SEEDS):
    problem, layout = state(
        shards, n_classes, bootstrap=bootstrap, min_samples_leaf=min_samples_leaf
    )
    whole = concatenate(shards.map(binned, problem, layout))
    trees = grow(shards, problem, layout, seeds)
    votes = out_of_bag_votes(shards, problem, layout, trees, seeds)
    return trees, np.array([draws(whole, problem, seed) for seed in seeds]), votes


def tree_by_tree(trees, drawn, X, n_classes):
    template = DecisionTreeClassifier() if n_classes else DecisionTreeRegressor()
    votes = np.zeros((len(X), trees.n_values))
    for t, tree in enumerate(to_sklearn_trees(trees, template, SEEDS, n_features=X.shape[1])):
        unseen = drawn[t] == 0
        votes[unseen] += tree.tree_.predict(X[unseen]).reshape(-1, trees.n_values)
    return votes


@pytest.mark.parametrize("name", CASES)
def test_votes_are_those_of_each_tree_on_the_rows_it_has_not_seen(name):
    X, y, weight, n_classes, least = CASES[name]
    trees, drawn, (votes, n_votes) = votes_of(cut(X, y, weight, at=(300,)), n_classes, least)
    np.testing.assert_array_equal(votes, tree_by_tree(trees, drawn, X, n_classes))
    np.testing.assert_array_equal(n_votes, (drawn == 0).sum(axis=0))
    assert n_votes.dtype == np.int64
    assert 0.3 < (n_votes.mean() / len(SEEDS)) < 0.6  # 1/e of the rows, more with weights of 0


def test_rows_of_no_weight_are_seen_by_no_tree():
    _, _, (_, n_votes) = votes_of(cut(X, Y_3, WEIGHT), 3)
    assert (n_votes[WEIGHT == 0] == len(SEEDS)).all()


def test_votes_do_not_depend_on_the_cut():
    n = 5000
    assert block_size(n) == 2
    X = RNG.normal(size=(n, 3))
    y = (X.sum(axis=1) > 0).astype(float)
    _, _, whole = votes_of(cut(X, y), 2)
    _, _, pieces = votes_of(cut(X, y, at=(1000, 1000, 4998)), 2)
    for a, b in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(a, b)


def test_where_trees_see_every_row_there_are_no_votes():
    _, _, (votes, n_votes) = votes_of(cut(X, Y_3, at=(10,)), 3, bootstrap=False)
    assert not votes.any() and not n_votes.any()


def test_unseen_rows_judge_honestly():
    noise = RNG.integers(0, 2, 700).astype(float)
    _, _, (votes, n_votes) = votes_of(cut(X, noise), 2, seeds=tuple(range(30)))
    accuracy = (votes.argmax(axis=1) == noise)[n_votes > 0].mean()
    assert 0.4 < accuracy < 0.6  # a fully grown forest knows its own rows by heart


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_trees_of_one_shard_have_not_seen_the_others(weight):
    shards = cut(X, Y_3, weight, at=(300, 300))
    problem, layout = state(shards, 3)
    rows = shards.map(binned, problem, layout)
    trees, _, home = sharded_forest(shards.map_shards(binned, problem, layout), problem, SEEDS)
    drawn = np.zeros((len(SEEDS), 700), int)
    for t, k in enumerate(home):
        own_problem, own_rows = alone(rows[k], problem, 700)
        drawn[t, shards.rows[k].start : shards.rows[k].stop] = draws(
            own_rows, own_problem, SEEDS[t]
        )
    np.testing.assert_array_equal(drawn.sum(axis=1), np.array([300, 0, 400])[home])
    votes, n_votes = out_of_bag_votes(shards, problem, layout, trees, SEEDS, home)
    np.testing.assert_array_equal(votes, tree_by_tree(trees, drawn, X, 3))
    np.testing.assert_array_equal(n_votes, (drawn == 0).sum(axis=0))


def test_the_same_votes_on_every_backend(backend):
    expected = votes_of(cut(X_MISSING, Y_3, at=(350,)), 3)[2]
    shards = shard_rows(X_MISSING, Y_3, n_shards=2)
    for a, b in zip(votes_of(shards, 3)[2], expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_one_seed_per_tree():
    shards = cut(X, Y_3)
    problem, layout = state(shards, 3)
    trees = grow(shards, problem, layout, SEEDS)
    with pytest.raises(ValueError, match="Got 4 seeds for 5 trees"):
        out_of_bag_votes(shards, problem, layout, trees, SEEDS[:4])
