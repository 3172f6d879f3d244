# SPDX-License-Identifier: BSD-3-Clause
"""Coordinate ascent first: within its share of operations, and certified whoever ends it."""

import numpy as np
import pytest
from test_cocoa import WIDE, WIDE_Y, assert_solved
from test_hinge_interior_point import objective_of

import skdist.solvers.hinge_dual_ascent as solver
from skdist.sharding import one_blas_thread, shard_rows


@pytest.fixture(autouse=True)
def one_thread():
    with one_blas_thread():
        yield


def fit(C=1.0, **options):
    shards = shard_rows(WIDE, WIDE_Y, n_shards=1, n_jobs=1)
    return solver.hinge_dual_ascent(shards, objective_of(WIDE, C), **options)


@pytest.mark.parametrize("most", [0, 1, 2, 1000])
@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
def test_the_minimum_whoever_finds_it(monkeypatch, most, C):
    monkeypatch.setattr(solver, "ascent_rounds", lambda n, p, n_entries: most)
    solution = fit(C)
    assert_solved(solution, WIDE, WIDE_Y, C=C)
    assert solution.n_iter >= 1 and solution.history[-1].value >= solution.value


def test_the_other_one_goes_on_where_it_ended(monkeypatch):
    monkeypatch.setattr(solver, "ascent_rounds", lambda n, p, n_entries: 2)
    both = fit(100.0)
    values = [step.value for step in both.history]
    assert both.converged and both.n_iter > 2
    assert values[3] == pytest.approx(values[2])  # the first point of the interior point method


def test_max_iter_is_of_both(monkeypatch):
    monkeypatch.setattr(solver, "ascent_rounds", lambda n, p, n_entries: 5)
    solution = fit(100.0, max_iter=3, tol=1e-7)
    assert solution.n_iter == 3 and not solution.converged and np.isfinite(solution.bound)


def test_the_share():
    """Of few entries many rounds; of dense rows of as many columns not enough."""
    assert solver.ascent_rounds(2_000, 20_001, 100_000) >= solver.FEWEST_ROUNDS
    assert solver.ascent_rounds(2_000, 20_001, 40_000_000) == 0
    assert solver.ascent_rounds(2_000, 20_001, np.inf) == 0
