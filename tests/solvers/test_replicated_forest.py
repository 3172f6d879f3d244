# SPDX-License-Identifier: BSD-3-Clause
"""The replicated forest: a pure function of rows and seeds, as accurate as scikit-learn's."""

from dataclasses import replace

import numpy as np
import pytest
from forest_problems import assert_same_tree, assert_same_trees, binned, state
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor

from skdist.kernels.packed_trees import pack_votes
from skdist.kernels.predict_trees import add_votes
from skdist.sharding import replicate, shard_rows
from skdist.solvers.binned_forest import block_size, concatenate
from skdist.solvers.replicated_forest import replicated_forest

X2, Y2 = make_classification(2000, 10, n_informative=5, random_state=0)
X2 = X2.astype(np.float32)
XR, YR = make_friedman1(2000, 8, noise=1.0, random_state=0)
XR = XR.astype(np.float32)
SEEDS = range(5)


def payload(shard):
    return shard.X


def problem_and_rows(X, y, n_classes, n_shards=1, n_jobs=1, weight=None, **rules):
    shards = shard_rows(
        X, y.astype(float), weight, n_shards=n_shards, n_jobs=n_jobs, align=block_size(len(X))
    )
    problem, layout = state(shards, n_classes)
    problem = replace(problem, rules=problem.rules._replace(**rules))
    return problem, concatenate(shards.map_shards(binned, problem, layout).map(payload))


def votes(trees, X):
    out = np.zeros((len(X), trees.n_values))
    add_votes([pack_votes(tree) for tree in trees.each], np.ascontiguousarray(X), out)
    return out / trees.n_trees


@pytest.fixture(scope="module")
def classifier():
    problem, rows = problem_and_rows(X2[:1000], Y2[:1000], 2)
    return replicated_forest(replicate(rows, n_jobs=1), problem, SEEDS)


def test_every_backend_grows_the_same(backend, classifier):
    problem, rows = problem_and_rows(X2[:1000], Y2[:1000], 2)
    assert_same_trees(replicated_forest(replicate(rows), problem, SEEDS), classifier)


@pytest.mark.parametrize("n_shards", [2, 7])
def test_shards_do_not_change_it(n_shards, classifier):
    problem, rows = problem_and_rows(X2[:1000], Y2[:1000], 2, n_shards)
    assert_same_trees(replicated_forest(replicate(rows, n_jobs=1), problem, SEEDS), classifier)


def test_a_tree_depends_on_its_own_seed_alone(classifier):
    problem, rows = problem_and_rows(X2[:1000], Y2[:1000], 2)
    alone = replicated_forest(replicate(rows, n_jobs=1), problem, [SEEDS[3]])
    assert_same_tree(alone.each[0], classifier.each[3])
    assert not np.array_equal(classifier.each[2].feature, classifier.each[3].feature)


def test_rows_of_weight_zero_are_not_there():
    weight = np.ones(1000)
    weight[::3] = 0.0
    problem, rows = problem_and_rows(X2[:1000], Y2[:1000], 2, weight=weight)
    trees = replicated_forest(replicate(rows, n_jobs=1), problem, SEEDS)
    flipped = np.where(weight > 0, Y2[:1000], 1 - Y2[:1000])
    problem, rows = problem_and_rows(X2[:1000], flipped, 2, weight=weight)
    assert_same_trees(trees, replicated_forest(replicate(rows, n_jobs=1), problem, SEEDS))


def test_root_counts_the_draws(classifier):
    for tree in classifier.each:
        assert tree.weight[0] == 1000
        assert abs(tree.n_samples[0] / 1000 - (1 - np.exp(-1))) < 0.05


@pytest.mark.parametrize("random_splits", [False, True])
def test_as_accurate_as_scikit_learn(random_splits):
    problem, rows = problem_and_rows(
        X2[:1000], Y2[:1000], 2, random_splits=random_splits, max_features=3
    )
    trees = replicated_forest(replicate(rows, n_jobs=1), problem, range(60))
    ours = (votes(trees, X2[1000:]).argmax(1) == Y2[1000:]).mean()
    kind = ExtraTreesClassifier if random_splits else RandomForestClassifier
    theirs = kind(60, bootstrap=True, random_state=0).fit(X2[:1000], Y2[:1000])
    assert ours > theirs.score(X2[1000:], Y2[1000:]) - 0.02


def test_regression_as_accurate_as_scikit_learn():
    problem, rows = problem_and_rows(XR[:1000], YR[:1000], 0, max_features=3)
    trees = replicated_forest(replicate(rows, n_jobs=1), problem, range(60))
    theirs = RandomForestRegressor(60, max_features=3, random_state=0).fit(XR[:1000], YR[:1000])
    ours = np.sqrt(np.mean((votes(trees, XR[1000:])[:, 0] - YR[1000:]) ** 2))
    assert ours < 1.03 * np.sqrt(np.mean((theirs.predict(XR[1000:]) - YR[1000:]) ** 2))
