# SPDX-License-Identifier: BSD-3-Clause
"""Dual coordinate ascent: D rises to its maximum, in the box, dense and sparse alike."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skdist.kernels.dual_ascent import ascend_dense, ascend_sparse

RNG = np.random.default_rng(0)
N, D = 50, 4
X = (RNG.normal(size=(N, D)) * (RNG.random((N, D)) < 0.6)).astype(np.float32).astype(np.float64)
SIGN = np.where(RNG.random(N) < 0.5, 1.0, -1.0)
COST = 0.5 + RNG.random(N)


def rows(constant):
    return SIGN[:, None] * np.hstack([X, np.full((N, 1), constant)])[:, : D + bool(constant)]


def ascend(n_epochs, constant=1.0, X=X, cost=COST, seed=0, dual=None, sigma=1.0, w=None):
    dual = np.zeros(N) if dual is None else dual.copy()
    u = rows(constant).T @ dual if w is None else w.copy()
    if isinstance(X, csr_array):
        entries = (X.data, X.indices, X.indptr)
        ascend_sparse(*entries, SIGN, constant, cost, dual, u, sigma, n_epochs, seed)
    else:
        ascend_dense(X, SIGN, constant, cost, dual, u, sigma, n_epochs, seed)
    return dual, u


def value(dual, constant):
    w = rows(constant).T @ dual
    return dual.sum() - 0.5 * w @ w


def gap(dual, constant, cost=COST):
    w = rows(constant).T @ dual
    hinge = np.maximum(0, 1 - rows(constant) @ w)
    return 0.5 * w @ w + cost @ hinge - value(dual, constant)


@pytest.mark.parametrize("constant", [0.0, 2.0])
def test_the_dual_rises_to_its_maximum_in_the_box(constant):
    last = 0.0
    for n_epochs in (1, 2, 5, 20):
        dual, u = ascend(n_epochs, constant)
        assert (dual >= 0).all() and (dual <= COST).all()
        np.testing.assert_allclose(u, rows(constant).T @ dual, rtol=1e-10, atol=1e-12)
        assert value(dual, constant) > last
        last = value(dual, constant)
    for seed in range(200):  # each time, all rows are looked at again
        dual, _ = ascend(10, constant, dual=dual, seed=seed)
    assert gap(dual, constant) < 1e-6 * value(dual, constant)


@pytest.mark.parametrize("constant", [0.0, 2.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sparse_and_float32_rows_are_the_same(constant, dtype):
    expected = ascend(7, constant)
    for given in (X.astype(dtype), csr_array(X.astype(dtype))):
        for found, own in zip(ascend(7, constant, given), expected, strict=True):
            np.testing.assert_allclose(found, own, rtol=1e-12, atol=1e-14)


def test_a_step_that_counts_more_is_the_local_problem_of_cocoa():
    """max sum da - w'v - sigma |v|^2 / 2: the maximum has slopes of the right signs."""
    start, _ = ascend(1)
    w, sigma = rows(1.0).T @ start, 3.0
    dual, u = start, w
    for seed in range(200):
        dual, u = ascend(10, dual=dual, sigma=sigma, w=u, seed=seed)
    v = rows(1.0).T @ (dual - start)
    np.testing.assert_allclose(u, w + sigma * v, rtol=1e-9, atol=1e-9)
    slope = 1 - rows(1.0) @ u
    assert (slope[dual < COST - 1e-6] < 1e-2).all() and (slope[dual > 1e-6] > -1e-2).all()


def test_the_order_is_that_of_the_seed():
    np.testing.assert_array_equal(ascend(3, seed=5)[0], ascend(3, seed=5)[0])
    assert not np.array_equal(ascend(3, seed=5)[0], ascend(3, seed=6)[0])


def test_rows_without_weight_and_rows_of_zeros():
    cost, given = COST.copy(), X.copy()
    cost[:10], given[10:20] = 0.0, 0.0
    dual, u = ascend(50, 0.0, given, cost)
    assert (dual[:10] == 0).all() and (dual[10:20] == cost[10:20]).all() and np.isfinite(u).all()
