# SPDX-License-Identifier: BSD-3-Clause
"""What holds for every solver: the optimum, its bound, odd rows, the same bits anywhere."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from smooth_problems import (
    PROBLEMS,
    D,
    best,
    cut,
    objective_of,
    rows,
    strengths,
    value,
)

from skdist.losses import Logistic, Multinomial
from skdist.sharding import shard_rows
from skdist.solvers import certificate, pilot_fit
from skdist.solvers.choose_solver import SOLVERS
from skdist.solvers.linear_objective import LinearObjective

X, _ = rows()
OTHERS = ["newton_cg", "lbfgs", "gradient_descent", "prox_newton"]
SOME_LOSSES = ["logistic", "multinomial", "poisson", "tweedie 3", "identity 1.5"]

every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_other = pytest.mark.parametrize("solver", OTHERS)


def minimise(solver, *arguments, **parameters):
    parameters.setdefault("max_iter", 5000)
    return SOLVERS[solver](*arguments, **parameters)


@every_other
@pytest.mark.parametrize("name", SOME_LOSSES)
def test_the_optimum_is_that_of_scikit_learn(solver, name):
    l2, tol = strengths(name)[1], 1e-7
    shards = cut(X, PROBLEMS[name].targets(), None, 5)
    solution = minimise(solver, shards, objective_of(name, l2), tol=tol)
    assert solution.converged
    np.testing.assert_allclose(solution.w, best(name, l2), rtol=1e-5, atol=1e-6)


@every_other
@pytest.mark.parametrize("n_shards", [1, 40])
@pytest.mark.parametrize("name", ["logistic", "multinomial"])
def test_the_bound_is_one_however_rows_are_cut(solver, n_shards, name):
    l2, y = strengths(name)[1], PROBLEMS[name].targets()
    order = np.argsort(y, kind="stable")
    objective = objective_of(name, l2)
    lowest = value(objective, X, y, best(name, l2))
    for tol in (0.1, 1e-2, 1e-3):
        solution = minimise(solver, cut(X[order], y[order], None, n_shards), objective, tol=tol)
        assert solution.converged and solution.bound <= tol**2 * abs(solution.value)
        above = solution.value - lowest
        assert -1e-10 <= above <= solution.bound + 1e-10
        assert value(objective, X, y, solution.w) <= solution.value + 1e-10


@every_solver
@pytest.mark.parametrize("name", ["logistic", "multinomial"])
def test_without_a_penalty_classes_are_centred(solver, name):
    shards = cut(X, PROBLEMS[name].targets(), None, 3)
    solution = minimise(solver, shards, objective_of(name, 0.0), tol=1e-7)
    np.testing.assert_allclose(solution.w, best(name, 0.0), rtol=1e-4, atol=1e-5)


@every_solver
@pytest.mark.parametrize("container", [csr_array, lambda X: X.astype(np.float32)])
def test_float32_and_sparse_rows_have_the_same_optimum(solver, container):
    shards = cut(container(X), PROBLEMS["multinomial"].targets(), None, 3)
    solution = minimise(solver, shards, objective_of("multinomial", 2.0), tol=1e-7)
    np.testing.assert_allclose(solution.w, best("multinomial", 2.0), rtol=1e-5, atol=1e-6)


@every_solver
def test_separable_classes_without_penalty_end_without_nan(solver):
    y = (X[:, 0] > 0.0).astype(float)
    shards = cut(X, y, None, 4)
    solution = minimise(solver, shards, LinearObjective(Logistic(), D), max_iter=8)
    assert not solution.converged and np.isfinite(solution.w).all()
    assert np.isfinite(solution.value)


@every_solver
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_odd_columns_end_without_nan(solver, l2):
    wide = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(len(X)), np.zeros(len(X))])
    objective = LinearObjective(Multinomial(4), wide.shape[1], l2=l2)
    shards = cut(wide, PROBLEMS["multinomial"].targets(), None, 3)
    solution = minimise(solver, shards, objective)
    assert solution.converged and np.isfinite(solution.w).all()


@pytest.mark.parametrize("solver", ["newton_cg", "lbfgs", "prox_newton"])
def test_features_of_very_different_scales(solver):
    unit, y = np.array([1e-8, 1e8, 1e-3, 1.0]), PROBLEMS["logistic"].targets()
    solution = minimise(solver, cut(X * unit, y, None, 3), objective_of("logistic", 0.0), tol=1e-6)
    assert solution.converged
    found = solution.w[:, :D] * unit
    np.testing.assert_allclose(found, best("logistic", 0.0)[:, :D], rtol=1e-4, atol=1e-5)


@every_solver
def test_more_features_than_rows(solver):
    wide = np.random.default_rng(0).normal(size=(30, 40))
    objective = LinearObjective(Logistic(), 40, l2=0.5)
    solution = minimise(solver, cut(wide, PROBLEMS["logistic"].targets()[:30], None, 3), objective)
    assert solution.converged


@every_solver
def test_of_one_row_per_shard(solver):
    y = PROBLEMS["multinomial"].targets()[:12]
    solution = minimise(
        solver, cut(X[:12], y, None, 12), LinearObjective(Multinomial(4), D, l2=1.0)
    )
    assert solution.converged


@every_solver
def test_a_given_start_that_is_the_optimum_is_kept(solver):
    shards = cut(X, PROBLEMS["logistic"].targets(), None, 3)
    objective = objective_of("logistic", 2.0)
    solution = minimise(solver, shards, objective, best("logistic", 2.0))
    assert solution.converged and solution.n_iter <= 1
    np.testing.assert_allclose(solution.w, best("logistic", 2.0), rtol=1e-5)


@every_solver
def test_max_iter_ends_it_and_the_bound_is_that_of_what_is_returned(solver):
    y, objective = PROBLEMS["multinomial"].targets(), objective_of("multinomial", 2.0)
    shards = cut(X, y, None, 3)
    solution = minimise(solver, shards, objective, objective.zeros(), tol=1e-7, max_iter=2)
    assert not solution.converged and solution.n_iter == 2
    assert solution.value == pytest.approx(value(objective, X, y, solution.w), rel=1e-12)


@pytest.mark.parametrize("solver", ["newton_cg", "lbfgs"])
def test_where_a_hessian_would_be_too_large_the_bound_holds_too(solver, monkeypatch):
    monkeypatch.setattr(certificate, "MOST_PARAMETERS", 0)
    monkeypatch.setattr(pilot_fit, "MOST_PARAMETERS", 0)
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(300, 80)) * np.logspace(0, -2, 80)
    y = (wide.sum(axis=1) + rng.logistic(size=300) > 0).astype(float)
    objective = LinearObjective(Logistic(), 80, l2=1e-4)
    best_value = minimise("newton", cut(wide, y), objective, tol=1e-7).value
    for tol in (0.1, 1e-2, 1e-3):
        solution = minimise(solver, cut(wide, y, None, 3), objective, tol=tol)
        assert solution.converged and "conjugate gradients" in solution.certificate
        assert 0.0 <= solution.value - best_value <= solution.bound


def test_every_solver_finds_the_same_bits_on_every_backend(backend):
    y, weight = PROBLEMS["multinomial"].targets(), rows()[1]
    objective = objective_of("multinomial", 2.0)
    start = objective.zeros()
    for solver in SOLVERS:
        here = minimise(
            solver, shard_rows(X, y, weight, n_shards=5, n_jobs=1), objective, start, max_iter=3
        )
        there = minimise(solver, shard_rows(X, y, weight, n_shards=5), objective, start, max_iter=3)
        np.testing.assert_array_equal(here.w, there.w)
        assert here.history == there.history


def test_the_pilot_finds_the_same_bits_on_every_backend(backend):
    rng = np.random.default_rng(0)
    big = rng.normal(size=(3000, 3))
    y = (big.sum(axis=1) + rng.logistic(size=3000) > 0).astype(float)
    objective = LinearObjective(Logistic(), 3, l2=1.0)
    here = minimise("newton", shard_rows(big, y, n_shards=3, n_jobs=1), objective)
    there = minimise("newton", shard_rows(big, y, n_shards=3), objective)
    np.testing.assert_array_equal(here.w, there.w)
