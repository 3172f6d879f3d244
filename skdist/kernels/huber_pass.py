# SPDX-License-Identifier: BSD-3-Clause
"""One pass over rows for the Huber loss whose scale is fitted with it.

    r_i = w'[x_i, c] - y_i;     inliers: |r_i| <= epsilon sigma,     outliers: the others

Everything that depends on sigma in another way than through who is an inlier is left to the
caller. X is dense or CSR; weights may be None; nothing is written to.
"""

from typing import Any

import numpy as np

from skdist.kernels.gram_sums import gram_sums
from skdist.kernels.row_blocks import row_blocks

__all__ = ["huber_along", "huber_product", "huber_sums", "is_outlier"]


def huber_sums(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    w: np.ndarray,
    bound: float,
    constant: float,
    *,
    grams: bool,
    robust: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums over inliers and outliers, with weights s.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    y : ndarray of shape (n,), float64
    weight : ndarray of shape (n,) or None
    w : ndarray of shape (p,), float64
        p = d, or d + 1 with the intercept last.
    bound : float
        epsilon sigma.
    constant : float
        c; 0.0: there is none.
    grams : bool
        Whether to sum second moments too, or, for less, their diagonal alone.
    robust : bool, default=False
        Whether second moments are those of all rows, outliers weighing ``s bound / |r|``.

    Returns
    -------
    totals : ndarray of shape (3,)
        s r^2 of the inliers; s |r| and s of the outliers.
    inner : ndarray of shape (p,)
        s r [x, c] of the inliers.
    outer : ndarray of shape (p,)
        s sign(r) [x, c] of the outliers.
    moments : ndarray of shape (p (p + 1) / 2,), or (p,)
        Upper triangle, or diagonal, of s [x, c] [x, c]' of the inliers.
    """
    p = len(w)
    sums = gram_sums(X, 1, p)
    totals, inner, outer, squares = np.zeros(3), np.zeros(p), np.zeros(p), np.zeros(p)
    for rows, y_b, s in row_blocks(X, y, weight, constant, dense=grams and sums.dense):
        r = rows.raw(w) - y_b
        s = np.ones(len(r)) if s is None else s
        inside = np.abs(r) <= bound
        s_in, s_out = np.where(inside, s, 0.0), np.where(inside, 0.0, s)
        totals += (s_in @ np.square(r), s_out @ np.abs(r), s_out.sum())
        inner += rows.pull(s_in * r)
        outer += rows.pull(s_out * np.sign(r))
        if robust:
            s_in = s_in + s_out * (bound / np.maximum(np.abs(r), bound))
        if grams:
            sums.add(rows, s_in[None, :])
        else:
            squares += rows.pull_squares(s_in)
    return totals, inner, outer, sums.triangles()[0] if grams else squares


def huber_product(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    w: np.ndarray,
    bound: float,
    constant: float,
    direction: np.ndarray,
) -> tuple[np.ndarray, float]:
    """``sum s u (u'v)`` and ``sum s r (u'v)`` over the inliers, u = [x, c], v = `direction`."""
    pull, along = np.zeros(len(w)), 0.0
    for rows, y_b, s in row_blocks(X, y, weight, constant):
        r, change = rows.raw(w) - y_b, rows.raw(direction)
        change[np.abs(r) > bound] = 0.0
        if s is not None:
            change *= s
        pull += rows.pull(change)
        along += float(r @ change)
    return pull, along


def huber_along(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    w: np.ndarray,
    step: np.ndarray,
    constant: float,
    lengths: np.ndarray,
    bounds: np.ndarray,
) -> np.ndarray:
    """The totals of `huber_sums` at ``w + t step``, each length t with its own bound, (L, 3)."""
    found = np.zeros((len(lengths), 3))
    for rows, y_b, s in row_blocks(X, y, weight, constant):
        r, change = rows.raw(w) - y_b, rows.raw(step)
        s = np.ones(len(r)) if s is None else s
        for row, t, bound in zip(found, lengths, bounds, strict=True):
            size = np.abs(r + t * change)
            outside = size > bound
            row += (
                s @ np.square(np.where(outside, 0.0, size)),
                s @ np.where(outside, size, 0.0),
                s @ outside,
            )
    return found


def is_outlier(X: Any, y: np.ndarray, w: np.ndarray, bound: float, constant: float) -> np.ndarray:
    """Whether |r| > bound, (n,) bool."""
    blocks = row_blocks(X, y, None, constant)
    parts = [np.abs(rows.raw(w) - y_b) > bound for rows, y_b, _ in blocks]
    return np.concatenate([np.zeros(0, bool), *parts])
