# SPDX-License-Identifier: BSD-3-Clause
"""Coordinate ascent first: within its share of operations, and certified whoever ends it."""

import numpy as np
import pytest
from test_cocoa import WIDE, WIDE_Y, assert_solved
from test_hinge_interior_point import objective_of

import skdist.solvers.hinge_dual_ascent as solver
from skdist.sharding import one_blas_thread, shard_rows
from skdist.solvers.rounds import Step


@pytest.fixture(autouse=True)
def one_thread():
    with one_blas_thread():
        yield


def fit(C=1.0, **options):
    shards = shard_rows(WIDE, WIDE_Y, n_shards=1, n_jobs=1)
    return solver.hinge_dual_ascent(shards, objective_of(WIDE, C), **options)


@pytest.fixture
def allow(monkeypatch):
    """Sets the rounds that coordinate ascent may take in any case, and those of the other."""

    def set_rounds(sure, of_the_other):
        monkeypatch.setattr(solver, "ascent_rounds", lambda n, p, n_entries: sure)
        monkeypatch.setattr(solver, "rounds_of_the_other", lambda n, p, n_entries: of_the_other)

    return set_rounds


@pytest.mark.parametrize("most", [0, 1, 2, 1000])
@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
def test_the_minimum_whoever_finds_it(allow, most, C):
    allow(most, most)
    solution = fit(C)
    assert_solved(solution, WIDE, WIDE_Y, C=C)
    assert solution.n_iter >= 1 and solution.history[-1].value >= solution.value


def test_the_other_one_goes_on_where_it_ended(allow):
    allow(2, 2)
    both = fit(100.0)
    values = [step.value for step in both.history]
    assert both.converged and both.n_iter > 2
    assert values[3] == pytest.approx(values[2])  # the first point of the interior point method


def test_who_will_soon_be_there_is_not_replaced(allow, monkeypatch):
    allow(2, 1000)
    monkeypatch.setattr(solver, "hinge_interior_point", None)
    solution = fit(100.0)
    assert solution.converged and solution.n_iter > 4


def history_of(gaps):
    return [Step(round=k, value=2.0, bound=gap, bytes_up=0) for k, gap in enumerate(gaps)]


@pytest.mark.parametrize("last", [10, 20, 50])
def test_a_gap_that_halves_in_each_round_is_forecast_to_the_round(last):
    """Of 2 to the enough of 2 * 2^-60 in 60 rounds, whenever that is asked."""
    history = history_of(2.0 * 0.5 ** np.arange(last))
    pays = [solver.Forecast(5, of_the_other, 2.0**-60)(history) for of_the_other in (60.9, 61.1)]
    assert pays == [False, True]


def test_a_slow_beginning_is_forgotten_and_no_progress_is_the_end():
    slow_first = [2.0] * 10 + list(2.0 * 0.5 ** np.arange(15))
    assert solver.Forecast(5, 80.0, 2.0**-60)(history_of(slow_first))
    assert solver.Forecast(25, 80.0, 2.0**-60)(history_of([2.0] * 25))
    assert not solver.Forecast(24, 1e9, 2.0**-60)(history_of([2.0] * 25))


def test_max_iter_is_of_both(allow):
    allow(5, 5)
    solution = fit(100.0, max_iter=3, tol=1e-7)
    assert solution.n_iter == 3 and not solution.converged and np.isfinite(solution.bound)


def test_who_is_tried():
    """Rows of few entries; not dense ones, nor what cannot be counted."""
    assert solver.ascent_rounds(2_000, 20_001, 100_000) > 10 * solver.FEWEST_ROUNDS
    assert solver.ascent_rounds(2_000, 20_001, 4_000_000) == solver.FEWEST_ROUNDS
    assert solver.ascent_rounds(2_000, 20_001, 40_000_000) == 0
    assert solver.ascent_rounds(2_000, 1_001, 2_000_000) == 0
    assert solver.ascent_rounds(2_000, 20_001, np.inf) == 0
