# SPDX-License-Identifier: BSD-3-Clause
"""libsvm's optimum is feasible for the formulations, and optimal to libsvm's tolerance."""

import numpy as np
import pytest
from kernel_problems import classes_problem, targets_problem, theirs

from skdist.kernels.kernel_function import KernelFunction
from skdist.solvers.dual_certificate import Work, certified
from skdist.solvers.dual_formulations import (
    nu_classification,
    nu_regression,
    one_class,
    regression,
    weighed_classification,
)
from skdist.solvers.smo_here import smo_here

TOL, GAMMA = 1e-6, 0.1
KERNEL = KernelFunction("rbf", gamma=GAMMA)


def libsvms(name, X, y, weight, **parameters):
    """libsvm's coefficient of each row, and the fitted machine."""
    machine = theirs(name, gamma=GAMMA, tol=TOL, **parameters).fit(X, y, sample_weight=weight)
    coef = np.zeros(len(X))
    coef[np.flatnonzero(weight > 0)[machine.support_]] = machine._dual_coef_[0]
    return coef, machine


def certificate(problem, alpha, X):
    """What is proved of a point."""
    field = KERNEL.block(X, X) @ problem.coefficients(alpha, len(X))
    return certified(problem, problem.sign * alpha, field, Work(), tol=10 * TOL)


def assert_feasible(problem, alpha):
    assert np.all(alpha >= 0)
    assert np.all(alpha <= problem.cost * (1 + 1e-9))
    groups = (problem.sign > 0, problem.sign < 0) if problem.by_sign else (problem.sign != 0,)
    for group in groups:
        signed = problem.sign[group]
        kept = signed @ problem.start[group]
        assert signed @ alpha[group] == pytest.approx(kept, abs=1e-6)
    assert np.all(problem.start >= 0)
    assert np.all(problem.start <= problem.cost)


def assert_libsvm_solves_it(problem, alpha, X, offset, width=1.0):
    assert_feasible(problem, alpha)
    proved = certificate(problem, alpha, X)
    assert proved.violation <= 3 * TOL * max(1.0, width)
    assert proved.offset == pytest.approx(offset, abs=1e-4)
    own = smo_here(X, KERNEL, problem, tol=TOL)
    assert own.dual == pytest.approx(proved.dual, rel=1e-6)
    assert own.dual - proved.dual <= proved.gap + 1e-9


def two_sided(coef):
    """a and a' of a - a'."""
    return np.concatenate([np.maximum(coef, 0.0), np.maximum(-coef, 0.0)])


def test_classification():
    X, y, weight = classes_problem(2)
    sign = np.where(y == 0, 1.0, -1.0)
    coef, machine = libsvms("SVC", X, y, weight, C=0.7)
    problem = weighed_classification(sign, weight, C=0.7)
    assert_libsvm_solves_it(problem, sign * coef, X, -machine._intercept_[0])


def test_regression():
    X, y, weight = targets_problem()
    coef, machine = libsvms("SVR", X, y, weight, C=0.7, epsilon=0.2)
    problem = regression(y, weight, C=0.7, epsilon=0.2)
    assert_libsvm_solves_it(problem, two_sided(coef), X, -machine._intercept_[0])


def test_classification_with_nu():
    X, y, weight = classes_problem(2)
    sign = np.where(y == 0, 1.0, -1.0)
    coef, machine = libsvms("NuSVC", X, y, weight)
    problem = nu_classification(sign, weight, nu=machine.nu)
    width = machine.nu * weight.sum() / np.abs(coef).sum()
    offset = -machine._intercept_[0] * width
    assert_libsvm_solves_it(problem, sign * coef * width, X, offset, width)
    found = smo_here(X, KERNEL, problem, tol=TOL)
    assert found.width == pytest.approx(width, rel=1e-4)


def test_regression_with_nu():
    X, y, weight = targets_problem()
    coef, machine = libsvms("NuSVR", X, y, weight, C=0.7, nu=0.4)
    problem = nu_regression(y, weight, C=0.7, nu=0.4)
    alpha = two_sided(coef)
    # Rows inside the tube's ends may have both variables above 0 where nu asks for more.
    lacking = (problem.start.sum() - alpha.sum()) / 2
    assert lacking == pytest.approx(0, abs=1e-6)
    assert_libsvm_solves_it(problem, alpha, X, -machine._intercept_[0])


def test_one_class():
    X, _, weight = classes_problem(3)
    X = X + 3.0
    coef, machine = libsvms("OneClassSVM", X, None, weight)
    problem = one_class(None, weight, nu=machine.nu)
    assert_libsvm_solves_it(problem, coef, X, -machine._intercept_[0])


def test_what_is_shared_out_is_a_part_of_the_mass():
    weight, sign = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, -1.0, -1.0])
    np.testing.assert_allclose(one_class(None, weight, nu=0.5).start, [1, 2, 2, 0])
    np.testing.assert_allclose(one_class(None, weight, nu=0.5, mass=14.0).start, [1, 2, 3, 1])
    halves = nu_classification(sign, weight, nu=0.5).start
    np.testing.assert_allclose(halves, [1, 1.5, 2.5, 0])
    more = nu_classification(sign, weight, nu=0.5, mass=(4.0, 8.0)).start
    np.testing.assert_allclose(more, [1, 2, 3, 0])
    both = nu_regression(sign, weight, C=2.0, nu=0.5).start
    np.testing.assert_allclose(both, [2, 3, 0, 0, 2, 3, 0, 0])
    more = nu_regression(sign, weight, C=2.0, nu=0.5, mass=12.0).start
    np.testing.assert_allclose(more, [2, 4, 0, 0, 2, 4, 0, 0])


@pytest.mark.parametrize("weight", [[1.0, 1.0, 1.0, 5.0], [1.0, 1.0, 2.0, 0.0]])
def test_nu_that_is_too_large(weight):
    sign = np.array([1.0, -1.0, -1.0, -1.0])
    with pytest.raises(ValueError, match="specified nu is infeasible"):
        nu_classification(sign, np.array(weight), nu=0.8)
