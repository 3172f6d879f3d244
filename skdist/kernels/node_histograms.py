# SPDX-License-Identifier: BSD-3-Clause
"""Histograms of many nodes of a tree at once, over the rows of one shard.

    H[a, f, b] = sum over rows i in node a with code(i, f) = b of channels(i)

Only the features that node a looks at are counted, each over the bins it has: `Look` lists them.
All sums are of integers, so the histograms of the shards add up to those of all rows.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from skdist.kernels.binning import MISSING
from skdist.kernels.counter_rng import left_key, right_key
from skdist.kernels.grow_tree import draw_feature, undo_draws
from skdist.kernels.node_split import SQUARED_ERROR, xlogx


class Routes(NamedTuple):
    """The nodes grown so far, of all trees; the root of tree t is node t."""

    tree: np.ndarray  # (M,) int32
    feature: np.ndarray  # (M,) int32
    code: np.ndarray  # (M,) uint8, codes up to this one go left
    missing_left: np.ndarray  # (M,) uint8
    left: np.ndarray  # (M,) int32, -1 where rows end
    right: np.ndarray  # (M,) int32


class Look(NamedTuple):
    """Which features of which nodes to count.

    Feature `feature[j]`, for first[a] <= j < first[a + 1], is looked at by node `node[a]`; its
    bins are offset[j] ... offset[j + 1] - 1, the last of them that of the missing values.
    """

    node: np.ndarray  # (A,) int64, increasing
    first: np.ndarray  # (A + 1,) int64
    feature: np.ndarray  # (L,) int64
    offset: np.ndarray  # (L + 1,) int64


class NodeSums(NamedTuple):
    """What a look adds up; all nodes' bins lie one after the other."""

    channels: np.ndarray  # (W, C) int64
    rows: np.ndarray  # (W,) int32
    low: np.ndarray  # (A,) float64, smallest y - centre of the node; (0,) for classes
    high: np.ndarray  # (A,) float64, the largest
    spread: np.ndarray  # (A,) float64, sum of w y^2 (poisson: w y log y)


@njit(nogil=True, cache=True)
def route_rows(codes, rows, routes, root):
    """The node that each of `rows` has come to on its way down from `root`, (m,) int32."""
    out = np.empty(len(rows), np.int32)
    for i in range(len(rows)):
        row, t = rows[i], root
        while routes.left[t] >= 0:
            c = codes[routes.feature[t], row]
            goes_left = (c <= routes.code[t]) | ((c == MISSING) & (routes.missing_left[t] > 0))
            t = routes.left[t] if goes_left else routes.right[t]
        out[i] = t
    return out


@njit(nogil=True, cache=True)
def order_by_slot(slot, n_slots):
    """Positions sorted by slot, stable, those of slot -1 left out; and where each slot begins.

    Parameters
    ----------
    slot : (m,) int32
    n_slots : int

    Returns
    -------
    order : (m',) int32
    start : (n_slots + 1,) int64
    """
    start = np.zeros(n_slots + 1, np.int64)
    for s in slot:
        if s >= 0:
            start[s + 1] += 1
    for a in range(n_slots):
        start[a + 1] += start[a]
    order, place = np.empty(start[n_slots], np.int32), start[:-1].copy()
    for i in range(len(slot)):
        if slot[i] >= 0:
            order[place[slot[i]]] = i
            place[slot[i]] += 1
    return order, start


@njit(nogil=True, cache=True)
def add_nodes(data, sample, order, start, look, rules, sums):
    """Add the rows of a tree's nodes to `sums`.

    Parameters
    ----------
    data : BinnedRows
    sample : Sample, of one tree.
    order, start : rows of each node as positions in `sample`, from `order_by_slot`.
    look : Look
    rules : Rules
    sums : NodeSums, changed in place.
    """
    for a in range(len(look.node)):
        at = order[start[a] : start[a + 1]]
        rows, weight, target = sample.rows[at], sample.weight[at], sample.target[at]
        for j in range(look.first[a], look.first[a + 1]):
            codes, low, high = data.codes[look.feature[j]], look.offset[j], look.offset[j + 1]
            if rules.n_classes > 0:
                _count_classes(codes, rows, weight, target, low, high, sums)
            else:
                _count_values(codes, rows, weight, target, low, high, sums)
        if rules.n_classes == 0:
            _describe(data.deviation, rows, weight, rules, a, sums)


@njit(inline="always")
def _count_classes(codes, rows, weight, target, low, high, sums):
    for i in range(len(rows)):
        b = min(low + codes[np.uint32(rows[i])], high - 1)
        sums.channels[b, target[i]] += weight[i]
        sums.rows[b] += 1


@njit(inline="always")
def _count_values(codes, rows, weight, target, low, high, sums):
    for i in range(len(rows)):
        b = min(low + codes[np.uint32(rows[i])], high - 1)
        sums.channels[b, 0] += weight[i]
        sums.channels[b, 1] += target[i]
        sums.rows[b] += 1


@njit(inline="always")
def _describe(deviation, rows, weight, rules, a, sums):
    """What tells whether a regression node is pure, and its spread."""
    for i in range(len(rows)):
        y = deviation[rows[i]]
        sums.low[a], sums.high[a] = min(sums.low[a], y), max(sums.high[a], y)
        sums.spread[a] += weight[i] * (y * y if rules.criterion == SQUARED_ERROR else xlogx(y))


@njit(nogil=True, cache=True)
def gather_codes(codes, rows):
    """Columns `rows` of the codes, (d, m) uint8."""
    out = np.empty((len(codes), len(rows)), np.uint8)
    for f in range(len(codes)):
        for i in range(len(rows)):
            out[f, i] = codes[f, rows[i]]
    return out


@njit(cache=True)
def keyed_features(keys, visited, count, d):
    """The next `count[a]` features of node a's random order of all d, after `visited[a]` of them.

    Returns
    -------
    first : (A + 1,) int64, where each node's features begin.
    feature : (sum of count,) int64
    """
    first = np.zeros(len(keys) + 1, np.int64)
    for a in range(len(keys)):
        first[a + 1] = first[a] + count[a]
    out, order, swaps = np.empty(first[-1], np.int64), np.arange(d), np.empty(d, np.int64)
    for a in range(len(keys)):
        stop = visited[a] + count[a]
        for v in range(stop):
            feature = draw_feature(keys[a], v, order, swaps)
            if v >= visited[a]:
                out[first[a] + v - visited[a]] = feature
        undo_draws(stop, order, swaps)
    return first, out


@njit(cache=True)
def child_keys(keys):
    """Keys of the left and the right child of each node, both (A,) uint64."""
    left, right = np.empty_like(keys), np.empty_like(keys)
    for a in range(len(keys)):
        left[a], right[a] = left_key(keys[a]), right_key(keys[a])
    return left, right
