# SPDX-License-Identifier: BSD-3-Clause
"""A forest whose rows stay where they are.

All trees grow together, level by level. With H[a] the histograms of an open node a,

    H[a] = sum over shards k of histograms(shard[k], a)         one round for all open nodes
    split[a] = best split read off H[a];  its children are open if they are large

and the rows of small nodes go to one worker, which grows what is below (PLANET: Panda, Herbach,
Basu & Bayardo, 2009; woody: Gieseke & Igel, 2018).

The forest is the one of `replicated_forest`: histograms are sums of integers, what is drawn at a
node is keyed by the tree and the path to the node, and both read splits off histograms with the
same functions. Classification is equal bit for bit; regression but for the rounding of `impurity`.

Cost: about L + 2 rounds, L the levels that have nodes of `handoff_rows` rows or more. Level l sends

    up to  T * 2^l * max_features * 256 * (8 C + 4)  bytes up      (C classes; 2 for regression)

from every shard, less where features have fewer bins, and in several rounds where the shards
together would send more than `round_bytes`. Down go 2 KB per feature, 32 KB for the bootstrap and
18 bytes per node of the top, per shard and round. At last d + 8 bytes (regression d + 24) for every
row in the sample of every tree, from worker to worker, and the subtrees up.

Shards draw each tree's sample and send its rows down the tree anew in every round: they keep
nothing between rounds, so a lost worker costs one task. On two threads it takes about twice as
long as `replicated_forest` (20 trees on 261,876 rows of 19 features: 16 rounds, 30 MB of
histograms from 8 shards).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skdist.solvers.binned_forest import ForestProblem
from skdist.solvers.node_looks import add_answers, answer, describe_roots, n_open, next_look
from skdist.solvers.top_trees import grown, plant, to_forest
from skdist.solvers.tree_handoff import hand_over
from skdist.summaries import Trees

if TYPE_CHECKING:
    from skdist.sharding import ShardedDataset


def histogram_forest(
    shards: ShardedDataset,
    problem: ForestProblem,
    seeds: Sequence[int],
    *,
    handoff_rows: int = 20_000,
    round_bytes: int = 256 << 20,
) -> Trees:
    """Grow one tree per seed.

    Parameters
    ----------
    shards : ShardedDataset
        Of one BinnedShard each, as X.
    problem : ForestProblem
    seeds : sequence of int
    handoff_rows : int
        The rows of a node that has fewer go to one worker. No matter which, the forest is the
        same.
    round_bytes : int
        Histograms that may come up in one round, from all shards together.

    Returns
    -------
    trees : Trees, in the order of the seeds.
    """
    sums = shards.map_reduce(describe_roots, problem, seeds)
    top = plant(problem, seeds, sums[:, 1:], sums[:, 0], handoff_rows)
    while n_open(top):
        look = next_look(top, problem, round_bytes / shards.n_shards)
        merged = shards.map_reduce(answer, look, top.routes, problem, seeds, merge=add_answers)
        top = grown(top, problem, look, merged)
        shards.note(open_nodes=float(n_open(top)))
    forest = to_forest(top, hand_over(shards, top, problem, seeds), problem)
    shards.note(trees=float(len(seeds)))
    return forest
