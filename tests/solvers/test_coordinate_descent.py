# SPDX-License-Identifier: BSD-3-Clause
"""Coordinate descent on quadratics whose minimum other means find."""

import numpy as np
import pytest
from scipy.optimize import minimize, nnls

from skdist.solvers.coordinate_descent import PenalisedQuadratic, coordinate_descent, metric_gap


def a_problem(seed=0, p=7, positive=False, **strengths):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, p))
    X[:, 1] += 2 * X[:, 0]
    y = X @ rng.normal(size=p) + rng.normal(size=30)
    options = {"l1": 3.0, "l2": 0.5, **strengths}
    return PenalisedQuadratic.of(X.T @ X, X.T @ y, positive=positive, **options)


def smooth_minimum(problem):
    """w = u - v with u, v >= 0 makes the penalty linear: L-BFGS-B on twice the coordinates."""
    p = len(problem.b)

    def value(uv):
        w, size = uv[:p] - uv[p:], uv[:p] + uv[p:]
        slope = problem.A @ w - problem.b + problem.l2 * w
        q = w @ (problem.A @ w / 2 - problem.b) + problem.l2 @ w**2 / 2 + problem.l1 @ size
        return q, np.concatenate([slope + problem.l1, problem.l1 - slope])

    bounds = [(0, None)] * p + [(0, 0 if problem.positive else None)] * p
    found = minimize(
        value, np.zeros(2 * p), jac=True, bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-10}
    )
    return found.fun


def solve(problem, start=None, **options):
    options = {"enough": 1e-10, "tol": 1e-8, "max_iter": 10_000, **options}
    return coordinate_descent(problem, start, gap=metric_gap(problem), **options)


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("strengths", [{}, {"l2": 0.0}, {"l1": 0.0}, {"l1": [0, 5, 0, 1, 9, 2, 0]}])
def test_finds_the_minimum(strengths, positive, seed):
    problem = a_problem(positive=positive, **strengths)
    found = solve(problem, seed=seed)
    assert found.converged and found.gap <= 1e-10
    assert problem.value(found.w) <= smooth_minimum(problem) + 1e-8
    if positive:
        assert found.w.min() == 0.0  # some are held


@pytest.mark.parametrize("positive", [False, True])
def test_the_gap_bounds_what_is_lacking(positive):
    problem = a_problem(positive=positive)
    least = problem.value(solve(problem).w)
    gap = metric_gap(problem)
    rng = np.random.default_rng(1)
    for _ in range(50):
        w = rng.normal(size=7) * rng.integers(0, 2, 7)
        w = np.abs(w) if positive else w
        assert problem.value(w) - least <= gap(w, problem.A @ w) + 1e-9


def test_what_is_not_penalised_is_free():
    problem = a_problem(l1=[0, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9], l2=0.0)
    expected = np.zeros(7)
    expected[0] = problem.b[0] / problem.A[0, 0]
    np.testing.assert_allclose(solve(problem).w, expected, rtol=1e-12)


def test_positive_without_penalty_is_nnls():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 6)), rng.normal(size=50)
    problem = PenalisedQuadratic.of(X.T @ X, X.T @ y, 0.0, 0.0, positive=True)
    found = solve(problem, enough=1e-14).w
    np.testing.assert_allclose(found, nnls(X, y)[0], atol=1e-7)


def test_a_column_of_zeros_keeps_its_start():
    problem = PenalisedQuadratic.of(np.diag([2.0, 0.0]), [2.0, 0.0], 0.0, 0.0)
    found = coordinate_descent(
        problem, np.array([0.0, 5.0]), gap=lambda w, Aw: abs(w[0] - 1.0), enough=0.0
    )
    assert found.w.tolist() == [1.0, 5.0]


def test_starts_where_it_is_told_and_changes_no_argument():
    problem = a_problem()
    best = solve(problem).w
    start = best.copy()
    again = solve(problem, start, enough=1e-9)
    assert again.n_iter == 0 and np.array_equal(again.w, best)
    np.testing.assert_array_equal(start, best)


def test_stops_at_max_iter_and_says_so():
    found = solve(a_problem(), enough=0.0, tol=0.0, max_iter=2)
    assert found.n_iter == 2 and not found.converged


def test_stops_where_nothing_moves_any_more():
    problem = PenalisedQuadratic.of(np.eye(2), [1.0, 1.0], 0.0, 0.0)
    found = coordinate_descent(problem, gap=lambda w, Aw: 1.0, enough=0.0, tol=0.0)
    assert found.n_iter == 2 and not found.converged


def test_random_coordinates_are_drawn_by_the_seed():
    problem = a_problem()
    one, same, other = (solve(problem, seed=s, max_iter=2, enough=0.0).w for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
