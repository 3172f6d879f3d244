# SPDX-License-Identifier: BSD-3-Clause
"""The ladder of lengths, and which steps are taken whole."""

import numpy as np
from smooth_problems import PROBLEMS, cut, objective_of, rows, value

from skdist.solvers.line_search import LENGTHS, best_length, descends, parabola_length
from skdist.solvers.linear_objective import Point, gradient_of

X, WEIGHT = rows()
Y = PROBLEMS["multinomial"].targets()
SHARDS = cut(X, Y, WEIGHT, 5)
W = np.random.default_rng(0).normal(size=(4, 5))


def test_the_best_length_of_a_ladder():
    objective = objective_of("multinomial", 2.0)
    at = objective.point(SHARDS.map_reduce(gradient_of, objective, W), W)
    step = -at.gradient / 10.0
    values = [value(objective, X, Y, W + t * step, WEIGHT) for t in LENGTHS]
    assert best_length(SHARDS, objective, at, step) == LENGTHS[np.argmin(values)]
    assert best_length(SHARDS, objective, at, -step) is None


def test_a_step_descends_if_f_falls_by_a_quarter_of_what_its_slope_promises():
    at = Point(W, 10.0, W)
    assert descends(at, 9.0, 4.0) and not descends(at, 9.1, 4.0)
    assert descends(at, 10.0 + 1e-14, 1e-20)  # rounding
    assert not descends(at, np.nan, 1.0) and not descends(at, np.inf, 1.0)


def test_lengths_at_which_the_loss_is_infinite_are_passed_over():
    objective, y = objective_of("identity 1.5", 0.0), PROBLEMS["identity 1.5"].targets()
    shards, w = cut(X, y), np.array([[0.0, 0.0, 0.0, 0.0, 4.0]])
    at = objective.point(shards.map_reduce(gradient_of, objective, w), w)
    step = np.array([[0.0, 0.0, 0.0, 0.0, -40.0]])  # below 0 for all lengths from 0.1 on
    assert best_length(shards, objective, at, step) < 0.1


def test_the_parabola_of_two_values_and_a_slope():
    at = Point(W, 10.0, W)
    assert parabola_length(at, 10.0 - 2.0 + 4.0, 2.0) == 0.25  # F(t) = 10 - 2 t + 4 t^2
    assert parabola_length(at, 9.9, 2.0) == 0.5  # no further than half of the way
    assert parabola_length(at, 1e4, 2.0) is None and parabola_length(at, np.inf, 2.0) is None
    assert parabola_length(at, np.nan, 2.0) is None
