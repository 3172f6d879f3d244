# SPDX-License-Identifier: BSD-3-Clause
"""Ridge regression of very many features by conjugate gradients: nothing d x d is formed.

    (xx + alpha I) w = xy,      xx p = sum over shards of (X - m)' S (X - m) p

S are the weights. Products with xx are merged, and everything else is what one machine does
(Hestenes & Stiefel, 1952). All targets are iterated at once, each with steps of its own.

Cost: two rounds for the means, xy and the diagonal, and one per iteration; 8 d T bytes down and up
per shard, 4 T times the number of values in X flops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.kernels.centred_products import row_blocks
from skdist.solvers.least_squares import targets_of
from skdist.solvers.normal_equations import LinearSolution

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Centring:
    """Means of features (d,) and targets (T,); all 0 for a model without an intercept."""

    x_mean: Array
    y_mean: Array


def ridge_by_gradients(
    shards: ShardedDataset,
    n_features: int,
    alpha: Array,
    *,
    fit_intercept: bool = True,
    tol: float = 1e-4,
    max_iter: int | None = None,
    n_classes: int = 0,
) -> LinearSolution:
    """Minimise ``sum_i s_i (y_i - b - x_i'w)^2 + alpha |w|^2``.

    Parameters
    ----------
    shards : ShardedDataset
    n_features : int
    alpha : ndarray of shape (T,), or (1,) for all targets
        0 or more. Where it is 0 for a target, the solution of least norm is approached.
    fit_intercept : bool, default=True
    tol : float, default=1e-4
        Stop where ``|xy - (xx + alpha I) w| <= tol |xy|``, for each target.
    max_iter : int, optional
        Rounds at most; ten times the number of features or of rows, whichever is less, if not
        given: without rounding as many as the rank would do.
    n_classes : int, default=0
        See :func:`skdist.solvers.least_squares.least_squares`.

    Returns
    -------
    LinearSolution
        Its bound is ``sum_t |residual_t|^2 / alpha_t``; None where an alpha is 0.
    """
    centring = merged_means(shards, n_features, fit_intercept, n_classes)
    first = shards.map_reduce(shard_right_hand_side, centring, n_classes)
    b, diagonal = first[:, :-1], first[:, -1:]
    alpha = np.broadcast_to(alpha, b.shape[1:])
    # Scaled by the diagonal, the iterates from 0 would tend to another solution than that of least
    # norm, where there are many.
    scale = 1.0 / (np.maximum(diagonal, 0.0) + alpha) if alpha.all() else np.ones_like(b)
    W, r = np.zeros_like(b), b.copy()
    enough = tol * np.linalg.norm(b, axis=0)
    n_iter = np.zeros(len(alpha), np.int64)
    z = scale * r
    p, rz = z, np.einsum("ij,ij->j", r, z)
    for _ in range(max_iter or 10 * min(n_features, shards.n_samples)):
        going = np.linalg.norm(r, axis=0) > enough
        if not going.any() or shards.time_is_up:
            break
        Ap = shards.map_reduce(shard_product, p, centring.x_mean) + alpha * p
        step = np.where(going, _divide(rz, np.einsum("ij,ij->j", p, Ap)), 0.0)
        W, r = W + step * p, r - step * Ap
        z = scale * r
        rz, before = np.einsum("ij,ij->j", r, z), rz
        p = z + _divide(rz, before) * p
        n_iter += going
        shards.note(residual=float(np.linalg.norm(r)))
    residual = np.linalg.norm(r, axis=0)
    bound = float(np.sum(residual**2 / alpha)) if alpha.all() else None
    intercept = centring.y_mean - W.T @ centring.x_mean
    done = bool((residual <= enough).all())
    return LinearSolution(W.T, intercept, bound, "cg", n_iter=n_iter, converged=done)


def _divide(a: Array, b: Array) -> Array:
    """a / b, 0 where b is not positive: a target that is solved moves no more."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0.0)


def merged_means(
    shards: ShardedDataset, n_features: int, fit_intercept: bool, n_classes: int
) -> Centring:
    """Weighted means of all rows; one round."""
    sums: Array = shards.map_reduce(shard_sums, n_classes)
    means = sums[1:] / sums[0] if fit_intercept else np.zeros(len(sums) - 1)
    return Centring(means[:n_features], means[n_features:])


def shard_sums(shard: Shard, n_classes: int) -> Array:
    """Sums of the weights, of weighted features and targets; (1 + d + T,)."""
    w, Y = _weights(shard), targets_of(shard, n_classes)
    x_sum = sum((B.T @ w[rows] for rows, B in _blocks(shard.X)), np.zeros(shard.X.shape[1]))
    return np.concatenate([[w.sum()], x_sum, w @ Y])


def shard_right_hand_side(shard: Shard, centring: Centring, n_classes: int) -> Array:
    """xy, and the diagonal of xx as its last column; (d, T + 1)."""
    m = centring.x_mean
    w, Y = _weights(shard), targets_of(shard, n_classes) - centring.y_mean
    out = np.zeros((len(m), Y.shape[1] + 1))
    for rows, B in _blocks(shard.X):
        own = w[rows]
        Z = own[:, None] * Y[rows]
        out[:, :-1] += B.T @ Z - np.outer(m, Z.sum(axis=0))
        squares = B.power(2).T @ own if issparse(B) else np.square(B).T @ own
        out[:, -1] += squares - 2 * m * (B.T @ own) + own.sum() * m**2
    return out


def shard_product(shard: Shard, P: Array, x_mean: Array) -> Array:
    """``(X - m)' S (X - m) P``, (d, T), without centring X."""
    w, out = _weights(shard), np.zeros_like(P)
    low = x_mean @ P
    for rows, B in _blocks(shard.X):
        Z = w[rows, None] * (B @ P - low)
        out += B.T @ Z - np.outer(x_mean, Z.sum(axis=0))
    return out


def _weights(shard: Shard) -> Array:
    return np.ones(shard.n_rows) if shard.sample_weight is None else shard.sample_weight


def _blocks(X: Any) -> Iterator[tuple[slice, Any]]:
    """Sparse rows as they are; dense ones in blocks, as float64."""
    if issparse(X):
        return iter([(slice(0, X.shape[0]), X)])
    return row_blocks(X, X.shape[1])
