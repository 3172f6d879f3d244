# SPDX-License-Identifier: BSD-3-Clause
"""The bootstrap: the same sample for any sharding, drawn with the right probabilities."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chisquare

from skdist.kernels.bootstrap import block_counts, draw_counts

NO_WEIGHTS = np.empty(0)


def drawn(seed, sizes, n_draws, weight=None):
    """The whole sample, in one piece."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    if weight is None:
        counts = block_counts(seed, np.array(sizes, float), n_draws)
        return draw_counts(seed, 0, starts, counts, NO_WEIGHTS)
    mass = np.array([weight[a:b].sum() for a, b in pairwise(starts)])
    return draw_counts(seed, 0, starts, block_counts(seed, mass, n_draws), cumulate(weight, starts))


def cumulate(weight, starts):
    return np.concatenate([np.cumsum(weight[a:b]) for a, b in pairwise(starts)])


@given(
    st.integers(0, 2**31),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.integers(0, 200),
    st.data(),
)
def test_shards_draw_their_part_of_the_same_sample(seed, sizes, n_draws, data):
    weighted = data.draw(st.booleans())
    weight = np.random.default_rng(seed).random(sum(sizes)) if weighted else None
    whole = drawn(seed, sizes, n_draws, weight)
    assert whole.sum() == n_draws
    cut = data.draw(st.integers(0, len(sizes)))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    mass = np.array(sizes, float)
    if weighted:
        mass = np.array([weight[a:b].sum() for a, b in pairwise(starts)])
    counts = block_counts(seed, mass, n_draws)
    parts = []
    for first, stop in ((0, cut), (cut, len(sizes))):
        own = starts[first : stop + 1] - starts[first]
        cumulative = NO_WEIGHTS
        if weighted and stop > first:
            cumulative = cumulate(weight[starts[first] : starts[stop]], own)
        parts.append(draw_counts(seed, first, own, counts[first:stop], cumulative))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_every_row_is_as_likely():
    samples = np.array([drawn(seed, [7, 7, 6], 20) for seed in range(3000)])
    assert chisquare(samples.sum(axis=0)).pvalue > 1e-3
    observed = np.bincount(samples.ravel())
    expected = binom.pmf(np.arange(5), 20, 1 / 20) * samples.size
    np.testing.assert_allclose(observed[:4], expected[:4], rtol=0.05)


def test_rows_are_drawn_by_weight():
    weight = np.array([1.0, 0.0, 3.0, 2.0, 0.0, 0.0, 0.0, 4.0, 0.5, 0.5, 0.0])
    samples = np.array([drawn(seed, [4, 3, 4], 12, weight) for seed in range(3000)])
    total = samples.sum(axis=0)
    np.testing.assert_array_equal(total[weight == 0], 0)
    some = weight > 0
    expected = weight[some] / weight.sum() * total.sum()
    assert chisquare(total[some], expected).pvalue > 1e-3


def test_draws_that_rounding_gave_to_weightless_rows_are_dropped():
    starts, cumulative = np.array([0, 2, 4]), np.array([1.0, 2.0, 0.0, 0.0])
    sample = draw_counts(1, 0, starts, np.array([3, 1]), cumulative)
    assert sample[:2].sum() == 3
    np.testing.assert_array_equal(sample[2:], 0)


def test_trees_have_samples_of_their_own():
    a, b = drawn(1, [50, 50], 100), drawn(2, [50, 50], 100)
    assert (a != b).mean() > 0.3
