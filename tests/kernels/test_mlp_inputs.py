# SPDX-License-Identifier: BSD-3-Clause
"""Products of rows that are mostly zeros, or mostly usual, against those of all their entries."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix

from skdist.kernels.mlp_inputs import entries_beside, inputs_of, skips, usual_values


def mostly_zeros(n=40, d=30, density=0.4, dtype=np.float64, seed=0):
    """Rows of which some are empty and some are full, and a column that is empty."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < density)
    X[3], X[5], X[:, 7] = 0.0, 1.0, 0.0
    return X.astype(dtype)


@pytest.mark.parametrize(("dtype", "index"), [(np.float32, np.int32), (np.float64, np.int64)])
@pytest.mark.parametrize("width", [1, 9, 40, 300])  # pieces of every size
@pytest.mark.parametrize("picked", [False, True])
@pytest.mark.parametrize("counted_from_zero", [False, True])
def test_products_are_those_of_all_entries(dtype, index, width, picked, counted_from_zero):
    X, rng = mostly_zeros(dtype=dtype), np.random.default_rng(1)
    usual = None if counted_from_zero else rng.standard_normal(X.shape[1]).astype(dtype)
    rows = rng.permutation(len(X))[:17] if picked else None
    own = X if rows is None else X[rows]
    own = own if usual is None else own + usual
    W = rng.standard_normal((X.shape[1], width)).astype(dtype)
    delta = rng.standard_normal((len(own), width)).astype(dtype)
    sparse = csr_array(X)
    sparse.indices, sparse.indptr = sparse.indices.astype(index), sparse.indptr.astype(index)
    inputs = inputs_of(sparse, rows, None, usual)
    forward, gradient = np.full((len(own), width), 9, dtype), np.full(W.shape, 9, dtype)
    inputs.times(W, forward)
    inputs.transposed_times(delta, gradient)
    assert inputs.n_rows == len(own)
    rtol = 1e-4 if dtype == np.float32 else 1e-12
    assert_allclose(forward, own @ W, rtol=rtol, atol=rtol)
    assert_allclose(gradient, own.T @ delta, rtol=rtol, atol=rtol)


def test_entries_may_come_in_any_order():
    rng, X = np.random.default_rng(5), csr_array(mostly_zeros(d=200, density=0.9))
    W = rng.standard_normal((200, 300))  # more than the first level of cache holds
    out, turned = np.empty((40, 300)), csr_array(X, copy=True)
    for start, stop in pairwise(X.indptr):
        order = start + rng.permutation(stop - start)
        turned.indices[start:stop], turned.data[start:stop] = X.indices[order], X.data[order]
    inputs_of(turned).times(W, out)
    assert_allclose(out, X @ W, rtol=1e-10, atol=1e-10)


def test_rows_without_entries_have_the_usual_products():
    usual, W, out = np.arange(30.0), np.ones((30, 70)), np.empty((4, 70))
    inputs_of(csr_array((4, 30)), None, None, usual).times(W, out)
    assert_array_equal(out, usual.sum())


def test_squares_are_of_the_rows_asked_for():
    X, rows = mostly_zeros(), np.array([5, 0, 3])
    out, usual = np.empty((X.shape[1], 2)), np.linspace(-2.0, 2.0, X.shape[1])
    for c in (None, usual):
        inputs_of(csr_matrix(X), rows, None, c).squared().transposed_times(np.ones((3, 2)), out)
        squares = np.square(X[rows] + (0.0 if c is None else c))
        assert_allclose(out[:, 0], squares.sum(axis=0), atol=1e-12)


def test_nothing_but_what_is_usual_is_left_out():
    S, usual = mostly_zeros(dtype=np.float32), np.arange(30, dtype=np.float32)
    X = np.where(S != 0, S, usual)
    rows = np.random.default_rng(2).permutation(len(X))
    found = entries_beside(X, rows, usual)
    assert found.dtype == np.float32
    assert found.nnz == np.count_nonzero(X != usual)
    assert_array_equal(found.toarray(), X[rows] - usual)


@pytest.mark.parametrize("n", [1, 2, 40, 255, 256, 5_000])
def test_what_is_usual_is_the_most_frequent_value(n):
    rng, usual = np.random.default_rng(4), np.linspace(-3.0, 3.0, 20)
    X = np.where(rng.random((n, 20)) < 0.4, usual, rng.standard_normal((n, 20)))
    X[0] = usual
    X[1:2] = usual  # two rows are enough to tell
    assert_array_equal(usual_values(X), usual)


def test_rows_of_read_only_memory_are_taken():
    X = mostly_zeros()
    X.flags.writeable = False
    assert entries_beside(X, np.arange(4), X[0]).shape == (4, 30)


@pytest.mark.parametrize(
    ("density", "width", "expected"),
    [(0.35, 256, True), (0.45, 256, False), (0.25, 64, True), (0.33, 64, False), (0.02, 4, False)],
)
def test_usual_values_are_skipped_where_that_pays(density, width, expected):
    X = np.random.default_rng(3).random((5_000, 100)) < density
    assert skips(X.astype(np.float32), 0, width) is expected
    moved = X + np.linspace(1.0, 2.0, 100)
    assert skips(moved, usual_values(moved), width) is expected


def test_what_is_sparse_or_empty_stays_as_it_is():
    assert not skips(csr_matrix((10, 10)), 0, 1_000)
    assert not skips(np.zeros((0, 10)), 0, 1_000)
