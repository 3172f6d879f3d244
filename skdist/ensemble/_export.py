# SPDX-License-Identifier: BSD-3-Clause
"""`Trees` to and from scikit-learn's decision trees, node for node."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier

from skdist._sklearn import NODE_DTYPE
from skdist._sklearn import Tree as CythonTree
from skdist.summaries import Tree, Trees

__all__ = ["floor_to_float32", "from_sklearn_trees", "place_classes", "to_sklearn_trees"]


def floor_to_float32(threshold: ArrayLike) -> NDArray[np.float32]:
    """Largest float32 at or below each threshold: ``t32 = max{s in float32 : s <= t}``.

    For every float32 x, ``x <= t`` iff ``x <= t32``: any x with x <= t is one of the s, hence at
    most their largest. Infinities are float32 values, so this holds for them and beyond the range
    of float32 too.

    Parameters
    ----------
    threshold : array-like of float64, not NaN

    Returns
    -------
    ndarray of float32, of the same shape
    """
    exact = np.asarray(threshold, np.float64)
    with np.errstate(over="ignore", under="ignore"):  # overflow to inf is what is wanted
        nearest = exact.astype(np.float32)
        return np.where(nearest > exact, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def place_classes(trees: Trees, classes: ArrayLike, union: ArrayLike) -> Trees:
    """Move value columns from positions in `classes` to positions in `union`; the rest is 0.

    Parameters
    ----------
    trees : Trees with K values per node
    classes : array-like of shape (K,)
        The class of each value column.
    union : array-like of shape (M,), sorted
        The classes of the result, a superset of `classes`.

    Returns
    -------
    Trees with M values per node; all other arrays are shared with `trees`.

    Raises
    ------
    ValueError
        If `union` lacks one of `classes`, or `classes` does not have K entries.
    """
    classes, union = np.asarray(classes), np.asarray(union)
    if len(classes) != trees.n_values:
        raise ValueError(
            f"Got {len(classes)} classes for trees with {trees.n_values} values per node; "
            "pass one class per value column."
        )
    unknown = np.setdiff1d(classes, union)
    if len(unknown):
        raise ValueError(
            f"Got trees that know the classes {unknown.tolist()}, which are not among the classes "
            f"{union.tolist()}; pass the union of the classes of all trees."
        )
    columns = np.searchsorted(union, classes)
    return Trees(tuple(_spread(tree, columns, len(union)) for tree in trees.each), len(union))


def _spread(tree: Tree, columns: NDArray[np.intp], n_values: int) -> Tree:
    """The same tree with its values in `columns` of `n_values`, the others 0."""
    value = np.zeros((tree.n_nodes, n_values))
    value[:, columns] = tree.value
    return tree._replace(value=value)


def from_sklearn_trees(estimators: Iterable[Any], classes: ArrayLike | None = None) -> Trees:
    """Trees of fitted scikit-learn decision trees, node numbers kept.

    Parameters
    ----------
    estimators : iterable of fitted DecisionTree* or ExtraTree*
        All classifiers or all regressors, each with one output.
    classes : array-like of shape (K,), sorted, default=None
        Class of each value column of the result. None: the sorted union of their `classes_`.
        The trees of a scikit-learn *forest* know classes as positions 0, ..., K - 1 in the
        forest's own `classes_`.

    Returns
    -------
    Trees
        Predicts what the given trees predict, for every float32 X, in their order.

    Raises
    ------
    ValueError
        If there are no trees, if one has several outputs, if classifiers and regressors are
        mixed, or if a tree knows a class that is not in `classes`.

    Notes
    -----
    Thresholds are rounded down to float32 (see `floor_to_float32`), which changes no decision.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> trees = from_sklearn_trees([DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)])
    >>> trees.each[0].feature.tolist(), trees.each[0].value[1].tolist()
    ([3, -2, -2], [1.0, 0.0, 0.0])
    """
    estimators = list(estimators)
    kinds = {is_classifier(estimator) for estimator in estimators}
    if len(kinds) != 1:
        raise ValueError(
            f"Got {len(estimators)} trees of {len(kinds)} kinds; pass at least one fitted tree, "
            "and only classifiers or only regressors."
        )
    parts = [_single_tree(estimator) for estimator in estimators]
    if kinds == {True}:
        known = [estimator.classes_ for estimator in estimators]
        union = np.unique(np.concatenate(known)) if classes is None else np.asarray(classes)
        parts = [place_classes(*part, union) for part in zip(parts, known, strict=True)]
    return reduce(add, parts)


def _single_tree(estimator: Any) -> Trees:
    tree = estimator.tree_
    if tree.n_outputs != 1:
        raise ValueError(
            f"Got a tree with {tree.n_outputs} outputs; Trees hold one output. Keep multi-output "
            "forests as scikit-learn forests, or fit one forest per output."
        )
    is_leaf = tree.children_left < 0
    nodes = Tree(
        feature=np.where(is_leaf, -2, tree.feature).astype(np.int32),
        threshold=np.where(is_leaf, np.float32(-2), floor_to_float32(tree.threshold)),
        left=tree.children_left.astype(np.int32),
        right=tree.children_right.astype(np.int32),
        missing_left=tree.missing_go_to_left.astype(np.bool_),
        impurity=tree.impurity.astype(np.float64),
        n_samples=tree.n_node_samples.astype(np.int32),
        weight=tree.weighted_n_node_samples.astype(np.float64),
        value=tree.value[:, 0, :].astype(np.float64),
    )
    return Trees((nodes,), nodes.value.shape[1])


def to_sklearn_trees(
    trees: Trees,
    template: Any,
    seeds: Sequence[int],
    *,
    n_features: int,
    classes: ArrayLike | None = None,
) -> list[Any]:
    """Real, fitted scikit-learn decision trees with the nodes of `trees`.

    Parameters
    ----------
    trees : Trees
    template : DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier or
        ExtraTreeRegressor. Cloned for its parameters; it need not be fitted.
    seeds : sequence of T int
        `random_state` of each tree.
    n_features : int
        Columns of the X the trees were fitted on.
    classes : array-like of shape (K,), default=None
        `classes_` of classifiers. None: 0., ..., K - 1., as in the trees of scikit-learn's forests.

    Returns
    -------
    list of T fitted estimators of the type of `template`

    Raises
    ------
    ValueError
        If there is not one seed per tree or one class per value column.

    Notes
    -----
    Copies 64 + 8 K bytes per node. Thresholds go from float32 to float64 exactly.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier, export_text
    >>> X, y = load_iris(return_X_y=True)
    >>> trees = from_sklearn_trees([DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)])
    >>> copy, = to_sklearn_trees(trees, DecisionTreeClassifier(), [0], n_features=4)
    >>> print(export_text(copy))
    |--- feature_3 <= 0.80
    |   |--- class: 0.0
    |--- feature_3 >  0.80
    |   |--- class: 1.0
    <BLANKLINE>
    """
    if len(seeds) != trees.n_trees:
        raise ValueError(
            f"Got {len(seeds)} seeds for {trees.n_trees} trees; pass one seed per tree."
        )
    learned: dict[str, Any] = {"n_features_in_": n_features, "n_outputs_": 1}
    learned["max_features_"] = n_candidates(template.max_features, n_features)
    if is_classifier(template):
        labels = np.arange(trees.n_values, dtype=np.float64) if classes is None else classes
        learned["classes_"] = np.asarray(labels)
        learned["n_classes_"] = np.int64(len(learned["classes_"]))
        if len(learned["classes_"]) != trees.n_values:
            raise ValueError(
                f"Got {len(learned['classes_'])} classes for trees with {trees.n_values} values "
                "per node; pass one class per value column."
            )
    return [
        _fitted(template, seed, learned, _cython_tree(tree, n_features))
        for tree, seed in zip(trees.each, seeds, strict=True)
    ]


def _fitted(template: Any, seed: int, learned: dict[str, Any], tree: Any) -> Any:
    estimator = clone(template).set_params(random_state=seed)
    for name, value in learned.items():
        setattr(estimator, name, value)
    estimator.tree_ = tree
    return estimator


def _cython_tree(tree: Tree, n_features: int) -> Any:
    nodes = np.zeros(tree.n_nodes, NODE_DTYPE)
    nodes["left_child"] = tree.left
    nodes["right_child"] = tree.right
    nodes["feature"] = tree.feature
    nodes["threshold"] = tree.threshold
    nodes["impurity"] = tree.impurity
    nodes["n_node_samples"] = tree.n_samples
    nodes["weighted_n_node_samples"] = tree.weight
    nodes["missing_go_to_left"] = tree.missing_left
    state = {
        "max_depth": _depth(tree),
        "node_count": tree.n_nodes,
        "nodes": nodes,
        "values": np.ascontiguousarray(tree.value[:, None, :]),
    }
    cython_tree = CythonTree(n_features, np.array([tree.value.shape[1]], np.intp), 1)
    cython_tree.__setstate__(state)
    return cython_tree


def _depth(tree: Tree) -> int:
    """Edges on the longest path from the root, one level of nodes at a time."""
    depth, level = -1, np.zeros(1, np.int32)
    while len(level):
        depth += 1
        children = np.concatenate([tree.left[level], tree.right[level]])
        level = children[children >= 0]
    return depth


def n_candidates(max_features: Any, n_features: int) -> int:
    """Features drawn at a split, as scikit-learn reads `max_features`."""
    match max_features:
        case None:
            return n_features
        case "sqrt":
            return max(1, int(math.sqrt(n_features)))
        case "log2":
            return max(1, int(math.log2(n_features)))
        case float():
            return max(1, int(max_features * n_features))
        case _:
            return int(max_features)
