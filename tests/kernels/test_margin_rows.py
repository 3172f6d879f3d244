# SPDX-License-Identifier: BSD-3-Clause
"""Rows seen from a plane, against the formulas."""

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix, issparse

from skdist.kernels.margin_rows import (
    BLOCK_ROWS,
    EDGES,
    drawn_rows,
    histogram_of,
    pulled,
    signed_rows,
    slack_of,
    widest_bin_below,
)

RNG = np.random.default_rng(0)
N, D = 60, 4
X = RNG.normal(size=(N, D)).astype(np.float32).astype(np.float64) * (RNG.random((N, D)) < 0.6)
Y = (RNG.random(N) < 0.4).astype(float)
SIGN = 2 * Y - 1
WEIGHT = RNG.random(N)
CONTAINERS = [np.array, csr_matrix, csr_array, lambda X: X.astype(np.float32)]


def extended(constant):
    column = np.full((N, 1), constant) if constant else np.empty((N, 0))
    return SIGN[:, None] * np.hstack([X, column])


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("constant", [0.0, 2.5])
def test_slack_pull_and_rows(container, constant):
    given, R = container(X), extended(constant)
    w = RNG.normal(size=R.shape[1])
    np.testing.assert_allclose(slack_of(given, Y, w, constant), R @ w - 1, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(pulled(given, Y, WEIGHT, constant), WEIGHT @ R, rtol=1e-12)
    chosen = WEIGHT > 0.5
    rows = signed_rows(given, Y, chosen, constant)
    assert issparse(rows) == issparse(given) and rows.dtype == np.float64
    np.testing.assert_array_equal(rows.toarray() if issparse(rows) else rows, R[chosen])


def test_several_blocks_are_all_rows():
    n = BLOCK_ROWS + 5
    X = np.arange(n, dtype=np.float32)[:, None]
    y = np.ones(n)
    np.testing.assert_array_equal(slack_of(X, y, np.array([2.0]), 0.0), 2.0 * np.arange(n) - 1.0)
    assert pulled(X, y, y, 0.0)[0] == n * (n - 1) / 2


def test_no_rows():
    none = np.empty((0, 2))
    assert slack_of(none, np.empty(0), np.ones(3), 1.0).shape == (0,)
    assert pulled(none, np.empty(0), np.empty(0), 1.0).tolist() == [0.0, 0.0, 0.0]
    assert histogram_of(np.empty(0)).sum() == 0


def test_a_width_holds_the_rows_asked_for():
    q = RNG.normal(size=5000)
    width = widest_bin_below(histogram_of(q), 700)
    inside = (np.abs(q) < width).sum()
    assert 700 <= inside <= 1.2 * 700


def test_a_width_of_more_rows_than_there_are_is_endless():
    assert widest_bin_below(histogram_of(np.array([0.0, 1e-30, 1.0, 1e30])), 5) == np.inf


def test_many_rows_at_one_place_are_left_out():
    q = np.concatenate([np.full(10_000, -1.0), np.linspace(0.01, 0.1, 50)])
    width = widest_bin_below(histogram_of(q), 100)
    assert (np.abs(q) < width).sum() == 50


def test_every_distance_has_a_bin():
    q = np.array([0.0, -1e-300, 1e-12, -3.0, 1e12, 1e300, -np.inf])
    counts = histogram_of(q)
    assert counts.sum() == len(q) and len(counts) == len(EDGES)
    assert counts[0] == 2 and counts[-1] == 3


def test_draws_are_those_of_the_rows_numbers_and_uniform():
    whole = drawn_rows(0, 30_000, key=3)
    parts = [drawn_rows(0, 11_000, key=3), drawn_rows(11_000, 19_000, key=3)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(whole, drawn_rows(0, 30_000, key=4))
    counts = np.histogram(whole, 10, (0, 1))[0]
    assert counts.sum() == 30_000 and np.abs(counts - 3_000).max() < 250
    assert abs(np.corrcoef(whole[1:], whole[:-1])[0, 1]) < 0.02
