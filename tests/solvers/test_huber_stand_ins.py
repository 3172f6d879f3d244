# SPDX-License-Identifier: BSD-3-Clause
"""Sums of Huber regression carried on to another point."""

from dataclasses import replace

import numpy as np

from skdist.sharding import shard_rows
from skdist.solvers.huber_problem import HuberProblem, huber_sums_of
from skdist.solvers.huber_stand_ins import without_crossing


def sums_at(w, y):
    X = np.random.default_rng(0).normal(size=(60, 3))
    shards = shard_rows(X, X @ [1.0, 2.0, 3.0] + y, n_shards=1, n_jobs=1)
    return shards.map_reduce(huber_sums_of, HuberProblem(3, 60.0), w, 1.0, True)


def test_sums_are_those_of_the_other_point_if_no_row_crosses():
    y = np.where(np.arange(60) % 3, 0.1, 30.0)  # far within, and far outside
    here, step = np.array([-1.0, -2.0, -3.0, 0.0]) * -1.0, np.full(4, 0.01)
    moved, there = without_crossing(sums_at(here, y), step), sums_at(here + step, y)
    assert 0 < there.totals[2] < 60
    for name, value in vars(there).items():
        np.testing.assert_allclose(getattr(moved, name), value, rtol=1e-12, err_msg=name)


def test_sums_themselves_stay():
    sums = sums_at(np.zeros(4), np.zeros(60))
    before = replace(sums, totals=sums.totals.copy(), inner=sums.inner.copy())
    without_crossing(sums, np.ones(4))
    np.testing.assert_array_equal(sums.totals, before.totals)
    np.testing.assert_array_equal(sums.inner, before.inner)
