# SPDX-License-Identifier: BSD-3-Clause
"""A block of variables at its optimum."""

import numpy as np
import pytest
from sklearn.svm import SVC

from skdist.kernels.kernel_blocks import KernelBlocks, in_one_part
from skdist.kernels.kernel_function import KernelFunction
from skdist.kernels.smo_block import smo_block


def problem(n, C=1.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    X[n // 2 :: 7] = X[0]
    y = np.where(X[:, 0] * X[:, 1] + 0.7 * rng.normal(size=n) > 0, 1.0, -1.0)
    K = KernelFunction("rbf", 0.5).block(X, X).astype(dtype)
    return X, y, K, np.where(y > 0, 0.0, -C), np.where(y > 0, C, 0.0)


def solve(K, y, low, high, split=None, tol=1e-3, limit=1 << 40, coef=None, linear=-1.0):
    coef = np.zeros(len(y)) if coef is None else coef.copy()
    slope = K.astype(np.float64) @ coef + y * linear
    split = len(y) if split is None else split
    parts = in_one_part(K).parts
    pairs = smo_block(
        parts, np.diag(K).astype(np.float64), split, slope, coef, low, high, tol, limit
    )
    np.testing.assert_allclose(slope, K @ coef + y * linear, atol=1e-9 * (1 + np.abs(coef).sum()))
    return coef, slope, pairs


def violation(slope, coef, low, high):
    return slope[coef > low].max() - slope[coef < high].min()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("C", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("n", [2, 63, 300])
def test_libsvms_optimum(n, C, dtype):
    X, y, K, low, high = problem(n, C, dtype=dtype)
    y[:2] = 1.0, -1.0
    low, high = np.where(y > 0, 0.0, -C), np.where(y > 0, C, 0.0)
    coef, slope, pairs = solve(K, y, low, high)
    twin = SVC(C=C, gamma=0.5, tol=1e-3).fit(X, y)
    theirs = np.zeros(n)
    theirs[twin.support_] = twin.dual_coef_[0]
    value = [np.abs(c).sum() - 0.5 * c @ (K.astype(np.float64) @ c) for c in (coef, theirs)]
    np.testing.assert_allclose(value[0], value[1], rtol=1e-5 if C > 1e-2 else 1e-3)
    assert (low <= coef).all() and (coef <= high).all() and abs(coef.sum()) < 1e-9 * C * n
    assert violation(slope, coef, low, high) < 1e-3 and pairs > 0


def test_as_many_pairs_as_libsvm():
    X, y, K, low, high = problem(200)
    pairs = solve(K, y, low, high)[2]
    twin = SVC(gamma=0.5, shrinking=False).fit(X, y)
    assert abs(pairs - twin.n_iter_[0]) <= 0.3 * twin.n_iter_[0]


def test_groups_keep_their_sums():
    _, y, K, _, _ = problem(80)
    order = np.argsort(-y, kind="stable")
    y, K, split = y[order], K[np.ix_(order, order)], int((y > 0).sum())
    start = np.where(y > 0, 0.1, 0.6) * y
    low, high = np.where(y > 0, 0.0, -1.0), np.where(y > 0, 1.0, 0.0)
    coef, slope, _ = solve(K, y, low, high, split=split, coef=start)
    for own in (slice(0, split), slice(split, 80)):
        assert coef[own].sum() == pytest.approx(start[own].sum())
        assert violation(slope[own], coef[own], low[own], high[own]) < 1e-3
    assert violation(slope, coef, low, high) > 1e-2


def test_slopes_that_all_rise_above_where_they_began():
    """The highest slope of the start is no bound of what comes later."""
    K = 50.0 + np.eye(40) + np.outer(np.arange(40.0), np.arange(40.0))
    y = np.where(np.arange(40) < 20, 1.0, -1.0)
    low, high = np.where(y > 0, 0.0, -1e3), np.where(y > 0, 1e3, 0.0)
    coef, slope, _ = solve(K, y, low, high, tol=1e-6)
    assert violation(slope, coef, low, high) < 1e-6


def test_pairs_are_counted():
    _, y, K, low, high = problem(300)
    start = solve(K, y, low, high, limit=0)
    assert start[2] == 0 and not start[0].any()
    coef, _, pairs = solve(K, y, low, high, limit=7)
    assert pairs == 7 and 2 <= np.count_nonzero(coef) <= 14
    everything, _, total = solve(K, y, low, high)
    rest = solve(K, y, low, high, coef=coef)
    assert rest[2] == total - 7
    np.testing.assert_allclose(rest[0], everything, atol=1e-9)


def test_bounds_are_met_exactly():
    _, y, K, low, high = problem(200, C=0.1)
    coef = solve(K, y, low, high)[0]
    at_bound = np.minimum(coef - low, high - coef) < 1e-9
    assert at_bound.sum() > 50 and ((coef == low) | (coef == high))[at_bound].all()


def test_variables_without_room_do_not_move():
    _, y, K, low, high = problem(100)
    low[::3] = high[::3] = 0.0
    assert not solve(K, y, low, high)[0][::3].any()


def test_nothing_to_do():
    empty = np.empty(0)
    parts = in_one_part(np.empty((0, 0))).parts
    assert smo_block(parts, empty, 0, empty, empty, empty, empty, 1e-3, 10) == 0
    one = np.zeros(1)
    parts = in_one_part(np.ones((1, 1))).parts
    assert smo_block(parts, np.ones(1), 1, -np.ones(1), one, one, one + 1, 1e-3, 10) == 0


@pytest.mark.parametrize("p", [0, 1, 100, 199, 200])
@pytest.mark.parametrize("split", [200, 130, 60])
def test_the_parts_of_the_matrix_make_no_difference(p, split):
    _, y, K, low, high = problem(200)
    whole = solve(K, y, low, high, split=split)
    parts = KernelBlocks(
        tuple(
            np.ascontiguousarray(K[rows, columns])
            for rows in (slice(0, p), slice(p, 200))
            for columns in (slice(0, p), slice(p, 200))
        )
    )
    coef, slope = np.zeros(200), -y.copy()
    pairs = smo_block(parts.parts, parts.diagonal(), split, slope, coef, low, high, 1e-3, 1 << 40)
    np.testing.assert_array_equal(coef, whole[0])
    np.testing.assert_array_equal(slope, whole[1])
    assert pairs == whole[2]
