# SPDX-License-Identifier: BSD-3-Clause
"""Codes, and the edges they refer to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdist.kernels.binning import MAX_BINS, MISSING, bin_edges, encode, make_bins

FLOATS = st.floats(-(2**60), 2**60, width=32)
COLUMNS = arrays(np.float32, st.integers(1, 60), elements=FLOATS | st.just(np.nan))


def codes_of(column, edges):
    return np.where(np.isnan(column), MISSING, np.searchsorted(edges, column))


@given(COLUMNS, st.integers(2, 20))
def test_edges_cut_between_values(column, max_bins):
    edges, centres = bin_edges(column, max_bins=max_bins)
    values = np.unique(column[~np.isnan(column)])
    assert len(centres) == len(edges) + 1 <= max_bins
    assert edges.dtype == centres.dtype == np.float32
    assert (np.diff(edges) > 0).all()
    codes = np.searchsorted(edges, values)
    if len(values):
        assert set(codes) == set(range(len(centres)))  # no bin is empty
        np.testing.assert_array_equal(np.searchsorted(edges, centres), np.arange(len(centres)))
        assert np.isin(centres, values).all()
    for b, edge in enumerate(edges):
        low, high = values[codes == b].max(), values[codes == b + 1].min()
        assert low <= edge < high
        assert edge == pytest.approx((np.float64(low) + high) / 2, rel=1e-6, abs=1e-37)
    if len(values) <= max_bins:
        np.testing.assert_array_equal(codes, np.arange(len(values)))


def test_neighbouring_floats_are_told_apart():
    low = np.float32(1.0)
    column = np.array([low, np.nextafter(low, np.float32(2))])
    edges, _ = bin_edges(column)
    assert codes_of(column, edges).tolist() == [0, 1]


@pytest.mark.parametrize("weighted", [False, True])
def test_bins_have_equal_mass(weighted):
    rng = np.random.default_rng(0)
    column, weight = rng.normal(size=20_000).astype(np.float32), rng.random(20_000)
    edges, centres = bin_edges(column, weight if weighted else None)
    assert len(centres) == MAX_BINS
    mass = np.bincount(codes_of(column, edges), weight if weighted else None)
    np.testing.assert_allclose(mass * MAX_BINS / mass.sum(), 1, atol=0.06)


@pytest.mark.parametrize("heavy", [[0], [150], [300], [0, 300], [10, 11, 290], [299]])
@pytest.mark.parametrize("max_bins", [255, 40])
def test_frequent_values_leave_the_other_bins_to_the_others(heavy, max_bins):
    """One value in most rows: the others get all other bins, whichever side they lie on."""
    counts = np.full(301, 10)
    counts[heavy] = 100_000
    column = np.repeat(np.arange(301, dtype=np.float32), counts)
    edges, centres = bin_edges(column, max_bins=max_bins)
    assert max_bins - 1 <= len(centres) <= max_bins
    light = np.delete(counts, heavy)
    mass = np.bincount(np.searchsorted(edges, np.delete(np.arange(301), heavy)), light)
    assert mass.max() <= 2 * light.sum() / (max_bins - len(heavy))


def test_a_value_in_all_rows_but_few_keeps_a_bin():
    """The others together weigh less than a bin's share."""
    column = np.r_[np.arange(300), np.full(200_000, 300)].astype(np.float32)
    for sign in (1, -1):
        edges, centres = bin_edges(sign * column)
        assert len(centres) == MAX_BINS
        others = codes_of(sign * column[:300], edges)
        assert codes_of(np.float32([sign * 300]), edges)[0] not in others


def test_masses_may_be_zero():
    column = np.arange(600, dtype=np.float32)
    weight = (np.arange(600) >= 500).astype(float)
    edges, centres = bin_edges(column, weight)
    assert len(centres) <= MAX_BINS
    assert len(np.unique(codes_of(column[500:], edges))) == 100


def test_a_column_of_nan_alone_has_one_bin():
    edges, centres = bin_edges(np.full(5, np.nan, np.float32))
    assert len(edges) == 0
    assert len(centres) == 1


@given(arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=FLOATS))
def test_codes_count_the_edges_below(X):
    bins = make_bins(
        (column, None) for column in X[::2].T
    )  # values beyond the sample's get the outer bins
    codes = encode(X, bins)
    assert codes.shape == X.shape[::-1]
    for f, n_edges in enumerate(bins.n_edges):
        edges = bins.edges[f, :n_edges]
        np.testing.assert_array_equal(codes[f], codes_of(X[:, f], edges))
        for b in range(n_edges):  # the threshold says of X what the code says of codes
            np.testing.assert_array_equal(X[:, f] <= bins.edges[f, b], codes[f] <= b)


def test_blocks_and_missing_values():
    """More rows than a block, more edges than 127, NaN anywhere."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2500, 3)).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 2] = np.nan
    bins = make_bins((column, None) for column in X.T)
    codes = encode(X, bins)
    np.testing.assert_array_equal(codes == MISSING, np.isnan(X).T)
    for f in range(2):
        edges = bins.edges[f, : bins.n_edges[f]]
        np.testing.assert_array_equal(codes[f], codes_of(X[:, f], edges))
    np.testing.assert_array_equal(encode(np.ascontiguousarray(X[::-1]), bins), codes[:, ::-1])
