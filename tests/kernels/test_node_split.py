# SPDX-License-Identifier: BSD-3-Clause
"""The best threshold of a histogram, against all splits written out."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdist.kernels.binning import MISSING
from skdist.kernels.node_split import (
    ENTROPY,
    GINI,
    POISSON,
    SQUARED_ERROR,
    WITH_MOST,
    Best,
    Node,
    Rules,
    best_threshold,
    empty_histogram,
    node_score,
    random_threshold,
)

CENTRES = np.arange(256, dtype=np.float32) ** 2  # gaps of different width


class Rows(NamedTuple):
    """Rows of one node: codes of one feature, and a row of channels each."""

    codes: np.ndarray
    channels: np.ndarray


def rules_for(criterion, **changes):
    rules = Rules(criterion, 0, False, False, 1, 9, 2, 1, 0.0, -np.inf)
    n_classes = 3 if criterion in (GINI, ENTROPY) else 0
    return rules._replace(n_classes=n_classes, **changes)


def node_of(rows, scale, least_weight=0.0, key=7):
    n = rows.channels.shape[1]
    total, nothing = rows.channels.sum(axis=0), np.zeros(n, np.int64)
    return Node(total, scale, nothing, np.uint64(key), len(rows.codes), least_weight)


def fill(rows):
    histogram, n = empty_histogram(rows.channels.shape[1]), rows.channels.shape[1]
    for code, own in zip(rows.codes, rows.channels, strict=True):
        histogram.channels[code * n : code * n + n] += own
        histogram.rows[code] += 1
        histogram.occupied[code // 64] |= np.uint64(1) << np.uint64(code % 64)
    return histogram


def nothing_yet():
    return Best(np.array([-np.inf]), np.full(3, -2))


def impurity(criterion, channels, scale):
    """Weight times impurity, as the textbooks write it."""
    if criterion in (GINI, ENTROPY):
        mass = channels * scale
        share = mass[mass > 0] / mass.sum()
        if criterion == GINI:
            return mass.sum() * (1 - (share**2).sum())
        return -mass.sum() * (share * np.log(share)).sum()
    w, s = channels.astype(float)
    if criterion == SQUARED_ERROR:  # but for the sum of squares, the same for every split
        return -s * s / w
    return -s * np.log(s / w) if s > 0 else np.inf


def weigh(rules, channels, scale):
    return (channels * scale).sum() if rules.n_classes else channels[0]


def decrease(rules, rows, goes_left, node):
    """Weighted decrease of the impurity by a split; -inf where it is not allowed."""
    sides = [rows.channels[goes_left].sum(axis=0), rows.channels[~goes_left].sum(axis=0)]
    counts = [goes_left.sum(), (~goes_left).sum()]
    if min(counts) < rules.min_samples_leaf:
        return -np.inf
    if min(weigh(rules, side, node.scale) for side in sides) < node.least_weight:
        return -np.inf
    whole = impurity(rules.criterion, node.total, node.scale)
    if rules.criterion == POISSON and node.total[1] == 0:
        whole = 0.0
    return whole - sum(impurity(rules.criterion, side, node.scale) for side in sides)


def all_splits(rows):
    """Every set of rows that a threshold, with NaN on either side, sends to the left."""
    numbers = rows.codes != MISSING
    for code in np.unique(rows.codes[numbers]):
        below = numbers & (rows.codes <= code)
        for goes_left in (below, below | ~numbers):
            if 0 < goes_left.sum() < len(goes_left):
                yield goes_left


def taken_left(rows, split):
    missing = rows.codes == MISSING
    return np.where(missing, split[2] > 0, rows.codes <= split[1])


@st.composite
def nodes(draw):
    criterion = draw(st.sampled_from([GINI, ENTROPY, SQUARED_ERROR, POISSON]))
    n = draw(st.integers(1, 12))
    codes = draw(
        st.lists(st.sampled_from([0, 1, 63, 64, 130, 254, MISSING]), min_size=n, max_size=n)
    )
    weight = np.array(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)))
    if criterion in (GINI, ENTROPY):
        n_present = draw(st.integers(1, 3))
        classes = draw(st.lists(st.integers(0, n_present - 1), min_size=n, max_size=n))
        channels = np.eye(n_present, dtype=np.int64)[classes] * weight[:, None]
        scale = np.array([1.0, 0.5, 2.25])[:n_present]
        keep = channels.sum(axis=0) > 0
        channels, scale = np.ascontiguousarray(channels[:, keep]), scale[keep]
    else:
        low = 0 if criterion == POISSON else -9
        y = np.array(draw(st.lists(st.integers(low, 9), min_size=n, max_size=n)))
        channels, scale = np.stack([weight, weight * y], axis=1), np.ones(2)
    rules = rules_for(criterion, min_samples_leaf=draw(st.integers(1, 3)))
    rows = Rows(np.array(codes), channels)
    return rules, rows, node_of(rows, scale, draw(st.sampled_from([0.0, 1.0, 3.0])))


def score_difference(rules, best, node):
    return best.score[0] - node_score(rules.criterion, node)[0]


def assert_cleared(histogram):
    for column in (histogram.channels, histogram.rows, histogram.occupied):
        assert not column.any()


@settings(max_examples=300)
@given(nodes())
def test_best_threshold_is_the_best_of_all_splits(case):
    rules, rows, node = case
    histogram, best = fill(rows), nothing_yet()
    varies = best_threshold(rules, node, histogram, best, 5)
    assert bool(varies) == (len(np.unique(rows.codes)) > 1)
    assert_cleared(histogram)
    expected = max((decrease(rules, rows, s, node) for s in all_splits(rows)), default=-np.inf)
    if expected == -np.inf:
        assert best.split[0] == -2
        return
    assert best.split[0] == 5
    np.testing.assert_allclose(score_difference(rules, best, node), expected, atol=1e-9)
    made = decrease(rules, rows, taken_left(rows, best.split), node)
    np.testing.assert_allclose(made, expected, atol=1e-9)


@settings(max_examples=200)
@given(nodes(), st.integers(0, 2**64 - 1))
def test_random_threshold_is_one_of_the_splits(case, key):
    rules, rows, node = case
    node = node._replace(key=np.uint64(key))
    histogram, best = fill(rows), nothing_yet()
    varies = random_threshold(rules, node, histogram, best, 5, CENTRES)
    assert bool(varies) == (len(np.unique(rows.codes)) > 1)
    assert_cleared(histogram)
    if best.split[0] == 5:
        goes_left = taken_left(rows, best.split)
        assert any((goes_left == s).all() for s in all_splits(rows))
        made = decrease(rules, rows, goes_left, node)
        np.testing.assert_allclose(score_difference(rules, best, node), made, atol=1e-9)


def test_random_thresholds_are_uniform_between_the_extremes():
    codes = np.array([2, 5, 6, 11])  # at 4, 25, 36, 121
    rows = Rows(codes, np.stack([np.ones(4, np.int64), np.arange(4)], axis=1))
    rules, cuts = rules_for(SQUARED_ERROR), []
    for key in range(3000):
        best = nothing_yet()
        node = node_of(rows, np.ones(2), key=key * 0x9E3779B97F4A7C15 % 2**64)
        random_threshold(rules, node, fill(rows), best, 0, CENTRES)
        cuts.append(taken_left(rows, best.split).sum())
    observed = np.bincount(cuts, minlength=4)[1:] / len(cuts)
    np.testing.assert_allclose(observed, np.array([21, 11, 85]) / 117, atol=0.03)


def test_a_better_feature_replaces_the_best_and_a_worse_one_does_not():
    target = np.array([0, 0, 1, 1])
    channels = np.eye(2, dtype=np.int64)[target]
    good, poor = Rows(np.array([3, 3, 9, 9]), channels), Rows(np.array([3, 9, 3, 9]), channels)
    rules, best = rules_for(GINI), nothing_yet()
    for feature, rows in enumerate([poor, good, poor]):
        best_threshold(rules, node_of(rows, np.ones(2)), fill(rows), best, feature)
    # Midway between the bins 3 and 9; no NaN was seen.
    assert best.split.tolist() == [1, 5, WITH_MOST]


@pytest.mark.parametrize("find", [best_threshold, random_threshold])
def test_missing_alone_on_one_side(find):
    """No two numbers differ: the one split is numbers against NaN."""
    rows = Rows(np.array([4, MISSING, 4]), np.array([[1, 1], [1, 5], [1, 2]]))
    best, args = nothing_yet(), (CENTRES,) if find is random_threshold else ()
    assert find(rules_for(SQUARED_ERROR), node_of(rows, np.ones(2)), fill(rows), best, 0, *args)
    assert taken_left(rows, best.split).tolist() == [True, False, True]
