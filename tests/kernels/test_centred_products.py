# SPDX-License-Identifier: BSD-3-Clause
"""Sums about the mean, of dense rows in blocks and of sparse rows, against their definition."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from skdist.kernels import centred_products as module
from skdist.kernels.centred_products import centred_products

RNG = np.random.default_rng(0)
N, D = 1300, 6
MEANS = np.array([0.0, 1e7, -5.0, 1.0, 0.0, 1e-6])
DENSE = RNG.normal(MEANS, [1.0, 1.0, 1e-4, 1e5, 0.0, 1e-7], (N, D))
Y = RNG.normal([1e6, 0.0], 1.0, (N, 2))
WEIGHT = RNG.integers(0, 3, N) * RNG.random(N)


def by_definition(X, Y, w):
    long = np.longdouble
    X, Y, w = X.astype(long), Y.astype(long), w.astype(long)[:, None]
    x_mean, y_mean = (w * X).sum(0) / w.sum(), (w * Y).sum(0) / w.sum()
    u, v = X - x_mean, Y - y_mean
    return x_mean, y_mean, (w * u).T @ u, (w * u).T @ v, (w * v * v).sum(0)


def assert_close(found, X, Y, w, rtol=1e-9):
    x_mean, y_mean, xx, xy, yy = by_definition(X, Y, w)
    x_size = np.sqrt(np.diag(xx).astype(float))
    x_size[x_size == 0.0] = 1.0
    y_size = np.sqrt(yy.astype(float))
    assert found.weight == pytest.approx(float(w.sum()), rel=1e-14)
    np.testing.assert_allclose(found.x_mean, x_mean.astype(float), rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(found.y_mean, y_mean.astype(float), rtol=1e-12)
    assert np.abs((found.xx - xx) / np.outer(x_size, x_size)).max() < rtol
    assert np.abs((found.xy - xy) / np.outer(x_size, y_size)).max() < rtol
    np.testing.assert_allclose(found.yy, yy.astype(float), rtol=rtol)
    np.testing.assert_array_equal(found.xx, found.xx.T)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("block", [1, 7, 512, 5000])
def test_dense_rows(weight, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 1)
    monkeypatch.setattr(module, "LEAST_BLOCK", block)
    found = centred_products(DENSE, Y, weight)
    assert_close(found, DENSE, Y, np.ones(N) if weight is None else weight, 1e-8)


def test_float32_is_summed_in_float64():
    X = DENSE.astype(np.float32)
    assert_close(centred_products(X, Y, WEIGHT), X, Y, WEIGHT, 1e-8)


def sparse_rows(density, dtype=np.float64):
    """Sparse columns of any scale; one that is full and far from 0, and one that is nearly."""
    X = random_array((N, D), density=density, rng=np.random.default_rng(1)).toarray()
    X = X * np.array([1.0, 1e6, 1e-6, 1.0, 1.0, 1.0])
    X[:, 3] = 0.0
    return X.astype(dtype)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("density", [0.01, 0.09, 0.5, 1.0])
def test_sparse_rows_are_their_dense_twin(density, dtype, weight):
    X = sparse_rows(density, dtype)
    w = np.ones(N) if weight is None else weight
    assert_close(centred_products(csr_matrix(X), Y, weight), X, Y, w, 1e-12)


def test_full_columns_among_sparse_ones_are_centred():
    X = np.hstack([sparse_rows(0.01), sparse_rows(0.01), 1e8 + RNG.normal(size=(N, 1))])
    rows = csr_matrix(X)
    assert rows.nnz < module.DENSE * X.size
    assert_close(centred_products(rows, Y, WEIGHT), X, Y, WEIGHT, 1e-6)


def test_a_column_full_where_the_weight_is_counts_as_full():
    X = np.zeros((N, 12))
    w = np.full(N, 1e-12)
    X[:100, 0], w[:100] = 1e8 + RNG.normal(size=100), 1.0
    assert_close(centred_products(csr_matrix(X), Y, w), X, Y, w, 1e-5)


@pytest.mark.parametrize("rows", [DENSE[:5], csr_matrix(sparse_rows(0.01)[:5])])
def test_no_weight_is_nothing(rows):
    for sums in centred_products(rows, Y[:5], np.zeros(5)):
        assert not np.any(sums)


def test_no_rows():
    assert centred_products(DENSE[:0], Y[:0]).weight == 0.0


def test_data_are_not_changed():
    X, y = DENSE.copy(), Y.copy()
    centred_products(X, y, WEIGHT)
    np.testing.assert_array_equal(X, DENSE)
    np.testing.assert_array_equal(y, Y)
