# SPDX-License-Identifier: BSD-3-Clause
"""Histograms of many nodes at once, over the rows of one shard.

    H[a, f, b] = sum over rows i in node a with code(i, f) = b of channels(i)

Only the features that node a looks at are counted, each over the bins it has: `Look` lists them.
All sums are of integers, so the histograms of the shards add up to those of all rows.
"""

from typing import NamedTuple

import numpy as np

from skdist.kernels.binning import MISSING
from skdist.kernels.compiling import entry, read_only
from skdist.kernels.counter_rng import left_key, right_key
from skdist.kernels.grow_tree import draw_feature, undo_draws
from skdist.kernels.node_split import SQUARED_ERROR, Rules, xlogx
from skdist.kernels.tree_memory import CLASS, CLASS_BITS, BinnedRows, Sample

_BLOCK = 512


class Routes(NamedTuple):
    """The nodes grown so far, of all trees; the root of tree t is node t."""

    tree: np.ndarray  # (M,) int32
    feature: np.ndarray  # (M,) int32
    code: np.ndarray  # (M,) uint8, codes up to this one go left
    missing_left: np.ndarray  # (M,) uint8
    children: np.ndarray  # (M, 2) int32, left and right; -1 where rows end


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
    """What a look adds up; the bins of all nodes and features lie one after the other."""

    channels: np.ndarray  # (W, C) int64
    rows: np.ndarray  # (W,) int32
    low: np.ndarray  # (A,) float64, smallest y - centre of the node; (0,) for classes
    high: np.ndarray  # (A,) float64, the largest
    spread: np.ndarray  # (A,) float64, sum of w y^2 (poisson: w y log y)


def paths_to(nodes: np.ndarray, routes: Routes) -> Routes:
    """`routes` for rows that matter only in `nodes`: every other branch ends where it begins.

    Where rows end, both children are the node itself.
    """
    on_path = np.zeros(len(routes.tree), np.bool_)
    parent = np.full(len(routes.tree), -1)
    inner = np.flatnonzero(routes.children[:, 0] >= 0)
    parent[routes.children[inner].ravel()] = np.repeat(inner, 2)
    front = parent[nodes]
    while len(front := np.unique(front[front >= 0])):
        on_path[front] = True
        front = parent[front]
    myself = np.arange(len(parent), dtype=np.int32)[:, None]
    return routes._replace(
        feature=np.where(on_path, routes.feature, np.int32(0)),
        children=np.where(on_path[:, None], routes.children, myself),
    )


def route_rows(codes: np.ndarray, rows: np.ndarray, paths: Routes, root: int) -> np.ndarray:
    """The node where each of `rows` (m,) ends on its way down from `root`, (m,) int32."""
    out = np.full(len(rows), root, np.int32)
    paths = Routes(*map(read_only, paths))
    _route_rows(read_only(codes), rows, paths, out, np.empty(_BLOCK, np.int32))
    return out


@entry(_nrt=False)
def _route_rows(codes, rows, paths, out, moving):
    # One step at a time for those rows of a block that still move: their loads overlap, and no
    # branch is mispredicted as it would be row by row.
    for start in range(0, len(rows), _BLOCK):
        n = min(_BLOCK, len(rows) - start)
        for j in range(n):
            moving[j] = start + j
        while n > 0:
            n_left = 0
            for j in range(n):
                i = np.uint32(moving[j])
                t = np.uint32(out[i])
                c = codes[np.uint32(paths.feature[t]), np.uint32(rows[i])]
                goes_right = (c > paths.code[t]) & ((c < MISSING) | (paths.missing_left[t] == 0))
                out[i] = paths.children[t, np.uint32(goes_right)]
                moving[n_left] = i
                n_left += out[i] != t
            n = n_left


def order_by_slot(slot: np.ndarray, n_slots: int) -> tuple[np.ndarray, np.ndarray]:
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
    start = np.concatenate([[0], np.cumsum(np.bincount(slot + 1, minlength=n_slots + 1)[1:])])
    order = np.empty(start[-1], np.int32)
    _fill_order(slot, start[:-1].copy(), order)
    return order, start


