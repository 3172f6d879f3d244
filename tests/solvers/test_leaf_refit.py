# SPDX-License-Identifier: BSD-3-Clause
"""The validated leaf refit against brute force, its laws, and what it is worth."""

from dataclasses import replace

import numpy as np
import pytest
from forest_problems import assert_same_trees, binned, column, cut, grow, state
from sklearn.datasets import make_classification, make_regression
from sklearn.tree import DecisionTreeClassifier

from skdist.ensemble._export import to_sklearn_trees
from skdist.kernels.packed_trees import pack_votes
from skdist.kernels.predict_trees import add_votes
from skdist.sharding import shard_rows
from skdist.solvers.leaf_refit import leaf_refit
from skdist.solvers.sharded_forest import sharded_forest

RNG = np.random.default_rng(0)
N, T = 240, 5
X = RNG.normal(size=(N, 4)).astype(np.float32)
X_MISSING = np.where(RNG.random(X.shape) < 0.2, np.float32(np.nan), X)
Y_3 = (X[:, 0] > 0).astype(float) + (X[:, 1] + RNG.normal(size=N) > 0)
Y_REAL = np.rint(20 * X[:, 0] + RNG.normal(size=N))  # integers, so that their sums are exact
WEIGHT = RNG.integers(0, 4, N).astype(float)
ELSEWHERE = np.full(T, -1)
KINDS = {"classes": (X, Y_3, 3), "missing": (X_MISSING, Y_3, 3), "regression": (X, Y_REAL, 0)}


def foreign_trees(X, y, n_classes, min_samples_leaf=3):
    """Trees of other rows of the same features, whose y is noise: any refit is better."""
    rng = np.random.default_rng(1)
    other, noise = rng.permuted(X, axis=0), rng.permutation(y)
    shards = cut(other, noise)
    problem, layout = state(shards, n_classes, min_samples_leaf=min_samples_leaf)
    return grow(shards, problem, layout, range(T))


def sharded_trees(shards, n_classes, n_trees=T, **rules):
    problem, layout = state(shards, n_classes, **rules)
    return sharded_forest(shards.map_shards(binned, problem, layout), problem, range(n_trees))


def sorted_by_label(X, y):
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


def paths_of(trees, X):
    """Nodes that each row passes, per tree, (n, nodes) bool: from scikit-learn's own trees."""
    if trees.n_values == 1:  # values play no part in the paths
        plain = (tree._replace(value=np.ones_like(tree.value)) for tree in trees.each)
        trees = replace(trees, each=tuple(plain))
    template = DecisionTreeClassifier()
    forest = to_sklearn_trees(trees, template, range(trees.n_trees), n_features=X.shape[1])
    return [tree.tree_.decision_path(X).toarray().astype(bool) for tree in forest]


def brute_values(paths, y, w, n_classes, old):
    """Fractions or means of the rows that pass each node; `old` where there are none."""
    columns = np.eye(n_classes)[y.astype(int)] if n_classes else y[:, None]
    values = []
    for t, passed in enumerate(paths):
        weight = passed.T @ w
        sums = passed.T @ (columns * w[:, None])
        rest = old.each[t].value.copy()
        rest[weight > 0] = sums[weight > 0] / weight[weight > 0, None]
        values.append(rest)
    return np.concatenate(values)


