# SPDX-License-Identifier: BSD-3-Clause
"""The prediction kernel against scikit-learn's trees."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor

from skdist.ensemble._export import from_sklearn_trees
from skdist.kernels import packed_trees, predict_trees
from skdist.kernels.packed_trees import pack_leaves, pack_votes
from skdist.kernels.predict_trees import CHUNK, add_votes, apply
from skdist.summaries import Tree, Trees

RNG = np.random.default_rng(0)
X2, Y2 = make_classification(1200, 6, random_state=0)
X26 = RNG.normal(size=(1200, 6))
Y26 = RNG.permutation(1200) % 26
XR, YR = make_regression(1200, 6, random_state=0)
X_MISSING = np.where(RNG.random(X2.shape) < 0.3, np.nan, X2)

CASES = {
    "binary": (RandomForestClassifier(7), X2, Y2),
    "binary, mixed leaves": (RandomForestClassifier(7, min_samples_leaf=20), X2, Y2),
    "26 classes": (RandomForestClassifier(7), X26, Y26),
    "26 classes, mixed leaves": (RandomForestClassifier(7, max_depth=4), X26, Y26),
    "regression": (RandomForestRegressor(7), XR, YR),
    "regression, stumps": (RandomForestRegressor(7, max_depth=1), XR, YR),
    "missing": (RandomForestClassifier(7), X_MISSING, Y2),
    "missing, random splits": (ExtraTreesClassifier(7), X_MISSING, Y2),
    "stumps": (RandomForestClassifier(7, max_depth=1), X26, Y26),
    "single leaves": (RandomForestClassifier(7, min_samples_leaf=1200), X26, Y26),
    "single pure leaves": (RandomForestClassifier(7, bootstrap=False), X2, np.zeros(1200)),
    "best first": (RandomForestClassifier(7, max_leaf_nodes=30), X2, Y2),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    forest, X, y = CASES[request.param]
    forest.set_params(random_state=0).fit(X, y)
    return forest, from_sklearn_trees(forest.estimators_), X.astype(np.float32)


@cache
def fitted_trees(name):
    forest, X, y = CASES[name]
    return from_sklearn_trees(forest.set_params(random_state=0).fit(X, y).estimators_)


def packed_votes(trees):
    return [pack_votes(tree) for tree in trees.each]


def votes_of(trees, X):
    out = np.zeros((len(X), trees.n_values))
    add_votes(packed_votes(trees), np.ascontiguousarray(X), out)
    return out


def leaves_of(trees, X):
    out = np.empty((len(X), trees.n_trees), np.int64)
    apply([pack_leaves(tree) for tree in trees.each], np.ascontiguousarray(X), out)
    return out


def walk(tree, x):
    """The leaf of one row, as the definition says it."""
    node = 0
    while tree.left[node] >= 0:
        value = x[tree.feature[node]]
        goes_left = tree.missing_left[node] if np.isnan(value) else value <= tree.threshold[node]
        node = tree.left[node] if goes_left else tree.right[node]
    return node


@pytest.mark.parametrize("n_rows", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 1200])
def test_votes_and_leaves_are_those_of_scikit_learn(case, n_rows):
    forest, trees, X = case
    X = X[:n_rows]
    expected = np.zeros((n_rows, trees.n_values))
    leaves = np.empty((n_rows, trees.n_trees))
    if n_rows:  # scikit-learn refuses no rows
        expected = sum(tree.tree_.predict(X).reshape(n_rows, -1) for tree in forest.estimators_)
        leaves = forest.apply(X)
    np.testing.assert_allclose(votes_of(trees, X), expected, rtol=0, atol=1e-12 * abs(YR).max())
    np.testing.assert_array_equal(leaves_of(trees, X), leaves)


def test_probabilities_and_labels_are_those_of_the_forest():
    for name in ("binary", "26 classes, mixed leaves", "missing"):
        forest, X, y = CASES[name]
        X = X.astype(np.float32)
        forest.set_params(random_state=0).fit(X, y)
        probability = votes_of(from_sklearn_trees(forest.estimators_), X) / 7
        np.testing.assert_allclose(probability, forest.predict_proba(X), rtol=0, atol=1e-12)
        np.testing.assert_array_equal(probability.argmax(axis=1), forest.predict(X))


def test_missing_values_do_go_both_ways():
    trees = fitted_trees("missing").each
    goes_left = np.concatenate([tree.missing_left[tree.left >= 0] for tree in trees])
    assert 0.1 < goes_left.mean() < 0.9


@given(cuts=st.lists(st.integers(0, 1200), max_size=4))
@settings(max_examples=20)
def test_no_split_of_the_rows_changes_a_bit(cuts):
    packed, X = packed_votes(fitted_trees("26 classes, mixed leaves")), X26.astype(np.float32)
    whole, parts = np.zeros((1200, 26)), np.zeros((1200, 26))
    add_votes(packed, X, whole)
    for first, last in pairwise([0, *sorted(cuts), 1200]):
        add_votes(packed, X[first:last], parts[first:last])
    np.testing.assert_array_equal(parts, whole)


def test_votes_are_added_to_what_is_there():
    trees = fitted_trees("binary")
    X = X2[:5].astype(np.float32)
    out = np.full((5, 2), 10.0)
    add_votes(packed_votes(trees), X, out)
    np.testing.assert_array_equal(out, votes_of(trees, X) + 10)


def special_values():
    tiny, big = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
    points = [0.0, tiny, 1.0, np.nextafter(np.float32(1), np.float32(2)), big, np.inf]
    return np.array([*points, *(-np.array(points, np.float32))], np.float32)


@pytest.mark.parametrize("missing_left", [False, True])
def test_every_kind_of_float_is_compared_exactly(missing_left):
    negative_nan = np.array([0xFFC00000], np.uint32).view(np.float32)
    points = special_values()
    X = np.concatenate([points, [np.float32(np.nan)], negative_nan]).reshape(-1, 1)
    for threshold in points:
        stump = _stump(threshold, missing_left)
        expected = [[walk(stump, x)] for x in X]
        np.testing.assert_array_equal(
            leaves_of(Trees((stump,), 1), X), expected, err_msg=str(threshold)
        )


def _stump(threshold, missing_left):
    return Tree(
        feature=np.array([0, -2, -2], np.int32),
        threshold=np.array([threshold, -2, -2], np.float32),
        left=np.array([1, -1, -1], np.int32),
        right=np.array([2, -1, -1], np.int32),
        missing_left=np.array([missing_left, False, False]),
        impurity=np.zeros(3),
        n_samples=np.array([2, 1, 1], np.int32),
        weight=np.array([2.0, 1.0, 1.0]),
        value=np.array([[0.5], [1.0], [0.0]]),
    )


@pytest.mark.parametrize(
    "value", [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 1.0, -1.0], [1.0, 0.0, np.inf]]
)
def test_only_a_leaf_of_one_class_counts_as_pure(value):
    stump = _stump(0.0, False)
    rows = np.array([[0.2, 0.3, 0.5], value, [0.0, 0.0, 1.0]])
    trees = Trees((stump._replace(value=rows),), 3)
    out = votes_of(trees, np.array([[-1.0], [1.0]], np.float32))
    np.testing.assert_array_equal(out, rows[1:])


def test_a_packed_tree_keeps_what_prediction_needs():
    """16 bytes per inner node, and a row of votes per leaf that is not all of one class."""
    for name in ("26 classes", "26 classes, mixed leaves", "single leaves", "single pure leaves"):
        for tree in fitted_trees(name).each:
            packed, leaf = pack_votes(tree), tree.left < 0
            mixed = leaf & (tree.value.max(axis=1) < 1)
            assert len(packed.nodes) == max(1, (~leaf).sum())
            votes = np.concatenate([np.eye(tree.value.shape[1]), tree.value[mixed]])
            np.testing.assert_array_equal(packed.votes, votes)


def test_trees_of_any_size_vote_in_turn():
    deep, leaf = fitted_trees("26 classes"), fitted_trees("single leaves")
    X = X26[:3].astype(np.float32)
    expected = votes_of(leaf, X) * 2 + votes_of(deep, X)
    np.testing.assert_allclose(votes_of(leaf + deep + leaf, X), expected, rtol=1e-12)


def test_read_only_and_transposed_rows_are_read():
    trees, X = fitted_trees("binary"), X2.astype(np.float32)
    expected, packed = votes_of(trees, X), packed_votes(trees)
    X.flags.writeable = False  # as loky hands it over
    for rows in (X, np.asfortranarray(X)):
        out = np.zeros_like(expected)
        add_votes(packed, rows, out)
        np.testing.assert_array_equal(out, expected)


def test_float64_is_refused():
    packed = packed_votes(fitted_trees("binary"))
    with pytest.raises(TypeError, match="Got X of float64"):
        add_votes(packed, X2, np.zeros((len(X2), 2)))


def test_no_trees_add_nothing():
    X = np.ones((4, 2), np.float32)
    np.testing.assert_array_equal(votes_of(Trees.empty(3), X), np.zeros((4, 3)))
    assert leaves_of(Trees.empty(3), X).shape == (4, 0)


def test_kernels_are_compiled_once():
    """All kinds of forests share one specialisation: compile time is paid once."""
    for trees, X in ((fitted_trees("binary"), X2), (fitted_trees("regression"), XR)):
        votes_of(trees, X.astype(np.float32))
        leaves_of(trees, X.astype(np.float32))
    assert len(predict_trees._add_votes.signatures) == 1
    assert len(predict_trees._write_leaves.signatures) == 1
    assert len(packed_trees._pack_nodes.signatures) == 1
