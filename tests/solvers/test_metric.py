# SPDX-License-Identifier: BSD-3-Clause
"""The inverse of a Hessian: exact where there is one, damped where there is none."""

import numpy as np
import pytest

from skdist.solvers.metric import Metric

B = np.random.default_rng(0).normal(size=(40, 6))


def test_the_step_is_the_newton_step_whatever_the_units():
    unit = np.array([1e-8, 1e8, 1.0, 1e3, 1e-3, 1e5])
    H, g = (B * unit).T @ (B * unit), np.random.default_rng(2).normal(size=6)
    expected = -np.linalg.solve(B.T @ B, g / unit) / unit
    found = Metric.of(H).step(g.reshape(2, 3))
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-9)


def test_a_singular_hessian_gives_the_step_where_it_has_curvature():
    H = np.zeros((7, 7))
    H[:6, :6] = B.T @ B
    H[6, :6] = H[:6, 6] = H[:6, 0]  # column 6 is column 0 again
    H[6, 6] = H[0, 0]
    g = np.append(np.random.default_rng(1).normal(size=6), 0.0)
    g[6] = g[0]
    step = Metric.of(H).step(g)
    np.testing.assert_allclose(H @ step, -g, atol=1e-6)
    size = np.abs(step).max()
    assert step[6] == pytest.approx(step[0], abs=1e-3 * size)  # the shortest of all


def test_a_slope_without_curvature_is_not_overlooked():
    H = np.diag([1.0, 0.0])
    g = np.array([1.0, 1e-3])
    assert -g @ Metric.of(H).step(g) > 1e3


def test_no_curvature_and_no_slope_is_no_step():
    assert Metric.of(np.zeros((3, 3))).step(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="overflows"):
        Metric.of(np.array([[np.inf]]))


@pytest.mark.parametrize("least", [1e-2, 1e-6])
def test_the_least_eigenvalue_is_about_what_it_says_whatever_the_units(least):
    correlation = 1.0 - least
    H = np.array([[1.0, correlation, 0.0], [correlation, 1.0, 0.0], [0.0, 0.0, 1.0]])
    unit = np.array([1e-8, 1e8, 1.0])
    found = Metric.of(H * unit * unit[:, None]).least
    assert least / 3.0 <= found <= least * 3.0
