# SPDX-License-Identifier: BSD-3-Clause
"""CoCoA+: bounds that bound on the way to the optimum of all rows."""

import numpy as np
import pytest
from scipy.sparse import random_array
from test_hinge_interior_point import WEIGHT, X, Y, best, objective_of, value

import skdist.solvers.cocoa as solver
from skdist.sharding import one_blas_thread, shard_rows
from skdist.solvers.cocoa import cocoa
from skdist.solvers.hinge_interior_point import relative_gap

WIDE = random_array((300, 500), density=0.03, rng=np.random.default_rng(0)).tocsr()
WIDE_Y = (WIDE @ np.random.default_rng(1).normal(size=500) > 0).astype(float)


@pytest.fixture(autouse=True)
def one_thread():
    with one_blas_thread():
        yield


def fit(X, y, weight=None, C=1.0, n_shards=3, **options):
    shards = shard_rows(X, y, weight, n_shards=n_shards, n_jobs=1)
    return cocoa(shards, objective_of(X, C), **options)


def dense(X):
    return X.toarray() if hasattr(X, "toarray") else X


def assert_solved(solution, X, y, weight=None, C=1.0, tol=1e-4):
    objective = objective_of(X, C)
    own = value(objective, dense(X), y, weight, solution.w[0])
    _, below, above = best(objective, dense(X), y, weight)
    assert solution.converged and solution.bound <= relative_gap(tol) * own * (1 + 1e-9)
    np.testing.assert_allclose(solution.value, own, rtol=1e-10)
    assert (1 - 1e-12) * below <= own <= above + solution.bound + 1e-12 * own


@pytest.mark.parametrize("n_shards", [1, 2, 7])
@pytest.mark.parametrize("weight", [None, WEIGHT[:300]])
@pytest.mark.parametrize("C", [0.1, 2.0])
def test_the_minimum_for_sparse_rows(n_shards, weight, C):
    solution = fit(WIDE, WIDE_Y, weight, C, n_shards)
    assert_solved(solution, WIDE, WIDE_Y, weight, C)


@pytest.mark.parametrize("n_shards", [1, 3])
def test_the_minimum_for_dense_rows(n_shards):
    assert_solved(fit(X, Y, WEIGHT, 0.01, n_shards, tol=1e-3), X, Y, WEIGHT, 0.01, tol=1e-3)


def test_rows_sorted_by_label():
    order = np.argsort(WIDE_Y, kind="stable")
    assert_solved(fit(WIDE[order], WIDE_Y[order], n_shards=5), WIDE, WIDE_Y)


def test_one_row_shards():
    assert_solved(fit(WIDE[:12], WIDE_Y[:12], n_shards=12), WIDE[:12], WIDE_Y[:12])


def test_every_bound_on_the_way_bounds():
    solution = fit(X, Y, C=1.0, n_shards=6, max_iter=15)
    assert not solution.converged and solution.n_iter == 15
    _, below, above = best(objective_of(X), X, Y)
    values = np.array([(step.value, step.bound) for step in solution.history])
    assert (values[:, 0] - above <= values[:, 1] * (1 + 1e-9)).all()
    assert (np.diff(values[:, 0]) <= 0).all()
    own = value(objective_of(X), X, Y, None, solution.w[0])
    assert below <= own <= above + solution.bound


def test_looking_back_saves_rounds(monkeypatch):
    """Against the plain method, after the same number of steps."""
    quick = fit(WIDE, WIDE_Y, n_shards=7, max_iter=25, tol=1e-7)
    monkeypatch.setattr(solver, "accelerated", lambda rounds, objective, at, recent: at)
    plain = fit(WIDE, WIDE_Y, n_shards=7, max_iter=25, tol=1e-7)
    assert quick.bound < 0.1 * plain.bound


def test_law_3_the_same_on_every_backend(backend):
    expected = fit(WIDE, WIDE_Y, max_iter=5)
    shards = shard_rows(WIDE, WIDE_Y, n_shards=3)
    found = cocoa(shards, objective_of(WIDE), max_iter=5)
    np.testing.assert_allclose(found.w, expected.w, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.bound, expected.bound, rtol=1e-6)
