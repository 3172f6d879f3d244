# SPDX-License-Identifier: BSD-3-Clause
"""Stochastic dual coordinate ascent of the hinge on one shard: epochs over its own rows.

    a_i <- clip(a_i + (1 - r_i'u) / (sigma |r_i|^2), 0, c_i),    u <- u + sigma (change of a_i) r_i

with rows r_i = t_i [x_i, k]. Rows at a bound that push against it harder than any row that moved in
the epoch before are left out of the epoch (Hsieh et al., 2008); all are looked at in the first.
"""

import numpy as np

from skdist.kernels.compiling import entry, inlined
from skdist.kernels.counter_rng import draw_below, tree_key


@entry()
def ascend_dense(X, sign, constant, cost, dual, u, sigma, n_epochs, seed):
    """Epochs over dense rows (n, d); changes `dual` (n,) and `u` (d,) or (d + 1,) in place.

    Parameters
    ----------
    X : ndarray of shape (n, d), float64 or float32
    sign : ndarray of shape (n,), float64
        t_i, 1 or -1.
    constant : float
        k; 0.0: there is none.
    cost : ndarray of shape (n,), float64
        c_i >= 0.
    dual : ndarray of shape (n,), float64
        a_i in [0, c_i].
    u : ndarray of shape (d,), or (d + 1,) with the intercept last, float64
    sigma : float
        By how much more a step counts here than it does for all shards together.
    n_epochs : int
    seed : int
        Of the order of the rows.
    """
    n, d = X.shape
    squares = np.empty(n)
    for i in range(n):
        total = constant * constant
        for j in range(d):
            total += X[i, j] * np.float64(X[i, j])
        squares[i] = sigma * total
    order, key, hardest = np.arange(n), tree_key(seed), np.inf
    n_active = n
    for epoch in range(n_epochs):
        most = 0.0
        k = 0
        _shuffle(order, n_active, key + np.uint64(epoch))
        while k < n_active:
            i = order[k]
            slope = 1.0
            for j in range(d):
                slope -= sign[i] * X[i, j] * u[j]
            if constant != 0.0:
                slope -= sign[i] * constant * u[d]
            if _pushes_outward(dual[i], cost[i], slope, hardest):
                n_active -= 1
                order[k], order[n_active] = order[n_active], i
                continue
            most = max(most, _inward(dual[i], cost[i], slope))
            step = _step(dual[i], cost[i], slope, squares[i])
            if step != 0.0:
                dual[i] += step
                for j in range(d):
                    u[j] += sigma * step * sign[i] * X[i, j]
                if constant != 0.0:
                    u[d] += sigma * step * sign[i] * constant
            k += 1
        hardest = most if most > 0.0 else np.inf


@entry()
def ascend_sparse(data, indices, indptr, sign, constant, cost, dual, u, sigma, n_epochs, seed):
    """`ascend_dense` over CSR rows; a step costs its entries alone."""
    n, last = len(sign), len(u) - 1
    squares = np.empty(n)
    for i in range(n):
        total = constant * constant
        for e in range(indptr[i], indptr[i + 1]):
            total += data[e] * np.float64(data[e])
        squares[i] = sigma * total
    order, key, hardest = np.arange(n), tree_key(seed), np.inf
    n_active = n
    for epoch in range(n_epochs):
        most = 0.0
        k = 0
        _shuffle(order, n_active, key + np.uint64(epoch))
        while k < n_active:
            i = order[k]
            z = constant * u[last] if constant != 0.0 else 0.0
            for e in range(indptr[i], indptr[i + 1]):
                z += data[e] * u[indices[e]]
            slope = 1.0 - sign[i] * z
            if _pushes_outward(dual[i], cost[i], slope, hardest):
                n_active -= 1
                order[k], order[n_active] = order[n_active], i
                continue
            most = max(most, _inward(dual[i], cost[i], slope))
            step = _step(dual[i], cost[i], slope, squares[i])
            if step != 0.0:
                dual[i] += step
                change = sigma * step * sign[i]
                for e in range(indptr[i], indptr[i + 1]):
                    u[indices[e]] += change * data[e]
                if constant != 0.0:
                    u[last] += change * constant
            k += 1
        hardest = most if most > 0.0 else np.inf


@inlined
def _shuffle(order, n, key):
    """Put the first n entries of `order` in a drawn order (Fisher & Yates)."""
    for i in range(n - 1, 0, -1):
        j = draw_below(key, i, i + 1)
        order[i], order[j] = order[j], order[i]


@inlined
def _pushes_outward(a, c, slope, hardest):
    """Whether the row is at a bound, and would leave it outward harder than `hardest`."""
    return (a <= 0.0 and slope < -hardest) or (a >= c and slope > hardest)


@inlined
def _inward(a, c, slope):
    """Size of the slope, but for a row that is at a bound and pushes against it."""
    if (a <= 0.0 and slope <= 0.0) or (a >= c and slope >= 0.0):
        return 0.0
    return abs(slope)


@inlined
def _step(a, c, slope, square):
    """The change of a that is best for this row alone."""
    if square <= 0.0:  # a row of zeros: only its bound stops it
        return c - a if slope > 0.0 else -a
    return min(max(a + slope / square, 0.0), c) - a
