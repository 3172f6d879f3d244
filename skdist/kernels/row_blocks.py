# SPDX-License-Identifier: BSD-3-Clause
"""Rows in blocks that stay in the L2 cache, and the products that passes make of a block.

Rows that are float64 and lie one after the other are read where they are; of others a block is
converted at a time, into one array that is written anew for each. There is never a second n x d
array, and no column of constants. CSR rows are multiplied as they are.
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
    """Rows (m, d) float64, and the value of their constant column; 0.0: there is none."""

    rows: np.ndarray
    constant: float

    def raw(self, w: np.ndarray) -> np.ndarray:
        """W [x, c]: (m,) for w (p,), (K, m) for (K, p)."""
        d = self.rows.shape[1]
        return _shifted(w[..., :d] @ self.rows.T, w[..., d:], self.constant)

    def pull(self, g: np.ndarray) -> np.ndarray:
        """Sum of g_i [x_i, c]': (p,) for g (m,), (K, p) for (K, m)."""
        return _with_constant(g @ self.rows, g, self.constant)

    def pull_squares(self, c: np.ndarray) -> np.ndarray:
        """Sum of c_i [x_i^2, c^2]'."""
        return _with_constant(c @ np.square(self.rows), c, self.constant**2)


@dataclass(frozen=True, eq=False)
class SparseRows:
    """CSR rows (m, d), and the value of their constant column; 0.0: there is none."""

    rows: Any
    constant: float

    def raw(self, w: np.ndarray) -> np.ndarray:
        """W [x, c]."""
        d = self.rows.shape[1]
        z = np.ascontiguousarray((self.rows @ w[..., :d].T).T, np.float64)
        return _shifted(z, w[..., d:], self.constant)

    def pull(self, g: np.ndarray) -> np.ndarray:
        """Sum of g_i [x_i, c]'."""
        return _with_constant((self.rows.T @ g.T).T, g, self.constant)

    def pull_squares(self, c: np.ndarray) -> np.ndarray:
        """Sum of c_i [x_i^2, c^2]'."""
        squares = self.rows.power(2, dtype=np.float64)
        return _with_constant((squares.T @ c.T).T, c, self.constant**2)


def _shifted(z: np.ndarray, intercepts: np.ndarray, constant: float) -> np.ndarray:
    """z + c b in place; intercepts are (1,) or (K, 1)."""
    if constant:
        z += constant * intercepts
    return z


def _with_constant(of_features: np.ndarray, g: np.ndarray, constant: float) -> np.ndarray:
    """What the features pulled, and sum of g_i c behind it."""
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
    size = min(max(BLOCK_BYTES // (8 * max(d, 1)), FEWEST_ROWS), max(n, 1))
    blocks = (X[start : start + size] for start in range(0, n, size))
    if not issparse(X) and X.dtype == np.float64 and X.flags.c_contiguous:
        yield from (DenseRows(rows, constant) for rows in blocks)
        return
    block = np.empty((size, d))
    for rows in blocks:
        m = rows.shape[0]
        block[:m] = rows.toarray() if issparse(rows) else rows
        yield DenseRows(block[:m], constant)
