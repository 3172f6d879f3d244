# SPDX-License-Identifier: BSD-3-Clause
"""One pass over rows: the loss of a linear model, its gradient and its curvature, at once.

    z_i = W [x_i, c]        F = sum_i s_i loss(y_i, z_i)        G = sum_i s_i g_i [x_i, c]'
    A_g = sum_i s_i c_ig [x_i, c] [x_i, c]'        hessian = sum over g of (e_g e_g') (x) A_g

with the directions e_g of :mod:`skdist.losses`. X is read once, in blocks that stay in the L2 cache
(:mod:`skdist.kernels.row_blocks`); a block's Grams are summed as is fastest
(:mod:`skdist.kernels.gram_sums`). Float32 and CSR rows take the same path: sums are float64.
Arrays are never written to; weights may be None.
"""

from typing import Any

import numpy as np

from skdist.kernels.gram_sums import gram_sums
from skdist.kernels.row_blocks import row_blocks

__all__ = [
    "curvature_diagonal",
    "curvature_product",
    "loss_gradient",
    "loss_gradient_grams",
    "losses_along",
]

# A line search may look where exp overflows: the sums are inf or NaN there, and say so themselves.
_overflow_is_infinity = np.errstate(over="ignore", invalid="ignore")


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
    for rows, y_b, s in row_blocks(X, y, weight, constant):
        values, g = loss.value_gradient(y_b, rows.raw(w))
        value += _weigh(values, s, g)
        gradient += rows.pull(g)
    return value, gradient.reshape(loss.n_outputs, -1)


@_overflow_is_infinity
def loss_gradient_grams(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    loss: Any,
    w: np.ndarray,
    constant: float,
    dtype: Any = np.float64,
) -> tuple[float, np.ndarray, np.ndarray]:
    """F, G and the triangles of the A_g at `w`; arguments of `loss_gradient`.

    Parameters
    ----------
    dtype : numpy dtype, default=float64
        What the products of the A_g are made in: float32 takes half the time, and leaves some six
        digits. Sums over blocks, F and G are float64 whatever it is, and so is all where float32
        overflows.

    Returns
    -------
    value : float
    gradient : ndarray of shape (K, p)
    grams : ndarray of shape (G, p (p + 1) / 2)
        Row by row of the upper triangles; G = 1 for one output, else K (K - 1) / 2.
    """
    n_outputs, p = w.shape
    w, value, gradient = _squeezed(w, loss), 0.0, np.zeros_like(_squeezed(w, loss))
    grams = gram_sums(X, max(1, n_outputs * (n_outputs - 1) // 2), p, dtype)
    for rows, y_b, s in row_blocks(X, y, weight, constant, dense=grams.dense):
        values, g, curvature = loss.value_gradient_curvature(y_b, rows.raw(w))
        value += _weigh(values, s, g, curvature)
        gradient += rows.pull(g)
        grams.add(rows, curvature.reshape(-1, len(y_b)))
    triangles = grams.triangles()
    if dtype != np.float64 and not np.isfinite(triangles).all():
        return loss_gradient_grams(X, y, weight, loss, w.reshape(n_outputs, -1), constant)
    return value, gradient.reshape(n_outputs, -1), triangles


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
    for rows, y_b, s in row_blocks(X, y, weight, constant):
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
    for rows, y_b, s in row_blocks(X, y, weight, constant):
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
    for rows, y_b, s in row_blocks(X, y, weight, constant):
        z, dz = rows.raw(w), rows.raw(v)
        values += [_weigh(loss.value(y_b, z + t * dz), s) for t in lengths]
    return values


def _squeezed(w: np.ndarray, loss: Any) -> np.ndarray:
    """(p,) for one output: its raw predictions are (m,), not (1, m)."""
    return w[0] if loss.n_outputs == 1 else w


def _weigh(values: np.ndarray, s: np.ndarray | None, *of_rows: np.ndarray) -> float:
    """Sum of the weighted values; `of_rows` are weighted in place."""
    if s is None:
        return float(values.sum())
    for array in of_rows:
        array *= s
    return float(values @ s)
