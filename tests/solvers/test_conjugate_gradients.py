# SPDX-License-Identifier: BSD-3-Clause
"""Conjugate gradients: the Newton step, and an honest account of the decrement."""

import numpy as np
import pytest

from skdist.solvers.conjugate_gradients import conjugate_gradients


def problem(condition, p=60, seed=0):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(p, p)))[0]
    H = (Q * np.logspace(0, np.log10(condition), p)) @ Q.T
    return H, rng.normal(size=p)


def solve(H, g, *, forcing=0.0, known_below=np.inf, max_iter=1000, diagonal=None):
    return conjugate_gradients(
        lambda v: (H @ v.ravel()).reshape(v.shape),
        g,
        np.ones_like(g) if diagonal is None else diagonal,
        forcing=forcing,
        known_below=known_below,
        max_iter=max_iter,
    )


@pytest.mark.parametrize("condition", [1.0, 1e2, 1e4])
def test_solved_to_the_end_it_is_the_newton_step(condition):
    H, g = problem(condition)
    found = solve(H, g, max_iter=200)
    exact = -np.linalg.solve(H, g)
    np.testing.assert_allclose(found.step, exact, rtol=1e-4, atol=1e-4 * np.abs(exact).max())
    assert found.promised == pytest.approx(-g @ exact, rel=1e-6)


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("seed", range(5))
def test_a_decrement_that_is_known_is_so_to_about_a_tenth(condition, seed):
    H, g = problem(condition, seed=seed)
    found = solve(H, g, forcing=1.0)
    exact = g @ np.linalg.solve(H, g)
    assert found.is_known
    assert found.promised <= exact * (1 + 1e-9)
    assert 0.9 * exact <= found.decrement <= 1.15 * exact


def test_the_forcing_term_stops_early_where_the_decrement_is_large():
    H, g = problem(1e4)
    rough, fine = (solve(H, g, forcing=eta, known_below=0.0) for eta in (0.5, 1e-6))
    assert rough.promised < fine.promised
    residual = np.linalg.norm(H @ rough.step + g)
    assert residual <= 0.5 * np.linalg.norm(g)


def test_a_diagonal_problem_is_one_step_with_its_diagonal():
    d = np.logspace(-8, 8, 20)
    g = np.random.default_rng(0).normal(size=20)
    found = solve(np.diag(d), g, diagonal=d, max_iter=1)
    np.testing.assert_allclose(found.step, -g / d, rtol=1e-12)


def test_shapes_are_kept_and_no_gradient_is_no_step():
    H, g = problem(10.0)
    assert solve(H, g.reshape(3, 20)).step.shape == (3, 20)
    nothing = solve(H, np.zeros(60))
    assert nothing.is_known and nothing.decrement == 0.0 and not nothing.step.any()


def test_a_direction_without_curvature_ends_it_unknown():
    found = solve(np.zeros((4, 4)), np.ones(4))
    assert not found.is_known and not found.step.any()
