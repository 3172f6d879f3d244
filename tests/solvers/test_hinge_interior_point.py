# SPDX-License-Identifier: BSD-3-Clause
"""The hinge on shards: the optimum of all rows, a bound that bounds, whatever the cut."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.svm import LinearSVC

import skdist.solvers.hinge_interior_point as solver
from skdist.losses import SquaredHinge
from skdist.sharding import one_blas_thread, shard_rows
from skdist.solvers.hinge_interior_point import hinge_interior_point, relative_gap
from skdist.solvers.hinge_program import HingeProgram, solve_hinge_program
from skdist.solvers.linear_objective import LinearObjective


def problem(n=400, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ (np.eye(d) + 0.4)
    y = (X @ rng.normal(size=d) + rng.normal(size=n) > 0.3).astype(float)
    return X, y, rng.integers(0, 3, n) * 0.7


X, Y, WEIGHT = problem()
MANY = problem(6_000, 5, seed=1)


def objective_of(X, C=1.0, fit_intercept=True, intercept_scaling=1.0):
    return LinearObjective(
        SquaredHinge(),
        X.shape[1],
        fit_intercept,
        scale=C,
        l2=1.0,
        penalise_intercept=True,
        intercept_scaling=intercept_scaling,
    )


def value(objective, X, y, weight, w):
    constant = np.full((X.shape[0], 1), objective.constant)
    X = np.hstack([X, constant])[:, : len(w)]
    hinge = np.maximum(0, 1 - (2 * y - 1) * (X @ w))
    return 0.5 * w @ w + objective.scale * (hinge if weight is None else weight * hinge).sum()


def best(objective, X, y, weight=None):
    """Where the minimum is, and values around it: from one program of all rows, tested apart."""
    constant = np.full((X.shape[0], 1), objective.constant)
    rows = np.hstack([X, constant])[:, : objective.shape[1]] * (2 * y - 1)[:, None]
    cost = objective.scale * (np.ones(len(y)) if weight is None else weight)
    rows, cost = rows[cost > 0], cost[cost > 0]
    zeros = np.zeros(objective.shape[1])
    answer = solve_hinge_program(HingeProgram(rows, cost, zeros), zeros, relative_gap=1e-13)
    above = value(objective, X, y, weight, answer.w)
    return answer.w, above - answer.gap, above


def fit(objective, X, y, weight=None, n_shards=3, **options):
    shards = shard_rows(X, y, weight, n_shards=n_shards, n_jobs=1)
    return hinge_interior_point(shards, objective, **options)


@pytest.fixture(autouse=True)
def one_thread():
    """As estimators call it."""
    with one_blas_thread():
        yield


@pytest.fixture
def little_room(monkeypatch):
    """Programs of few rows, so that rows must be chosen, and chosen again."""
    monkeypatch.setattr(solver, "FEWEST_ROWS", 40)
    monkeypatch.setattr(solver, "SPARE", 0.2)


def assert_solved(solution, objective, X, y, weight=None, tol=1e-4):
    own = value(objective, X, y, weight, solution.w[0])
    _, below, above = best(objective, X, y, weight)
    assert solution.converged and solution.bound <= relative_gap(tol) * own
    np.testing.assert_allclose(solution.value, own, rtol=1e-10)
    assert (1 - 1e-12) * below <= own <= above + solution.bound + 1e-12 * own


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("C", [1e-8, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_minimum(little_room, C, weight, fit_intercept):
    objective = objective_of(X, C, fit_intercept, intercept_scaling=3.0)
    assert_solved(fit(objective, X, Y, weight), objective, X, Y, weight)


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e3])
def test_the_minimum_of_more_rows_than_a_program_takes(C):
    X, y, weight = MANY
    objective = objective_of(X, C)
    assert_solved(fit(objective, X, y, weight), objective, X, y, weight)


@pytest.mark.parametrize("n_shards", [1, 2, 7, 40])
@pytest.mark.parametrize("order", ["mixed", "by label"])
def test_law_4_no_cut_matters(little_room, n_shards, order):
    rows = np.argsort(Y, kind="stable") if order == "by label" else np.arange(len(Y))
    objective = objective_of(X)
    solution = fit(objective, X[rows], Y[rows], n_shards=n_shards, tol=1e-6)
    assert_solved(solution, objective, X, Y, tol=1e-6)
    np.testing.assert_allclose(solution.w[0], best(objective, X, Y)[0], rtol=1e-6)


def test_one_row_shards():
    objective = objective_of(X)
    solution = fit(objective, X[:12], Y[:12], n_shards=12)
    assert_solved(solution, objective, X[:12], Y[:12])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_csr_and_float32_are_the_same(little_room, dtype):
    rounded = X.astype(np.float32).astype(np.float64) * (np.abs(X) > 0.3)
    objective = objective_of(X)
    for given in (csr_array(rounded.astype(dtype)), rounded.astype(dtype)):
        assert_solved(fit(objective, given, Y), objective, rounded, Y)


def test_every_bound_on_the_way_bounds(little_room):
    objective = objective_of(X)
    solution = fit(objective, X, Y, WEIGHT)
    least = best(objective, X, Y, WEIGHT)[1]
    assert len(solution.history) > 2
    for step in solution.history:
        assert step.value - least <= step.bound * (1 + 1e-9) + 1e-12 * least
    for n_iter in range(1, solution.n_iter):
        stopped = fit(objective, X, Y, WEIGHT, max_iter=n_iter)
        assert not stopped.converged and stopped.n_iter == n_iter
        own = value(objective, X, Y, WEIGHT, stopped.w[0])
        assert own - least <= stopped.bound * (1 + 1e-9)


@pytest.mark.parametrize("start", [np.zeros(5), np.full(5, 50.0), np.array([5.0, -9, 1, 2, 3])])
def test_a_start_anywhere(little_room, start):
    objective = objective_of(X)
    assert_solved(fit(objective, X, Y, start=start[None, :]), objective, X, Y)


def test_a_side_of_few_rows_is_drawn_too(little_room):
    y = np.where(np.arange(len(Y)) % 80 == 0, 1.0, 0.0)  # 5 of 400
    moved = X + 2.0 * y[:, None]
    objective = objective_of(X, C=10.0)
    assert_solved(fit(objective, moved, y), objective, moved, y)


def test_one_class_alone():
    objective = objective_of(X)
    zeros = np.zeros(len(X))
    assert_solved(fit(objective, X, zeros), objective, X, zeros)


def test_scikit_learns_optimum():
    X, y, weight = problem(200, 3, seed=5)
    weight = weight + 0.1
    for C in (0.001, 0.05):
        model = LinearSVC(
            loss="hinge", C=C, tol=1e-12, max_iter=1_000_000, intercept_scaling=2.0, random_state=0
        ).fit(X, y, weight)
        w = fit(objective_of(X, C, intercept_scaling=2.0), X, y, weight, tol=1e-7).w[0]
        np.testing.assert_allclose(w[:3], model.coef_[0], rtol=1e-6)
        np.testing.assert_allclose(2.0 * w[3], model.intercept_[0], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_columns_of_any_scale_constant_and_twice(little_room, scale):
    odd = np.column_stack([X, scale * X[:, 0], np.zeros(len(X)), np.ones(len(X)), X[:, 1]])
    objective = objective_of(odd)
    assert_solved(fit(objective, odd, Y, tol=1e-3), objective, odd, Y, tol=1e-3)


@pytest.mark.parametrize("n", [30, 300])
def test_more_columns_than_rows(n):
    wide = np.random.default_rng(0).normal(size=(n, 350))
    objective = objective_of(wide, C=100.0)
    assert_solved(fit(objective, wide, Y[:n]), objective, wide, Y[:n])


def test_separable_rows(little_room):
    y = (X[:, 0] > 0).astype(float)
    apart = X + np.outer(2 * y - 1, np.eye(4)[0])
    objective = objective_of(X, C=1e6)
    solution = fit(objective, apart, y)
    assert_solved(solution, objective, apart, y)
    assert ((apart @ solution.w[0, :4] + solution.w[0, 4] > 0) == y).all()


def test_law_6_a_weight_of_2_is_the_row_twice(little_room):
    twice = np.repeat(np.arange(len(X)), 2)
    objective = objective_of(X)
    a = fit(objective, X, Y, np.full(len(X), 2.0), tol=1e-6)
    b = fit(objective, X[twice], Y[twice], tol=1e-6)
    np.testing.assert_allclose(a.w, b.w, rtol=1e-6)
    np.testing.assert_allclose(a.value, b.value, rtol=1e-11)


def test_law_3_the_same_on_every_backend(backend):
    X, y, weight = MANY
    objective = objective_of(X)
    expected = fit(objective, X, y, weight)
    shards = shard_rows(X, y, weight, n_shards=3)
    found = hinge_interior_point(shards, objective)
    np.testing.assert_allclose(found.w, expected.w, rtol=1e-12)
    assert replace(found.history[-1]) == expected.history[-1]
    assert shards.cost.rounds == found.history[-1].round
