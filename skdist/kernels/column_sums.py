# SPDX-License-Identifier: BSD-3-Clause
"""What scalers need to know of each column: its moments, its range. NaN is no value.

    W_j = sum_i w_i,   m_j = sum_i w_i x_ij / W_j,   q_j = sum_i w_i (x_ij - m_j)^2

over the rows i in which column j has a value. Dense rows are read in blocks that stay in the
cache; each is centred by its own mean, and what lies between the blocks' means is added at the end.
Sums are float64 whatever X is. Of every mean its rounding is kept besides: where means are large,
their differences between blocks and shards have no digits without it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

BLOCK_BYTES = 1 << 19
LEAST_BLOCK = 64  # rows
FOLDED = 64  # rows that are compared at once, as one long one

Sums = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def column_moments(X: Any, weight: np.ndarray | None = None) -> Sums:
    """Weight, mean, rounding of the mean, and sum of squares about the mean of each column.

    Parameters
    ----------
    X : {ndarray, CSR or CSC matrix} of shape (n, d), float32 or float64
        Not changed.
    weight : ndarray of shape (n,), float64, optional
        Not negative; 1 each if not given.

    Returns
    -------
    weight, mean, rest, squares : ndarrays of shape (d,), float64
        The mean is ``mean + rest``, as of two numbers. All but the weight are 0 where there is no
        weight.
    """
    if issparse(X):
        return _of_sparse(X.tocsc(), weight)
    nothing = np.zeros((1, X.shape[1]))
    sums = [_of_block(B, w, out) for B, w, out in _weighted_blocks(X, weight)]
    weights, means, rests, squares = (
        map(np.array, zip(*sums, strict=True)) if sums else [nothing] * 4
    )
    total = weights.sum(axis=0)
    near = _over((weights * means).sum(axis=0), total)
    with np.errstate(invalid="ignore"):
        steps = (means - near) + rests
        mean, rest = _two_sum(near, _over((weights * steps).sum(axis=0), total))
        between = (weights * (steps - (mean - near) - rest) ** 2).sum(axis=0)
    return total, mean, rest, squares.sum(axis=0) + between


def column_ranges(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each column of dense X (n, d), in its dtype.

    NaN where a column has no value.
    """
    low = np.full(X.shape[1], np.nan, X.dtype)
    high = low.copy()
    for rows in _blocks(X):
        low = np.fmin(low, _extreme(X[rows], np.fmin))
        high = np.fmax(high, _extreme(X[rows], np.fmax))
    return low, high


def _extreme(B: np.ndarray, extreme: np.ufunc) -> np.ndarray:
    """`extreme` of each column of a block, many rows at once where they lie side by side."""
    m, d = B.shape
    if B.flags.c_contiguous and m % FOLDED == 0:
        B = extreme.reduce(B.reshape(m // FOLDED, FOLDED * d), axis=0).reshape(FOLDED, d)
    found: np.ndarray = extreme.reduce(B, axis=0)
    return found


def _blocks(X: np.ndarray) -> Iterator[slice]:
    """Slices of rows, a multiple of `FOLDED` each but for the last."""
    n, d = X.shape
    size = max(LEAST_BLOCK, BLOCK_BYTES // (8 * max(d, 1)) // FOLDED * FOLDED)
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _weighted_blocks(
    X: np.ndarray, weight: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows, their weights, and memory for as many centred ones, laid out as X is."""
    order = "F" if X.flags.f_contiguous and not X.flags.c_contiguous else "C"
    scratch = ones = np.empty(0)
    for rows in _blocks(X):
        m = rows.stop - rows.start
        if len(scratch) == 0:
            scratch, ones = np.empty((m, X.shape[1]), order=order), np.ones(m)
        yield X[rows], ones[:m] if weight is None else weight[rows], scratch[:m]


def _of_block(B: np.ndarray, w: np.ndarray, out: np.ndarray) -> Sums:
    if B.dtype != np.float64:
        out[...] = B
        B = out
    total = w.sum()
    if total == 0.0:
        return _of_holed(B, w, out)
    with np.errstate(invalid="ignore"):  # inf - inf: the caller looks at what is not finite
        mean = w @ B / total
        if np.isnan(mean).any():
            return _of_holed(B, w, out)
        np.subtract(B, mean, out=out)
        rest = w @ out / total
        np.multiply(out, out, out=out)
        return np.full(len(mean), total), mean, rest, w @ out


def _of_holed(B: np.ndarray, w: np.ndarray, out: np.ndarray) -> Sums:
    """The same of a block with NaN in it."""
    lost = np.isnan(B)
    there = ~lost
    total = w @ there.view(np.uint8)  # w - w of what is lost would not be 0 where all is
    np.copyto(out, B)
    np.copyto(out, 0.0, where=lost)
    with np.errstate(invalid="ignore"):
        mean = _over(w @ out, total)
        np.subtract(out, mean, out=out)
        np.copyto(out, 0.0, where=lost)
        rest = _over(w @ out, total)
        np.multiply(out, out, out=out)
        return total, mean, rest, w @ out


def _of_sparse(X: Any, weight: np.ndarray | None) -> Sums:
    """The same of CSC columns, whose zeros are counted and not looked at."""
    n, d = X.shape
    w = np.ones(n) if weight is None else weight
    column = np.repeat(np.arange(d), np.diff(X.indptr))
    data, own = X.data.astype(np.float64), w[X.indices]
    there = ~np.isnan(data)
    lost = np.bincount(column[~there], own[~there], d)
    column, data, own = column[there], data[there], own[there]
    total = w.sum() - lost
    mean = _over(np.bincount(column, own * data, d), total)
    zeros, centred = total - np.bincount(column, own, d), data - mean[column]
    rest = _over(np.bincount(column, own * centred, d) - zeros * mean, total)
    return total, mean, rest, np.bincount(column, own * centred**2, d) + zeros * mean**2


def _over(sums: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Means, 0 where there is no weight."""
    return np.divide(sums, weight, out=np.zeros_like(sums), where=weight > 0.0)


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a + b, and what rounding took from it."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)
