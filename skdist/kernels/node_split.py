# SPDX-License-Identifier: BSD-3-Clause
"""The best split of one node along one feature, from the node's histogram.

A histogram row adds up, over the node's rows in one bin, integer channels:

    classification   c_k = sum of weights of class k                 (one channel a class)
    regression       (w, s) = (sum of weights, sum of weight * y)     in fixed point

All channels are integers, so a histogram does not depend on the order in which rows, shards or
workers add to it, and neither does the split that is read off it. A split into L and R has score

    gini            sum_k c_k(L)^2 / w(L)                   + the same of R
    entropy         sum_k c_k log c_k (L) - w log w (L)     + the same of R
    squared error   s(L)^2 / w(L)                           + the same of R
    poisson         s(L) log(s(L) / w(L))                   + the same of R

and score(L, R) - score(L + R) is the weighted decrease of the impurity: the best split has the
highest score. The same functions serve a node grown alone and one whose histogram was merged.
"""

from typing import NamedTuple

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from skdist.kernels.binning import MISSING
from skdist.kernels.compiling import inlined, no_alloc
from skdist.kernels.counter_rng import draw_unit

GINI, ENTROPY, SQUARED_ERROR, POISSON = 0, 1, 2, 3
WITH_MOST = 2  # where no NaN was seen, one that turns up later goes with most of the rows
N_CODES = 256
# Draws 0 ... d - 1 of a node's key choose features; those from here on thresholds and sides.
_THRESHOLDS, _SIDES = np.uint64(1 << 32), np.uint64(1 << 33)
_ONE, _63 = np.uint64(1), np.uint64(63)


class Rules(NamedTuple):
    """What a node must obey; scikit-learn's parameters, resolved to numbers."""

    criterion: int  # GINI, ENTROPY, SQUARED_ERROR or POISSON
    n_classes: int  # 0: regression
    balanced: bool  # classes weigh the same in every tree's sample
    random_splits: bool  # extremely randomised: one random threshold a feature
    max_features: int
    max_depth: int
    min_samples_split: int
    min_samples_leaf: int
    min_weight_fraction_leaf: float
    min_decrease: float  # least decrease of the impurity, in score units per unit of weight


class Node(NamedTuple):
    """What the splits of one node share."""

    total: np.ndarray  # (C,) int64, the node's channels; classes it lacks are left out
    scale: np.ndarray  # (C,) float64, the classes' weights; ones for regression
    nothing: np.ndarray  # (C,) int64 zeros
    key: np.uint64
    n_rows: int
    least_weight: float  # of a child


def n_channels(rules: Rules) -> int:
    """Channels of a histogram row: the classes, or (w, s)."""
    return rules.n_classes if rules.n_classes > 0 else 2


@inlined
def xlogx(x):
    return x * np.log(x) if x > 0.0 else 0.0


@inlined
def side_score(criterion, w, s):
    """Score of one child from its weight and the sum its criterion adds up."""
    if criterion == GINI:
        return s / w
    if criterion == ENTROPY:
        return s - xlogx(w)
    if criterion == SQUARED_ERROR:
        return s * s / w
    # A leaf that predicts zero has infinite deviance.
    return s * np.log(s / w) if s > 0.0 else -np.inf


@inlined
def node_score(criterion, node):
    """Score of the node left whole, and its weight."""
    w = s = 0.0
    if criterion == GINI or criterion == ENTROPY:
        for k in range(len(node.total)):
            a = node.total[k] * node.scale[k]
            w += a
            s += a * a if criterion == GINI else xlogx(a)
        return (s / w if criterion == GINI else s - xlogx(w)), w
    w, s = np.float64(node.total[0]), np.float64(node.total[1])
    if criterion == SQUARED_ERROR:
        return s * s / w, w
    return (s * np.log(s / w) if s > 0.0 else 0.0), w


class Histogram(NamedTuple):
    """One feature's histogram over the rows of one node; all zero between uses."""

    channels: np.ndarray  # (256 * C,) int64
    rows: np.ndarray  # (256,) int64, rows per bin; kept only where a leaf must hold several
    occupied: np.ndarray  # (4,) uint64, the bins that hold rows, as bits
    codes: np.ndarray  # (256,) int64, scratch: the bins that hold rows
    left: np.ndarray  # (C,) int64, scratch: what lies below a boundary
    beyond: np.ndarray  # (C,) int64, scratch: what lies above it
    missing: np.ndarray  # (C,) int64, scratch: the rows without a value