def brute_losses(trees, tree_weight, home, shard_of, X, y, w, n_classes):
    """Leave a row out, refit on all the others, judge it by the trees that have not seen it."""
    paths, first = paths_of(trees, X), np.cumsum([0, *(tree.n_nodes for tree in trees.each)])
    losses = np.zeros(2)
    for i in range(len(X)):
        judges = np.flatnonzero(home != shard_of[i])
        without = w.copy()
        without[i] = 0.0
        refitted = brute_values(paths, y, without, n_classes, trees)
        leaf = [first[t] + np.flatnonzero(paths[t][i])[-1] for t in judges]  # preorder: the last
        for j, value in enumerate((column(trees, "value"), refitted)):
            k = int(y[i]) if n_classes else 0
            p = np.average(value[leaf, k], weights=tree_weight[judges])
            losses[j] += w[i] * (-np.log(max(p, 1e-3)) if n_classes else (p - y[i]) ** 2)
    return losses / w.sum()


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_all_rows_that_pass_a_node(kind, weight):
    X, y, n_classes = KINDS[kind]
    trees = foreign_trees(X, y, n_classes)
    shards = cut(X, y, weight, at=(50, 50, 120))
    refitted, decision = leaf_refit(shards, trees, np.ones(T), ELSEWHERE, n_classes)
    assert decision.kept
    w = np.ones(N) if weight is None else weight
    expected = brute_values(paths_of(trees, X), y, w, n_classes, trees)
    np.testing.assert_array_equal(column(refitted, "value"), expected)  # integers: exact
    for new, old in zip(refitted.each, trees.each, strict=True):
        assert list(map(id, new[:-1])) == list(map(id, old[:-1]))


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_judged_by_trees_that_have_not_seen_them_and_without_themselves(kind, weight):
    X, y, n_classes = KINDS[kind]
    n = 120
    X, y = sorted_by_label(X[:n], y[:n])
    w = np.ones(n) if weight is None else weight[:n]
    shards = cut(X, y, None if weight is None else w, at=(40,))
    trees, tree_weight, home = sharded_trees(shards, n_classes)
    home = np.append(home[:-1], -1)  # the last tree comes from somewhere else
    shard_of = (np.arange(n) >= 40).astype(int)
    expected = brute_losses(trees, tree_weight, home, shard_of, X, y, w, n_classes)
    _, decision = leaf_refit(shards, trees, tree_weight, home, n_classes)
    np.testing.assert_allclose([decision.loss_before, decision.loss_after], expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_refit_and_decision_do_not_depend_on_the_cut(kind):
    X, y, n_classes = KINDS[kind]
    trees = foreign_trees(X, y, n_classes)
    whole, once = leaf_refit(cut(X, y), trees, np.ones(T), ELSEWHERE, n_classes)
    order = RNG.permutation(N)
    for at, rows in (((7, 100, 239), slice(None)), ((0, 120), order)):
        shards = cut(X[rows], y[rows], at=at)
        pieces, again = leaf_refit(shards, trees, np.ones(T), ELSEWHERE, n_classes)
        assert_same_trees(pieces, whole)
        assert once.kept and again.kept
        np.testing.assert_allclose(again.loss_after, once.loss_after, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_weight_2_is_the_row_twice_and_weight_0_is_no_row(kind):
    X, y, n_classes = KINDS[kind]
    trees, times = foreign_trees(X, y, n_classes), WEIGHT.astype(int)
    a, _ = leaf_refit(cut(X, y, WEIGHT, at=(80,)), trees, np.ones(T), ELSEWHERE, n_classes)
    rows = np.repeat(np.arange(N), times)
    b, _ = leaf_refit(cut(X[rows], y[rows], at=(80,)), trees, np.ones(T), ELSEWHERE, n_classes)
    assert_same_trees(a, b)


def test_one_shard_has_nothing_to_judge_with():
    shards = cut(X, Y_3)
    trees, tree_weight, home = sharded_trees(shards, 3)
    same, decision = leaf_refit(shards, trees, tree_weight, home, 3)
    assert same is trees and decision.kept is False
    assert np.isnan([decision.loss_before, decision.loss_after]).all()


def test_rows_that_weigh_nothing_judge_nothing():
    trees = foreign_trees(X, Y_3, 3)
    same, decision = leaf_refit(cut(X, Y_3, np.zeros(N)), trees, np.ones(T), ELSEWHERE, 3)
    assert same is trees and not decision.kept and np.isnan(decision.loss_after)


@pytest.mark.parametrize("n_classes", [3, 0])
def test_an_empty_shard_changes_nothing(n_classes):
    X_sorted, y = sorted_by_label(X, Y_3 if n_classes else Y_REAL)
    trees, tree_weight, home = sharded_trees(cut(X_sorted, y, at=(100,)), n_classes)
    a, one = leaf_refit(cut(X_sorted, y, at=(100,)), trees, tree_weight, home, n_classes)
    moved = np.where(home == 1, 2, home)  # the empty shard is number 1
    b, two = leaf_refit(cut(X_sorted, y, at=(100, 100)), trees, tree_weight, moved, n_classes)
    assert_same_trees(a, b)
    assert one == two and one.kept


def test_a_shard_that_lacks_a_class_learns_of_it():
    X_sorted, y = sorted_by_label(X, Y_3)
    shards = cut(X_sorted, y, at=(int((y == 0).sum()),))
    trees, tree_weight, home = sharded_trees(shards, 3)
    assert not trees.each[0].value[:, 1:].any()
    refitted, decision = leaf_refit(shards, trees, tree_weight, home, 3)
    assert decision.kept
    root = refitted.each[0].value[0]
    np.testing.assert_allclose(root, np.bincount(y.astype(int)) / N, rtol=1e-15)


def test_leaves_that_no_row_reaches_keep_their_value():
    trees, few = foreign_trees(X, Y_3, 3), slice(0, 6)
    refitted, decision = leaf_refit(cut(X[few], Y_3[few]), trees, np.ones(T), ELSEWHERE, 3)
    reached = np.concatenate([p.any(axis=0) for p in paths_of(trees, X[few])])
    assert decision.kept and 0 < reached.sum() < trees.n_nodes
    kept, old = column(refitted, "value")[~reached], column(trees, "value")[~reached]
    np.testing.assert_array_equal(kept, old)


def test_a_single_class_is_not_taken_for_regression():
    shards = cut(X, np.zeros(N), at=(100,))
    trees, tree_weight, home = sharded_trees(shards, 1)
    same, decision = leaf_refit(shards, trees, tree_weight, home, 1)
    assert same is trees and not decision.kept
    assert decision.loss_before == decision.loss_after == 0.0


def test_the_same_refit_on_every_backend(backend):
    X_sorted, y = sorted_by_label(X_MISSING, Y_3)
    shards = cut(X_sorted, y, at=(120,))
    trees, tree_weight, home = sharded_trees(shards, 3)
    expected, decision = leaf_refit(shards, trees, tree_weight, home, 3)
    placed = shard_rows(X_sorted, y, n_shards=2)
    refitted, again = leaf_refit(placed, trees, tree_weight, home, 3)
    assert_same_trees(refitted, expected)
    assert again == decision and decision.kept


def predict(trees, tree_weight, X):
    out = np.zeros((len(X), trees.n_values))
    for tree, weight in zip(trees.each, tree_weight, strict=True):
        votes = np.zeros_like(out)
        add_votes([pack_votes(tree)], np.ascontiguousarray(X), votes)
        out += weight * votes
    return out / tree_weight.sum()


def score(trees, tree_weight, X, y, n_classes):
    """Accuracy, or the share of the variance explained."""
    p = predict(trees, tree_weight, X)
    if n_classes:
        return (p.argmax(axis=1) == y).mean()
    return 1 - np.square(p[:, 0] - y).mean() / y.var()


def problem_of(n_classes):
    if n_classes:
        X, y = make_classification(
            4000, 10, n_informative=6, n_classes=n_classes, flip_y=0.02, random_state=0
        )
    else:
        X, y = make_regression(4000, 10, n_informative=6, noise=10, random_state=0)
    X, y = X.astype(np.float32), y.astype(float)
    return X[:3000], y[:3000], X[3000:], y[3000:]


# 24 trees: their score on held-out rows when each sees one shard, then with the leaves as decided,
# and the decision. Rows are dealt to the shards as they come, or sorted by y. All trees on all rows
# score 0.73 (5 classes) and 0.90 (regression).
TABLE = [
    # n_classes, rows, shards, before, after, kept
    (5, "as they come", 4, 0.67, 0.68, True),
    (5, "as they come", 16, 0.58, 0.58, False),
    (5, "sorted", 4, 0.43, 0.62, True),
    (5, "sorted", 16, 0.35, 0.52, True),
    (0, "as they come", 4, 0.83, 0.83, True),
    (0, "sorted", 4, 0.22, 0.75, True),
]


@pytest.mark.parametrize(("n_classes", "rows", "m", "before", "after", "kept"), TABLE)
def test_what_the_refit_is_worth(n_classes, rows, m, before, after, kept):
    X, y, X_test, y_test = problem_of(n_classes)
    if rows == "sorted":
        X, y = sorted_by_label(X, y)
    shards = cut(X, y, at=range(3000 // m, 3000 - m, 3000 // m))
    trees, tree_weight, home = sharded_trees(shards, n_classes, 24, max_features=3)
    chosen, decision = leaf_refit(shards, trees, tree_weight, home, n_classes)
    naive = score(trees, tree_weight, X_test, y_test, n_classes)
    refitted = score(chosen, tree_weight, X_test, y_test, n_classes)
    assert (naive, refitted) == (pytest.approx(before, abs=0.02), pytest.approx(after, abs=0.02))
    assert decision.kept is kept is (decision.loss_after < decision.loss_before)
    assert kept or chosen is trees
