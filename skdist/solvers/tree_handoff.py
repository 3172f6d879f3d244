# SPDX-License-Identifier: BSD-3-Clause
"""Small nodes, their rows brought together at one worker that grows the subtree.

Rows keep their order (shards in order, rows within them), so a subtree has the same bits as it has
where all rows are at hand. Nodes travel in groups; a group's rows take (d + 24) bytes each, once
for every tree they are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.grow_tree import BinnedRows, NodeTable, Root, Sample, grow_tree
from skdist.kernels.node_histograms import Routes, gather_codes, order_by_slot, route_rows
from skdist.kernels.node_split import Rules
from skdist.solvers.binned_forest import ForestProblem
from skdist.solvers.node_looks import sample_of, slots
from skdist.solvers.top_trees import HANDED, TopTrees

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

GROUPS_AT_ONCE = 64
GROUP_BYTES = 64 << 20


class Handed(NamedTuple):
    """A group of nodes, those of a tree side by side."""

    node: NDArray[np.int64]
    key: NDArray[np.uint64]
    depth: NDArray[np.int64]
    roots: tuple[Root, ...]  # of the node's tree


class HandedRows(NamedTuple):
    """The rows of a group of k nodes, from p shards; within a shard's part sorted by node."""

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
    """Nodes in groups of about equal size, at most GROUP_BYTES unless one node is larger."""
    at = np.flatnonzero(top.status == HANDED)
    if not len(at):
        return []
    at = at[np.argsort(top.routes.tree[at], kind="stable")]
    size = top.nodes.n_rows[at] * row_bytes
    stop = np.cumsum(size)
    number = (stop - size) // min(GROUP_BYTES, -(-stop[-1] // GROUPS_AT_ONCE))
    cuts = np.flatnonzero(np.diff(number)) + 1
    return [_group(top, own) for own in np.split(at, cuts)]


def _group(top: TopTrees, at: NDArray[np.int64]) -> Handed:
    roots = tuple(top.roots[tree] for tree in top.routes.tree[at])
    return Handed(at, top.nodes.key[at], top.nodes.depth[at], roots)


def extract(
    shard: Shard, group: Handed, routes: Routes, problem: ForestProblem, seeds: Sequence[int]
) -> HandedRows:
    """The shard's rows in the nodes of a group."""
    slot = slots(group.node, routes)
    trees = np.unique(routes.tree[group.node])
    parts = [
        _extract_tree(shard, tree, slot, len(group.node), routes, problem, seeds[tree])
        for tree in trees
    ]
    counts = np.sum([part.counts for part in parts], axis=0)
    return join_all(parts)._replace(counts=counts)


def _extract_tree(
    shard: Shard,
    tree: int,
    slot: NDArray[np.int32],
    n_slots: int,
    routes: Routes,
    problem: ForestProblem,
    seed: int,
) -> HandedRows:
    data = shard.X.data
    sample = sample_of(shard.X, problem, seed)
    here = slot[route_rows(data.codes, sample.rows, routes, tree)]
    order, start = order_by_slot(here, n_slots)
    rows = sample.rows[order]
    return HandedRows(
        np.diff(start)[None],
        gather_codes(data.codes, rows),
        sample.weight[order],
        sample.target[order],
        data.deviation if problem.rules.n_classes else data.deviation[rows],
    )


def join_all(parts: Sequence[HandedRows]) -> HandedRows:
    """Rows one part after the other."""
    codes = np.concatenate([part.codes for part in parts], axis=1)
    columns: Any = zip(*parts, strict=True)
    counts, _, *rest = (column for column in columns)
    return HandedRows(np.concatenate(counts), codes, *(np.concatenate(c) for c in rest))


def join(a: HandedRows, b: HandedRows) -> HandedRows:
    """Rows of consecutive shards."""
    return join_all([a, b])


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
        tables.append(grow_tree(data, centres, sample, rules, group.roots[k], key, depth))
    return tables
