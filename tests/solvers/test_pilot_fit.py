# SPDX-License-Identifier: BSD-3-Clause
"""Pilots: fits on some rows, merged by curvature, and never a start that is worse than none."""

from dataclasses import replace

import numpy as np
import pytest
from smooth_problems import Serial, cut

from skdist.losses import Logistic, Multinomial, Poisson
from skdist.solvers.linear_objective import LinearObjective, gradient_of, losses_along
from skdist.solvers.newton import newton
from skdist.solvers.pilot_fit import (
    Pilot,
    every_nth,
    pilot_fit,
    pilot_losses_along,
    pilot_of,
)
from skdist.summaries import QuadraticModel

RNG = np.random.default_rng(0)
N, D = 6000, 3
X = RNG.normal(size=(N, D))
Z = X @ np.array([1.0, -2.0, 0.5]) + 0.7
Y = (Z + RNG.logistic(size=N) > 0).astype(float)
WEIGHT = RNG.integers(0, 3, N).astype(float)
OBJECTIVE = LinearObjective(Logistic(), D, l2=1.0)


def value(shards, objective, w):
    return objective.value(shards.map_reduce(gradient_of, objective, w).loss, w)


def constant_of(shards, objective):
    return pilot_fit(shards, objective, None)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_a_pilot_is_close_to_the_optimum(weight):
    shards = cut(X, Y, weight, 4)
    lowest = newton(shards, OBJECTIVE).value
    pilot = value(shards, OBJECTIVE, pilot_fit(shards, OBJECTIVE, newton))
    constant = value(shards, OBJECTIVE, constant_of(shards, OBJECTIVE))
    assert lowest <= pilot <= lowest + 0.05 * (constant - lowest)


def test_a_pilot_of_many_of_the_rows_makes_one_step():
    """What a second one costs, it does not save."""
    steps = []

    def noting(*arguments, **options):
        found = newton(*arguments, **options)
        steps.append(found.n_iter)
        return found

    for n_rows in (400, 4000):  # of which 80 are wanted
        pilot_of(cut(X[:n_rows], Y[:n_rows]).shards[0], OBJECTIVE, noting)
    assert steps[0] == 0 < steps[1]  # passes after the first; the step in hand is taken


def test_shards_sorted_by_label_do_not_make_it_worse_than_the_best_constant():
    order = np.argsort(Y, kind="stable")
    shards = cut(X[order], Y[order], None, 6)
    start = pilot_fit(shards, OBJECTIVE, newton)
    assert value(shards, OBJECTIVE, start) <= value(
        shards, OBJECTIVE, constant_of(shards, OBJECTIVE)
    )


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_the_best_constant_is_that_of_the_merged_means(weight):
    mean = np.average(Y, weights=weight)
    start = constant_of(cut(X, Y, weight, 7), OBJECTIVE)
    np.testing.assert_allclose(start, [[0.0, 0.0, 0.0, np.log(mean / (1.0 - mean))]], rtol=1e-12)


def test_an_intercept_that_is_scaled_is_divided():
    objective = LinearObjective(Poisson(), D, intercept_scaling=4.0)
    y = RNG.poisson(2.0, N).astype(float)
    assert constant_of(cut(X, y), objective)[0, -1] == pytest.approx(np.log(y.mean()) / 4.0)


def test_without_an_intercept_the_start_is_zero():
    objective = LinearObjective(Logistic(), D, fit_intercept=False)
    assert constant_of(cut(X, Y), objective).tolist() == [[0.0] * D]


def test_shares_of_classes_are_the_constants_of_a_softmax():
    y = (Z > 0.0) + (Z > 2.0) * 1.0
    start = constant_of(cut(X, y, None, 3), LinearObjective(Multinomial(3), D))
    shares = np.bincount(y.astype(int)) / N
    np.testing.assert_allclose(np.exp(start[:, -1] - start[0, -1]), shares / shares[0], rtol=1e-12)
    assert start[:, -1].sum() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("n_rows", [0, 1, 300])
def test_few_rows_have_no_pilot(n_rows):
    """80 rows are wanted for 4 parameters, and at most a quarter is given."""
    shard = cut(X[:n_rows], Y[:n_rows]).shards[0]
    assert pilot_of(shard, OBJECTIVE, newton).model is None


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_losses_of_a_pilots_rows_estimate_those_of_all(weight):
    shards = cut(X, Y, weight, 4)
    w, step = OBJECTIVE.zeros(), OBJECTIVE.zeros() + 0.3
    lengths = np.array([0.0, 1.0])
    few = shards.map_reduce(pilot_losses_along, OBJECTIVE, w, step, lengths)
    everything = shards.map_reduce(losses_along, OBJECTIVE, w, step, lengths)
    np.testing.assert_allclose(few, everything, rtol=0.1)
    assert np.abs(few - everything).max() > 0.0


def test_losses_of_rows_where_the_sample_has_no_weight_are_those_of_all():
    weight = np.ones(N)
    weight[:: N // 240] = 0.0
    shard, w = cut(X, Y, weight).shards[0], OBJECTIVE.zeros()
    few = pilot_losses_along(shard, OBJECTIVE, w, w, np.array([1.0]))
    assert few == pytest.approx(weight.sum() * np.log(2.0))
    nothing = replace(shard, sample_weight=np.zeros(N))
    assert pilot_losses_along(nothing, OBJECTIVE, w, w, np.array([1.0])).tolist() == [0.0]


def test_rows_of_no_weight_have_no_pilot():
    shard = cut(X, Y, np.zeros(N)).shards[0]
    pilot = pilot_of(shard, OBJECTIVE, newton)
    assert pilot.weight == 0.0 and pilot.model is None
    assert constant_of(Serial([shard]), OBJECTIVE).tolist() == [[0.0] * (D + 1)]


def test_the_pilots_penalties_add_up_to_the_one_penalty():
    """With a penalty that rules, the merged minimum is that of all rows."""
    objective = replace(OBJECTIVE, l2=1e9)
    shards = cut(X, Y, None, 5)
    pilot = shards.map_reduce(pilot_of, objective, newton)
    curvature = np.diag(pilot.model.curvature)[:D]
    np.testing.assert_allclose(curvature, 1e9, rtol=1e-3)


def test_pilots_add_with_and_without_a_model():
    model = QuadraticModel(np.eye(1), np.ones(1), 2.0)
    some, none = Pilot(2.0, np.array([3.0]), model), Pilot(1.0, np.array([1.0]), None)
    both = some + none + some
    assert both.weight == 5.0 and both.total.tolist() == [7.0]
    assert both.model.linear.tolist() == [2.0] and (none + none).model is None
    assert none.nbytes < some.nbytes


def test_a_sample_is_spread_over_the_rows():
    shard = every_nth(cut(X, Y, WEIGHT).shards[0], 7)
    np.testing.assert_array_equal(shard.X, X[::7])
    np.testing.assert_array_equal(shard.sample_weight, WEIGHT[::7])
    assert shard.n_rows == len(Y[::7])
