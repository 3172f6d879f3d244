# SPDX-License-Identifier: BSD-3-Clause
"""What a point proves: no feasible point is lower than D less the gap."""

import numpy as np
import pytest
from test_blocked_smo import PROBLEMS, RBF, two_classes

from skdist.solvers.dual_certificate import (
    Work,
    box_of,
    certified,
    rows_that_matter,
    slopes,
    violation_of,
)
from skdist.solvers.dual_problem import classification
from skdist.solvers.smo_here import smo_here

X, Y = two_classes(150)
K = RBF.block(X, X)
ALL = {"classification": lambda y, w, x: classification(y, 2.0 * w), **PROBLEMS}


def problem_of(name):
    weight = np.where(np.arange(150) % 5 == 0, 0.0, 1.0) if name == "classification" else 1.0
    return ALL[name](Y, weight * np.ones(150), np.sin(X[:, 0]))


def certificate(problem, alpha):
    coef = problem.sign * alpha
    return certified(problem, coef, K @ problem.coefficients(alpha, 150), Work(), tol=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_the_minimum_is_within_the_gap(name):
    problem = problem_of(name)
    best = smo_here(X, RBF, problem, tol=1e-7)
    for share in (0.0, 0.3, 0.9, 0.999):
        at = certificate(problem, (1.0 - share) * problem.start + share * best.alpha)
        assert at.dual - at.gap <= best.dual + 1e-9 * abs(best.dual)
        assert at.dual >= best.dual - 1e-9 * abs(best.dual)
        assert at.gap > 0.0 and at.violation > 1e-3 and not at.converged
    end = certificate(problem, best.alpha)
    assert end.converged and abs(end.gap) < 1e-4 * max(abs(end.dual), 1.0)
    assert end.width == 1.0 or problem.by_sign


def test_libsvms_primal_value():
    """|w|^2 / 2 + sum of C max(0, 1 - y f) is what the gap is measured from."""
    problem = problem_of("classification")
    at = certificate(problem, np.zeros(150))
    hinge = problem.cost @ np.maximum(0.0, 1.0 - Y * (at.field - at.offset))
    np.testing.assert_allclose(at.primal, hinge)
    best = smo_here(X, RBF, problem)
    coef = Y * best.alpha
    hinge = problem.cost @ np.maximum(0.0, 1.0 - Y * (best.field - best.offset))
    np.testing.assert_allclose(best.primal, 0.5 * coef @ K @ coef + hinge, rtol=1e-10)


def test_violation_by_hand():
    problem = classification(np.array([1.0, -1.0, 1.0]), np.array([1.0, 1.0, 0.0]))
    box = box_of(problem)
    assert violation_of(box, np.zeros(3), np.array([-1.0, 2.0, -9.0])) == 3.0
    assert violation_of(box, np.zeros(3), np.array([1.0, -2.0, -9.0])) == 0.0
    assert violation_of(box, np.array([1.0, -1.0, 0.0]), np.array([1.0, -2.0, 9.0])) == 3.0


def test_offset_without_free_variables_is_in_the_middle():
    problem = classification(np.array([1.0, -1.0]), np.array([1.0, 1.0]))
    at = certified(problem, np.zeros(2), np.array([0.3, 0.1]), Work(), tol=1e-3)
    assert at.offset == pytest.approx(0.5 * ((0.3 - 1.0) + (0.1 + 1.0)))


def test_nothing_can_move():
    problem = classification(np.array([1.0, 1.0]), np.zeros(2))
    at = certified(problem, np.zeros(2), np.zeros(2), Work(), tol=1e-3)
    assert at.converged and at.violation == 0.0 and at.gap == 0.0


def test_rows_that_matter_hold_all_of_the_gap():
    problem = problem_of("classification")
    solution = smo_here(X, RBF, problem)
    box, coef = box_of(problem), Y * solution.alpha
    rows = rows_that_matter(problem, box, coef, slopes(problem, solution.field), 0.05)
    assert 0.2 < len(rows) / 150 < 0.95
    off = solution.field.copy()
    others = np.setdiff1d(np.arange(150), rows)
    off[others] += 0.04 * np.random.default_rng(0).uniform(-1.0, 1.0, len(others))
    moved = certified(problem, coef, off, Work(), tol=1e-3)
    np.testing.assert_allclose(moved.gap, solution.gap, rtol=1e-9)
    assert moved.violation == pytest.approx(solution.violation)
