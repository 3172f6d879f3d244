# SPDX-License-Identifier: BSD-3-Clause
"""Conjugate gradients with merged products come to the minimum, or say that they have not."""

import numpy as np
import pytest
from least_squares_problems import ALPHA, NONE, RNG, WEIGHT, N, Y, centred, expected, solve
from scipy.sparse import csr_array

from skdist.sharding import shard_rows
from skdist.solvers.ridge_by_gradients import ridge_by_gradients

SPARSE = np.where(RNG.random((N, 40)) < 0.2, RNG.normal(2.0, 1.0, (N, 40)), 0.0)


@pytest.mark.parametrize("rows", [SPARSE, csr_array(SPARSE), csr_array(SPARSE.astype(np.float32))])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [ALPHA, NONE])
def test_conjugate_gradients_find_the_minimum(alpha, fit_intercept, weight, rows):
    shards = shard_rows(rows, Y, weight, n_shards=3, n_jobs=1)
    found = ridge_by_gradients(shards, 40, alpha, fit_intercept=fit_intercept, tol=1e-12)
    dense = rows.toarray() if hasattr(rows, "toarray") else rows
    best = expected(dense.astype(float), Y, weight, alpha, fit_intercept)
    np.testing.assert_allclose(found.coef, best, rtol=1e-7, atol=1e-9)
    direct = solve(dense.astype(float), Y, weight, alpha=alpha, fit_intercept=fit_intercept)
    np.testing.assert_allclose(found.intercept, direct.intercept, rtol=1e-8, atol=1e-9)
    assert found.converged and (found.n_iter <= 100).all()
    assert (found.bound is None) == (not alpha.all())


def test_conjugate_gradients_come_to_the_solution_of_least_norm():
    wide = RNG.normal(size=(N, N + 30))
    shards = shard_rows(csr_array(wide), Y, n_shards=2, n_jobs=1)
    found = ridge_by_gradients(shards, N + 30, NONE, tol=1e-13)
    np.testing.assert_allclose(
        found.coef, expected(wide, alpha=NONE, cut=1e-9), rtol=1e-6, atol=1e-9
    )


def test_conjugate_gradients_stop_where_they_are_told():
    shards = shard_rows(SPARSE, Y, n_shards=2, n_jobs=1)
    few = ridge_by_gradients(shards, 40, ALPHA, max_iter=2, tol=1e-12)
    assert few.n_iter.tolist() == [2, 2] and not few.converged
    rounds = shards.cost.rounds
    rough = ridge_by_gradients(shards, 40, ALPHA, tol=1e-2)
    assert rough.converged and rough.n_iter.max() < 20
    assert shards.cost.rounds - rounds == 2 + rough.n_iter.max()
    best = solve(SPARSE)
    A, B = centred(SPARSE)

    def F(coef):
        return np.sum((B - A @ coef.T) ** 2) + ALPHA @ np.sum(coef**2, axis=1)

    assert 0 < F(rough.coef) - F(best.coef) <= rough.bound


def test_a_target_that_is_constant_needs_no_steps():
    flat = np.column_stack([Y[:, 0], np.full(N, 3.0)])
    shards = shard_rows(SPARSE, flat, n_shards=2, n_jobs=1)
    found = ridge_by_gradients(shards, 40, ALPHA, tol=1e-10)
    assert not found.coef[1].any() and found.n_iter[1] == 0
    assert found.intercept[1] == pytest.approx(3.0)
