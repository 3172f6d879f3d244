# SPDX-License-Identifier: BSD-3-Clause
"""Binned trees beside scikit-learn's exact ones, and forests beside forests.

Where every value of X has a bin of its own and all features are candidates, a binned tree makes the
splits of the exact tree on the same rows. Only two things may differ: which of two equally good
splits is made, and what happens to a node that is pure, which scikit-learn goes on splitting where
its sums of weights round. Both end the comparison of that branch.
"""

import numpy as np
import sklearn.ensemble
from forest_problems import assert_same_trees
from sklearn.base import is_classifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.fixes import parse_version

from skdist.ensemble import (
    DistributedExtraTreesClassifier,
    DistributedExtraTreesRegressor,
    DistributedRandomForestClassifier,
    DistributedRandomForestRegressor,
)
from skdist.ensemble._export import from_sklearn_trees

CLASSIFIERS = [DistributedRandomForestClassifier, DistributedExtraTreesClassifier]
REGRESSORS = [DistributedRandomForestRegressor, DistributedExtraTreesRegressor]
OWN_PARAMETERS = {"n_shards", "strategy", "tree_method"}
TREE_PARAMETERS = [
    "criterion",
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "min_weight_fraction_leaf",
    "min_impurity_decrease",
]
TOLERANCE = 1e-9
# What is compared with scikit-learn is what the release that is here does.
SINCE_19 = parse_version(sklearn.__version__) >= parse_version("1.9")


def whole_numbers(n=400, d=5, seed=0):
    """X of few distinct values, labels of three classes, counts, and weights with zeros."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 40, (n, d)).astype(float)
    classes = (X[:, 0] + X[:, 1] * rng.random(n) > 30).astype(int) + (X[:, 2] > 30)
    counts = rng.poisson(X[:, 0] * X[:, 1] / 50 + X[:, 2] / 8).astype(float)
    weight = np.where(rng.random(n) < 0.2, 0.0, rng.random(n) + 0.1)
    return X, classes, counts, weight


def theirs(forest):
    """scikit-learn's class with the same parameters."""
    known = forest.get_params(deep=False)
    for name in OWN_PARAMETERS:
        del known[name]
    return getattr(sklearn.ensemble, type(forest).__name__.removeprefix("Distributed"))(**known)


def assert_same_forest(ours, others):
    """Every array of every tree has the same bits, and so has its seed."""
    trees, expected = (from_sklearn_trees(f.estimators_) for f in (ours, others))
    assert_same_trees(trees, expected)
    assert [t.random_state for t in ours.estimators_] == [
        t.random_state for t in others.estimators_
    ]


def exact_twin(forest, t, X, y, weight=None):
    """scikit-learn's tree on the rows of tree t; y as numbers."""
    kind = DecisionTreeClassifier if is_classifier(forest) else DecisionTreeRegressor
    parameters = {name: getattr(forest, name) for name in TREE_PARAMETERS}
    if forest.bootstrap:
        rows = forest.estimators_samples_[t]
        weight = np.bincount(rows, minlength=len(y)).astype(float)
        if getattr(forest, "class_weight", None) == "balanced_subsample":
            weight = weight * compute_sample_weight("balanced", y, indices=rows)
    return kind(**parameters, random_state=0).fit(X, y, weight), weight


def assert_twins(forest, X, y, weight=None, share=0.8):
    """Tree by tree: the splits of the exact tree, for at least a `share` of all nodes."""
    compared = total = 0
    for t, own in enumerate(forest.estimators_):
        exact, used = exact_twin(forest, t, X, y, weight)
        rows = np.arange(len(X)) if used is None else np.flatnonzero(used)
        compared += compare(own.tree_, exact.tree_, np.float32(X), rows)
        total += own.tree_.node_count
    assert compared >= share * total, f"ties ended the comparison after {compared} of {total} nodes"
    assert total >= 3 * len(forest.estimators_), "trees too small to tell anything"


def compare(a, b, X, rows):
    """Number of nodes found alike in two trees, walking both from the root."""
    compared, stack = 0, [(0, 0, rows)]
    while stack:
        i, j, at = stack.pop()
        for name in ("n_node_samples", "weighted_n_node_samples", "impurity", "value"):
            pair = getattr(a, name)[i], getattr(b, name)[j]
            np.testing.assert_allclose(*pair, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
        compared += 1
        if is_leaf(b, j) or is_leaf(a, i):
            assert is_leaf(b, j) == is_leaf(a, i) or b.impurity[j] < 1e-12
            continue
        left, other = goes_left(a, i, X[at]), goes_left(b, j, X[at])
        if np.array_equal(left, other):
            stack.append((a.children_left[i], b.children_left[j], at[left]))
            stack.append((a.children_right[i], b.children_right[j], at[~left]))
            continue
        scale = max(1.0, b.impurity[j])
        np.testing.assert_allclose(gain(a, i), gain(b, j), rtol=0, atol=TOLERANCE * scale)
    return compared


def is_leaf(tree, node):
    return tree.children_left[node] < 0


def goes_left(tree, node, X):
    x = X[:, tree.feature[node]]
    return np.where(np.isnan(x), bool(tree.missing_go_to_left[node]), x <= tree.threshold[node])


def gain(tree, node):
    """Decrease of the impurity by a node's split."""
    weight, children = tree.weighted_n_node_samples, (tree.children_left, tree.children_right)
    below = sum(weight[c[node]] * tree.impurity[c[node]] for c in children)
    return tree.impurity[node] - below / weight[node]
