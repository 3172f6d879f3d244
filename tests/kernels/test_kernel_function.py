# SPDX-License-Identifier: BSD-3-Clause
"""Kernel functions on blocks: scikit-learn's values, and rows that are equal."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics.pairwise import pairwise_kernels

import skdist.kernels.kernel_function as module
from skdist.kernels.exponentials import rbf_exponents, rbf_values
from skdist.kernels.kernel_function import KernelFunction

PARAMETERS = {
    "linear": {},
    "poly": {"gamma": 0.3, "degree": 3, "coef0": 0.5},
    "rbf": {"gamma": 0.3},
    "sigmoid": {"gamma": 0.1, "coef0": -0.2},
}


def rows(n, d=7, share=0.4, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, d)) < share, rng.normal(size=(n, d)), 0.0)


def kernel_of(name):
    return KernelFunction(name, **PARAMETERS[name])


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("share", [0.03, 0.4])
@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_scikit_learns_values(name, share, container):
    A, B = rows(300, share=share), rows(1100, share=share, seed=1)
    expected = pairwise_kernels(A, B, metric=name, **PARAMETERS[name])
    found = kernel_of(name).block(container(A), container(B))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", PARAMETERS)
def test_in_single_precision(name):
    A, B = rows(40).astype(np.float32), rows(60, seed=1).astype(np.float32)
    found = kernel_of(name).block(A, B)
    assert found.dtype == np.float32
    expected = pairwise_kernels(A, B, metric=name, **PARAMETERS[name])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_equal_rows_have_the_value_one(dtype, container):
    X = (3.0 + rows(50, d=33, share=1.0)).astype(dtype)
    K = kernel_of("rbf").block(container(X), container(np.concatenate([X[::-1], X])))
    assert (K[np.arange(50), np.arange(49, -1, -1)] == 1.0).all()
    assert (K <= 1.0).all() and np.count_nonzero(K == 1.0) == 100


def test_a_common_offset_does_not_cost_digits():
    X = rows(50)
    np.testing.assert_allclose(
        kernel_of("rbf").block(X + 1e6, X + 1e6), kernel_of("rbf").block(X, X), atol=1e-9
    )


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_the_diagonal(name, container):
    X = container(rows(20))
    block = kernel_of(name).block(X, X)
    np.testing.assert_allclose(kernel_of(name).diagonal(X), np.diag(block), rtol=1e-13)


def test_wide_csr_rows_are_made_dense_piece_by_piece(monkeypatch):
    A = rows(30, d=500, share=0.01)
    expected = A @ A.T
    monkeypatch.setattr(module, "DENSE_ENTRIES", 3 * 500)
    found = KernelFunction("linear").block(csr_matrix(A), csr_matrix(A))
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_single_precision_is_for_rbf_and_rows_that_are_near():
    assert kernel_of("rbf").single(100.0)
    assert not kernel_of("rbf").single(1e4)
    assert not kernel_of("linear").single(1.0)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 7])
def test_any_degree(degree):
    X = rows(20)
    found = KernelFunction("poly", 0.5, degree, -0.3).block(X, X)
    np.testing.assert_allclose(found, (0.5 * X @ X.T - 0.3) ** degree, rtol=1e-12, atol=1e-14)


def test_no_rows():
    empty = np.empty((0, 3))
    assert kernel_of("rbf").block(empty, empty).shape == (0, 0)
    assert kernel_of("rbf").block(np.ones((2, 3)), empty).shape == (2, 0)


@pytest.mark.parametrize(("lowest", "ulps"), [(-1e-3, 2), (-20.0, 3), (-86.0, 8)])
def test_the_exponential_to_the_last_digits(lowest, ulps):
    """Its argument is rounded to float32 before, as ours is: that is no error of the function."""
    exponents = np.linspace(lowest, -1e-7, 5000, dtype=np.float32)
    tile = exponents[None, :] / 2
    rbf_values(tile, np.zeros(1, np.float32), np.zeros(5000, np.float32), 1.0)
    expected = np.exp(exponents.astype(np.float64))
    assert np.abs(tile[0] / expected - 1.0).max() < ulps * 2.0**-24 * 1.5


def test_far_rows_underflow_and_rounding_never_exceeds_one():
    tile = np.array([[-1e30, -500.0, 1e-3, 0.0]], np.float32)
    rbf_values(tile, np.zeros(1, np.float32), np.zeros(4, np.float32), 0.5)
    assert tile[0, 0] < 1e-37 and tile[0, 1] < 1e-37 and (tile[0, 2:] == 1.0).all()
    wide = np.array([[-800.0, 1e-12, 0.0]])
    rbf_exponents(wide, np.zeros(1), np.zeros(3), 0.5)
    np.testing.assert_array_equal(wide, [[-800.0, 0.0, 0.0]])
