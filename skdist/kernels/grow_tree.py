# SPDX-License-Identifier: BSD-3-Clause
"""Grow one decision tree, or what is left of it below a node, on binned rows.

Depth first. Row numbers, weights and targets of a node lie side by side and are parted together,
so that a node reads its labels in order and gathers only the codes of the features it draws.
"""

from typing import NamedTuple

import numpy as np

from skdist.kernels.compiling import entry, inlined, read_only
from skdist.kernels.counter_rng import draw_below, left_key, right_key
from skdist.kernels.node_split import (
    SQUARED_ERROR,
    WITH_MOST,
    Node,
    Rules,
    best_threshold,
    n_channels,
    node_score,
    random_threshold,
    xlogx,
)
from skdist.kernels.tree_memory import (
    CLASS,
    CLASS_BITS,
    BinnedRows,
    Memory,
    NodeTable,
    Sample,
)

_1, _6, _63 = np.uint64(1), np.uint64(6), np.uint64(63)
LEAF = -2  # in `feature`; scikit-learn's TREE_UNDEFINED


@inlined
def _sum_channels(work, start, end, rules, out):
    """Write the node's channels into `out` (C,) int64."""
    out[:] = 0
    if rules.n_classes > 0:
        for i in range(start, end):
            out[work.mass[i] & CLASS] += work.mass[i] >> CLASS_BITS
    else:
        for i in range(start, end):
            out[0] += work.mass[i]
            out[1] += work.moment[i]


def class_scale(rules: Rules, root: np.ndarray) -> np.ndarray:
    """Weight of each class, (C,): 1, or (balanced) w / (K c_k) over the classes in the sample."""
    if not rules.balanced:
        return np.ones(n_channels(rules))
    present = root > 0
    scale = root.sum() / (present.sum() * np.where(present, root, 1))
    return np.where(present, scale, 0.0)


@inlined
def make_node(rules, root, channels, key, n_rows, scratch):
    """A node whose channels are those of the classes present in it.

    Leaving out the absent ones changes no score and makes deep nodes of many classes cheap.
    """
    n = 0
    for k in range(len(channels)):
        if rules.n_classes == 0 or channels[k] > 0:
            scratch.local[k] = n
            scratch.total[n], scratch.scale[n] = channels[k], root.scale[k]
            n += 1
    return Node(
        scratch.total[:n], scratch.scale[:n], scratch.nothing[:n], key, n_rows, root.least_weight
    )


@inlined
def _fill(codes, work, start, end, rules, local, n, histogram):
    """Add the rows of a node to the histogram of the feature with these codes."""
    channels, occupied, rows_of = histogram.channels, histogram.occupied, histogram.rows
    rows, mass, moment = work.rows, work.mass, work.moment
    counted, two = rules.min_samples_leaf > 1, np.uint64(2)
    # Three loops and not one with a choice inside: that one is slower for regression.
    if rules.n_classes == 0:
        for i in range(start, end):
            code = np.uint64(codes[np.uint32(rows[i])])
            occupied[code >> _6] |= _1 << (code & _63)
            channels[two * code] += mass[i]
            channels[two * code + _1] += moment[i]
            if counted:
                rows_of[code] += 1
        return
    if rules.n_classes == 2:  # both are there, or the node would be pure: no look-up
        for i in range(start, end):
            code = np.uint64(codes[np.uint32(rows[i])])
            occupied[code >> _6] |= _1 << (code & _63)
            channels[two * code + (np.uint64(mass[i]) & _1)] += mass[i] >> CLASS_BITS
    else:
        for i in range(start, end):
            code = np.uint64(codes[np.uint32(rows[i])])
            occupied[code >> _6] |= _1 << (code & _63)
            channels[np.uint64(n) * code + np.uint64(local[mass[i] & CLASS])] += (
                mass[i] >> CLASS_BITS
            )
    if counted:
        for i in range(start, end):
            rows_of[codes[np.uint32(rows[i])]] += 1


