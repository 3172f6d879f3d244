# SPDX-License-Identifier: BSD-3-Clause
"""The interior point method on rows at hand: primal and dual meet, whatever the numbers."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array

from skdist.solvers.hinge_program import HingeProgram, solve_hinge_program

RNG = np.random.default_rng(0)


def program_of(n, d, seed=0, cost=1.0, pull=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d)) * scale
    rows *= np.sign(rows @ rng.normal(size=d) / np.linalg.norm(scale) + rng.normal(size=n))[:, None]
    return HingeProgram(rows, cost * (0.5 + rng.random(n)), pull * rng.normal(size=d), 3.0)


def primal(program, w):
    hinge = np.maximum(0, 1 - program.rows @ w)
    return 0.5 * w @ w - program.pull @ w + program.offset + program.cost @ hinge


def dual(program, a):
    w = program.pull + program.rows.T @ a
    return program.offset + a.sum() - 0.5 * w @ w


def solve(program, relative_gap=1e-10, start=None):
    start = np.zeros(program.rows.shape[1]) if start is None else start
    return solve_hinge_program(program, start, relative_gap=relative_gap)


def assert_optimal(program, answer, relative_gap=1e-10):
    value = primal(program, answer.w)
    assert (answer.dual >= 0).all() and (answer.dual <= program.cost).all()
    assert abs(value - dual(program, answer.dual) - answer.gap) <= 1e-11 * abs(value)
    assert 0 <= answer.gap <= relative_gap * abs(value)


@pytest.mark.parametrize(("n", "d"), [(200, 3), (40, 40), (30, 300), (1, 2), (2, 1)])
@pytest.mark.parametrize("cost", [1e-6, 1.0, 1e4])
@pytest.mark.parametrize("pull", [0.0, 1.0])
def test_primal_and_dual_meet(n, d, cost, pull):
    program = program_of(n, d, cost=cost, pull=pull)
    assert_optimal(program, solve(program))


@pytest.mark.parametrize(("n", "d"), [(80, 5), (20, 300)])
def test_sparse_rows_are_the_same(n, d):
    program = program_of(n, d, pull=1.0)
    rows = program.rows * (RNG.random((n, d)) < 0.5)
    dense = HingeProgram(rows, program.cost, program.pull, 0.0)
    sparse = HingeProgram(csr_array(rows), program.cost, program.pull, 0.0)
    np.testing.assert_allclose(solve(sparse).w, solve(dense).w, rtol=1e-6, atol=1e-8)
    assert_optimal(dense, solve(sparse))


def test_the_optimum_is_scipys():
    program = program_of(15, 2, pull=0.5)
    bounds = [(0, c) for c in program.cost]
    best = minimize(lambda a: -dual(program, a), program.cost / 2, bounds=bounds, tol=1e-14)
    np.testing.assert_allclose(primal(program, solve(program).w), -best.fun, rtol=1e-8)


def test_any_start_will_do():
    program = program_of(300, 4)
    expected = solve(program).w
    for start in (expected, -10 * expected, np.full(4, 1e3)):
        answer = solve(program, start=start)
        assert_optimal(program, answer)
        np.testing.assert_allclose(answer.w, expected, rtol=1e-4)


@pytest.mark.parametrize("n", [50, 8])
def test_columns_of_any_scale_constant_and_twice(n):
    program = program_of(n, 6, scale=10.0 ** np.array([-8, -4, 0, 0, 4, 8]))
    rows = np.hstack([program.rows, program.rows[:, 2:3], np.zeros((n, 1)), np.ones((n, 1))])
    program = HingeProgram(rows, program.cost, np.zeros(9), 0.0)
    answer = solve(program, 1e-7)
    assert np.isfinite(answer.w).all()
    assert_optimal(program, answer, 1e-7)


def test_rows_that_are_separable_and_rows_that_are_alike():
    rows = np.array([[2.0, 0.0]] * 5 + [[0.0, 3.0]] * 5)
    program = HingeProgram(rows, np.full(10, 1e3), np.zeros(2), 0.0)
    np.testing.assert_allclose(solve(program, 1e-13).w, [1 / 2, 1 / 3], rtol=1e-6)


def test_no_rows():
    program = HingeProgram(np.empty((0, 3)), np.empty(0), np.array([1.0, 2.0, 3.0]), 0.0)
    answer = solve(program)
    assert answer.w.tolist() == [1.0, 2.0, 3.0] and answer.gap == 0.0


def test_what_cannot_be_reached_ends_all_the_same():
    program = program_of(100, 3, cost=1e4)
    answer = solve(program, relative_gap=0.0)
    assert answer.n_iter <= 100
    assert_optimal(program, answer, 1e-11)
