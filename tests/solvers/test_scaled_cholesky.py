# SPDX-License-Identifier: BSD-3-Clause
"""Equations of any scale are solved, and ill-conditioned ones refused."""

import numpy as np
import pytest
from scipy.optimize import nnls

from skdist.solvers.scaled_cholesky import least_positive, scaled_cholesky

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
SCALES = np.array([1e-8, 1.0, 1e8, 1e4])


@pytest.mark.parametrize("scale", [np.ones(4), SCALES])
def test_equations_are_solved(scale):
    A = X * scale
    W = RNG.normal(size=(4, 2)) / scale[:, None]
    M = A.T @ A
    found = scaled_cholesky(M).solve(M @ W)
    np.testing.assert_allclose(found, W, rtol=1e-12)


@pytest.mark.parametrize("scale", [np.ones(4), SCALES])
def test_positive_solutions(scale):
    A, B = X * scale, RNG.normal(size=(50, 3))
    found = scaled_cholesky(A.T @ A).solve_positive(A.T @ B)
    best = np.stack([nnls(X, b)[0] for b in B.T], axis=1) / scale[:, None]
    np.testing.assert_allclose(found, best, rtol=1e-10, atol=1e-16)
    assert (found == 0).any()


def test_columns_of_zeros_are_left_out():
    M = np.zeros((6, 6))
    M[1:5, 1:5] = X.T @ X
    factor = scaled_cholesky(M)
    assert factor.columns.tolist() == [1, 2, 3, 4]
    found = factor.solve(np.ones((6, 1)))
    np.testing.assert_allclose(found[1:5, 0], np.linalg.solve(X.T @ X, np.ones(4)))
    assert found[0, 0] == found[5, 0] == 0.0


def test_nothing_but_zeros():
    factor = scaled_cholesky(np.zeros((3, 3)))
    for solve in (factor.solve, factor.solve_positive):
        assert not solve(np.zeros((3, 2))).any()


@pytest.mark.parametrize("distance", [0.0, 1e-9, 1e-5])
def test_ill_conditioned_matrices_are_refused(distance):
    A = np.column_stack([X, X[:, 0] + distance * RNG.normal(size=50)])
    assert scaled_cholesky(A.T @ A) is None
    assert scaled_cholesky(A.T @ A + np.eye(5)) is not None


def test_matrices_that_are_not_positive_are_refused():
    assert scaled_cholesky(np.array([[1.0, 2.0], [2.0, 1.0]])) is None


def test_least_positive_of_nothing():
    assert least_positive(np.empty((0, 3)), np.empty((0, 2))).shape == (3, 2)