@inlined
def draw_feature(key, visited, features, swaps):
    """The next feature of a random order of all, keyed by the node (Fisher-Yates)."""
    j = visited + draw_below(key, visited, len(features) - visited)
    features[visited], features[j] = features[j], features[visited]
    swaps[visited] = j
    return features[visited]


@inlined
def undo_draws(visited, features, swaps):
    """Put `features` back in order, so that no node sees what another has drawn."""
    for v in range(visited - 1, -1, -1):
        j = swaps[v]
        features[v], features[j] = features[j], features[v]


@inlined
def _search(data, centres, work, start, end, rules, node, scratch):
    """The best split over max_features random features, and over more until one varies."""
    histogram, best, features = scratch.histogram, scratch.best, scratch.features
    best.score[0], best.split[0] = -np.inf, LEAF
    visited, varying = 0, 0
    while visited < len(features) and (visited < rules.max_features or varying == 0):
        feature = draw_feature(node.key, visited, features, scratch.swaps)
        visited += 1
        codes = data.codes[feature]
        _fill(codes, work, start, end, rules, scratch.local, len(node.total), histogram)
        if rules.random_splits:
            varying += random_threshold(rules, node, histogram, best, feature, centres[feature])
        else:
            varying += best_threshold(rules, node, histogram, best, feature)
    undo_draws(visited, features, scratch.swaps)


@inlined
def _part(codes, work, other, start, end, code, missing_left):
    """Move the rows of a node to `other`, those that go left to the front, the rest to the back.

    Returns where the right begins.
    """
    # One write a row, to one end or the other: no branch to mispredict, and nothing to move back.
    left, right = start, end - 1
    regression = len(work.moment) > 0
    for i in range(start, end):
        row = work.rows[i]
        c = codes[np.uint32(row)]
        goes_left = (c <= code) | ((c == 255) & missing_left)
        to = np.uint64(left if goes_left else right)
        other.rows[to], other.mass[to] = row, work.mass[i]
        if regression:
            other.moment[to] = work.moment[i]
        left += goes_left
        right -= 1 - goes_left
    return left


@inlined
def _is_pure(data, work, start, end, node, rules):
    """Whether all rows have the same class, or the same y."""
    if rules.n_classes > 0:
        return len(node.total) == 1
    first = data.deviation[work.rows[start]]
    for i in range(start + 1, end):
        if data.deviation[work.rows[i]] != first:
            return False
    return True


@inlined
def _leaf_spread(data, work, start, end, rules):
    """Sum of w y^2, or of w y log y for poisson; what a regression node's impurity needs."""
    total = 0.0
    if rules.n_classes == 0:
        for i in range(start, end):
            y = data.deviation[work.rows[i]]
            w = work.mass[i]
            total += w * (y * y if rules.criterion == SQUARED_ERROR else xlogx(y))
    return total


class Root(NamedTuple):
    """What the root's rows fix for all nodes of a tree."""

    scale: np.ndarray  # (C,) float64, the classes' weights
    least_weight: float  # of a leaf
    least_gain: float  # of a split's score over the node's


def root_facts(rules: Rules, channels: np.ndarray) -> Root:
    """Turn fractions of the root's weight into weights; `channels` (C,) int64 are the root's."""
    scale = class_scale(rules, channels)
    weight = float((scale * channels).sum() if rules.n_classes else channels[0])
    return Root(scale, rules.min_weight_fraction_leaf * weight, rules.min_decrease * weight)


@inlined
def may_split(rules, root, n_rows, depth, weight):
    """Whether a node is shallow, large and heavy enough to be split."""
    return (
        depth < rules.max_depth
        and n_rows >= max(rules.min_samples_split, 2 * rules.min_samples_leaf)
        and weight >= 2.0 * root.least_weight
    )