class Best(NamedTuple):
    """The best split so far."""

    score: np.ndarray  # (1,) float64
    split: np.ndarray  # (3,) int64: feature, highest code that goes left, 1 if NaN goes left


def empty_histogram(n: int) -> Histogram:
    """A histogram for up to `n` channels."""
    return Histogram(
        np.zeros(N_CODES * n, np.int64),
        np.zeros(N_CODES, np.int64),
        np.zeros(4, np.uint64),
        np.zeros(N_CODES, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
    )


@inlined
def boundary_score(criterion, left, extra, node):
    """Score of the split that sends `left` + `extra` to the left; -inf if a child is too light."""
    total, scale = node.total, node.scale
    wl = wr = sl = sr = 0.0
    if criterion == GINI:
        for k in range(len(total)):
            c = left[k] + extra[k]
            a, b = c * scale[k], (total[k] - c) * scale[k]
            wl, wr, sl, sr = wl + a, wr + b, sl + a * a, sr + b * b
    elif criterion == ENTROPY:
        for k in range(len(total)):
            c = left[k] + extra[k]
            a, b = c * scale[k], (total[k] - c) * scale[k]
            wl, wr, sl, sr = wl + a, wr + b, sl + xlogx(a), sr + xlogx(b)
    else:
        wl, sl = np.float64(left[0] + extra[0]), np.float64(left[1] + extra[1])
        wr, sr = total[0] - wl, total[1] - sl
    if wl < node.least_weight or wr < node.least_weight:
        return -np.inf
    return side_score(criterion, wl, sl) + side_score(criterion, wr, sr)


@inlined
def _try(rules, node, left, extra, rows, best, feature, code, missing_left):
    """Keep the split in `best` if it is allowed and better."""
    least = rules.min_samples_leaf
    if least > 1 and (rows < least or node.n_rows - rows < least):
        return
    score = boundary_score(rules.criterion, left, extra, node)
    if score > best.score[0]:
        best.score[0] = score
        best.split[0], best.split[1], best.split[2] = feature, code, missing_left


@inlined
def _move_bin(histogram, code, n, into):
    """Add the channels of one bin to `into`, clear the bin, return its rows."""
    base = code * n
    for k in range(n):
        into[k] += histogram.channels[base + k]
        histogram.channels[base + k] = 0
    rows = histogram.rows[code]
    histogram.rows[code] = 0
    return rows


@inlined
def _take_missing(histogram, n):
    """Move the bin of the missing values out; returns whether there are any, and their rows."""
    histogram.missing[:n] = 0
    if not histogram.occupied[3] >> _63:
        return False, np.int64(0)
    histogram.occupied[3] &= ~(_ONE << _63)
    return True, _move_bin(histogram, MISSING, n, histogram.missing)


@inlined
def best_threshold(rules, node, histogram, best, feature):
    """Try all thresholds of one feature, NaN on either side; the best is kept in `best`.

    A threshold lies midway between two bins that hold rows. Clears the histogram; returns whether
    the feature varies within the node.
    """
    any_missing, missing_rows = _take_missing(histogram, len(node.total))
    if len(node.total) == 2 and not any_missing:
        n_bins = _sweep_pairs(rules, node, histogram, best, feature)
    else:
        n_bins = _sweep(rules, node, histogram, any_missing, missing_rows, best, feature)
    if best.split[0] == feature and not any_missing:
        best.split[2] = WITH_MOST
    return n_bins + any_missing > 1


@no_alloc
def _sweep(rules, node, histogram, any_missing, missing_rows, best, feature):
    """Try every boundary between bins that hold rows; returns the number of such bins."""
    n, codes, left = len(node.total), histogram.codes, histogram.left
    n_bins = _list_bins(histogram.occupied, codes)
    rows = np.int64(0)
    left[:n] = 0
    for j in range(n_bins):
        rows += _move_bin(histogram, codes[j], n, left)
        is_last = j == n_bins - 1
        # NaN right, then NaN left; above the last bin only "all numbers left, NaN right".
        for missing_left in range(any_missing + np.int64(not is_last)):
            extra = histogram.missing if missing_left else node.nothing
            to_left = rows + missing_rows * missing_left
            code = MISSING - 1 if is_last else (codes[j] + codes[j + 1] - 1) // 2
            _try(rules, node, left, extra, to_left, best, feature, code, missing_left)
    return n_bins


@no_alloc
def _list_bins(occupied, codes):
    """Write the bins that hold rows into `codes`, ascending; forget them; return their number."""
    n_bins = np.int64(0)
    for word in range(4):
        bits = occupied[word]
        occupied[word] = 0
        while bits:
            codes[n_bins] = word * 64 + np.int64(trailing_zeros(bits))
            bits &= bits - _ONE
            n_bins += 1
    return n_bins


@inlined
def _sweep_pairs(rules, node, histogram, best, feature):
    """`_sweep` of two channels without missing values, which stay in registers."""
    criterion, least, n_rows = rules.criterion, rules.min_samples_leaf, node.n_rows
    channels, rows_of = histogram.channels, histogram.rows
    least_weight = node.least_weight
    t0, t1, s0, s1 = node.total[0], node.total[1], node.scale[0], node.scale[1]
    l0 = l1 = rows = previous = n_bins = np.int64(0)
    best_score, best_code = best.score[0], np.int64(-1)
    for word in range(4):
        bits = histogram.occupied[word]
        histogram.occupied[word] = 0
        while bits:
            code = word * 64 + np.int64(trailing_zeros(bits))
            bits &= bits - _ONE
            if n_bins > 0 and (least == 1 or (rows >= least and n_rows - rows >= least)):
                wl, sl = _pair_score(criterion, l0, l1, s0, s1)
                wr, sr = _pair_score(criterion, t0 - l0, t1 - l1, s0, s1)
                if sl + sr > best_score and wl >= least_weight and wr >= least_weight:
                    best_score, best_code = sl + sr, (previous + code - 1) // 2
            base = np.uint64(2 * code)
            l0, l1 = l0 + channels[base], l1 + channels[base + _ONE]
            channels[base], channels[base + _ONE] = 0, 0
            rows += rows_of[code]
            rows_of[code] = 0
            previous = code
            n_bins += 1
    if best_code >= 0:
        best.score[0] = best_score
        best.split[0], best.split[1], best.split[2] = feature, best_code, 0
    return n_bins


@inlined
def _pair_score(criterion, c0, c1, s0, s1):
    """Weight and score of a child with the channels c0 and c1."""
    if criterion == SQUARED_ERROR or criterion == POISSON:
        return np.float64(c0), side_score(criterion, np.float64(c0), np.float64(c1))
    a, b = c0 * s0, c1 * s1
    s = a * a + b * b if criterion == GINI else xlogx(a) + xlogx(b)
    return a + b, side_score(criterion, a + b, s)


@no_alloc
def random_threshold(rules, node, histogram, best, feature, centres):
    """Try one threshold, uniform between the smallest and the largest value.

    The side of NaN is random too. Clears the histogram; returns whether the feature varies.
    """
    n, codes, left = len(node.total), histogram.codes, histogram.left
    any_missing, missing_rows = _take_missing(histogram, n)
    n_bins = _list_bins(histogram.occupied, codes)
    cut, missing_left = MISSING - 1, np.int64(0)
    if n_bins > 1:
        low, high = np.float64(centres[codes[0]]), np.float64(centres[codes[n_bins - 1]])
        value = low + draw_unit(node.key, np.uint64(feature) + _THRESHOLDS) * (high - low)
        j = 0
        while j < n_bins - 2 and centres[codes[j + 1]] <= value:
            j += 1
        cut = codes[j]
        # On to the bin that the value lies in: rows to come may lie in the gap.
        while cut + 1 < codes[j + 1] and centres[cut + 1] <= value:
            cut += 1
        if any_missing:
            missing_left = np.int64(draw_unit(node.key, np.uint64(feature) + _SIDES) < 0.5)
    rows = missing_rows * missing_left
    left[:n] = 0
    for j in range(n_bins):
        # What lies beyond the cut is cleared all the same.
        is_left = codes[j] <= cut
        moved = _move_bin(histogram, codes[j], n, left if is_left else histogram.beyond)
        rows += moved * is_left
    if n_bins + any_missing < 2:
        return False
    extra = histogram.missing if missing_left else node.nothing
    _try(rules, node, left, extra, rows, best, feature, cut, missing_left)
    if best.split[0] == feature and not any_missing:
        best.split[2] = WITH_MOST
    return True
