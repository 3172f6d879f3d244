# SPDX-License-Identifier: BSD-3-Clause
"""Sums of weighted Gram matrices, A_g = sum_i c_gi x_i x_i' for g = 1, ..., G, block by block.

Three ways to the same sums. One by one, as S S' with S = sqrt(c) x: half of a product's operations,
by symmetry. All at once, as the product of the G weights with the p (p + 1) / 2 products x_a x_b:
worth while from about G = p / 1.5 on, for G = K (K - 1) / 2 pairs of classes say, where it takes
half the operations of the symmetric product of the rows' K p gradients, since it uses the symmetry
in the classes and that in the features. And of CSR rows that are almost empty, as sparse products.

Products of dense rows may be made in float32, a block at a time, in half the time: their sums over
blocks are float64 all the same, and good to about 1e-6 of the diagonal.
"""

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

ALMOST_EMPTY = 0.05  # share of entries below which a sparse product beats BLAS


def gram_sums(X: Any, n_grams: int, n_columns: int, dtype: Any = np.float64) -> Any:
    """What sums the Grams of the rows of `X`, with their constant column, fastest.

    It has ``add(rows, weights)``, which may overwrite the weights (G, m), ``triangles()``, the
    upper triangles (G, p (p + 1) / 2) row by row, and tells by `dense` which rows it takes. The
    products of a block are at least as precise as `dtype`.
    """
    n, d = X.shape
    if issparse(X) and X.nnz <= ALMOST_EMPTY * n * d:
        return SparseGrams(n_grams, n_columns)
    if 3 * n_grams > 2 * n_columns:
        return GramsAtOnce(n_grams, n_columns, dtype)
    return GramByGram(n_grams, n_columns, dtype)


class GramByGram:
    """S S', one after the other."""

    dense = True

    def __init__(self, n_grams: int, n_columns: int, dtype: Any = np.float64):
        self._sums = np.zeros((n_grams, n_columns, n_columns))
        self._scaled = np.empty((0, n_columns), dtype)

    def add(self, rows: Any, weights: np.ndarray) -> None:
        """Add a block of dense rows."""
        x, (m, d) = rows.rows, rows.rows.shape
        if len(self._scaled) < m:
            self._scaled = np.empty((m, self._scaled.shape[1]), self._scaled.dtype)
        scaled, root = self._scaled[:m], np.sqrt(weights, out=weights)[:, :, None]
        root = root.astype(scaled.dtype, copy=False)
        for own, r in zip(self._sums, root, strict=True):
            np.multiply(x, r, out=scaled[:, :d], dtype=scaled.dtype, casting="same_kind")
            scaled[:, d:] = rows.constant * r
            own += scaled.T @ scaled

    def triangles(self) -> np.ndarray:
        """(G, p (p + 1) / 2)."""
        return _upper(self._sums)


class GramsAtOnce:
    """One product of weights and products of features."""

    dense = True

    def __init__(self, n_grams: int, n_columns: int, dtype: Any = np.float64):
        self._sums = np.zeros((n_grams, n_columns * (n_columns + 1) // 2))
        self._n_columns, self._dtype = n_columns, dtype

    def add(self, rows: Any, weights: np.ndarray) -> None:
        """Add a block of dense rows."""
        m, d = rows.rows.shape
        columns = np.empty((self._n_columns, m), self._dtype)
        columns[:d] = rows.rows.T
        columns[d:] = rows.constant
        self._sums += weights.astype(self._dtype, copy=False) @ _products_of_features(columns).T

    def triangles(self) -> np.ndarray:
        """(G, p (p + 1) / 2)."""
        return self._sums


class SparseGrams:
    """X' (c X) of CSR rows."""

    dense = False

    def __init__(self, n_grams: int, n_columns: int):
        self._sums = np.zeros((n_grams, n_columns, n_columns))

    def add(self, rows: Any, weights: np.ndarray) -> None:
        """Add a block of CSR rows."""
        x, constant, d = rows.rows, rows.constant, rows.rows.shape[1]
        transposed, of_row = x.T.tocsr(), np.diff(x.indptr)
        for own, c in zip(self._sums, weights, strict=True):
            scaled = csr_array((x.data * np.repeat(c, of_row), x.indices, x.indptr), x.shape)
            own[:d, :d] += (transposed @ scaled).toarray()
            if constant:
                border = constant * (transposed @ c)
                own[:d, d] += border
                own[d, :d] += border
                own[d, d] += constant**2 * c.sum()

    def triangles(self) -> np.ndarray:
        """(G, p (p + 1) / 2)."""
        return _upper(self._sums)


def _upper(matrices: np.ndarray) -> np.ndarray:
    rows, columns = np.triu_indices(matrices.shape[1])
    return matrices[:, rows, columns]


def _products_of_features(columns: np.ndarray) -> np.ndarray:
    """x_a x_b for a <= b, (p (p + 1) / 2, m), of (p, m)."""
    p, m = columns.shape
    products = np.empty((p * (p + 1) // 2, m), columns.dtype)
    first = 0
    for a in range(p):
        np.multiply(columns[a], columns[a:], out=products[first : first + p - a])
        first += p - a
    return products
