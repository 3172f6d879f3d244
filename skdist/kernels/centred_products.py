# SPDX-License-Identifier: BSD-3-Clause
"""Weight, means, and sums of squares and products about the means, of the rows of one shard.

    W = sum_i w_i,   m = sum_i w_i x_i / W,   xx = sum_i w_i (x_i - m)(x_i - m)',   xy, yy alike

Dense rows are read once, in blocks that stay in the cache: each is centred by its own mean, and
what lies between the blocks' means is added at the end. Sums are float64 whatever X is.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

BLOCK_BYTES = 1 << 20
LEAST_BLOCK = 512  # rows: fewer do not pay for the d^2 numbers that are added per block
# Share s of the values in sparse X above which its rows are unpacked block by block. A choice: a
# dense product makes d^2 operations a row, a sparse one (s d)^2, of which each takes far longer.
DENSE = 0.1
FULL = 0.3  # share of a single column's weight


class Products(NamedTuple):
    """Of some rows; float64. Where there is no weight, all are 0."""

    weight: float
    x_mean: np.ndarray  # (d,)
    y_mean: np.ndarray  # (T,)
    xx: np.ndarray  # (d, d)
    xy: np.ndarray  # (d, T)
    yy: np.ndarray  # (T,)


def centred_products(X: Any, Y: np.ndarray, weight: np.ndarray | None = None) -> Products:
    """The sums of rows X (n, d), dense or CSR, and Y (n, T).

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d), float32 or float64
        Not changed. Sparse rows are not unpacked unless a tenth of their values or more is there;
        of sparser rows, columns that are nearly full are.
    Y : ndarray of shape (n, T), float64
    weight : ndarray of shape (n,), float64, optional
        Not negative; 1 each if not given.

    Returns
    -------
    Products
        Cost: n d^2 flops, and one pass over X.
    """
    n, d = X.shape
    if issparse(X) and X.nnz < DENSE * n * d:
        return _sparse_products(X, Y, weight)
    return _dense_products(X, Y, weight)


def row_blocks(X: Any, n_columns: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Slices of the rows, and those rows as dense float64, in memory that is used again."""
    n, d = X.shape
    size = max(LEAST_BLOCK, BLOCK_BYTES // (8 * max(n_columns, 1)))
    scratch = np.empty((min(size, n), d))
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        block = scratch[: rows.stop - start]
        block[...] = X[rows].toarray() if issparse(X) else X[rows]
        yield rows, block


def _dense_products(X: Any, Y: np.ndarray, weight: np.ndarray | None) -> Products:
    d, n_targets = X.shape[1], Y.shape[1]
    xx, xy, yy = np.zeros((d, d)), np.zeros((d, n_targets)), np.zeros(n_targets)
    product, weights, means = np.empty((d, d)), [], []
    for rows, B in row_blocks(X, d):
        w = np.ones(len(B)) if weight is None else weight[rows]
        Z = Y[rows]
        total = max(w.sum(), np.finfo(np.float64).tiny)
        x_mean, y_mean = w @ B / total, w @ Z / total
        B -= x_mean
        Z = Z - y_mean
        if weight is not None:
            root = np.sqrt(w)[:, None]
            B *= root
            Z *= root
        np.matmul(B.T, B, out=product)  # NumPy sees that this is symmetric: half the flops
        xx += product
        xy += B.T @ Z
        yy += np.einsum("ij,ij->j", Z, Z)
        weights.append(w.sum())
        means.append(np.concatenate([x_mean, y_mean]))
    return _between(np.array(weights), np.array(means), xx, xy, yy)


def _between(
    weights: np.ndarray, means: np.ndarray, xx: np.ndarray, xy: np.ndarray, yy: np.ndarray
) -> Products:
    """Add what lies between the means of blocks to the sums within them."""
    d, total = len(xx), float(weights.sum())
    if total == 0.0:
        return Products(0.0, np.zeros(d), np.zeros(len(yy)), xx, xy, yy)
    mean = weights @ means / total
    steps = np.sqrt(weights)[:, None] * (means - mean)
    u, v = steps[:, :d], steps[:, d:]
    return Products(
        total, mean[:d], mean[d:], xx + u.T @ u, xy + u.T @ v, yy + np.einsum("ij,ij->j", v, v)
    )


def _sparse_products(X: Any, Y: np.ndarray, weight: np.ndarray | None) -> Products:
    """The same for sparse X, whose zeros are not looked at.

    The sum about the mean of a column that is 0 in a share 1 - f of the weight is at least 1 - f
    times its sum of squares: subtracting W m^2 loses half a bit where f <= 0.3. Fuller columns are
    unpacked and centred.
    """
    d, n_targets = X.shape[1], Y.shape[1]
    w = np.ones(X.shape[0]) if weight is None else weight
    total, root = float(w.sum()), np.sqrt(w)[:, None]
    if total == 0.0:
        zeros = map(np.zeros, (d, n_targets, (d, d), (d, n_targets), n_targets))
        return Products(0.0, *zeros)
    share = _filled(X, w) / total
    full, thin = np.flatnonzero(share > FULL), np.flatnonzero(share <= FULL)
    S, F = X[:, thin].astype(np.float64), X[:, full].toarray().astype(np.float64)
    x_mean, y_mean = np.empty(d), w @ Y / total
    x_mean[thin], x_mean[full] = S.T @ w / total, w @ F / total
    S, F, Z = S.multiply(root).tocsr(), (F - x_mean[full]) * root, (Y - y_mean) * root
    xx, xy = np.empty((d, d)), np.empty((d, n_targets))
    low = x_mean[thin]
    xx[np.ix_(thin, thin)] = (S.T @ S).toarray() - total * np.outer(low, low)
    xx[np.ix_(full, full)] = F.T @ F
    # Where the other side is centred, all that is left to subtract is what its rounding left over.
    mixed = S.T @ F - np.outer(low, root[:, 0] @ F)
    xx[np.ix_(thin, full)], xx[np.ix_(full, thin)] = mixed, mixed.T
    xy[thin], xy[full] = S.T @ Z - np.outer(low, root[:, 0] @ Z), F.T @ Z
    return Products(total, x_mean, y_mean, xx, xy, np.einsum("ij,ij->j", Z, Z))


def _filled(X: Any, w: np.ndarray) -> np.ndarray:
    """Sum of the weights of the rows in which each column has a value."""
    per_value = np.repeat(w, np.diff(X.indptr))
    return np.bincount(X.indices, per_value, X.shape[1])
