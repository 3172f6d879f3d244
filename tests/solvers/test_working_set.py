# SPDX-License-Identifier: BSD-3-Clause
"""Who is in a block."""

import numpy as np
import pytest

from skdist.solvers.dual_certificate import Box
from skdist.solvers.working_set import working_set

NOBODY = np.empty(0, np.intp)


def case(n=1000, groups=1, seed=0):
    rng = np.random.default_rng(seed)
    low, high = np.zeros(n), np.ones(n)
    coef = rng.choice([0.0, 0.5, 1.0], n, p=[0.45, 0.1, 0.45])
    side = np.arange(n) % 2 == 0
    parts = (side, ~side) if groups == 2 else (np.ones(n, bool),)
    return Box(low, high, parts), coef, rng.normal(size=n)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("size", [8, 50, 200])
def test_the_extremes_are_in_it(groups, size):
    box, coef, slope = case(groups=groups)
    block = working_set(box, coef, slope, NOBODY, size)
    assert len(block) <= size and len(np.unique(block)) == len(block)
    for group in box.groups:
        up, down = group & (coef < 1.0), group & (coef > 0.0)
        assert np.flatnonzero(up)[slope[up].argmin()] in block
        assert np.flatnonzero(down)[slope[down].argmax()] in block


def test_all_others_violate_too():
    box, coef, slope = case()
    block = working_set(box, coef, slope, NOBODY, 100)
    middle = slope[(coef > 0.0) & (coef < 1.0)].mean()
    assert 95 <= len(block) <= 100
    rising, falling = block[coef[block] == 0.0], block[coef[block] == 1.0]
    assert (slope[rising] <= middle).all() and (slope[falling] >= middle).all()
    low = np.sort(slope[(coef == 0.0)])
    assert slope[rising].max() > low[60]  # not the lowest alone


def test_groups_come_one_after_the_other():
    box, coef, slope = case(groups=2)
    before = np.array([1, 2, 3, 4])
    coef[before] = 0.5
    block = working_set(box, coef, slope, before, 60)
    first = box.groups[0][block]
    assert first[: first.sum()].all() and 10 < first.sum() < 50
    assert np.isin(before, block).all()


def test_half_stays_if_it_is_free():
    box, coef, slope = case()
    before = np.arange(0, 80)
    coef[:70], coef[70:80] = 0.5, 1.0
    slope[:80] = 0.0
    block = working_set(box, coef, slope, before, 100)
    assert np.isin(np.arange(50), block).all() and not np.isin(np.arange(70, 80), block).any()
    assert len(np.unique(block)) == len(block)


def test_all_if_there_is_room():
    box, coef, slope = case(30, groups=2)
    block = working_set(box, coef, slope, NOBODY, 30)
    np.testing.assert_array_equal(block, [*range(0, 30, 2), *range(1, 30, 2)])


def test_the_lowest_is_in_it_where_all_free_slopes_are_alike():
    box, coef, slope = case(100)
    coef[:], slope[:] = 0.5, 1.0
    slope[7], coef[7] = 0.0, 0.0
    assert 7 in working_set(box, coef, slope, NOBODY, 10)


def test_nothing_can_move():
    box, _, slope = case(100)
    assert len(working_set(box, np.zeros(100), slope, NOBODY, 10)) == 0
