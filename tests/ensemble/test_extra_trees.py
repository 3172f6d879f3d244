# SPDX-License-Identifier: BSD-3-Clause
"""Extremely randomised trees: cuts are drawn, not searched."""

import numpy as np
import pytest
from forest_twins import assert_same_forest, theirs, whole_numbers
from scipy.stats import kstest
from sklearn.datasets import make_classification, make_friedman1
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

from skdist.ensemble import (
    DistributedExtraTreesClassifier,
    DistributedExtraTreesRegressor,
    DistributedRandomForestClassifier,
)

X, CLASSES, COUNTS, WEIGHT = whole_numbers()


def new(kind, **parameters):
    return kind(**{"n_estimators": 5, "random_state": 0, "tree_method": "hist", **parameters})


def test_every_tree_sees_all_rows_unless_bootstrapped():
    forest = new(DistributedExtraTreesClassifier).fit(X, CLASSES)
    for rows in forest.estimators_samples_:
        np.testing.assert_array_equal(rows, np.arange(len(X)))
    forest.set_params(bootstrap=True).fit(X, CLASSES)
    assert len(np.unique(forest.estimators_samples_[0])) < len(X)


def test_cuts_are_drawn_uniformly_between_the_extremes():
    """Not between the rows, most of which lie on the left."""
    x = np.repeat(np.arange(200.0), np.arange(200, 0, -1))[:, None]
    stumps = new(DistributedExtraTreesRegressor, n_estimators=400, max_depth=1).fit(x, x[:, 0])
    cuts = np.array([tree.tree_.threshold[0] for tree in stumps])
    assert kstest(cuts / 199, "uniform").pvalue > 1e-3


def test_cuts_are_drawn_uniformly_between_two_rows():
    """Rows to come may lie anywhere in the gap that two rows of a node leave."""
    x = np.arange(200.0)[:, None]
    pairs = new(DistributedExtraTreesRegressor, n_estimators=800, bootstrap=True, max_samples=2)
    pairs.fit(x, x[:, 0])
    within = []
    for tree, rows in zip(pairs, pairs.estimators_samples_, strict=True):
        if np.ptp(rows) >= 60:
            within.append((tree.tree_.threshold[0] - rows.min()) / np.ptp(rows))
    assert len(within) > 200
    assert kstest(within, "uniform").pvalue > 1e-3


def test_trees_are_deeper_than_those_of_a_random_forest():
    """scikit-learn's are too: drawn cuts are worse ones."""
    ours, searched = (
        np.mean([tree.tree_.node_count for tree in new(kind, bootstrap=False).fit(X, CLASSES)])
        for kind in (DistributedExtraTreesClassifier, DistributedRandomForestClassifier)
    )
    expected, other = (
        np.mean(
            [t.tree_.node_count for t in kind(5, bootstrap=False, random_state=0).fit(X, CLASSES)]
        )
        for kind in (ExtraTreesClassifier, RandomForestClassifier)
    )
    assert ours / searched == pytest.approx(expected / other, rel=0.15)


def test_all_rows_in_leaves_of_one_class():
    forest = new(DistributedExtraTreesClassifier).fit(X, CLASSES)
    for tree in forest:
        assert tree.score(X, CLASSES) == 1.0


@pytest.mark.parametrize("kind", [DistributedExtraTreesClassifier, DistributedExtraTreesRegressor])
def test_limits_hold(kind):
    y = CLASSES if kind is DistributedExtraTreesClassifier else COUNTS
    forest = new(kind, max_depth=6, min_samples_leaf=11, min_samples_split=50).fit(X, y)
    for tree in forest:
        nodes, leaf = tree.tree_, tree.tree_.children_left < 0
        assert tree.get_depth() <= 6
        assert nodes.n_node_samples.min() >= 11
        assert nodes.n_node_samples[~leaf].min() >= 50


@pytest.mark.parametrize("kind", [DistributedExtraTreesClassifier, DistributedExtraTreesRegressor])
def test_missing_values_and_weights(kind):
    y = CLASSES if kind is DistributedExtraTreesClassifier else COUNTS
    missing = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    forest = new(kind).fit(missing, y, WEIGHT)
    some = WEIGHT > 0
    assert forest.score(missing[some], y[some]) > 0.99
    for tree in forest:
        assert tree.tree_.n_node_samples[0] == some.sum()
        assert tree.tree_.weighted_n_node_samples[0] == pytest.approx(WEIGHT.sum())


@pytest.mark.parametrize("n_shards", [2, 5])
def test_does_not_depend_on_the_shards(n_shards):
    one = new(DistributedExtraTreesRegressor).fit(X, COUNTS)
    assert_same_forest(new(DistributedExtraTreesRegressor, n_shards=n_shards).fit(X, COUNTS), one)


SEEDS = range(6)


def held_out(forest, X, y, loss):
    table = []
    for seed in SEEDS:
        parts = train_test_split(X, y, random_state=seed)
        pair = forest.set_params(random_state=seed), theirs(forest).set_params(random_state=seed)
        table.append([loss(f.fit(parts[0], parts[2]), parts[1], parts[3]) for f in pair])
    return np.array(table)


def assert_as_good(table):
    """As in test_random_forest.py: three standard errors, at most 3 % of the loss."""
    difference = table[:, 0] - table[:, 1]
    assert difference.mean() <= 3 * difference.std(ddof=1) / np.sqrt(len(table))
    assert difference.mean() <= 0.03 * table[:, 1].mean()


def brier(forest, X, y):
    return np.square(forest.predict_proba(X) - (y[:, None] == forest.classes_)).sum(axis=1).mean()


def squares(forest, X, y):
    return mean_squared_error(y, forest.predict(X))


def test_as_good_as_scikit_learn():
    data, y = make_classification(1500, 12, n_informative=8, n_classes=4, random_state=0)
    forest = new(DistributedExtraTreesClassifier, n_estimators=40)
    assert_as_good(held_out(forest, data, y, brier))
    data, y = make_friedman1(1500, noise=1.0, random_state=0)
    forest = new(DistributedExtraTreesRegressor, n_estimators=40)
    assert_as_good(held_out(forest, data, y, squares))
