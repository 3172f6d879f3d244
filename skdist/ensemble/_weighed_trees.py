# SPDX-License-Identifier: BSD-3-Clause
"""Trees and the weights of their votes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skdist.summaries import Trees


@dataclass(frozen=True, eq=False)
class WeighedTrees:
    """Trees whose votes weigh differently; ``+`` is concatenation.

    Parameters
    ----------
    trees : Trees
    tree_weight : ndarray of shape (T,), float64
        Mean 1.
    home : ndarray of shape (T,), int64, or None
        The shard whose rows each tree has seen; None: trees have seen (samples of) all rows.
    """

    trees: Trees
    tree_weight: np.ndarray
    home: np.ndarray | None = None

    def __add__(self, other: WeighedTrees) -> WeighedTrees:
        if (self.home is None) != (other.home is None):
            raise ValueError(
                "A warm start goes on from trees that have seen all rows with trees that see one "
                "shard each, or the other way round. Keep strategy as it was, or fit a new forest."
            )
        home = None
        if self.home is not None and other.home is not None:
            home = np.concatenate([self.home, other.home])
        return WeighedTrees(
            self.trees + other.trees,
            np.concatenate([self.tree_weight, other.tree_weight]),
            home,
        )

    def with_weighed_values(self) -> Trees:
        """Trees whose plain mean is the weighted mean of these."""
        if np.all(self.tree_weight == 1.0):
            return self.trees
        weighed = zip(self.trees.each, self.tree_weight, strict=True)
        each = tuple(tree._replace(value=tree.value * weight) for tree, weight in weighed)
        return replace(self.trees, each=each)
