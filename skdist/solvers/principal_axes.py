# SPDX-License-Identifier: BSD-3-Clause
"""Principal axes from what the rows of all shards add up to.

    C = sum_i (x_i - m)(x_i - m)' / (n - 1) = V diag(lambda) V'        (moments, or)
    R = U diag(sqrt((n - 1) lambda)) V'   with   R'R = (n - 1) C       (the triangular factor)

The second never squares the rows, so that small variances keep their digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdist.summaries import Moments, TriangularFactor

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """Orthonormal axes in the order of the variances along them.

    Parameters
    ----------
    n_rows : int
    mean : ndarray of shape (d,), float64
    variance : ndarray of shape (k,), float64
        Descending; none is negative.
    axes : ndarray of shape (k, d), float64
    """

    n_rows: int
    mean: Array
    variance: Array
    axes: Array


def axes_of_moments(moments: Moments) -> PrincipalAxes:
    """All d axes, by the eigenvectors of the covariance; 9 d^3 flops."""
    variance, vectors = np.linalg.eigh(moments.xx / _degrees(moments.n_rows))
    return PrincipalAxes(
        moments.n_rows,
        moments.x_mean,
        np.maximum(variance[::-1], 0.0),
        np.ascontiguousarray(vectors.T[::-1]),
    )


def axes_of_factor(factor: TriangularFactor) -> PrincipalAxes:
    """min(n, d) axes, by the singular vectors of the factor; 20 d^3 flops."""
    _, singular, axes = np.linalg.svd(factor.R, full_matrices=False)
    k = min(factor.n_rows, len(factor.mean))
    variance = np.square(singular[:k]) / _degrees(factor.n_rows)
    return PrincipalAxes(factor.n_rows, factor.mean, variance, axes[:k])


def _degrees(n_rows: int) -> float:
    return float(max(n_rows - 1, 1))
