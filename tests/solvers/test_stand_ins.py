# SPDX-License-Identifier: BSD-3-Clause
"""Rounds that go on without late shards lead to the minimum, and its bound, of all rows."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from smooth_problems import PROBLEMS, D, Serial, best, classes, cut, objective_of, rows, strengths

from skdist.losses import Multinomial
from skdist.solvers.linear_objective import LinearObjective, curvature_of, gradient_of
from skdist.solvers.newton import newton
from skdist.solvers.prox_newton import prox_newton
from skdist.solvers.rounds import Rounds
from skdist.solvers.stand_ins import OfAll, OfMost, sums_over

X, _ = rows()
every_problem = pytest.mark.parametrize("name", PROBLEMS)


class Sometimes(Serial):
    """Shards of which some are late in every round that may go on without them."""

    may_leave_out = True

    def __init__(self, shards, late):
        super().__init__(shards)
        self.late, self.asked = late, []

    def map(self, function, *broadcast):
        self.asked.append("all")
        return [function(shard, *broadcast) for shard in self.shards]

    def map_of_most(self, function, *broadcast):
        self.asked.append("most")
        late = self.late(len(self.asked))
        return [
            None if shard.index in late else function(shard, *broadcast) for shard in self.shards
        ]

    def fold(self, values, merge=add):
        return reduce(merge, values)


def nobody(n_asked):
    return ()


def always_the_last(n_asked):
    return (4,)


def in_turn(n_asked):
    return (n_asked % 5, (n_asked + 1) % 5)


def all_but_one(n_asked):
    return range(1, 5)


def sometimes(y, late):
    return Sometimes(cut(X, y, None, n_shards=5).shards, late)


@every_problem
@pytest.mark.parametrize("late", [always_the_last, in_turn, all_but_one])
def test_the_optimum_and_its_bound_are_of_all_rows(name, late):
    for l2 in strengths(name):
        objective = objective_of(name, l2)
        shards = sometimes(PROBLEMS[name].targets(), late)
        solution = newton(shards, objective, objective.zeros(), tol=1e-7)
        assert solution.converged
        np.testing.assert_allclose(solution.w, best(name, l2, False), rtol=1e-6, atol=1e-7)
        found = objective.point(shards.map_reduce(gradient_of, objective, solution.w), solution.w)
        assert found.value <= solution.value + 1e-12 * abs(solution.value)
        assert shards.asked[0] == shards.asked[-1] == "all"


@pytest.mark.parametrize("late", [always_the_last, in_turn])
def test_so_it_is_with_an_l1_penalty(late):
    y = classes(3)
    objective = LinearObjective(Multinomial(3), D, scale=0.1, l1=1.0)
    plain = prox_newton(cut(X, y, None, 5), objective, tol=1e-6)
    shards = sometimes(y, late)
    solution = prox_newton(shards, objective, tol=1e-6)
    assert solution.converged and "most" in shards.asked and shards.asked[-1] == "all"
    assert solution.value == pytest.approx(plain.value, rel=1e-11)
    np.testing.assert_array_equal(solution.w == 0.0, plain.w == 0.0)


@every_problem
def test_where_nobody_is_late_the_bits_are_the_same(name):
    objective, y = objective_of(name, strengths(name)[-1]), PROBLEMS[name].targets()
    plain = newton(cut(X, y, None, 5), objective)
    solution = newton(sometimes(y, nobody), objective)
    np.testing.assert_array_equal(solution.w, plain.w)
    assert (solution.bound, solution.n_iter) == (plain.bound, plain.n_iter)


def test_shards_unlike_all_others_may_be_late():
    """Sorted rows: without the last shard there is but one class, and no minimum."""
    y = np.sort(PROBLEMS["logistic"].targets())
    objective = objective_of("logistic", 1e-3)
    plain = newton(cut(X, y, None, 5), objective, tol=1e-7)
    shards = Sometimes(cut(X, y, None, 5).shards, lambda n_asked: (2, 3, 4))
    solution = newton(shards, objective, objective.zeros(), tol=1e-7)
    assert solution.converged
    np.testing.assert_allclose(solution.w, plain.w, rtol=1e-6, atol=1e-7)


def test_a_late_shard_saves_rounds_of_all():
    name = "poisson"
    objective, y = objective_of(name, strengths(name)[-1]), PROBLEMS[name].targets()
    start = objective.zeros()
    plain = sometimes(y, nobody)
    newton(plain, objective, start, tol=1e-7)
    shards = sometimes(y, always_the_last)
    newton(shards, objective, start, tol=1e-7)
    # Nobody being late, rounds that might have gone on without somebody were of all, too.
    assert shards.asked.count("all") < len(plain.asked)
    assert shards.asked[0] == "all" and shards.asked.count("most") >= 2


def test_of_a_quadratic_stand_ins_are_exact():
    objective = objective_of("squared", 0.1)
    shards = sometimes(PROBLEMS["squared"].targets(), always_the_last)
    sums = OfMost(Rounds(shards), objective)
    v, w = np.random.default_rng(0).normal(size=(2, *objective.shape))
    assert sums.curvature(v, np.float64, True)[1]
    for found, told in (sums.gradient(w, False), sums.curvature(w, np.float64, False)):
        exact = shards.map_reduce(curvature_of, objective, w)
        assert not told
        assert found.loss == pytest.approx(exact.loss, rel=1e-12)
        np.testing.assert_allclose(found.gradient, exact.gradient, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.grams, exact.grams, rtol=1e-12)


def test_a_gradient_that_came_is_what_stands_in_later():
    objective = objective_of("poisson", 0.1)
    shards = sometimes(PROBLEMS["poisson"].targets(), always_the_last)
    sums = OfMost(Rounds(shards), objective)
    v, w = 0.1 * np.random.default_rng(0).normal(size=(2, *objective.shape))
    sums.curvature(v, np.float64, True)
    exact, _ = sums.gradient(w, True)
    again, told = sums.gradient(w, False)
    assert not told
    assert again.loss == pytest.approx(exact.loss, rel=1e-14)
    np.testing.assert_allclose(again.gradient, exact.gradient, rtol=1e-13)


def test_who_may_be_late_is_the_shards_to_say():
    objective = objective_of("poisson", 0.1)
    shards = sometimes(PROBLEMS["poisson"].targets(), nobody)
    assert type(sums_over(Rounds(shards), objective)) is OfMost
    assert type(sums_over(Rounds(Serial(shards.shards)), objective)) is OfAll
