# SPDX-License-Identifier: BSD-3-Clause
"""Merged moments are those of all rows, also where sums about zero would have lost them."""

from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest

from skdist.kernels.centred_products import centred_products
from skdist.summaries import Moments

RNG = np.random.default_rng(0)
X = RNG.normal([0.0, 1e8, -3.0], [1.0, 1.0, 1e-3], (400, 3))
Y = X @ RNG.normal(size=(3, 2)) + RNG.normal(size=(400, 2))
WEIGHT = RNG.integers(0, 4, 400).astype(float)


def of(rows, weight=WEIGHT):
    return Moments(len(X[rows]), *centred_products(X[rows], Y[rows], weight[rows]))


def exact():
    """By definition, in longer numbers."""
    long = np.longdouble
    w, x, y = WEIGHT.astype(long)[:, None], X.astype(long), Y.astype(long)
    total = w.sum()
    u, v = x - (w * x).sum(0) / total, y - (w * y).sum(0) / total
    return (w * u).T @ u, (w * u).T @ v, (w * v * v).sum(0), (w * x).sum(0) / total


@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 390], list(range(1, 400))])
def test_merged_moments_are_those_of_all_rows(cuts):
    edges = [0, *cuts, 400]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    merged = reduce(add, map(of, parts))
    xx, xy, yy, mean = exact()
    scale = np.sqrt(np.diag(xx).astype(float))
    assert merged.n_rows == 400 and merged.weight == WEIGHT.sum()
    assert np.abs(merged.xx - xx).max() < 1e-7 * scale.max() ** 2
    assert np.abs((merged.xx - xx) / np.outer(scale, scale)).max() < 1e-7
    np.testing.assert_allclose(merged.xy / scale[:, None], xy / scale[:, None], rtol=1e-6)
    np.testing.assert_allclose(merged.yy, yy.astype(float), rtol=1e-7)
    np.testing.assert_allclose(merged.x_mean, mean.astype(float), rtol=1e-12)


def test_a_part_without_weight_moves_nothing():
    whole, none = of(slice(0, 50)), of(slice(50, 60), np.zeros(400))
    for merged in (whole + none, none + whole):
        np.testing.assert_array_equal(merged.x_mean, whole.x_mean)
        np.testing.assert_array_equal(merged.xx, whole.xx)
        assert merged.n_rows == 60 and merged.weight == whole.weight


def test_about_zero():
    raw = of(slice(None)).about_zero()
    np.testing.assert_allclose(raw.xx, (X * WEIGHT[:, None]).T @ X, rtol=1e-12)
    np.testing.assert_allclose(raw.xy, (X * WEIGHT[:, None]).T @ Y, rtol=1e-12)
    np.testing.assert_allclose(raw.yy, (Y * WEIGHT[:, None] * Y).sum(0), rtol=1e-12)
    assert not raw.x_mean.any() and not raw.y_mean.any()
