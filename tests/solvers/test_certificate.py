# SPDX-License-Identifier: BSD-3-Clause
"""The decrement that certifies gradient methods, and the loop that asks for it."""

import numpy as np
import pytest
from smooth_problems import PROBLEMS, cut, objective_of, rows

from skdist.solvers import certificate
from skdist.solvers.certificate import certify, until_certified
from skdist.solvers.linear_objective import Point, curvature_of, gradient_of
from skdist.solvers.rounds import Rounds

X, _ = rows()
SHARDS = cut(X, PROBLEMS["multinomial"].targets(), None, 3)
OBJECTIVE = objective_of("multinomial", 2.0)
W = OBJECTIVE.centred(np.random.default_rng(0).normal(size=OBJECTIVE.shape) / 10.0)


def point(w):
    return OBJECTIVE.point(SHARDS.map_reduce(gradient_of, OBJECTIVE, w), w)


def decrement(w):
    hessian = OBJECTIVE.hessian(SHARDS.map_reduce(curvature_of, OBJECTIVE, w))
    g = point(w).gradient.ravel()
    return g @ np.linalg.solve(hessian, g)


def test_of_few_parameters_it_is_the_decrement_itself():
    found = certify(Rounds(SHARDS), OBJECTIVE, point(W))
    assert found.bound == pytest.approx(decrement(W), rel=1e-9)
    assert found.name == certificate.FORMED and found.curvature is not None


def test_of_many_parameters_it_is_estimated(monkeypatch):
    monkeypatch.setattr(certificate, "MOST_PARAMETERS", 0)
    found = certify(Rounds(SHARDS), OBJECTIVE, point(W))
    assert decrement(W) * 0.95 <= found.bound <= decrement(W) * 1.15
    assert found.name == certificate.ESTIMATED and found.curvature is None


def test_an_estimate_that_is_not_known_bounds_nothing(monkeypatch):
    monkeypatch.setattr(certificate, "MOST_PARAMETERS", 0)
    monkeypatch.setattr(certificate, "MOST_PRODUCTS", 2)
    assert certify(Rounds(SHARDS), OBJECTIVE, point(W)).bound == np.inf


def run(descend, max_iter=100, tol=1e-3):
    at, history = point(W), []
    history.append(Rounds(SHARDS).step(at.value, np.inf))
    return until_certified(
        Rounds(SHARDS), OBJECTIVE, at, descend, history, tol=tol, max_iter=max_iter
    )


def newton_steps(asked):
    def descend(at: Point, progress, max_iter):
        asked.append(progress)
        hessian = OBJECTIVE.hessian(SHARDS.map_reduce(curvature_of, OBJECTIVE, at.w))
        step = -np.linalg.solve(hessian, at.gradient.ravel()).reshape(at.w.shape)
        return point(at.w + step / 2.0), 1

    return descend


def test_it_goes_on_asking_for_less_progress_until_the_bound_is_small_enough():
    asked = []
    solution = run(newton_steps(asked))
    assert solution.converged and solution.bound <= 1e-6 * solution.value
    assert solution.n_iter == len(asked) > 2
    np.testing.assert_allclose(asked, 1e-6 * 1e-2 ** np.arange(len(asked)))


def test_it_ends_when_no_iterations_are_left_or_none_is_made():
    assert run(newton_steps([]), max_iter=2).n_iter == 2
    stuck = run(lambda at, progress, max_iter: (at, 0))
    assert not stuck.converged and stuck.n_iter == 0
