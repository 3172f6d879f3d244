# SPDX-License-Identifier: BSD-3-Clause
"""One pass over rows: the loss of a linear model, its gradient and its curvature, at once.

    z_i = W [x_i, c]        F = sum_i s_i loss(y_i, z_i)        G = sum_i s_i g_i [x_i, c]'
    A_g = sum_i s_i c_ig [x_i, c] [x_i, c]'        hessian = sum over g of (e_g e_g') (x) A_g

Rows are taken in blocks that stay in the L2 cache: a block is copied there once, with the constant
column and in float64, whatever X is made of (float32, CSR), and then read five times. There is
never a second n x p array. A pass that needs no curvature multiplies CSR rows as they are.

The Grams A_g are formed as S S' with S = sqrt(s c) [x, c], one symmetric product each. For K
classes there are G = K (K - 1) / 2 of them, and from about G = p / 1.5 on it is cheaper to form
them all in one product, of the G products s p_k p_l with the p (p + 1) / 2 products x_a x_b: both
symmetries are used, so that it takes half the operations of the symmetric product of the rows'
K p gradients (16,000 x 17 with 26 classes: 37 ms on one core, against 130 ms Gram by Gram).

Arrays are never written to; weights may be None.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

__all__ = [
    "curvature_diagonal",
    "curvature_product",
    "loss_gradient",
    "loss_gradient_grams",
    "losses_along",
]

# A line search may look where exp overflows: the sums are inf or NaN there, and say so themselves.
_overflow_is_infinity = np.errstate(over="ignore", invalid="ignore")

BLOCK_BYTES = 2**19  # of a block of rows, of which there are two: the rows, and the scaled rows
SPARSE_BLOCK_ROWS = 2**14  # CSR rows are multiplied where they are; only z and g must fit
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
        z = np.ascontiguousarray((self.rows @ w[..., :d].T).T)
        if self.constant:
            z += self.constant * w[..., d:]
        return z

    def pull(self, g: np.ndarray) -> np.ndarray:
        """Sum of g_i [x_i, c]'."""
        return self._pull(self.rows, g, self.constant)

    def pull_squares(self, c: np.ndarray) -> np.ndarray:
        """Sum of c_i [x_i^2, c^2]'."""
        return self._pull(self.rows.multiply(self.rows).tocsr(), c, self.constant**2)

    def _pull(self, rows: Any, g: np.ndarray, constant: float) -> np.ndarray:
        of_features = (rows.T @ g.T).T
        if not constant:
            return of_features
        return np.concatenate([of_features, constant * g.sum(-1, keepdims=True)], axis=-1)


@_overflow_is_infinity
def loss_gradient(
    X: Any, y: np.ndarray, weight: np.ndarray | None, loss: Any, w: np.ndarray, constant: float
) -> tuple[float, np.ndarray]:
    """F and G at `w`.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    y : ndarray of shape (n,), float64
    weight : ndarray of shape (n,) or None
    loss : skdist.losses.Loss
        Of K outputs.
    w : ndarray of shape (K, p), float64
        p = d, or d + 1 with the intercepts last.
    constant : float
        What the intercepts are multiplied with; 0.0: there are none.

    Returns
    -------
    value : float
    gradient : ndarray of shape (K, p)
    """
    w, value, gradient = _squeezed(w, loss), 0.0, np.zeros_like(_squeezed(w, loss))
    for rows, y_b, s in _blocks(X, y, weight, constant, _sparse_or_dense):
        values, g = loss.value_gradient(y_b, rows.raw(w))
        value += _weigh(values, s, g)
        gradient += rows.pull(g)
    return value, gradient.reshape(loss.n_outputs, -1)


