# SPDX-License-Identifier: BSD-3-Clause
"""Fitted decision trees; ``+`` concatenates them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Tree(NamedTuple):
    """The N nodes of one fitted decision tree, the root first.

    At an inner node a row goes left iff ``x[feature] <= threshold``, or ``x[feature]`` is NaN and
    ``missing_left``.

    Parameters
    ----------
    feature : ndarray of shape (N,), int32
        Feature tested at the node; -2 at a leaf.
    threshold : ndarray of shape (N,), float32
        In the units of X; -2 at a leaf.
    left, right : ndarray of shape (N,), int32
        Numbers of the children; -1 at a leaf.
    missing_left : ndarray of shape (N,), bool
        Whether NaN goes left.
    impurity : ndarray of shape (N,), float64
        Value of the splitting criterion at the node.
    n_samples : ndarray of shape (N,), int32
        Distinct training rows in the node.
    weight : ndarray of shape (N,), float64
        Sum of their sample weights (times their bootstrap counts).
    value : ndarray of shape (N, K), float64
        Fraction of the weight in each of K classes; for regression K = 1, the prediction.

    Notes
    -----
    37 + 8 K bytes per node.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    impurity: NDArray[np.float64]
    n_samples: NDArray[np.int32]
    weight: NDArray[np.float64]
    value: NDArray[np.float64]

    @property
    def n_nodes(self) -> int:
        """N, the number of nodes."""
        return len(self.feature)


@dataclass(frozen=True, eq=False)
class Trees:
    """T fitted decision trees.

    ``merge(A, B) = A + B``: the trees of A, then the trees of B. Associative, exact, and neither
    argument changes; ``Trees.empty(K)`` is the identity. It does not commute (the order of the
    trees is the order in which their votes are added) but the votes do, up to rounding.

    Parameters
    ----------
    each : tuple of T Tree
        All with K values per node.
    n_values : int
        K, the number of classes; 1 for regression.

    Notes
    -----
    ``+`` copies no node: a sum shares the arrays of its parts.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdist.ensemble._export import from_sklearn_trees
    >>> X, y = load_iris(return_X_y=True)
    >>> a = from_sklearn_trees([DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)])
    >>> b = from_sklearn_trees([DecisionTreeClassifier(max_depth=2).fit(X, y)])
    >>> both = a + b
    >>> both.n_trees, [tree.n_nodes for tree in both.each]
    (2, [3, 5])
    """

    each: tuple[Tree, ...]
    n_values: int

    @classmethod
    def empty(cls, n_values: int) -> Trees:
        """No trees, of K = `n_values` columns of value: the identity of ``+``."""
        return cls((), n_values)

    def __add__(self, other: Trees) -> Trees:
        if self.n_values != other.n_values:
            raise ValueError(
                f"Got trees with {self.n_values} and with {other.n_values} values per node; all "
                "must have the same number. Align their classes first "
                "(skdist.ensemble._export.place_classes)."
            )
        return Trees(self.each + other.each, self.n_values)

    @property
    def n_trees(self) -> int:
        """T, the number of trees."""
        return len(self.each)

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all trees together."""
        return sum(tree.n_nodes for tree in self.each)

    @property
    def nbytes(self) -> int:
        """Memory of all nodes, in bytes."""
        return sum(column.nbytes for tree in self.each for column in tree)
