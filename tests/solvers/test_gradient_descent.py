# SPDX-License-Identifier: BSD-3-Clause
"""Each kind of gradient descent comes down to the optimum, momentum sooner than none."""

import numpy as np
import pytest
from smooth_problems import PROBLEMS, best, cut, objective_of, rows

from skdist.solvers.gradient_descent import gradient_descent, largest_eigenvalue
from skdist.solvers.linear_objective import curvature_of
from skdist.solvers.rounds import Rounds

X, _ = rows()
SHARDS = cut(X, PROBLEMS["logistic"].targets(), None, 4)
OBJECTIVE = objective_of("logistic", 2.0)
KINDS = {
    "plain": {"momentum": 0.0},
    "heavy ball": {"momentum": 0.7, "nesterov": False},
    "nesterov": {"momentum": 0.7},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", ["line_search", "fixed"])
def test_the_optimum_is_that_of_scikit_learn(kind, step):
    solution = gradient_descent(
        SHARDS, OBJECTIVE, tol=1e-6, max_iter=20_000, step=step, **KINDS[kind]
    )
    assert solution.converged
    np.testing.assert_allclose(solution.w, best("logistic", 2.0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", ["line_search", "fixed"])
def test_f_falls_with_every_step(kind, step):
    solution = gradient_descent(SHARDS, OBJECTIVE, OBJECTIVE.zeros(), step=step, **KINDS[kind])
    values = [round.value for round in solution.history]
    assert values == sorted(values, reverse=True)


def test_momentum_saves_steps():
    zeros = OBJECTIVE.zeros()
    steps = {
        kind: gradient_descent(SHARDS, OBJECTIVE, zeros, step="fixed", **options).n_iter
        for kind, options in KINDS.items()
    }
    assert max(steps["heavy ball"], steps["nesterov"]) < steps["plain"]


def test_a_learning_rate_that_is_too_large_is_halved_until_f_falls():
    solution = gradient_descent(SHARDS, OBJECTIVE, step="fixed", learning_rate=1e6, max_iter=5000)
    assert solution.converged


def test_the_learning_rate_that_is_given_is_taken():
    zeros = OBJECTIVE.zeros()
    solution = gradient_descent(
        SHARDS, OBJECTIVE, zeros, step="fixed", learning_rate=1e-7, momentum=0.0, max_iter=1
    )
    sums = SHARDS.map_reduce(curvature_of, OBJECTIVE, zeros)
    np.testing.assert_allclose(solution.w, -1e-7 * sums.gradient, rtol=1e-12)


def test_the_largest_eigenvalue_is_that_of_the_hessian():
    w = OBJECTIVE.zeros()
    sums = SHARDS.map_reduce(curvature_of, OBJECTIVE, w)
    found = largest_eigenvalue(Rounds(SHARDS), OBJECTIVE, OBJECTIVE.point(sums, w))
    exact = np.linalg.eigvalsh(OBJECTIVE.hessian(sums)).max()
    assert 0.9 * exact <= found <= exact * (1 + 1e-12)
