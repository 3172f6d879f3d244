# SPDX-License-Identifier: BSD-3-Clause
"""Products with a kernel matrix whose rows lie in shards."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import skdist.solvers.kernel_matrix as module
from skdist.kernels.kernel_function import KernelFunction
from skdist.sharding import one_blas_thread, shard_rows
from skdist.solvers.kernel_matrix import HeldRows, kernel_matrix
from skdist.solvers.smo_here import LocalShards

RBF, LINEAR = KernelFunction("rbf", 0.3), KernelFunction("linear")
X = np.round(np.random.default_rng(0).normal(size=(50, 4)), 1)
K = RBF.block(X, X)


@pytest.fixture(autouse=True)
def one_thread():
    with one_blas_thread():
        yield


@pytest.fixture(autouse=True)
def remembering(monkeypatch):
    """Rows of four columns are worth remembering."""
    monkeypatch.setattr(module, "REMEMBER_FROM", 4)


def matrix_of(rows, kernel=RBF, n_shards=3, cache_size=1.0, **options):
    return kernel_matrix(
        shard_rows(rows, n_shards=n_shards, n_jobs=1), kernel, cache_size, **options
    )


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
@pytest.mark.parametrize("n_shards", [1, 3, 50])
def test_products(container, n_shards):
    matrix = matrix_of(container(X), n_shards=n_shards)
    ids, coef = np.array([40, 3, 17]), np.array([1.0, -2.0, 0.5])
    for computed in (3, 0):  # the second time they are remembered
        change, n = matrix.field_change(ids, coef)
        np.testing.assert_allclose(change, K[:, ids] @ coef, atol=1e-6)
        assert n == computed
    np.testing.assert_allclose(matrix.block(ids), K[np.ix_(ids, ids)], atol=1e-6)
    sums, where = np.zeros(50), np.array([0, 5, 49])
    sums[ids] = coef
    np.testing.assert_allclose(matrix.field(sums, where), (K @ sums)[where], atol=1e-14)
    assert matrix.scale == 1.0


def test_nothing_asked_nothing_done():
    matrix = matrix_of(X)
    nothing = np.empty(0, np.intp)
    change, n = matrix.field_change(nothing, np.empty(0))
    assert n == 0 and change.shape == (50,) and not change.any()
    assert not matrix.field(np.zeros(50), np.arange(50)).any()


def test_what_is_remembered_changes_nothing():
    ids, coef = np.arange(20), np.linspace(-1.0, 1.0, 20)
    with_memory, without = matrix_of(X), matrix_of(X, cache_size=0.0)
    with_memory.field_change(ids[::3], coef[::3])
    found, n = with_memory.field_change(ids, coef)
    other, all_of_them = without.field_change(ids, coef)
    assert n == 13 and all_of_them == 20
    np.testing.assert_allclose(found, other, atol=1e-6)


def test_narrow_rows_are_not_worth_remembering(monkeypatch):
    monkeypatch.setattr(module, "REMEMBER_FROM", 5)
    for rows, computed in ((X, 3), (csr_matrix(X), 0)):
        matrix = matrix_of(rows)
        matrix.field_change(np.arange(3), np.ones(3))
        assert matrix.field_change(np.arange(3), np.ones(3))[1] == computed


def test_single_precision_where_it_is_enough():
    assert matrix_of(X).view.dtype == np.float32
    assert matrix_of(X, single=False).view.dtype == np.float64
    assert matrix_of(X, LINEAR).view.dtype == np.float64
    assert matrix_of(1e3 * X).view.dtype == np.float64
    double = matrix_of(X).in_double()
    change, _ = double.field_change(np.arange(50), np.ones(50))
    np.testing.assert_allclose(change, K.sum(axis=1), rtol=1e-14)


def test_the_largest_diagonal_entry():
    assert matrix_of(X, LINEAR).scale == pytest.approx((X**2).sum(axis=1).max())


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_rows_come_up_once(container):
    shards = shard_rows(container(X), n_shards=4, n_jobs=1)
    held = HeldRows(shards)
    for ids in ([40, 3], [3, 40, 7, 7], [7]):
        rows = held[np.array(ids)]
        np.testing.assert_array_equal(np.asarray(rows @ np.eye(4)), X[ids])
    assert shards.cost.rounds == 2


def test_a_shard_without_rows():
    class WithAnEmptyOne(LocalShards):
        def map(self, function, *broadcast):
            empty = LocalShards(self.X[:0], 0).map(function, *broadcast)
            return [*super().map(function, *broadcast), *empty]

    matrix = kernel_matrix(LocalShards(X, 50), RBF, 1.0)
    pieces = WithAnEmptyOne(X, 50).map(module.centre_of, RBF)
    np.testing.assert_allclose(module.common_centre(pieces), X.mean(axis=0))
    reaches = WithAnEmptyOne(X, 50).map(module.reach_of, matrix.view)
    assert reaches[1] == (0.0, 0.0, 4.0)
    empty = LocalShards(X[:0], 0).map_shards(module.remember, matrix.view, 50, 10)
    (change,) = empty.map(module.field_change, matrix.view, np.arange(3), X[:3], np.ones(3))
    assert change.field.shape == (0,)
