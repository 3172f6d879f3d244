# SPDX-License-Identifier: BSD-3-Clause
"""Histograms of many nodes, against sums written out; rows sent down a tree; keyed features."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skdist.kernels.binning import MISSING
from skdist.kernels.node_histograms import (
    Look,
    NodeSums,
    Routes,
    add_nodes,
    child_keys,
    keyed_features,
    order_by_slot,
    paths_to,
    route_rows,
)
from skdist.kernels.node_split import GINI, POISSON, SQUARED_ERROR, Rules
from skdist.kernels.tree_memory import CLASS_BITS, BinnedRows, Sample

RNG = np.random.default_rng(0)
N_EDGES = np.array([3, 254, 0, 9])
CODES = np.array([RNG.integers(0, e + 1, 2000) for e in N_EDGES]).astype(np.uint8)
CODES[RNG.random(CODES.shape) < 0.1] = MISSING


def random_routes(seed, n_inner):
    """A tree at node 0 and a lonely root at node 1."""
    rng = np.random.default_rng(seed)
    children, ends = np.full((2 + 2 * n_inner, 2), -1, np.int32), [0]
    for i in range(n_inner):
        children[ends.pop(rng.integers(len(ends)))] = 2 + 2 * i, 3 + 2 * i
        ends += [2 + 2 * i, 3 + 2 * i]
    m = len(children)
    tree = np.zeros(m, np.int32)
    tree[1] = 1
    feature = np.where(children[:, 0] >= 0, rng.integers(0, len(CODES), m), -2).astype(np.int32)
    code = (rng.random(m) * (N_EDGES[feature] + 1)).astype(np.uint8)
    return Routes(tree, feature, code, rng.integers(0, 2, m).astype(np.uint8), children)


def end_of(row, routes):
    """Every node on a row's way down from node 0."""
    t = 0
    way = [0]
    while routes.children[t, 0] >= 0:
        c = CODES[routes.feature[t], row]
        goes_left = routes.missing_left[t] > 0 if c == MISSING else c <= routes.code[t]
        t = routes.children[t, 0 if goes_left else 1]
        way.append(t)
    return way


@given(st.integers(0, 2**31), st.integers(0, 30), st.data())
def test_rows_go_down_the_tree(seed, n_inner, data):
    routes = random_routes(seed, n_inner)
    rows = RNG.choice(2000, data.draw(st.integers(0, 700)), replace=False).astype(np.int32)
    ends = np.flatnonzero(routes.children[:, 0] < 0)
    wanted = np.array(sorted(data.draw(st.sets(st.sampled_from(ends.tolist())))), np.int64)
    out = route_rows(CODES, rows, paths_to(wanted, routes), 0)
    ways = [end_of(row, routes) for row in rows]
    for end, way in zip(out, ways, strict=True):
        assert end in way
        assert (way[-1] in wanted) == (end in wanted)
    everywhere = route_rows(CODES, rows, paths_to(ends, routes), 0)
    assert everywhere.tolist() == [way[-1] for way in ways]
    assert (route_rows(CODES, rows, paths_to(ends, routes), 1) == 1).all()


@given(st.lists(st.integers(-1, 6), max_size=40))
def test_order_by_slot_is_stable(slots):
    slot = np.array(slots, np.int32)
    order, start = order_by_slot(slot, 7)
    expected = np.argsort(slot, kind="stable")[np.count_nonzero(slot < 0) :]
    np.testing.assert_array_equal(order, expected)
    np.testing.assert_array_equal(start, np.searchsorted(slot[expected], np.arange(8)))


@given(st.integers(0, 2**31), st.sampled_from([GINI, SQUARED_ERROR, POISSON]))
def test_histograms_are_sums_over_the_rows(seed, criterion):
    rng = np.random.default_rng(seed)
    n, n_nodes, n_classes = 300, 4, 3 if criterion == GINI else 0
    rows = np.sort(rng.choice(2000, n, replace=False)).astype(np.int32)
    node = np.sort(rng.integers(0, n_nodes - 1, n))  # the last node has no rows
    weight, deviation = rng.integers(1, 5, n), rng.integers(0, 9, 2000).astype(float)
    target = rng.integers(0, 3, n) if n_classes else rng.integers(-50, 50, n)
    features = [rng.permutation(4)[: rng.integers(0, 5)] for _ in range(n_nodes)]
    first = np.cumsum([0, *map(len, features)])
    feature = np.concatenate(features).astype(np.int64)
    offset = np.concatenate([[0], np.cumsum(N_EDGES[feature] + 2)])
    n_channels, described = n_classes or 2, 0 if n_classes else n_nodes
    sums = NodeSums(
        np.zeros((offset[-1], n_channels), np.int64),
        np.zeros(offset[-1], np.int32),
        np.full(described, np.inf),
        np.full(described, -np.inf),
        np.zeros(described),
    )
    rules = Rules(criterion, n_classes, False, False, 2, 9, 2, 1, 0.0, 0.0)
    data = BinnedRows(CODES, np.empty(0, np.int64), np.empty(0, np.int64), deviation)
    look = Look(np.arange(n_nodes), first, feature, offset)
    start = np.searchsorted(node, np.arange(n_nodes + 1))
    sample = Sample(rows, weight, target)
    if n_classes:
        sample = Sample(rows, weight << CLASS_BITS | target, np.empty(0, np.int64))
    add_nodes(data, sample, start, look, rules, sums)
    channels = np.stack([weight, target], axis=1)
    if n_classes:
        channels = np.eye(3, dtype=np.int64)[target] * weight[:, None]
    for a in range(n_nodes):
        for j in range(first[a], first[a + 1]):
            width = offset[j + 1] - offset[j]
            bins = np.minimum(CODES[feature[j], rows], width - 1)
            for b in range(width):
                here = (node == a) & (bins == b)
                np.testing.assert_array_equal(
                    sums.channels[offset[j] + b], channels[here].sum(axis=0)
                )
                assert sums.rows[offset[j] + b] == here.sum()
        if described:
            y, w = deviation[rows[node == a]], weight[node == a]
            power = y * y if criterion == SQUARED_ERROR else y * np.log(np.maximum(y, 1))
            assert sums.low[a] == y.min(initial=np.inf)
            assert sums.high[a] == y.max(initial=-np.inf)
            np.testing.assert_allclose(sums.spread[a], (w * power).sum())


@given(st.integers(1, 12), st.data())
def test_features_come_in_one_random_order(d, data):
    drawn = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4)
    keys = np.array(data.draw(drawn), np.uint64)
    n = len(keys)
    _, whole = keyed_features(keys, np.zeros(n, np.int64), np.full(n, d), d)
    orders = whole.reshape(n, d)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(d), (n, 1)))
    visited = np.array(data.draw(st.lists(st.integers(0, d), min_size=n, max_size=n)))
    count = np.array([data.draw(st.integers(0, d - v)) for v in visited])
    first, feature = keyed_features(keys, visited, count, d)
    for a in range(n):
        part = orders[a, visited[a] : visited[a] + count[a]]
        np.testing.assert_array_equal(feature[first[a] : first[a + 1]], part)


def test_children_have_keys_of_their_own():
    keys = np.arange(1000, dtype=np.uint64)
    for _ in range(3):
        keys = child_keys(keys).ravel()
    assert len(np.unique(keys)) == 8000
