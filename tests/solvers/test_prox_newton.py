# SPDX-License-Identifier: BSD-3-Clause
"""Proximal Newton: scikit-learn's l1 optimum, exact zeros, and a bound that holds."""

import warnings
from functools import lru_cache

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression
from smooth_problems import D, N, classes, cut, rows, signed, two_classes, value

from skdist.losses import Logistic, Multinomial, Squared
from skdist.solvers import prox_newton as prox_module
from skdist.solvers.class_shift import best_shift
from skdist.solvers.coordinate_descent import coordinate_descent
from skdist.solvers.linear_objective import LinearObjective
from skdist.solvers.newton import newton
from skdist.solvers.prox_newton import prox_newton

X, _ = rows()
# Of three classes: of four, an l1 penalty has no unique optimum, since medians are none.
TARGETS = {"logistic": two_classes(), "multinomial": classes(3)}
LOSSES = {"logistic": Logistic(), "multinomial": Multinomial(3)}
# name: C and l1_ratio of LogisticRegression
NETS = {"lasso": (0.1, 1.0), "elastic net": (0.2, 0.5), "weak": (10.0, 1.0)}


@lru_cache
def best_logistic(name, net):
    C, l1_ratio = NETS[net]
    model = LogisticRegression(
        C=C, l1_ratio=l1_ratio, solver="saga", tol=1e-13, max_iter=100_000, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, TARGETS[name])
    return np.column_stack([model.coef_, model.intercept_])


def logistic(name, net):
    C, l1_ratio = NETS[net]
    return LinearObjective(LOSSES[name], D, scale=C, l2=1.0 - l1_ratio, l1=l1_ratio)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", ["logistic", "multinomial"])
@pytest.mark.parametrize("n_shards", [1, 6])
def test_the_optimum_is_that_of_scikit_learn(name, net, n_shards):
    shards = cut(X, TARGETS[name], None, n_shards)
    solution = prox_newton(shards, logistic(name, net), tol=1e-7)
    expected = best_logistic(name, net)
    assert solution.converged
    np.testing.assert_allclose(solution.w, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(solution.w == 0.0, np.abs(expected) < 1e-9)


def test_zeros_are_exact():
    solution = prox_newton(cut(X, TARGETS["logistic"], None, 3), logistic("logistic", "lasso"))
    assert (solution.w == 0.0).any()


@pytest.mark.parametrize("alpha", [0.02, 0.3, 100.0])
def test_of_squared_loss_it_is_the_elastic_net(alpha):
    objective = LinearObjective(Squared(), D, scale=1.0 / N, l2=0.4 * alpha, l1=0.6 * alpha)
    solution = prox_newton(cut(X, signed(), None, 4), objective, tol=1e-7)
    model = ElasticNet(alpha=alpha, l1_ratio=0.6, tol=1e-13, max_iter=100_000).fit(X, signed())
    np.testing.assert_allclose(solution.w[0, :D], model.coef_, rtol=1e-6, atol=1e-8)
    assert solution.w[0, D] == pytest.approx(model.intercept_, rel=1e-6)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", ["logistic", "multinomial"])
@pytest.mark.parametrize("tol", [0.1, 1e-2, 1e-4])
def test_the_bound_is_one(name, net, tol):
    objective, y = logistic(name, net), TARGETS[name]
    solution = prox_newton(cut(X, y, None, 3), objective, tol=tol)
    above = solution.value - value(objective, X, y, best_logistic(name, net))
    assert solution.converged and solution.bound <= tol**2 * abs(solution.value)
    assert -1e-9 <= above <= solution.bound + 1e-9
    assert value(objective, X, y, solution.w) <= solution.value + 1e-9


def test_units_of_features_matter_to_the_penalty_alone():
    """And that is tiny here."""
    unit, y = np.array([1e-6, 1e6, 1e-3, 1.0]), TARGETS["logistic"]
    objective = LinearObjective(Logistic(), D, l1=1e-9)
    solution = prox_newton(cut(X * unit, y, None, 3), objective, tol=1e-7)
    plain = prox_newton(cut(X, y, None, 3), objective, tol=1e-7)
    np.testing.assert_allclose(solution.w[:, :D] * unit, plain.w[:, :D], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("l1", "l2"), [(1.0, 0.0), (0.5, 0.5)])
@pytest.mark.parametrize("n_classes", [3, 4, 7])
def test_where_the_penalty_is_weak_classes_are_shifted_not_swept(n_classes, l1, l2, monkeypatch):
    """Of features in small units: without the shift ten thousand sweeps did not do."""
    sweeps = []

    def counting(*arguments, **options):
        found = coordinate_descent(*arguments, **options)
        sweeps.append(found.n_iter)
        return found

    monkeypatch.setattr(prox_module, "coordinate_descent", counting)
    objective = LinearObjective(Multinomial(n_classes), D, l1=l1, l2=l2)
    solution = prox_newton(cut(1e4 * X, classes(n_classes), None, 2), objective)
    assert solution.converged and sum(sweeps) < 3000
    plain = newton(cut(X, classes(n_classes)), LinearObjective(Multinomial(n_classes), D))
    np.testing.assert_allclose(solution.value, plain.value, rtol=1e-5)
    w = solution.w[:, :D]
    np.testing.assert_allclose(best_shift(w, l1, l2), 0.0, atol=1e-15)


def test_more_features_than_rows():
    wide = np.random.default_rng(0).normal(size=(30, 40))
    objective = LinearObjective(Multinomial(3), 40, l1=0.5)
    shards = cut(csr_array(wide), TARGETS["multinomial"][:30], None, 3)
    solution = prox_newton(shards, objective)
    assert solution.converged and (solution.w == 0.0).mean() > 0.5


def test_separable_classes_are_held_by_the_penalty():
    y = (X[:, 0] > 0.0).astype(float)
    solution = prox_newton(cut(X, y, None, 4), LinearObjective(Logistic(), D, l1=0.1), max_iter=50)
    assert solution.converged and np.isfinite(solution.w).all()
