# SPDX-License-Identifier: BSD-3-Clause
"""Moments and ranges of columns, against their definition in long double."""

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from skdist.kernels import column_sums as module
from skdist.kernels.column_sums import column_moments, column_ranges

N, D = 700, 5


def rows(holes):
    rng = np.random.default_rng(0)
    X = rng.normal([0.0, 1e8, -5.0, 1.0, 0.0], [1.0, 1.0, 1e-4, 1e5, 0.0], (N, D))
    X[rng.random(X.shape) < holes] = np.nan
    return X


WEIGHT = np.random.default_rng(1).integers(0, 3, N) * 1.5


def by_definition(X, w):
    X, w = X.astype(np.longdouble), np.broadcast_to(w[:, None], X.shape).astype(np.longdouble)
    there = ~np.isnan(X)
    total = (w * there).sum(axis=0)
    mean = np.where(there, w * X, 0).sum(axis=0) / total
    return total, mean, np.where(there, w * (X - mean) ** 2, 0).sum(axis=0)


def assert_close(found, X, w):
    total, mean, squares = by_definition(X, np.ones(len(X)) if w is None else w)
    weight, near, rest, sums = found
    np.testing.assert_allclose(weight, total.astype(float), rtol=1e-14)
    np.testing.assert_allclose(near, mean.astype(float), rtol=1e-13, atol=1e-13)
    error = np.abs((near - mean) + rest).astype(float)  # the mean has more than 16 digits
    assert (error <= 1e-11 * np.sqrt((squares / total).astype(float)) + 1e-300).all()
    np.testing.assert_allclose(sums, squares.astype(float), rtol=1e-12)


@pytest.fixture(params=[1, 1 << 13, 1 << 30], ids=["small blocks", "blocks", "one block"])
def blocks(request, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", request.param)


@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("order", ["C", "F"])
def test_moments(blocks, holes, weight, order):
    X = np.asarray(rows(holes), order=order)
    before = X.copy()
    assert_close(column_moments(X, weight), X, weight)
    np.testing.assert_array_equal(X, before)


def test_moments_of_float32():
    X = rows(0.2).astype(np.float32)
    assert_close(column_moments(X), X.astype(float), None)


@pytest.mark.parametrize("make", [csr_array, csc_array])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_moments_of_sparse_rows(make, weight):
    X = np.where(np.random.default_rng(2).random((N, D)) < 0.6, 0.0, rows(0.2))
    assert_close(column_moments(make(X), weight), X, weight)


def test_no_rows_and_no_values():
    for found in column_moments(np.empty((0, D))):
        np.testing.assert_array_equal(found, np.zeros(D))
    X = rows(0.0)
    X[:, 1] = np.nan
    weight, mean, rest, squares = column_moments(X)
    assert (weight[1], mean[1], rest[1], squares[1]) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranges(blocks, holes, order, dtype):
    X = np.asarray(rows(holes), dtype, order=order)
    X[:, 0] = np.nan
    low, high = column_ranges(X)
    assert low.dtype == high.dtype == dtype
    assert np.isnan(low[0]) and np.isnan(high[0])
    np.testing.assert_array_equal(low[1:], np.nanmin(X[:, 1:], axis=0))
    np.testing.assert_array_equal(high[1:], np.nanmax(X[:, 1:], axis=0))
