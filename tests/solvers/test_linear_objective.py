# SPDX-License-Identifier: BSD-3-Clause
"""The objective: its penalties, its flat directions, and when a bound is small enough."""

import numpy as np
import pytest
from smooth_problems import PROBLEMS, cut, rows, value

from skdist.losses import Logistic, Multinomial
from skdist.solvers.linear_objective import (
    LinearObjective,
    curvature_diagonal_of,
    curvature_of,
    curvature_product_of,
    gradient_of,
    is_enough,
)
from skdist.solvers.rounds import Rounds

X, WEIGHT = rows()
Y = PROBLEMS["multinomial"].targets()
SHARDS = cut(X, Y, WEIGHT, 5)
W = np.random.default_rng(0).normal(size=(4, 5))
OBJECTIVES = {
    "l2": LinearObjective(Multinomial(4), 4, scale=0.7, l2=3.0),
    "none": LinearObjective(Multinomial(4), 4),
    "intercept too": LinearObjective(
        Multinomial(4), 4, l2=0.5, penalise_intercept=True, intercept_scaling=2.0
    ),
    "no intercept": LinearObjective(Multinomial(4), 5, fit_intercept=False, l2=0.5),
}
every_objective = pytest.mark.parametrize("name", OBJECTIVES)


def given(name):
    objective = OBJECTIVES[name]
    wide = X if objective.fit_intercept else np.column_stack([X, X[:, 0] ** 2])
    return objective, cut(wide, Y, WEIGHT, 5), wide


@every_objective
def test_value_and_gradient_are_those_of_the_whole_objective(name):
    objective, shards, wide = given(name)
    at = objective.point(shards.map_reduce(gradient_of, objective, W), W)
    assert at.value == pytest.approx(value(objective, wide, Y, W, WEIGHT), rel=1e-12)
    step = np.random.default_rng(1).normal(size=W.shape) * 1e-6
    ahead, behind = (value(objective, wide, Y, W + s * step, WEIGHT) for s in (1, -1))
    assert (ahead - behind) / 2 == pytest.approx(np.vdot(at.gradient, step), rel=1e-5)


@every_objective
def test_the_hessian_its_products_and_its_diagonal_agree(name):
    objective, shards, _ = given(name)
    v = objective.centred(np.random.default_rng(1).normal(size=W.shape))
    hessian = objective.hessian(shards.map_reduce(curvature_of, objective, W))
    product = objective.hessian_product(shards.map_reduce(curvature_product_of, objective, W, v), v)
    np.testing.assert_allclose(hessian @ v.ravel(), product.ravel(), rtol=1e-9, atol=1e-9)
    diagonal = objective.hessian_diagonal(shards.map_reduce(curvature_diagonal_of, objective, W))
    plain = [
        objective.hessian_product(
            shards.map_reduce(curvature_product_of, objective, W, e), e
        ).ravel()[i]
        for i, e in enumerate(np.eye(W.size).reshape(-1, *W.shape))
    ]
    np.testing.assert_allclose(diagonal.ravel(), plain, rtol=1e-9)


@every_objective
def test_the_hessian_is_definite_although_f_is_flat(name):
    objective, shards, wide = given(name)
    hessian = objective.hessian(shards.map_reduce(curvature_of, objective, W))
    assert np.linalg.eigvalsh(hessian).min() > 1e-6
    centred = objective.centred(W)
    if name != "l2":  # there centring leaves the features alone
        flat = objective.flat_columns == 1.0
        np.testing.assert_allclose(centred[:, flat].mean(axis=0), 0.0, atol=1e-15)
    before, after = (value(objective, wide, Y, w, WEIGHT) for w in (W, centred))
    assert after == pytest.approx(before, rel=1e-12)


def test_which_columns_are_flat():
    flat = {name: objective.flat_columns.tolist() for name, objective in OBJECTIVES.items()}
    assert flat["l2"] == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert flat["none"] == [1.0] * 5
    assert flat["intercept too"] == [0.0] * 5
    assert LinearObjective(Logistic(), 4).flat_columns.tolist() == [0.0] * 5


@pytest.mark.parametrize(
    ("bound", "at", "tol", "first", "enough"),
    [
        (1e-9, 1.0, 1e-4, 1.0, True),
        (1e-7, 1.0, 1e-4, 1.0, False),
        (2e-7, -10.0, 1e-4, 1.0, False),
        (1e-8, -10.0, 1e-4, 1.0, True),
        (1e-15, 1.0, 0.0, 1.0, True),  # no tolerance asks for more than rounding leaves
        (1e-17, 1e-16, 1e-4, 1.0, True),  # all that is left is rounding of the first value
        (1e-17, 1e-16, 1e-4, 1e-3, False),
        (1.0, np.inf, 1e-4, 1.0, False),
        (np.nan, 1.0, 1e-4, 1.0, False),
    ],
)
def test_when_a_bound_is_small_enough(bound, at, tol, first, enough):
    assert is_enough(bound, at, tol, first) is enough


def test_rounds_and_bytes_are_counted():
    rounds = Rounds(SHARDS)
    objective = OBJECTIVES["l2"]
    rounds.map_reduce(gradient_of, objective, W)
    assert (rounds.count, rounds.bytes_up) == (1, 8 * (1 + W.size))
    rounds.map_reduce(curvature_of, objective, W)
    step = rounds.step(2.0, 0.5)
    assert (step.round, step.value, step.bound) == (2, 2.0, 0.5)
    assert step.bytes_up == 8 * (2 + 2 * W.size + 6 * 15)
