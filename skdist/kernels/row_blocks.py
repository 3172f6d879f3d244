# SPDX-License-Identifier: BSD-3-Clause
"""Rows in blocks that stay in the L2 cache, and the two products that passes make of a block.

A dense block is copied to one array that is written anew for each block, with the constant column
and in float64, whatever X is made of; it is then read from the cache several times. There is never
a second n x p array. CSR rows are multiplied as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

BLOCK_BYTES = 2**19  # of a dense block; with as much for what is made of it, that fits into L2
SPARSE_BLOCK_ROWS = 2**14  # CSR rows stay where they are; raw predictions and slopes must fit
FEWEST_ROWS = 256  # below that BLAS spends its time on packing


@dataclass(frozen=True, eq=False)
class DenseRows:
    """Rows with their constant column, (m, p) float64."""

    rows: np.ndarray

    def raw(self, w: np.ndarray) -> np.ndarray:
        """W [x, c]: (m,) for w (p,), (K, m) for (K, p)."""
        return w @ self.rows.T

    def pull(self, g: np.ndarray) -> np.ndarray:
        """Sum of g_i [x_i, c]': (p,) for g (m,), (K, p) for (K, m)."""
        return g @ self.rows

    def pull_squares(self, c: np.ndarray) -> np.ndarray:
        """Sum of c_i [x_i^2, c^2]'."""
        return c @ np.square(self.rows)


@dataclass(frozen=True, eq=False)
class SparseRows:
    """CSR rows (m, d), and the value of their constant column; 0.0: there is none."""

    rows: Any
    constant: float

    def raw(self, w: np.ndarray) -> np.ndarray:
        """W [x, c]."""
        d = self.rows.shape[1]
        z = np.ascontiguousarray((self.rows @ w[..., :d].T).T, np.float64)
        if self.constant:
            z += self.constant * w[..., d:]
        return z

    def pull(self, g: np.ndarray) -> np.ndarray:
        """Sum of g_i [x_i, c]'."""
        return self._pull(self.rows, g, self.constant)

    def pull_squares(self, c: np.ndarray) -> np.ndarray:
        """Sum of c_i [x_i^2, c^2]'."""
        return self._pull(self.rows.power(2, dtype=np.float64), c, self.constant**2)

    def _pull(self, rows: Any, g: np.ndarray, constant: float) -> np.ndarray:
        of_features = (rows.T @ g.T).T
        if not constant:
            return of_features
        return np.concatenate([of_features, constant * g.sum(-1, keepdims=True)], axis=-1)


def row_blocks(
    X: Any, y: np.ndarray, weight: np.ndarray | None, constant: float, *, dense: bool = False
) -> Iterator[tuple[Any, np.ndarray, np.ndarray | None]]:
    """Blocks of rows, their targets and their weights.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    y : ndarray of shape (n,)
    weight : ndarray of shape (n,) or None
    constant : float
        The value of the constant column; 0.0: there is none.
    dense : bool, default=False
        Whether CSR rows come as dense ones too.

    Yields
    ------
    rows : DenseRows or SparseRows
        Valid until the next block is asked for.
    y, weight : ndarray of shape (m,)
    """
    blocks = _dense_blocks(X, constant) if dense or not issparse(X) else _csr_blocks(X, constant)
    start = 0
    for rows in blocks:
        stop = start + rows.rows.shape[0]
        yield rows, y[start:stop], None if weight is None else weight[start:stop]
        start = stop


def _csr_blocks(X: Any, constant: float) -> Iterator[SparseRows]:
    n, size = X.shape[0], SPARSE_BLOCK_ROWS
    for start in range(0, n, size):
        yield SparseRows(X if n <= size else X[start : start + size], constant)


def _dense_blocks(X: Any, constant: float) -> Iterator[DenseRows]:
    n, d = X.shape
    p = d + (constant != 0.0)
    size = min(max(BLOCK_BYTES // (8 * max(p, 1)), FEWEST_ROWS), max(n, 1))
    block = np.empty((size, p))
    block[:, d:] = constant
    for start in range(0, n, size):
        rows = X[start : start + size]
        m = rows.shape[0]
        block[:m, :d] = rows.toarray() if issparse(rows) else rows
        yield DenseRows(block[:m])
