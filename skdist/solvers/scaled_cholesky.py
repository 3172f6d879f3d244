# SPDX-License-Identifier: BSD-3-Clause
"""Cholesky factors of matrices whose rows and columns may be of any scale.

    M = D L L' D,    D = diag(M)^(1/2)

What counts is the condition number of ``D^-1 M D^-1``: features in other units change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve_triangular
from scipy.optimize import nnls

Array = NDArray[np.float64]

# Least reciprocal condition number, of columns scaled to the same length, with which the normal
# equations are solved: the solution is off by some eps / rcond.
LEAST_RCOND = 1e-8


@dataclass(frozen=True, eq=False)
class ScaledCholesky:
    """``M = D L L' D`` of a symmetric M; columns of zeros are left out.

    Parameters
    ----------
    L : ndarray of shape (k, k), lower triangular
    D : ndarray of shape (k,)
    columns : ndarray of shape (k,), int
        Those that are not all zeros.
    """

    L: Array
    D: Array
    columns: NDArray[np.intp]

    def solve(self, B: Array) -> Array:
        """W (d, T) with M W = B, 0 for columns of zeros."""
        W = np.zeros_like(B)
        half = self._half(B)
        W[self.columns] = solve_triangular(self.L, half, lower=True, trans="T") / self.D[:, None]
        return W

    def solve_positive(self, B: Array) -> Array:
        """The same of least ``w'Mw / 2 - b'w`` with w >= 0: ``min |L'D w - L^-1 D^-1 b|``."""
        W = np.zeros_like(B)
        half = self._half(B)
        W[self.columns] = least_positive(self.L.T, half) / self.D[:, None]
        return W

    def _half(self, B: Array) -> Array:
        half: Array = solve_triangular(self.L, B[self.columns] / self.D[:, None], lower=True)
        return half


def scaled_cholesky(M: Array) -> ScaledCholesky | None:
    """The factor, or None where M is too ill-conditioned to be solved to nearly all digits."""
    lengths = np.sqrt(np.maximum(np.diagonal(M), 0.0))
    columns = np.flatnonzero(lengths)
    D = lengths[columns]
    if len(D) == 0:
        return ScaledCholesky(np.empty((0, 0)), D, columns)
    C = M[np.ix_(columns, columns)]
    C /= D[:, None]
    C /= D
    norm = np.abs(C).sum(axis=0).max()
    L, failed = lapack.dpotrf(C, lower=1, clean=1)
    if failed:
        return None
    rcond, _ = lapack.dpocon(L, norm, uplo="L")
    return ScaledCholesky(L, D, columns) if rcond >= LEAST_RCOND else None


def least_positive(A: Array, B: Array) -> Array:
    """argmin ``|A w - b|`` with w >= 0, for each column b of B."""
    if A.size == 0:  # SciPy's routine aborts the process
        return np.zeros((A.shape[1], B.shape[1]))
    return np.stack([nnls(A, b)[0] for b in B.T], axis=1)
