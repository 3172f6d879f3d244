# SPDX-License-Identifier: BSD-3-Clause
"""One tree on few distinct values, where binning loses nothing: scikit-learn's tree."""

from dataclasses import replace

import numpy as np
import pytest
from forest_problems import cut, grow, state
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdist.kernels.node_split import ENTROPY, GINI, POISSON, SQUARED_ERROR
from skdist.kernels.packed_trees import pack_votes
from skdist.kernels.predict_trees import add_votes
from skdist.solvers.binned_forest import fixed_point

RNG = np.random.default_rng(1)
N = 600
X = (RNG.integers(0, 200, (N, 5)) / 8).astype(np.float32)
X_NAN = np.where(RNG.random(X.shape) < 0.2, np.float32(np.nan), X)
SIGNAL = X[:, 0] / 8 + np.sin(X[:, 1]) + RNG.normal(size=N)
Y3 = np.digitize(SIGNAL, [0.8, 2.2]).astype(float)
COUNTS = np.round(np.exp(SIGNAL / 2))
# With such weights hardly two splits tie, and sums are exact: scikit-learn splits nodes on that
# are pure but for rounding.
W = RNG.integers(100, 10_000, N) / 64
NAMES = {GINI: "gini", ENTROPY: "entropy", SQUARED_ERROR: "squared_error", POISSON: "poisson"}
TARGETS = {GINI: Y3, ENTROPY: Y3, SQUARED_ERROR: SIGNAL, POISSON: COUNTS}
PER_WEIGHT = {GINI: 1.0, ENTROPY: np.log(2)}  # scores are in nats, impurities in bits


def our_tree(criterion, X, y, weight, min_impurity_decrease=0.0, **rules):
    """All features at every node, every row once."""
    n_classes = 3 if criterion in (GINI, ENTROPY) else 0
    shards = cut(X, y, weight)
    problem, layout = state(shards, n_classes, bootstrap=False, max_features=X.shape[1])
    unit = problem.fixed_point
    if criterion == POISSON:
        total = N if weight is None else weight.sum()
        unit = fixed_point((0.0, y.max()), total, weight is not None, True)
    ratio = unit.target_unit / unit.weight_unit
    score_unit = {**PER_WEIGHT, SQUARED_ERROR: ratio**2, POISSON: ratio}[criterion]
    if min_impurity_decrease:
        rules["min_decrease"] = min_impurity_decrease * score_unit
    rules = problem.rules._replace(criterion=criterion, **rules)
    (tree,) = grow(shards, replace(problem, rules=rules, fixed_point=unit), layout, [0]).each
    return tree


def their_tree(criterion, X, y, weight, **parameters):
    kind = DecisionTreeClassifier if criterion in (GINI, ENTROPY) else DecisionTreeRegressor
    return kind(criterion=NAMES[criterion], random_state=0, **parameters).fit(X, y, weight)


def predict(tree, X):
    out = np.zeros((len(X), tree.value.shape[1]))
    add_votes([pack_votes(tree)], np.ascontiguousarray(X), out)
    return out


def total_decrease(tree):
    """Weighted decrease of the impurity over all splits, per unit of weight."""
    t, mass = tree.left >= 0, tree.weight * tree.impurity
    return (mass[t] - mass[tree.left[t]] - mass[tree.right[t]]).sum() / tree.weight[0]


def assert_same_tree(tree, theirs, X):
    fitted = theirs.tree_
    expected = fitted.predict(X).reshape(len(X), -1)
    np.testing.assert_allclose(predict(tree, X), expected, rtol=1e-7, atol=1e-9)
    assert tree.n_nodes == fitted.node_count
    decrease = fitted.compute_feature_importances(normalize=False).sum()
    assert total_decrease(tree) == pytest.approx(decrease, rel=1e-7)
    np.testing.assert_allclose(np.sort(tree.impurity), np.sort(fitted.impurity), atol=1e-8)
    np.testing.assert_allclose(np.sort(tree.weight), np.sort(fitted.weighted_n_node_samples))
    counts = np.sort(fitted.n_node_samples)
    np.testing.assert_array_equal(np.sort(tree.n_samples), counts)


LIMITS = {
    "none": {},
    "min_samples_leaf": {"min_samples_leaf": 7},
    "min_samples_split": {"min_samples_split": 20},
    "min_weight_fraction_leaf": {"min_weight_fraction_leaf": 0.03},
    "min_impurity_decrease": {"min_impurity_decrease": 0.004},
    "max_depth": {"max_depth": 4},
}


@pytest.mark.parametrize("missing", [False, True], ids=["numbers", "NaN"])
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("criterion", NAMES, ids=NAMES.values())
def test_it_is_scikit_learns_tree(criterion, limit, missing):
    data, y = X_NAN if missing else X, TARGETS[criterion]
    ours = our_tree(criterion, data, y, W, **LIMITS[limit])
    assert_same_tree(ours, their_tree(criterion, data, y, W, **LIMITS[limit]), data)
    assert ours.n_nodes > 20


@pytest.mark.parametrize("criterion", NAMES, ids=NAMES.values())
def test_without_weights(criterion):
    """Shallow, since small nodes of rows that weigh the same have splits that tie."""
    y = TARGETS[criterion]
    ours = our_tree(criterion, X, y, None, max_depth=3)
    assert_same_tree(ours, their_tree(criterion, X, y, None, max_depth=3), X)


def test_balanced_classes():
    weight = None
    ours = our_tree(GINI, X, Y3, weight, balanced=True, max_depth=3)
    theirs = their_tree(GINI, X, Y3, weight, class_weight="balanced", max_depth=3)
    assert_same_tree(ours, theirs, X)


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.sampled_from([GINI, SQUARED_ERROR]), st.booleans())
def test_every_row_ends_in_a_leaf_of_its_own_kind(seed, criterion, random_splits):
    """Full depth, any features drawn: rows that can be told apart are."""
    tree = our_tree(criterion, X, TARGETS[criterion], None, random_splits=random_splits)
    alike = predict(tree, X)
    expected = np.eye(3)[Y3.astype(int)] if criterion == GINI else SIGNAL[:, None]
    np.testing.assert_allclose(alike, expected, atol=1e-9)


def test_nodes_are_in_preorder_and_add_up():
    tree = our_tree(GINI, X_NAN, Y3, W)
    inner = np.flatnonzero(tree.left >= 0)
    np.testing.assert_array_equal(tree.left[inner], inner + 1)
    ends = np.arange(tree.n_nodes) + 1
    for t in inner[::-1]:
        assert ends[tree.left[t]] == tree.right[t]
        ends[t] = ends[tree.right[t]]
    assert ends[0] == tree.n_nodes
    for name in ("n_samples", "weight"):
        column = getattr(tree, name)
        children = column[tree.left[inner]] + column[tree.right[inner]]
        np.testing.assert_allclose(children, column[inner])


def test_rows_of_weight_zero_are_not_there():
    weight = np.where(np.arange(N) % 3 == 0, 0.0, W)
    some = weight > 0
    ours = our_tree(SQUARED_ERROR, X, np.where(some, SIGNAL, 99.0), weight, max_depth=5)
    theirs = their_tree(SQUARED_ERROR, X[some], SIGNAL[some], W[some], max_depth=5)
    np.testing.assert_allclose(predict(ours, X[some])[:, 0], theirs.predict(X[some]), rtol=1e-7)
    assert ours.n_samples[0] == some.sum()
