# SPDX-License-Identifier: BSD-3-Clause
"""Random numbers are functions of (key, counter), and look random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy.stats import chisquare, kstest

from skdist.kernels.counter_rng import (
    draw_below,
    draw_unit,
    hash_rows,
    left_key,
    mix,
    right_key,
    root_key,
)

GOLDEN = 0x9E3779B97F4A7C15
MASK = 2**64 - 1


@njit
def many_below(key, n, bound):
    out = np.empty(n, np.int64)
    for i in range(n):
        out[i] = draw_below(key, i, bound)
    return out


@njit
def many_units(key, n):
    out = np.empty(n)
    for i in range(n):
        out[i] = draw_unit(key, i)
    return out


@njit
def keys_below(key, depth):
    """Keys of all nodes of a full binary tree."""
    out = np.empty(2 ** (depth + 1) - 1, np.uint64)
    out[0] = key
    for t in range(2**depth - 1):
        out[2 * t + 1], out[2 * t + 2] = left_key(out[t]), right_key(out[t])
    return out


def test_it_is_splitmix64():
    """The first outputs of Vigna's splitmix64.c from the state 0."""
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    states = [((i + 1) * GOLDEN) & MASK for i in range(4)]
    assert [int(mix(np.uint64(state))) for state in states] == expected


@given(st.integers(0, MASK), st.integers(0, 2**32))
def test_unit_has_the_upper_53_bits(key, counter):
    bits = int(mix(np.uint64((key + (counter + 1) * GOLDEN) & MASK)))
    assert draw_unit(np.uint64(key), counter) == (bits >> 11) / 2**53


@pytest.mark.parametrize("bound", [1, 2, 7, 300])
def test_draws_below_a_bound_are_uniform(bound):
    draws = many_below(np.uint64(root_key(5)), 100 * bound, bound)
    assert draws.min() >= 0
    assert draws.max() < bound
    if bound > 1:
        assert chisquare(np.bincount(draws, minlength=bound)).pvalue > 1e-3


def test_units_are_uniform():
    assert kstest(many_units(np.uint64(root_key(5)), 10_000), "uniform").pvalue > 1e-3


def test_nodes_have_keys_of_their_own():
    keys = np.concatenate([keys_below(np.uint64(root_key(seed)), 10) for seed in range(20)])
    assert len(np.unique(keys)) == len(keys)
    # First draws of parent and child, of siblings, and of neighbouring seeds do not go together.
    first = np.array([draw_unit(key, 0) for key in keys[:2047]])
    left, right = first[1::2], first[2::2]
    parent = first[: len(left)]
    seeds = np.array([draw_unit(np.uint64(root_key(seed)), 0) for seed in range(1000)])
    pairs = [(left, right), (parent, left), (parent, right), (seeds[1:], seeds[:-1])]
    assert all(abs(np.corrcoef(a, b)[0, 1]) < 0.12 for a, b in pairs)


@given(st.integers(0, 2**31), st.integers(0, 10**6), st.integers(0, 60), st.integers(0, 60))
def test_hashes_of_rows_do_not_depend_on_the_cut(seed, first, n, cut):
    whole = hash_rows(seed, first, n)
    cut = min(cut, n)
    parts = hash_rows(seed, first, cut), hash_rows(seed, first + cut, n - cut)
    np.testing.assert_array_equal(np.concatenate(parts), whole)
