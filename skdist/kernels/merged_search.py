# SPDX-License-Identifier: BSD-3-Clause
"""The best split of nodes whose histograms were merged from many shards.

The same search that `grow_tree` makes where a node's rows are at hand, with the same functions in
the same order, so that it comes to the same split.
"""

from typing import NamedTuple

import numpy as np

from skdist.kernels.binning import MISSING
from skdist.kernels.compiling import entry, no_alloc
from skdist.kernels.grow_tree import Root, make_node, may_split
from skdist.kernels.node_histograms import Look, NodeSums
from skdist.kernels.node_split import (
    WITH_MOST,
    Rules,
    best_threshold,
    node_score,
    random_threshold,
)
from skdist.kernels.tree_memory import empty_scratch

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


def is_splittable(rules: Rules, nodes: NodeFacts) -> np.ndarray:
    """Whether each node is shallow, large and heavy enough, and of several classes; (A,) bool."""
    out = np.empty(len(nodes.n_rows), np.bool_)
    _is_splittable(rules, nodes, empty_scratch(1, nodes.channels.shape[1]), out)
    return out


def search_further(
    rules: Rules, centres: np.ndarray, nodes: NodeFacts, look: Look, sums: NodeSums, found: Found
) -> np.ndarray:
    """Go through the features of a look, in their order.

    Parameters
    ----------
    rules : Rules
    centres : (d, 256) float32, a value of each bin, for random splits.
    nodes : NodeFacts, of the nodes of `look`.
    look : Look
    sums : NodeSums, merged over all shards.
    found : Found, from earlier looks at these nodes; brought up to date in place.

    Returns
    -------
    gain : (A,) float64, score of the best split less that of the node left whole.
    """
    gain, scratch = np.empty(len(look.node)), empty_scratch(1, sums.channels.shape[1])
    _search(rules, centres, nodes, look, sums.channels, sums.rows, found, scratch, gain)
    return gain


@entry(_nrt=False)
def _is_splittable(rules, nodes, scratch, out):
    for a in range(len(out)):
        root = Root(nodes.scale[a], nodes.least_weight[a], 0.0)
        n = nodes.n_rows[a]
        node = make_node(rules, root, nodes.channels[a], nodes.key[a], n, scratch)
        several = rules.n_classes == 0 or len(node.total) > 1
        _, weight = node_score(rules.criterion, node)
        out[a] = several and may_split(rules, root, n, nodes.depth[a], weight)


@entry(_nrt=False)
def _search(rules, centres, nodes, look, channels, rows, found, scratch, gain):
    for a in range(len(gain)):
        gain[a] = _search_node(rules, centres, nodes, look, channels, rows, found, a, scratch)


@no_alloc
def _search_node(rules, centres, nodes, look, channels, rows, found, a, scratch):
    """`search_further` in node a; returns its gain."""
    histogram, best = scratch.histogram, scratch.best
    root = Root(nodes.scale[a], nodes.least_weight[a], 0.0)
    node = make_node(rules, root, nodes.channels[a], nodes.key[a], nodes.n_rows[a], scratch)
    best.score[0] = found.score[a]
    for i in range(3):
        best.split[i] = found.split[a, i]
    for j in range(look.first[a], look.first[a + 1]):
        if found.visited[a] >= rules.max_features and found.varying[a] > 0:
            break
        feature, low, high = look.feature[j], look.offset[j], look.offset[j + 1]
        _load(channels, rows, low, high, nodes.channels[a], len(node.total), rules, scratch)
        if rules.random_splits:
            varies = random_threshold(rules, node, histogram, best, feature, centres[feature])
        else:
            varies = best_threshold(rules, node, histogram, best, feature)
        found.visited[a] += 1
        found.varying[a] += varies
        if best.score[0] > found.score[a]:
            _keep(best, channels, rows, low, high, a, nodes.n_rows[a], found)
    return found.score[a] - node_score(rules.criterion, node)[0]


@no_alloc
def _load(channels, rows, low, high, total, n, rules, scratch):
    """Copy one feature's merged histogram, without the classes that the node lacks."""
    histogram = scratch.histogram
    for b in range(low, high):
        if rows[b] > 0:
            code = np.uint64(MISSING if b == high - 1 else b - low)
            histogram.occupied[code >> _6] |= _1 << (code & _63)
            histogram.rows[code] = rows[b]
            for k in range(len(total)):
                if rules.n_classes == 0 or total[k] > 0:
                    histogram.channels[np.int64(code) * n + scratch.local[k]] = channels[b, k]


@no_alloc
def _keep(best, channels, rows, low, high, a, n_rows, found):
    """Write down the best split of node a, and what goes to its left child."""
    found.score[a] = best.score[0]
    for i in range(3):
        found.split[a, i] = best.split[i]
    found.left_rows[a] = 0
    for k in range(channels.shape[1]):
        found.left[a, k] = 0
    for b in range(low, high):
        if best.split[2] > 0 if b == high - 1 else b - low <= best.split[1]:
            found.left_rows[a] += rows[b]
            for k in range(channels.shape[1]):
                found.left[a, k] += channels[b, k]
    if best.split[2] == WITH_MOST:
        found.split[a, 2] = found.left_rows[a] > n_rows - found.left_rows[a]
