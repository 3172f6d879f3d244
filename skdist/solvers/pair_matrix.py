# SPDX-License-Identifier: BSD-3-Clause
"""The kernel matrix of the rows of two classes, of which each class's own part is shared.

    K = [[K_aa, K_ab], [K_ba, K_bb]]

With k classes K_aa is part of k - 1 pairs' matrices, and half of all their entries are in such
parts. Tasks of one process remember them as long as they find room; elsewhere, and where there is
none, they are computed again, to the same bits: rows of a class are always the same rows, less the
same centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.kernel_blocks import KernelBlocks
from skdist.kernels.kernel_function import KernelFunction, Points
from skdist.solvers.memo import Memo
from skdist.summaries import stacked


@dataclass(frozen=True, eq=False)
class PairKernel:
    """How matrices of pairs are computed.

    Parameters
    ----------
    kernel : KernelFunction
    centre : ndarray of shape (d,) or None
        What is subtracted from all rows.
    memo : Memo
    """

    kernel: KernelFunction
    centre: NDArray[np.float64] | None
    memo: Memo

    def points(self, name: int, X: Any) -> Points:
        """The rows of the class of that name."""

        def make() -> Points:
            return self.kernel.points(X.astype(np.float64, copy=False), self.centre)

        return self.memo.get((name, "points"), make)

    def own_part(self, name: int, points: Points) -> NDArray[Any]:
        """K_aa."""
        key = (name, str(points.dtype))
        return self.memo.get(key, lambda: self.kernel.matrix(points, points))


@dataclass(frozen=True, eq=False)
class PairMatrix:
    """The matrix of a pair of classes, those of the first before those of the second.

    Parameters
    ----------
    by : PairKernel
    names : tuple of int
    rows : tuple of ndarray or CSR
        X of either class.
    """

    by: PairKernel
    names: tuple[int, int]
    rows: tuple[Any, Any]

    @property
    def kernel(self) -> KernelFunction:
        """Of the entries."""
        return self.by.kernel

    @property
    def points(self) -> Points:
        """Of both classes, in float64."""
        a, b = self._of_classes()
        return Points(
            stacked([a.values, b.values]),
            np.concatenate([a.squares, b.squares]),
        )

    def blocks(self, dtype: Any) -> KernelBlocks:
        """Its four parts."""
        a, b = (points.astype(dtype) for points in self._of_classes())
        matrix, (first, second) = self.kernel.matrix, self.names
        own = self.by.own_part(first, a), self.by.own_part(second, b)
        return KernelBlocks((own[0], matrix(a, b), matrix(b, a), own[1]))

    def _of_classes(self) -> tuple[Points, Points]:
        a, b = map(self.by.points, self.names, self.rows)
        return a, b
