# SPDX-License-Identifier: BSD-3-Clause
"""The best split of nodes whose histograms were merged from many shards.

The same search that `grow_tree` makes where a node's rows are at hand, with the same functions in
the same order, so that it comes to the same split.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from skdist.kernels.binning import MISSING
from skdist.kernels.grow_tree import Root, empty_scratch, make_node, may_split
from skdist.kernels.node_split import best_threshold, node_score, random_threshold

_1, _6, _63 = np.uint64(1), np.uint64(6), np.uint64(63)


class NodeFacts(NamedTuple):
    """Nodes, some of several trees, that are to be split."""

    channels: np.ndarray  # (A, C) int64
    n_rows: np.ndarray  # (A,) int64
    depth: np.ndarray  # (A,) int64
    key: np.ndarray  # (A,) uint64
    scale: np.ndarray  # (A, C) float64, the classes' weights in the node's tree
    least_weight: np.ndarray  # (A,) float64, of a leaf in the node's tree


class Found(NamedTuple):
    """How far the search in each node has come; its best split so far."""

    visited: np.ndarray  # (A,) int64, features looked at
    varying: np.ndarray  # (A,) int64, of them those that vary within the node
    score: np.ndarray  # (A,) float64, -inf where no split is allowed
    split: np.ndarray  # (A, 3) int64: feature, highest code that goes left, whether NaN goes left
    left: np.ndarray  # (A, C) int64, channels of the left child
    left_rows: np.ndarray  # (A,) int64


@njit(cache=True)
def is_splittable(rules, nodes):
    """Whether each node is shallow, large and heavy enough, and of several classes; (A,) bool."""
    out = np.empty(len(nodes.n_rows), np.bool_)
    scratch = empty_scratch(1, nodes.channels.shape[1])
    for a in range(len(out)):
        root = Root(nodes.scale[a], nodes.least_weight[a], 0.0)
        n = nodes.n_rows[a]
        node = make_node(rules, root, nodes.channels[a], nodes.key[a], n, scratch)
        several = rules.n_classes == 0 or len(node.total) > 1
        _, weight = node_score(rules.criterion, node)
        out[a] = several and may_split(rules, root, n, nodes.depth[a], weight)
    return out


@njit(cache=True)
def search_further(rules, centres, nodes, look, channels, rows, found):
    """Go through the features of a look, in their order.

    Parameters
    ----------
    rules : Rules
    centres : (d, 256) float32, a value of each bin, for random splits.
    nodes : NodeFacts, of the nodes of `look`.
    look : Look
    channels : (W, C) int64, merged over all shards.
    rows : (W,) int32, the same.
    found : Found, from earlier looks at these nodes; brought up to date in place.

    Returns
    -------
    gain : (A,) float64, score of the best split less that of the node left whole.
    """
    gain, scratch = np.empty(len(look.node)), empty_scratch(1, channels.shape[1])
    histogram, best = scratch.histogram, scratch.best
    for a in range(len(gain)):
        root = Root(nodes.scale[a], nodes.least_weight[a], 0.0)
        node = make_node(rules, root, nodes.channels[a], nodes.key[a], nodes.n_rows[a], scratch)
        best.score[0] = found.score[a]
        best.split[:] = found.split[a]
        for j in range(look.first[a], look.first[a + 1]):
            if found.visited[a] >= rules.max_features and found.varying[a] > 0:
                break
            feature, low, high = look.feature[j], look.offset[j], look.offset[j + 1]
            _load(channels, rows, low, high, nodes.channels[a], rules, scratch)
            if rules.random_splits:
                varies = random_threshold(rules, node, histogram, best, feature, centres[feature])
            else:
                varies = best_threshold(rules, node, histogram, best, feature)
            found.visited[a] += 1
            found.varying[a] += varies
            if best.score[0] > found.score[a]:
                found.score[a] = best.score[0]
                found.split[a] = best.split
                _sum_left(channels, rows, low, high, a, found)
        gain[a] = found.score[a] - node_score(rules.criterion, node)[0]
    return gain


@njit(inline="always")
def _load(channels, rows, low, high, total, rules, scratch):
    """Copy one feature's merged histogram, without the classes that the node lacks."""
    histogram, n = scratch.histogram, 0
    for k in range(len(total)):
        n += rules.n_classes == 0 or total[k] > 0
    for b in range(low, high):
        if rows[b] > 0:
            code = MISSING if b == high - 1 else b - low
            histogram.occupied[np.uint64(code) >> _6] |= _1 << (np.uint64(code) & _63)
            histogram.rows[code] = rows[b]
            for k in range(len(total)):
                if rules.n_classes == 0 or total[k] > 0:
                    histogram.channels[code * n + scratch.local[k]] = channels[b, k]


@njit(inline="always")
def _sum_left(channels, rows, low, high, a, found):
    """What goes to the left child of node a by its best split."""
    found.left[a], found.left_rows[a] = 0, 0
    for b in range(low, high):
        missing = b == high - 1
        if found.split[a, 2] > 0 if missing else b - low <= found.split[a, 1]:
            found.left_rows[a] += rows[b]
            for k in range(channels.shape[1]):
                found.left[a, k] += channels[b, k]
