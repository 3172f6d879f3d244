# SPDX-License-Identifier: BSD-3-Clause
"""Small nodes, their rows brought together at one worker that grows the subtree.

Rows keep their order (shards in order, rows within them), so a subtree has the same bits as it has
where all rows are at hand. Nodes travel in groups; a group's rows take (d + 24) bytes each, once
for every tree they are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.grow_tree import Root, grow_tree
from skdist.kernels.node_histograms import Routes, order_by_slot, paths_to, route_rows
from skdist.kernels.node_split import Rules
from skdist.kernels.tree_memory import BinnedRows, NodeTable, Sample
from skdist.solvers.binned_forest import ForestProblem
from skdist.solvers.node_looks import sample_of, slots
from skdist.solvers.top_trees import HANDED, TopTrees

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

FEWEST_GROUPS, GROUPS_AT_ONCE = 32, 64
GROUP_BYTES = 64 << 20


class Handed(NamedTuple):
    """A group of k nodes of one tree."""

    tree: int
    root: Root
    node: NDArray[np.int64]
    key: NDArray[np.uint64]
    depth: NDArray[np.int64]


class HandedRows(NamedTuple):
    """The rows of a group, from p shards; those of a shard sorted by node."""

    counts: NDArray[np.int64]  # (p, k)
    codes: NDArray[np.uint8]  # (d, m)
    weight: NDArray[np.int64]  # (m,)
    target: NDArray[np.int64]  # (m,)
    deviation: NDArray[np.float64]  # (m,); (0,) for classes


def hand_over(
    shards: ShardedDataset, top: TopTrees, problem: ForestProblem, seeds: Sequence[int]
) -> dict[int, NodeTable]:
    """The subtrees of all nodes that are HANDED, by node."""
    groups = group_nodes(top, len(problem.bins.n_edges) + 24)
    # `finish` is sent with every group: without the centres, where nobody reads them.
    centres = problem.bins.centres if problem.rules.random_splits else np.empty((0, 0), np.float32)
    finish = partial(grow_group, rules=problem.rules, centres=centres)
    subtrees: dict[int, NodeTable] = {}
    for i in range(0, len(groups), GROUPS_AT_ONCE):
        some = groups[i : i + GROUPS_AT_ONCE]
        tables = shards.group_reduce(
            extract, some, top.routes, problem, seeds, merge=join, finish=finish
        )
        for group, own in zip(some, tables, strict=True):
            subtrees.update(zip(group.node.tolist(), own, strict=True))
    return subtrees


def group_nodes(top: TopTrees, row_bytes: int) -> list[Handed]:
    """Groups within trees: a shard finds a group's rows by sending a tree's rows down once.

    A group takes at most GROUP_BYTES (unless a single node does), and there are at least
    FEWEST_GROUPS (unless there are fewer nodes): enough to keep workers busy.
    """
    handed, groups = top.status == HANDED, []
    parts = -(-FEWEST_GROUPS // len(top.roots))
    for tree, root in enumerate(top.roots):
        own = np.flatnonzero(handed & (top.routes.tree == tree))
        if len(own):
            stop = np.cumsum(top.nodes.n_rows[own]) * row_bytes
            number = np.r_[0, stop[:-1]] // min(GROUP_BYTES, -(-stop[-1] // parts))
            for at in np.split(own, np.flatnonzero(np.diff(number)) + 1):
                groups.append(Handed(tree, root, at, top.nodes.key[at], top.nodes.depth[at]))
    return groups


def extract(
    shard: Shard, group: Handed, routes: Routes, problem: ForestProblem, seeds: Sequence[int]
) -> HandedRows:
    """The shard's rows in the nodes of a group."""
    data = shard.X.data
    sample = sample_of(shard.X, problem, seeds[group.tree])
    paths = paths_to(group.node, routes)
    ends = route_rows(data.codes, sample.rows, paths, group.tree)
    slot = slots(group.node, len(routes.tree))[ends]
    order, start = order_by_slot(slot, len(group.node))
    rows = sample.rows[order]
    return HandedRows(
        np.diff(start)[None],
        np.take(data.codes, rows, axis=1),
        sample.weight[order],
        sample.target[order],
        data.deviation if problem.rules.n_classes else data.deviation[rows],
    )


def join(a: HandedRows, b: HandedRows) -> HandedRows:
    """Rows of consecutive shards."""
    codes = np.concatenate([a.codes, b.codes], axis=1)
    counts, weight, target, deviation = (
        np.concatenate([getattr(a, name), getattr(b, name)])
        for name in ("counts", "weight", "target", "deviation")
    )
    return HandedRows(counts, codes, weight, target, deviation)


def grow_group(
    group: Handed, merged: HandedRows, rules: Rules, centres: NDArray[np.float32]
) -> list[NodeTable]:
    """The subtree of every node of a group."""
    nodes = np.arange(len(group.node), dtype=np.int32)
    slot = np.concatenate([np.repeat(nodes, own) for own in merged.counts])
    order, start = order_by_slot(slot, len(nodes))
    data = BinnedRows(merged.codes, merged.target, merged.weight, merged.deviation)
    tables = []
    for k in nodes:
        rows = order[start[k] : start[k + 1]]
        sample = Sample(rows, merged.weight[rows], merged.target[rows])
        key, depth = np.uint64(group.key[k]), int(group.depth[k])
        tables.append(grow_tree(data, centres, sample, rules, group.root, key, depth))
    return tables