@entry(_nrt=False)
def _fill_order(slot, place, order):
    for i in range(len(slot)):
        if slot[i] >= 0:
            order[place[slot[i]]] = i
            place[slot[i]] += 1


def add_nodes(
    data: BinnedRows,
    sample: Sample,
    start: np.ndarray,
    look: Look,
    rules: Rules,
    sums: NodeSums,
) -> None:
    """Add rows to the sums of their nodes.

    Parameters
    ----------
    data : BinnedRows
    sample : Sample, sorted by node.
    start : (A + 1,) int64, where each node's part of it begins.
    look : Look
    rules : Rules
    sums : NodeSums, changed in place.
    """
    codes, look = read_only(data.codes), Look(*map(read_only, look))
    if rules.n_classes:
        _count_classes(codes, sample, start, look, sums)
    else:
        _count_values(codes, sample, start, look, sums)
        _describe(read_only(data.deviation), sample, start, rules.criterion == SQUARED_ERROR, sums)


@entry(_nrt=False)
def _count_classes(codes, sample, start, look, sums):
    rows, mass = sample.rows, sample.mass
    for a in range(len(look.node)):
        for j in range(look.first[a], look.first[a + 1]):
            own, low, high = codes[look.feature[j]], look.offset[j], look.offset[j + 1]
            for i in range(start[a], start[a + 1]):
                b = min(low + np.int64(own[np.uint32(rows[i])]), high - 1)  # MISSING: the last
                sums.channels[b, mass[i] & CLASS] += mass[i] >> CLASS_BITS
                sums.rows[b] += 1


@entry(_nrt=False)
def _count_values(codes, sample, start, look, sums):
    rows, mass, moment = sample.rows, sample.mass, sample.moment
    for a in range(len(look.node)):
        for j in range(look.first[a], look.first[a + 1]):
            own, low, high = codes[look.feature[j]], look.offset[j], look.offset[j + 1]
            for i in range(start[a], start[a + 1]):
                b = min(low + np.int64(own[np.uint32(rows[i])]), high - 1)  # MISSING: the last
                sums.channels[b, 0] += mass[i]
                sums.channels[b, 1] += moment[i]
                sums.rows[b] += 1


@entry(_nrt=False)
def _describe(deviation, sample, start, squares, sums):
    """What tells whether a regression node is pure, and its spread."""
    for a in range(len(start) - 1):
        for i in range(start[a], start[a + 1]):
            y, w = deviation[sample.rows[i]], sample.mass[i]
            sums.low[a], sums.high[a] = min(sums.low[a], y), max(sums.high[a], y)
            sums.spread[a] += w * (y * y if squares else xlogx(y))


def keyed_features(
    keys: np.ndarray, visited: np.ndarray, count: np.ndarray, d: int
) -> tuple[np.ndarray, np.ndarray]:
    """The next `count[a]` features of node a's random order of all d, after `visited[a]` of them.

    Returns
    -------
    first : (A + 1,) int64, where each node's features begin.
    feature : (sum of count,) int64
    """
    first = np.concatenate([[0], np.cumsum(count)])
    feature = np.empty(first[-1], np.int64)
    _draw_features(keys, visited, first, np.arange(d), np.empty(d, np.int64), feature)
    return first, feature


@entry(_nrt=False)
def _draw_features(keys, visited, first, order, swaps, out):
    for a in range(len(keys)):
        stop = visited[a] + first[a + 1] - first[a]
        for v in range(stop):
            feature = draw_feature(keys[a], v, order, swaps)
            if v >= visited[a]:
                out[first[a] + v - visited[a]] = feature
        undo_draws(stop, order, swaps)


def child_keys(keys: np.ndarray) -> np.ndarray:
    """Keys of the left and the right child of each node, (A, 2) uint64."""
    out = np.empty((len(keys), 2), np.uint64)
    _child_keys(keys, out)
    return out


@entry(_nrt=False)
def _child_keys(keys, out):
    for a in range(len(keys)):
        out[a, 0], out[a, 1] = left_key(keys[a]), right_key(keys[a])
