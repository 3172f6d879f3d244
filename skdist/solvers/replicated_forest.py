# SPDX-License-Identifier: BSD-3-Clause
"""A forest whose binned rows are on every worker.

    forest = tree(seed_1) + tree(seed_2) + ... + tree(seed_T),

each a pure function of all rows and its own seed: the same forest on any number of workers
(Breiman, Random Forests, 2001; binned as in LightGBM, Ke et al., 2017).

Cost: one round; n * d bytes of codes and 16 n bytes of targets and weights down to every worker
once, the trees up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from skdist.kernels.bootstrap import sample_rows
from skdist.kernels.counter_rng import root_key
from skdist.kernels.grow_tree import grow_tree, root_facts
from skdist.kernels.node_split import Rules
from skdist.kernels.tree_memory import Memory, new_memory
from skdist.solvers.binned_forest import BinnedShard, ForestProblem, draws, n_values, to_tree
from skdist.summaries import Tree, Trees

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
    trees : Trees, in the order of the seeds
        Of the first ones alone where the fit has no time for all.
    """
    each = rows.map_in_time(grow_whole_tree, seeds, problem, MemoryPool())
    rows.note(trees=float(len(each)))
    return Trees(tuple(each), n_values(problem))


class MemoryPool:
    """Memory of trees that are done, for those to come; each process has its own."""

    def __init__(self) -> None:
        self._free: list[Memory] = []

    def __getstate__(self) -> dict[str, list[Memory]]:
        return {"_free": []}

    @contextmanager
    def lend(self, n_rows: int, n_features: int, rules: Rules) -> Iterator[Memory]:
        """Memory for one tree. All trees of a pool are of the same rows."""
        try:
            memory = self._free.pop()  # atomic: threads share the pool
        except IndexError:
            memory = new_memory(n_rows, n_features, rules)
        yield memory
        self._free.append(memory)


def grow_whole_tree(
    shard: BinnedShard, seed: int, problem: ForestProblem, pool: MemoryPool
) -> Tree:
    """The tree with this seed, on these rows."""
    rules, data = problem.rules, shard.data
    d, n = data.codes.shape
    with pool.lend(n, d, rules) as memory:
        drawn = draws(shard, problem, seed, memory.draws)
        sample, channels = sample_rows(data, drawn, rules, memory.sample)
        root, key = root_facts(rules, channels), np.uint64(root_key(seed))
        table = grow_tree(data, problem.bins.centres, sample, rules, root, key, 0, memory)
        return to_tree(table, problem, root)
