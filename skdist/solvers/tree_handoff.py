# SPDX-License-Identifier: BSD-3-Clause
"""Small nodes, their rows brought together at one worker that grows the subtree.

Rows keep their order (shards in order, rows within them), so a subtree has the same bits as it has
where all rows are at hand. Nodes travel in groups; a group's rows take d + 8 bytes each (regression
d + 24), once for every tree they are in.
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
from skdist.kernels.tree_memory import BinnedRows, NodeTable, Sample, new_memory, rows_at
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
    mass: NDArray[np.int64]  # (m,)
    moment: NDArray[np.int64]  # (m,); (0,) for classes
    deviation: NDArray[np.float64]  # (m,); (0,) for classes


def hand_over(
    shards: ShardedDataset, top: TopTrees, problem: ForestProblem, seeds: Sequence[int]
) -> dict[int, NodeTable]:
    """The subtrees of all nodes that are HANDED, by node."""
    own_bytes = 8 if problem.rules.n_classes else 24
    groups = group_nodes(top, len(problem.bins.n_edges) + own_bytes)
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
    sample, _ = sample_of(shard.X, problem, seeds[group.tree])
    paths = paths_to(group.node, routes)
    ends = route_rows(data.codes, sample.rows, paths, group.tree)
    slot = slots(group.node, len(routes.tree))[ends]
    order, start = order_by_slot(slot, len(group.node))
    own = rows_at(sample, order)
    deviation = data.deviation if problem.rules.n_classes else data.deviation[own.rows]
    codes = np.take(data.codes, own.rows, axis=1)
    return HandedRows(np.diff(start)[None], codes, own.mass, own.moment, deviation)


def join(a: HandedRows, b: HandedRows) -> HandedRows:
    """Rows of consecutive shards."""
    codes = np.concatenate([a.codes, b.codes], axis=1)
    counts, mass, moment, deviation = (
        np.concatenate([getattr(a, name), getattr(b, name)])
        for name in ("counts", "mass", "moment", "deviation")
    )
    return HandedRows(counts, codes, mass, moment, deviation)


def grow_group(
    group: Handed, merged: HandedRows, rules: Rules, centres: NDArray[np.float32]
) -> list[NodeTable]:
    """The subtree of every node of a group."""
    nodes = np.arange(len(group.node), dtype=np.int32)
    slot = np.concatenate([np.repeat(nodes, own) for own in merged.counts])
    order, start = order_by_slot(slot, len(nodes))
    none = np.empty(0, np.int64)  # a tree is grown from its sample's targets and weights
    data = BinnedRows(merged.codes, none, none, merged.deviation)
    memory = new_memory(int(np.diff(start).max()), len(merged.codes), rules)
    everyone = Sample(np.arange(len(merged.mass), dtype=np.int32), merged.mass, merged.moment)
    tables = []
    for k in nodes:
        sample = rows_at(everyone, order[start[k] : start[k + 1]])
        key, depth = np.uint64(group.key[k]), int(group.depth[k])
        table = grow_tree(data, centres, sample, rules, group.root, key, depth, memory)
        tables.append(NodeTable(*(column.copy() for column in table)))
    return tables
