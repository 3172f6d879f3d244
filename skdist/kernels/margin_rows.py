# SPDX-License-Identifier: BSD-3-Clause
"""Rows seen from a separating plane: how far each is from its margin, and which are near.

    q_i = t_i w'[x_i, c] - 1,    t_i = 2 y_i - 1,  y_i in {0, 1};    hinge_i = max(0, -q_i)

X is dense or CSR, of float64 or float32, and is never written to; all else is float64.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack, issparse

__all__ = ["drawn_rows", "histogram_of", "pulled", "signed_rows", "slack_of", "widest_bin_below"]

BLOCK_ROWS = 1 << 14  # of float32: a copy of a block in float64 is made
BINS_PER_DECADE = 16
LOWEST, HIGHEST = 1e-12, 1e12
EDGES = np.concatenate(
    [[0.0], np.logspace(np.log10(LOWEST), np.log10(HIGHEST), 24 * BINS_PER_DECADE + 1)]
)


def slack_of(X: Any, y: np.ndarray, w: np.ndarray, constant: float) -> np.ndarray:
    """q, (n,).

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    y : ndarray of shape (n,), 0.0 or 1.0
    w : ndarray of shape (p,), p = d, or d + 1 with the intercept last
    constant : float
        c; 0.0: there is none.
    """
    n, d = X.shape
    q = np.empty(n)
    for rows in _blocks(n):
        q[rows] = X[rows] @ w[:d]
    if constant:
        q += constant * w[d]
    q *= 2.0 * y - 1.0
    q -= 1.0
    return q


def pulled(X: Any, y: np.ndarray, weight: np.ndarray, constant: float) -> np.ndarray:
    """Sum over the rows of weight_i t_i [x_i, c], (p,)."""
    signed = weight * (2.0 * y - 1.0)
    total = np.zeros(X.shape[1])
    for rows in _blocks(X.shape[0]):
        total += X[rows].T @ signed[rows]
    return np.append(total, constant * signed.sum()) if constant else total


def signed_rows(X: Any, y: np.ndarray, chosen: np.ndarray, constant: float) -> Any:
    """t_i [x_i, c] of the chosen rows, as (m, p) float64; CSR where X is.

    `chosen` is a mask (n,).
    """
    sign = 2.0 * y[chosen, None] - 1.0
    rows = X[np.flatnonzero(chosen)].astype(np.float64)
    column = np.full((rows.shape[0], 1 if constant else 0), constant)
    if issparse(X):
        return hstack([rows, csr_matrix(column)], format="csr").multiply(sign).tocsr()
    return sign * np.concatenate([rows, column], axis=1)


def histogram_of(q: np.ndarray) -> np.ndarray:
    """Number of rows with |q| in each of the bins between `EDGES`; the last is open."""
    bins = np.searchsorted(EDGES, np.abs(q), side="right") - 1
    return np.bincount(bins, minlength=len(EDGES)).astype(np.float64)


def widest_bin_below(histogram: np.ndarray, n_rows: float) -> float:
    """A width with about `n_rows` rows of |q| < width: at most four times as many.

    Rows with the very same q cannot be told apart: where too many of them are in the way, the
    width ends before them.
    """
    below = np.concatenate([[0.0], np.cumsum(histogram)])  # rows below each edge, and all
    enough = int(np.searchsorted(below, n_rows))
    if enough >= len(EDGES):
        return float("inf")
    return float(EDGES[enough if below[enough] <= 4.0 * n_rows else enough - 1])


def drawn_rows(first: int, n: int, key: int) -> np.ndarray:
    """A number in [0, 1) for each of the rows first, ..., first + n - 1, by its number alone.

    SplitMix64 of (key, row); Steele, Lea & Flood, 2014.
    """
    z = np.arange(first, first + n, dtype=np.uint64) + np.uint64(key + 1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) / 2.0**64


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, BLOCK_ROWS):
        yield slice(start, start + BLOCK_ROWS)