def grow_tree(
    data: BinnedRows,
    centres: np.ndarray,
    sample: Sample,
    rules: Rules,
    root: Root,
    key: np.uint64,
    depth: int,
    memory: Memory,
) -> NodeTable:
    """Grow the subtree of the node that holds all rows of `sample`.

    Parameters
    ----------
    data : BinnedRows
    centres : (d, 256) float32, a value of each bin, for random splits.
    sample : Sample, whose rows are moved about.
    rules : Rules
    root : Root, of the whole tree.
    key : uint64, the node's key.
    depth : int, of the node.
    memory : Memory, to be used again when the table has been read: fresh memory is zeroed by the
        system page by page.

    Returns
    -------
    table : NodeTable, views of `memory`.
    """
    spare = Sample(*(column[: len(sample.rows)] for column in memory.spare))
    data, centres = BinnedRows(*map(read_only, data)), read_only(centres)
    root, key = root._replace(scale=read_only(root.scale)), np.uint64(key)
    table, waiting, scratch = memory.table, memory.waiting, memory.scratch
    n_nodes = _grow(data, centres, sample, spare, rules, root, key, depth, table, waiting, scratch)
    return NodeTable(*(column[:n_nodes] for column in table))


@entry(_nrt=False)
def _grow(data, centres, work, spare, rules, root, key, depth, table, waiting, scratch):
    """Depth first, the left child first: preorder. Returns the number of nodes."""
    # np.int64: a literal 0 would have everything below compiled a second time, for literals.
    start, t, n_waiting = np.int64(0), np.int64(0), np.int64(0)
    end, parent = np.int64(len(work.rows)), np.int64(-1)
    top = depth
    while True:
        if parent >= 0:
            table.right[parent] = t
        # Rows move from one array to the other at each level: those of a node are where its
        # depth says, and its children's will be in the other.
        if (depth - top) & 1:
            here, there = spare, work
        else:
            here, there = work, spare
        _sum_channels(here, start, end, rules, table.channels[t])
        node = make_node(rules, root, table.channels[t], key, end - start, scratch)
        middle = _split_node(
            data, centres, here, there, start, end, rules, root, node, depth, table, t, scratch
        )
        t += 1
        if middle > start:
            waiting.place[n_waiting, 0], waiting.place[n_waiting, 1] = middle, end
            waiting.place[n_waiting, 2], waiting.place[n_waiting, 3] = depth + 1, t - 1
            waiting.key[n_waiting] = right_key(key)
            n_waiting += 1
            end, depth, key, parent = middle, depth + 1, left_key(key), -1
        elif n_waiting > 0:
            n_waiting -= 1
            start, end = waiting.place[n_waiting, 0], waiting.place[n_waiting, 1]
            depth, parent = waiting.place[n_waiting, 2], waiting.place[n_waiting, 3]
            key = waiting.key[n_waiting]
        else:
            return t


@inlined
def _split_node(
    data, centres, work, other, start, end, rules, root, node, depth, table, t, scratch
):
    """Write node t and part its rows; returns where those of its right child begin, or `start`."""
    table.feature[t], table.left[t], table.right[t] = LEAF, -1, -1
    table.code[t], table.missing_left[t] = 0, 0
    table.n_rows[t], table.spread[t] = end - start, 0.0
    score, weight = node_score(rules.criterion, node)
    best = scratch.best
    if may_split(rules, root, end - start, depth, weight) and not _is_pure(
        data, work, start, end, node, rules
    ):
        _search(data, centres, work, start, end, rules, node, scratch)
        if best.split[0] >= 0 and best.score[0] - score >= root.least_gain:
            feature, code, missing_left = best.split[0], best.split[1], best.split[2]
            middle = _part(data.codes[feature], work, other, start, end, code, missing_left == 1)
            table.feature[t], table.code[t] = feature, code
            if missing_left == WITH_MOST:
                missing_left = np.int64(middle - start > end - middle)
            table.missing_left[t] = missing_left
            table.left[t] = t + 1
            return middle
    table.spread[t] = _leaf_spread(data, work, start, end, rules)
    return start
