# SPDX-License-Identifier: BSD-3-Clause
"""The triangular factor of centred rows: for least squares where squaring loses too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TriangularFactor:
    """R of the QR decomposition of p centred columns, ``R'R = sum_i w_i (z_i - m)(z_i - m)'``.

    Merged as the factor of the two stacked, and of the row by which their means differ, ::

        R = qr( [ R_a ; R_b ; sqrt(W_a W_b / W) (m_b - m_a)' ] )

    (TSQR: Demmel, Grigori, Hoemmen & Langou, 2012). Backward stable: the condition number of the
    rows is never squared, as it is in `Moments`. ``+`` is associative and commutes up to rounding
    and, where R has no full rank, up to rotations of its rows, which no least-squares problem sees.

    Parameters
    ----------
    n_rows : int
    weight : float
        Sum of the rows' weights, W.
    mean : ndarray of shape (p,), float64
        Weighted means; 0 where there is no weight.
    R : ndarray of shape (k, p), float64
        Upper triangular, k <= p rows; no diagonal element is negative.

    Notes
    -----
    8 (p^2 + p) bytes; a merge costs 8/3 p^3 flops.
    """

    n_rows: int
    weight: float
    mean: Array
    R: Array

    @classmethod
    def empty(cls, n_columns: int) -> TriangularFactor:
        """Of no rows: the identity of ``+``."""
        return cls(0, 0.0, np.zeros(n_columns), np.empty((0, n_columns)))

    @classmethod
    def of_rows(cls, Z: Array, weight: Array | None = None) -> TriangularFactor:
        """Of rows Z (n, p), with weights (n,) or all of weight 1; cost 2 n p^2 flops."""
        total = float(len(Z)) if weight is None else float(weight.sum())
        if total == 0.0:
            return cls(len(Z), 0.0, np.zeros(Z.shape[1]), np.empty((0, Z.shape[1])))
        mean = Z.mean(axis=0) if weight is None else weight @ Z / total
        centred = Z - mean
        if weight is not None:
            centred *= np.sqrt(weight)[:, None]
        return cls(len(Z), total, mean, triangular(centred))

    def __add__(self, other: TriangularFactor) -> TriangularFactor:
        n_rows, weight = self.n_rows + other.n_rows, self.weight + other.weight
        if self.weight == 0.0 or other.weight == 0.0:
            whole = other if self.weight == 0.0 else self
            return TriangularFactor(n_rows, weight, whole.mean, whole.R)
        step = other.mean - self.mean
        between = np.sqrt(self.weight * other.weight / weight) * step
        stacked = np.vstack([self.R, other.R, between])
        mean = self.mean + (other.weight / weight) * step
        return TriangularFactor(n_rows, weight, mean, triangular(stacked))

    def about_zero(self) -> TriangularFactor:
        """The factor of the rows themselves, not centred: for models without an intercept."""
        stacked = np.vstack([self.R, np.sqrt(self.weight) * self.mean])
        return TriangularFactor(
            self.n_rows, self.weight, np.zeros_like(self.mean), triangular(stacked)
        )


def triangular(Z: Array) -> Array:
    """R of ``Z = Q R``, with a diagonal that is not negative."""
    R: Any = np.linalg.qr(Z, mode="r")  # NumPy's annotations know no mode but the default
    signs: Array = np.where(np.diagonal(R) < 0.0, -1.0, 1.0)
    positive: Array = R * signs[:, None]
    return positive
