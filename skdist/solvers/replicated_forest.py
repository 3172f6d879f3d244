# SPDX-License-Identifier: BSD-3-Clause
"""A forest whose binned rows are on every worker.

    forest = tree(seed_1) + tree(seed_2) + ... + tree(seed_T),

each a pure function of all rows and its own seed: the same forest on any number of workers
(Breiman, Random Forests, 2001; binned as in LightGBM, Ke et al., 2017).

Cost: one round; n * d bytes of codes and 16 n bytes of targets and weights down to every worker
once, the trees up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from skdist.kernels.counter_rng import root_key
from skdist.kernels.grow_tree import grow_tree, root_channels, root_facts, sample_rows
from skdist.solvers.binned_forest import BinnedShard, ForestProblem, draws, to_trees
from skdist.summaries import Trees

if TYPE_CHECKING:
    from skdist.sharding import Replicated


def replicated_forest(rows: Replicated, problem: ForestProblem, seeds: Sequence[int]) -> Trees:
    """Grow one tree per seed.

    Parameters
    ----------
    rows : Replicated
        Of all rows as one BinnedShard.
    problem : ForestProblem
    seeds : sequence of int

    Returns
    -------
    trees : Trees, in the order of the seeds.
    """
    return Trees.drain(rows.map(grow_whole_tree, seeds, problem))


def grow_whole_tree(shard: BinnedShard, seed: int, problem: ForestProblem) -> Trees:
    """The tree with this seed, on these rows."""
    rules = problem.rules
    sample = sample_rows(shard.data, draws(shard, problem, seed), rules.n_classes == 0)
    root = root_facts(rules, root_channels(sample, rules))
    table = grow_tree(
        shard.data, problem.bins.centres, sample, rules, root, np.uint64(root_key(seed)), 0
    )
    return to_trees(table, problem, root)
