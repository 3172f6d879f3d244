# SPDX-License-Identifier: BSD-3-Clause
"""The upper parts of a forest's trees, as the driver grows them level by level.

    grown(top, look, sums) = top, each node that was looked at now an inner node with two new
                             children, or a leaf, or (too few features vary) still open

Nodes of all trees lie side by side, the root of tree t is node t, children come after parents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.counter_rng import root_key
from skdist.kernels.grow_tree import LEAF, Root, root_facts
from skdist.kernels.merged_search import Found, NodeFacts, is_splittable, search_further
from skdist.kernels.node_histograms import Look, NodeSums, Routes, child_keys
from skdist.kernels.tree_memory import NodeTable
from skdist.solvers.binned_forest import ForestProblem, n_values, to_tree
from skdist.summaries import Trees

# What becomes of a node: it is looked at to be split, or for its spread alone; its rows are handed
# to one worker; or it is finished, an inner node or a leaf.
SEARCHED, DESCRIBED, HANDED, FINISHED = range(4)

Columns = TypeVar("Columns", Routes, NodeFacts, Found)


@dataclass(frozen=True, eq=False)
class TopTrees:
    """The nodes grown so far; every array has a row per node.

    Parameters
    ----------
    routes : Routes
    nodes : NodeFacts
    found : Found
    status : ndarray of shape (M,), int8
        SEARCHED, DESCRIBED, HANDED or FINISHED.
    spread : ndarray of shape (M,), float64
        At leaves of regression trees; else 0.
    roots : tuple of Root, one per tree.
    handoff_rows : int
        Nodes of fewer rows are not looked at but handed to one worker.
    """

    routes: Routes
    nodes: NodeFacts
    found: Found
    status: NDArray[np.int8]
    spread: NDArray[np.float64]
    roots: tuple[Root, ...]
    handoff_rows: int


def take(columns: Columns, at: NDArray[Any]) -> Columns:
    """The rows `at` of all columns, copied."""
    return type(columns)(*(column[at] for column in columns))


def _stack(first: Columns, then: Columns) -> Columns:
    return type(first)(*(np.concatenate(pair) for pair in zip(first, then, strict=True)))


def plant(
    problem: ForestProblem,
    seeds: Sequence[int],
    channels: NDArray[np.int64],
    n_rows: NDArray[np.int64],
    handoff_rows: int,
) -> TopTrees:
    """The roots, from their channels (T, C) and numbers of rows (T,)."""
    channels = np.ascontiguousarray(channels)
    roots = tuple(root_facts(problem.rules, own) for own in channels)
    keys = np.array([root_key(seed) for seed in seeds], np.uint64)
    fresh = Seedlings(np.arange(len(seeds)), channels, n_rows, np.zeros_like(n_rows), keys)
    return _sprout(problem, roots, fresh, handoff_rows)


class Seedlings(NamedTuple):
    """What is known of a node before it is looked at."""

    tree: NDArray[np.int64]
    channels: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    depth: NDArray[np.int64]
    key: NDArray[np.uint64]


def _sprout(
    problem: ForestProblem, roots: tuple[Root, ...], fresh: Seedlings, handoff_rows: int
) -> TopTrees:
    """Nodes without children, and what is to become of each."""
    m, n_channels = fresh.channels.shape
    scale = np.array([root.scale for root in roots])[fresh.tree]
    least_weight = np.array([root.least_weight for root in roots])[fresh.tree]
    nodes = NodeFacts(fresh.channels, fresh.n_rows, fresh.depth, fresh.key, scale, least_weight)
    zeros, flags = np.zeros(m, np.int64), np.zeros(m, np.uint8)
    routes = Routes(
        fresh.tree.astype(np.int32),
        np.full(m, LEAF, np.int32),
        flags,
        flags,
        np.full((m, 2), -1, np.int32),
    )
    found = Found(
        zeros,
        zeros,
        np.full(m, -np.inf),
        np.full((m, 3), LEAF, np.int64),
        np.zeros((m, n_channels), np.int64),
        zeros,
    )
    splittable = is_splittable(problem.rules, nodes)
    small = fresh.n_rows < handoff_rows
    unsplit = FINISHED if problem.rules.n_classes else DESCRIBED
    status = np.where(splittable, np.where(small, HANDED, SEARCHED), unsplit).astype(np.int8)
    return TopTrees(routes, nodes, found, status, np.zeros(m), roots, handoff_rows)


def grown(top: TopTrees, problem: ForestProblem, look: Look, sums: NodeSums) -> TopTrees:
    """One update: split what can be split now, finish what cannot.

    Parameters
    ----------
    top : TopTrees
    problem : ForestProblem
    look : Look, at nodes that are SEARCHED or DESCRIBED.
    sums : NodeSums, merged over all shards.

    Returns
    -------
    top : TopTrees
    """
    at, rules = look.node, problem.rules
    nodes, found = take(top.nodes, at), take(top.found, at)
    gain = search_further(rules, problem.bins.centres, nodes, look, sums, found)
    n_features = len(problem.bins.n_edges)
    enough = (found.visited >= rules.max_features) & (found.varying > 0)
    decided = enough | (found.visited >= n_features) | (top.status[at] == DESCRIBED)
    if not rules.n_classes:
        pure = sums.low == sums.high
        found.split[pure] = LEAF
        decided |= pure
    least_gain = np.array([root.least_gain for root in top.roots])[top.routes.tree[at]]
    splits = decided & (found.split[:, 0] >= 0) & (gain >= least_gain)
    return _branch(_record(top, at, found, decided, ~splits & decided, sums), problem, at[splits])


def _record(
    top: TopTrees,
    at: NDArray[np.int64],
    found: Found,
    decided: NDArray[np.bool_],
    leaf: NDArray[np.bool_],
    sums: NodeSums,
) -> TopTrees:
    """`top` with what was found at the nodes `at`."""
    everything = Found(*(column.copy() for column in top.found))
    for column, news in zip(everything, found, strict=True):
        column[at] = news
    status, spread = top.status.copy(), top.spread.copy()
    status[at[decided]] = FINISHED
    if len(sums.spread):
        spread[at[leaf]] = sums.spread[leaf]
    return replace(top, found=everything, status=status, spread=spread)


def _branch(top: TopTrees, problem: ForestProblem, at: NDArray[np.int64]) -> TopTrees:
    """Give the nodes `at` the two children of their best split."""
    found, nodes, m = take(top.found, at), take(top.nodes, at), len(top.status)
    routes = Routes(*(column.copy() for column in top.routes))
    routes.feature[at], routes.code[at] = found.split[:, 0], found.split[:, 1]
    routes.missing_left[at] = found.split[:, 2]
    routes.children[at] = m + np.arange(2 * len(at)).reshape(-1, 2)
    rest, rest_rows = nodes.channels - found.left, nodes.n_rows - found.left_rows
    fresh = Seedlings(
        np.repeat(routes.tree[at], 2),
        _alternate(found.left, rest),
        _alternate(found.left_rows, rest_rows),
        np.repeat(nodes.depth + 1, 2),
        child_keys(nodes.key).ravel(),
    )
    children = _sprout(problem, top.roots, fresh, top.handoff_rows)
    return replace(
        top,
        routes=_stack(routes, children.routes),
        nodes=_stack(top.nodes, children.nodes),
        found=_stack(top.found, children.found),
        status=np.concatenate([top.status, children.status]),
        spread=np.concatenate([top.spread, children.spread]),
    )


def _alternate(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Rows of `left` and `right` in turn."""
    return np.stack([left, right], axis=1).reshape(-1, *left.shape[1:])