@_overflow_is_infinity
def loss_gradient_grams(
    X: Any, y: np.ndarray, weight: np.ndarray | None, loss: Any, w: np.ndarray, constant: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """F, G and the triangles of the A_g at `w`; arguments of `loss_gradient`.

    Returns
    -------
    value : float
    gradient : ndarray of shape (K, p)
    grams : ndarray of shape (G, p (p + 1) / 2)
        Row by row of the upper triangles; G = 1 for one output, else K (K - 1) / 2.
    """
    n_outputs, p = w.shape
    w, value, gradient = _squeezed(w, loss), 0.0, np.zeros_like(_squeezed(w, loss))
    grams = _grams_of(_n_grams(n_outputs), p)
    for rows, y_b, s in _blocks(X, y, weight, constant, _dense):
        values, g, curvature = loss.value_gradient_curvature(y_b, rows.raw(w))
        value += _weigh(values, s, g, curvature)
        gradient += rows.pull(g)
        grams.add(rows.rows, curvature.reshape(-1, len(y_b)))
    return value, gradient.reshape(n_outputs, -1), grams.triangles()


@_overflow_is_infinity
def curvature_product(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    loss: Any,
    w: np.ndarray,
    constant: float,
    direction: np.ndarray,
) -> np.ndarray:
    """Hessian at `w` times `direction`, both (K, p), without forming it."""
    w, v = _squeezed(w, loss), _squeezed(direction, loss)
    product = np.zeros_like(w)
    for rows, y_b, s in _blocks(X, y, weight, constant, _sparse_or_dense):
        change = loss.gradient_change(y_b, rows.raw(w), rows.raw(v))
        if s is not None:
            change *= s
        product += rows.pull(change)
    return product.reshape(loss.n_outputs, -1)


@_overflow_is_infinity
def curvature_diagonal(
    X: Any, y: np.ndarray, weight: np.ndarray | None, loss: Any, w: np.ndarray, constant: float
) -> np.ndarray:
    """Diagonal of the Hessian at `w`, (K, p)."""
    w, diagonal = _squeezed(w, loss), np.zeros_like(_squeezed(w, loss))
    for rows, y_b, s in _blocks(X, y, weight, constant, _sparse_or_dense):
        curvature = loss.curvature_diagonal(y_b, rows.raw(w))
        if s is not None:
            curvature *= s
        diagonal += rows.pull_squares(curvature)
    return diagonal.reshape(loss.n_outputs, -1)


@_overflow_is_infinity
def losses_along(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    loss: Any,
    w: np.ndarray,
    constant: float,
    step: np.ndarray,
    lengths: np.ndarray,
) -> np.ndarray:
    """F(w + t step) for each t of `lengths`, (L,): X is read once."""
    w, v = _squeezed(w, loss), _squeezed(step, loss)
    values = np.zeros(len(lengths))
    for rows, y_b, s in _blocks(X, y, weight, constant, _sparse_or_dense):
        z, dz = rows.raw(w), rows.raw(v)
        values += [_weigh(loss.value(y_b, z + t * dz), s) for t in lengths]
    return values


def _squeezed(w: np.ndarray, loss: Any) -> np.ndarray:
    """(p,) for one output: its raw predictions are (m,), not (1, m)."""
    return w[0] if loss.n_outputs == 1 else w


def _n_grams(n_outputs: int) -> int:
    return max(1, n_outputs * (n_outputs - 1) // 2)


def _weigh(values: np.ndarray, s: np.ndarray | None, *of_rows: np.ndarray) -> float:
    """Sum of the weighted values; `of_rows` are weighted in place."""
    if s is None:
        return float(values.sum())
    for array in of_rows:
        array *= s
    return float(values @ s)


def _blocks(
    X: Any, y: np.ndarray, weight: np.ndarray | None, constant: float, blocks_of: Any
) -> Iterator[tuple[Any, np.ndarray, np.ndarray | None]]:
    """Blocks of rows, their targets and their weights."""
    start = 0
    for rows in blocks_of(X, constant):
        stop = start + rows.rows.shape[0]
        yield rows, y[start:stop], None if weight is None else weight[start:stop]
        start = stop


def _sparse_or_dense(X: Any, constant: float) -> Iterator[Any]:
    return _sparse(X, constant) if issparse(X) else _dense(X, constant)


def _sparse(X: Any, constant: float) -> Iterator[SparseRows]:
    n, size = X.shape[0], SPARSE_BLOCK_ROWS
    for start in range(0, n, size):
        yield SparseRows(X if n <= size else X[start : start + size], constant)


def _dense(X: Any, constant: float) -> Iterator[DenseRows]:
    """Blocks in one array that is written anew for each."""
    n, d = X.shape
    p = d + (constant != 0.0)
    size = min(max(BLOCK_BYTES // (8 * p), FEWEST_ROWS), max(n, 1))
    block = np.empty((size, p))
    block[:, d:] = constant
    for start in range(0, n, size):
        rows = X[start : start + size]
        m = rows.shape[0]
        block[:m, :d] = rows.toarray() if issparse(rows) else rows
        yield DenseRows(block[:m])


class GramByGram:
    """A_g = S S', one after the other."""

    def __init__(self, n_grams: int, p: int):
        self._sums = np.zeros((n_grams, p, p))
        self._scaled = np.empty((0, p))

    def add(self, rows: np.ndarray, curvature: np.ndarray) -> None:
        """Add the block (m, p) with weights (G, m), which are overwritten."""
        m = len(rows)
        if len(self._scaled) < m:
            self._scaled = np.empty_like(rows)
        scaled, root = self._scaled[:m], np.sqrt(curvature, out=curvature)
        for g in range(len(root)):
            np.multiply(rows, root[g, :, None], out=scaled)
            self._sums[g] += scaled.T @ scaled

    def triangles(self) -> np.ndarray:
        """(G, p (p + 1) / 2)."""
        rows, columns = np.triu_indices(self._sums.shape[1])
        return self._sums[:, rows, columns]


class GramsAtOnce:
    """All A_g as one product of weights (G, m) and products of features (m, p (p + 1) / 2)."""

    def __init__(self, n_grams: int, p: int):
        self._sums = np.zeros((n_grams, p * (p + 1) // 2))

    def add(self, rows: np.ndarray, curvature: np.ndarray) -> None:
        """Add the block (m, p) with weights (G, m)."""
        self._sums += curvature @ _products_of_features(rows).T

    def triangles(self) -> np.ndarray:
        """(G, p (p + 1) / 2)."""
        return self._sums


def _grams_of(n_grams: int, p: int) -> GramByGram | GramsAtOnce:
    return GramsAtOnce(n_grams, p) if 3 * n_grams > 2 * p else GramByGram(n_grams, p)


def _products_of_features(rows: np.ndarray) -> np.ndarray:
    """x_a x_b for a <= b, (p (p + 1) / 2, m)."""
    columns = np.ascontiguousarray(rows.T)
    p, m = columns.shape
    products = np.empty((p * (p + 1) // 2, m))
    first = 0
    for a in range(p):
        np.multiply(columns[a], columns[a:], out=products[first : first + p - a])
        first += p - a
    return products
