# SPDX-License-Identifier: BSD-3-Clause
"""What the Huber loss with its own scale looks like from one point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HuberSums:
    """Sums over inliers and outliers; ``+`` adds them.

    Parameters
    ----------
    totals : ndarray of shape (3,), float64
        s r^2 of the inliers; s |r| and s of the outliers; s the weights, r the residuals.
    inner : ndarray of shape (p,), float64
        s r x of the inliers.
    outer : ndarray of shape (p,), float64
        s sign(r) x of the outliers.
    moments : ndarray of shape (p (p + 1) / 2,) or (p,), float64
        Upper triangle, row by row, or diagonal, of s x x' of the inliers.
    """

    totals: Floats
    inner: Floats
    outer: Floats
    moments: Floats

    def __add__(self, other: HuberSums) -> HuberSums:
        return HuberSums(
            self.totals + other.totals,
            self.inner + other.inner,
            self.outer + other.outer,
            self.moments + other.moments,
        )

    @classmethod
    def empty(cls, n_parameters: int) -> HuberSums:
        """Of no rows: the identity of ``+``."""
        p = n_parameters
        return cls(np.zeros(3), np.zeros(p), np.zeros(p), np.zeros(p * (p + 1) // 2))

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, in bytes."""
        arrays = (self.totals, self.inner, self.outer, self.moments)
        return sum(array.nbytes for array in arrays)