def to_forest(top: TopTrees, subtrees: dict[int, NodeTable], problem: ForestProblem) -> Trees:
    """The trees, with the subtrees that grew at the nodes HANDED put in place."""
    sizes = np.ones(len(top.status), np.int64)
    for node, table in subtrees.items():
        sizes[node] = len(table.feature)
    for node in np.flatnonzero(top.routes.children[:, 0] >= 0)[::-1]:
        sizes[node] += sizes[top.routes.children[node]].sum()
    each = []
    for tree, root in enumerate(top.roots):
        own = np.flatnonzero(top.routes.tree == tree)
        each.append(to_tree(_in_preorder(top, own, sizes, subtrees), problem, root))
    return Trees(tuple(each), n_values(problem))


def _in_preorder(
    top: TopTrees,
    own: NDArray[np.int64],
    sizes: NDArray[np.int64],
    subtrees: dict[int, NodeTable],
) -> NodeTable:
    """The nodes `own` of one tree and its subtrees: root first, left before right."""
    routes, place = top.routes, np.zeros(len(sizes), np.int64)
    for node in own[routes.children[own, 0] >= 0]:
        left, right = routes.children[node]
        place[left], place[right] = place[node] + 1, place[node] + 1 + sizes[left]
    pieces = [_upper(top, own, place), *(subtrees[n] for n in own if n in subtrees)]
    at = [place[own], *(place[n] + np.arange(sizes[n]) for n in own if n in subtrees)]
    # A node that was handed over is written twice: the root of its subtree comes last.
    whole = NodeTable(*(_empty_like(column, sizes[own[0]]) for column in pieces[0]))
    for piece, where in zip(pieces, at, strict=True):
        for column, part in zip(whole, piece, strict=True):
            column[where] = part
    for piece, where in zip(pieces[1:], at[1:], strict=True):
        whole.left[where] += np.where(piece.left >= 0, where[0], 0).astype(np.int32)
        whole.right[where] += np.where(piece.right >= 0, where[0], 0).astype(np.int32)
    return whole


def _upper(top: TopTrees, own: NDArray[np.int64], place: NDArray[np.int64]) -> NodeTable:
    """The nodes `own` as a table whose children are named by their place in the tree."""
    routes = take(top.routes, own)
    left, right = np.where(routes.children < 0, -1, place[routes.children]).astype(np.int32).T
    return NodeTable(
        routes.feature,
        routes.code,
        routes.missing_left,
        left,
        right,
        top.nodes.n_rows[own].astype(np.int32),
        top.nodes.channels[own],
        top.spread[own],
    )


def _empty_like(column: NDArray[Any], n: int) -> NDArray[Any]:
    return np.empty((n, *column.shape[1:]), column.dtype)
