# SPDX-License-Identifier: BSD-3-Clause
"""Bins that do not depend on the shards, and bins from what shards may tell."""

import numpy as np
import pytest

from skdist.sharding import shard_rows
from skdist.solvers.quantile_bins import _sketch, quantile_bins, sketched_bins


def some_rows(n=3000, seed=0):
    """A continuous column, one of few values, a constant, one with NaN, one of NaN alone."""
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [rng.normal(size=n), rng.integers(0, 9, n), np.ones(n), rng.exponential(size=n), np.ones(n)]
    ).astype(np.float32)
    X[rng.random(n) < 0.3, 3] = np.nan
    X[:, 4] = np.nan
    return X


@pytest.mark.parametrize("n_shards", [2, 7])
@pytest.mark.parametrize("size", [500, 10_000])
def test_bins_do_not_depend_on_the_shards(n_shards, size):
    X = some_rows()
    one = quantile_bins(shard_rows(X, n_shards=1, n_jobs=1), size=size)
    several = quantile_bins(shard_rows(X, n_shards=n_shards, n_jobs=1), size=size)
    for a, b in zip(one, several, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_sample_has_about_the_size_asked_for_and_the_quantiles_of_all_rows():
    X = some_rows(20_000)
    small = quantile_bins(shard_rows(X, n_shards=3, n_jobs=1), size=5000)
    share_below = (X[:, [0]] <= small.edges[0, : small.n_edges[0]]).mean(axis=0)
    expected = np.arange(1, small.n_edges[0] + 1) / (small.n_edges[0] + 1)
    # DKW, 5000 rows, 99.99 %: 0.03
    assert np.abs(share_below - expected).max() < 0.03


@pytest.mark.parametrize("make", [quantile_bins, sketched_bins])
def test_a_weight_of_two_is_the_row_twice_and_of_zero_no_row(make):
    X, w = some_rows(400), np.random.default_rng(1).integers(0, 3, 400).astype(float)
    weighted = make(shard_rows(X, None, w, n_shards=1, n_jobs=1))
    repeated = make(shard_rows(np.repeat(X, w.astype(int), axis=0), n_shards=1, n_jobs=1))
    for a, b in zip(weighted, repeated, strict=True):
        np.testing.assert_array_equal(a, b)


def test_sketches_are_exact_for_few_distinct_values():
    X = some_rows()[:, 1:3]
    whole = quantile_bins(shard_rows(X, n_shards=1, n_jobs=1))
    sketched = sketched_bins(shard_rows(X, n_shards=5, n_jobs=1))
    for a, b in zip(whole, sketched, strict=True):
        np.testing.assert_array_equal(a, b)


def test_sketched_quantiles_are_close():
    X = np.sort(some_rows()[:, :1], axis=0)  # shards as unlike as can be
    bins = sketched_bins(shard_rows(X, n_shards=4, n_jobs=1))
    share_below = (X <= bins.edges[0, : bins.n_edges[0]]).mean(axis=0)
    expected = np.arange(1, bins.n_edges[0] + 1) / (bins.n_edges[0] + 1)
    assert bins.n_edges[0] > 200
    assert np.abs(share_below - expected).max() < 0.03


def test_shards_send_bins_and_not_rows():
    X = some_rows(50_000)
    shards = shard_rows(X, n_shards=4, n_jobs=1)
    for sketch in shards.map(_sketch):
        assert max(len(values) for values, _ in sketch) <= 255
