# SPDX-License-Identifier: BSD-3-Clause
"""The middle values of columns, exactly, however large, small or alike the values are."""

import functools
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdist.kernels.ordered_bits import floats_of, ordered_bits
from skdist.sharding import shard_rows
from skdist.solvers import column_medians as module
from skdist.solvers.column_medians import column_medians


class Serial:
    """Shards, one after the other."""

    def __init__(self, X, n_shards):
        cut = shard_rows(X, n_shards=n_shards, n_jobs=1)
        self.shards, self.rounds = cut.map(lambda shard: shard), 0

    def map_reduce(self, summarize, *broadcast):
        self.rounds += 1
        found = [summarize(shard, *broadcast) for shard in self.shards]
        return functools.reduce(operator.add, found)


def middle_of(column):
    values = np.sort(column[~np.isnan(column)])
    n = len(values)
    return (values[(n - 1) // 2], values[n // 2]) if n else (np.nan, np.nan)


def check(X, n_shards):
    shards = Serial(X, n_shards)
    middle, n_values = column_medians(shards, X.shape[1])
    expected = np.array([middle_of(column) for column in X.T]).T
    np.testing.assert_array_equal(middle, expected)
    np.testing.assert_array_equal(n_values, (~np.isnan(X)).sum(axis=0))
    return shards.rounds


ANY = st.floats(allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0, np.nan])


@given(arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=ANY))
def test_any_numbers(X):
    check(X, min(len(X), 3))


@pytest.mark.parametrize("few", [0, 3, 1 << 12])
@pytest.mark.parametrize("most", [1 << 6, 1 << 18])
def test_whatever_the_widths(monkeypatch, few, most):
    monkeypatch.setattr(module, "FEW", few)
    monkeypatch.setattr(module, "MOST_COUNTS", most)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3)) * [1.0, 1e200, 1e-200]
    X[rng.random(X.shape) < 0.2] = np.nan
    X[:, 1] = np.round(X[:, 1], -199)
    rounds = check(X, 5)
    assert rounds <= 64 // 4 + 1
    assert rounds == 2 or few < 1 << 12


def test_few_rounds_of_many_values():
    X = np.random.default_rng(0).normal(3.0, size=(100_000, 2))
    assert check(X, 4) == 3


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_bits_and_floats(values):
    z = np.array(values)
    bits = ordered_bits(z)
    np.testing.assert_array_equal(floats_of(bits), z)
    np.testing.assert_array_equal(np.argsort(z, kind="stable"), np.argsort(bits, kind="stable"))
