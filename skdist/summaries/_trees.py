# SPDX-License-Identifier: BSD-3-Clause
"""Fitted decision trees as flat arrays; ``+`` concatenates them."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NODE_DTYPES = {
    "feature": np.int32,
    "threshold": np.float32,
    "left": np.int32,
    "right": np.int32,
    "missing_left": np.bool_,
    "impurity": np.float64,
    "n_samples": np.int32,
    "weight": np.float64,
    "value": np.float64,
}


@dataclass(frozen=True, eq=False)
class Trees:
    """T fitted decision trees as flat arrays over their N nodes.

    ``merge(A, B) = A + B``: the trees of A, then the trees of B. Associative, exact, and neither
    argument changes; ``Trees.empty(K)`` is the identity. It does not commute (the order of the
    trees is the order in which their votes are added) but the votes do, up to rounding.

    Node i of tree t is row ``offsets[t] + i`` of every node array and its root is i = 0. At an
    inner node a row goes left iff ``x[feature] <= threshold``, or ``x[feature]`` is NaN and
    ``missing_left``.

    Parameters
    ----------
    offsets : ndarray of shape (T + 1,), int64
        Tree t owns the nodes ``offsets[t]:offsets[t + 1]``.
    feature : ndarray of shape (N,), int32
        Feature tested at the node; -2 at a leaf.
    threshold : ndarray of shape (N,), float32
        In the units of X; -2 at a leaf.
    left, right : ndarray of shape (N,), int32
        Children, counted from the tree's root; -1 at a leaf.
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
    40 + 8 K bytes per node or less (see `nbytes`); ``+`` copies both arguments once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdist.ensemble._export import from_sklearn_trees
    >>> X, y = load_iris(return_X_y=True)
    >>> a = from_sklearn_trees([DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)])
    >>> b = from_sklearn_trees([DecisionTreeClassifier(max_depth=2).fit(X, y)])
    >>> both = a + b
    >>> both.n_trees, both.offsets.tolist()
    (2, [0, 3, 8])
    """

    offsets: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    impurity: NDArray[np.float64]
    n_samples: NDArray[np.int32]
    weight: NDArray[np.float64]
    value: NDArray[np.float64]

    @classmethod
    def empty(cls, n_values: int) -> Trees:
        """No trees, of K = `n_values` columns of value: the identity of ``+``."""
        nodes: dict[str, Any] = {name: np.empty(0, dtype) for name, dtype in _NODE_DTYPES.items()}
        nodes["value"] = nodes["value"].reshape(0, n_values)
        return cls(offsets=np.zeros(1, np.int64), **nodes)

    @classmethod
    def concatenate(cls, parts: Iterable[Trees]) -> Trees:
        """Fold ``+`` over one or more `parts` with a single copy of each."""
        parts = list(parts)
        if not parts:
            raise ValueError(
                "Got no trees to concatenate, at least one Trees is needed; "
                "start from Trees.empty(n_values) where there may be none."
            )
        widths = sorted({part.n_values for part in parts})
        if len(widths) > 1:
            raise ValueError(
                f"Got trees with {widths} values per node; all must have the same number. "
                "Align their classes first (skdist.ensemble._export.place_classes)."
            )
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        nodes = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _NODE_DTYPES
        }
        return cls(offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), **nodes)

    @classmethod
    def drain(cls, parts: list[Trees]) -> Trees:
        """`concatenate`, taking the parts out of their list one by one.

        A forest of 100 trees is then never held twice in memory.
        """
        if len(parts) < 2:
            return cls.concatenate(parts)
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        nodes = {
            name: np.empty((offsets[-1], *getattr(parts[0], name).shape[1:]), dtype)
            for name, dtype in _NODE_DTYPES.items()
        }
        start = 0
        while parts:
            part = parts.pop(0)
            for name, column in nodes.items():
                column[start : start + part.n_nodes] = getattr(part, name)
            start += part.n_nodes
        return cls(offsets=offsets, **nodes)

    def __add__(self, other: Trees) -> Trees:
        return Trees.concatenate([self, other])

    def __getitem__(self, index: int) -> Trees:
        """Tree `index` alone, its node arrays views of these."""
        tree = operator.index(index)
        if not -self.n_trees <= tree < self.n_trees:
            raise IndexError(
                f"Got tree index {tree}; there are {self.n_trees} trees, "
                f"so it must be in [{-self.n_trees}, {self.n_trees})."
            )
        first, last = self.offsets[tree % self.n_trees], self.offsets[tree % self.n_trees + 1]
        nodes = {name: getattr(self, name)[first:last] for name in _NODE_DTYPES}
        return Trees(offsets=np.array([0, last - first], np.int64), **nodes)

    @property
    def n_trees(self) -> int:
        """T, the number of trees."""
        return len(self.offsets) - 1

    @property
    def n_nodes(self) -> int:
        """N, the number of nodes of all trees together."""
        return len(self.feature)

    @property
    def n_values(self) -> int:
        """K, the number of classes; 1 for regression."""
        return int(self.value.shape[1])

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, in bytes."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))
