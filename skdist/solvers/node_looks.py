# SPDX-License-Identifier: BSD-3-Clause
"""One round of the histogram forest: what the driver asks for, what a shard answers.

answer(shard, look) = for every node of the look, the sums of its rows' channels per bin of the
                      features it looks at;           the answers of two shards merge by +
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.bootstrap import sample_rows
from skdist.kernels.node_histograms import (
    Look,
    NodeSums,
    Routes,
    add_nodes,
    keyed_features,
    order_by_slot,
    paths_to,
    route_rows,
)
from skdist.kernels.tree_memory import Sample, rows_at
from skdist.solvers.binned_forest import BinnedShard, ForestProblem, draws
from skdist.solvers.top_trees import DESCRIBED, SEARCHED, TopTrees

if TYPE_CHECKING:
    from skdist.sharding import Shard


def sample_of(
    shard: BinnedShard, problem: ForestProblem, seed: int
) -> tuple[Sample, NDArray[np.int64]]:
    """The shard's rows in the sample of one tree, and their channels (C,)."""
    return sample_rows(shard.data, draws(shard, problem, seed), problem.rules)


def describe_roots(shard: Shard, problem: ForestProblem, seeds: Sequence[int]) -> NDArray[np.int64]:
    """Rows and channels of each tree's sample, (T, 1 + C); those of two shards add up."""
    samples = (sample_of(shard.X, problem, seed) for seed in seeds)
    return np.array([[len(sample.rows), *channels] for sample, channels in samples], np.int64)


def next_look(top: TopTrees, problem: ForestProblem, n_bytes: float) -> Look:
    """As many open nodes as `n_bytes` of histograms allow, but at least one feature of one.

    A node that has looked at max_features features, none of which varies, goes on with as many.
    """
    at = np.flatnonzero((top.status == SEARCHED) | (top.status == DESCRIBED))
    d, visited = len(problem.bins.n_edges), top.found.visited[at]
    wanted, per_bin = problem.rules.max_features, 8 * top.nodes.channels.shape[1] + 4
    count = np.where(visited < wanted, wanted - visited, wanted)
    count = np.minimum(count, d - visited)
    count = np.minimum(count, max(1, int(n_bytes // (per_bin * 256))))
    count[top.status[at] == DESCRIBED] = 0
    first, feature = keyed_features(top.nodes.key[at], visited, count, d)
    offset = np.concatenate([[0], np.cumsum(problem.bins.n_edges[feature] + 2)])
    fitting = int(np.searchsorted(offset[first[1:]] * per_bin, n_bytes, side="right"))
    n = max(1, fitting)
    return Look(at[:n], first[: n + 1], feature[: first[n]], offset[: first[n] + 1])


def answer(
    shard: Shard, look: Look, routes: Routes, problem: ForestProblem, seeds: Sequence[int]
) -> NodeSums:
    """What a look adds up over the rows of one shard."""
    binned, slot = shard.X, slots(look.node, len(routes.tree))
    paths = paths_to(look.node, routes)
    sums = _zero_sums(look, problem)
    for tree in np.unique(routes.tree[look.node]):
        sample, _ = sample_of(binned, problem, seeds[tree])
        here = slot[route_rows(binned.data.codes, sample.rows, paths, int(tree))]
        order, start = order_by_slot(here, len(look.node))
        add_nodes(binned.data, rows_at(sample, order), start, look, problem.rules, sums)
    return sums


def slots(nodes: NDArray[np.int64], n: int) -> NDArray[np.int32]:
    """For each of all `n` nodes its position among `nodes`, or -1."""
    slot = np.full(n, -1, np.int32)
    slot[nodes] = np.arange(len(nodes))
    return slot


def _zero_sums(look: Look, problem: ForestProblem) -> NodeSums:
    n_bins, n_classes = look.offset[-1], problem.rules.n_classes
    n_nodes = 0 if n_classes else len(look.node)
    return NodeSums(
        np.zeros((n_bins, n_classes or 2), np.int64),
        np.zeros(n_bins, np.int32),
        np.full(n_nodes, np.inf),
        np.full(n_nodes, -np.inf),
        np.zeros(n_nodes),
    )


def add_answers(a: NodeSums, b: NodeSums) -> NodeSums:
    """The sums over the rows of both; exact but for the rounding of `spread`."""
    return NodeSums(
        a.channels + b.channels,
        a.rows + b.rows,
        np.minimum(a.low, b.low),
        np.maximum(a.high, b.high),
        a.spread + b.spread,
    )


def n_open(top: TopTrees) -> int:
    """How many nodes are still to be looked at."""
    waiting: Any = (top.status == SEARCHED) | (top.status == DESCRIBED)
    return int(np.count_nonzero(waiting))
