# SPDX-License-Identifier: BSD-3-Clause
"""A forest whose rows may not move: every tree sees one shard.

    forest = tree_1(shard home_1) + ... + tree_T(shard home_T),    home_t = t mod m
    p(x)   = mean over t of v_t * p_t(x),      v_t ~ (mass of shard home_t) / (its number of trees)

The bootstrap is drawn within the shard, with the shard's share of the draws. The mass of a shard
is the sum of its rows' weights.

Approximate: a merge of solutions. A tree knows nothing of the other shards' rows, so the forest
depends on how the rows were cut: harmless where shards are alike, fatal where they are not, which
is what `leaf_refit` is for. With one shard it is the replicated forest.

Cost: one round of growing, after one in which every shard sends its mass (8 bytes); down the
problem (2 KB per feature), up the trees. No row leaves its shard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.binned_forest import BinnedShard, ForestProblem, n_values
from skdist.solvers.replicated_forest import MemoryPool, grow_whole_tree
from skdist.summaries import Tree, Trees

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


def sharded_forest(
    shards: ShardedDataset, problem: ForestProblem, seeds: Sequence[int]
) -> tuple[Trees, NDArray[np.float64], NDArray[np.int64]]:
    """Grow one tree per seed, each on the rows of one shard.

    Parameters
    ----------
    shards : ShardedDataset of BinnedShard
        A shard without rows, or whose rows all weigh 0, grows nothing. One that lacks a class is
        like any other. With fewer trees than shards, some are not heard.
    problem : ForestProblem
        Of all shards together.
    seeds : sequence of T int

    Returns
    -------
    trees : Trees, in the order of the seeds
    tree_weight : ndarray of shape (T,), float64
        Weight of each tree's vote; mean 1.
    home : ndarray of shape (T,), int64
        The shard each tree was grown on.

    Raises
    ------
    ValueError
        If no shard has a row that weighs something.
    """
    mass = np.array(shards.map(_mass, problem))
    if not mass.any():
        raise ValueError(
            f"All rows of all {len(mass)} shards weigh 0; at least one must have a positive weight."
        )
    home = _share_out(mass, len(seeds))
    parts = shards.map(_grow_own_trees, problem, seeds, home, shards.n_samples)
    trees = Trees(_in_turn(parts, home), n_values(problem))
    shards.note(trees=float(len(seeds)))
    return trees, _votes(mass, home), home


def _mass(shard: Shard, problem: ForestProblem) -> float:
    rows: BinnedShard = shard.X
    if problem.n_draws:
        return float(_own_blocks(rows, problem).sum())
    return float(rows.data.weight.sum() / problem.fixed_point.weight_unit)


def _own_blocks(rows: BinnedShard, problem: ForestProblem) -> NDArray[np.float64]:
    first, n_blocks = rows.first_block, len(rows.starts) - 1
    return problem.block_mass[first : first + n_blocks]


def _share_out(mass: NDArray[np.float64], n_trees: int) -> NDArray[np.int64]:
    """Home of each tree: by turns, over the shards that have any mass."""
    able = np.flatnonzero(mass)
    return able[np.arange(n_trees) % len(able)]


def _votes(mass: NDArray[np.float64], home: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight of each tree's vote: the mass it speaks for; exactly 1 where there is one shard."""
    n_trees = np.bincount(home, minlength=len(mass))
    share = mass / mass[n_trees > 0].sum()
    return np.asarray(share[home] * (len(home) / n_trees[home]))


def _in_turn(parts: list[list[Tree]], home: NDArray[np.int64]) -> tuple[Tree, ...]:
    """The trees in the order in which they were shared out."""
    own = [iter(part) for part in parts]
    return tuple(next(own[k]) for k in home)


def _grow_own_trees(
    shard: Shard,
    problem: ForestProblem,
    seeds: Sequence[int],
    home: NDArray[np.int64],
    n_samples: int,
) -> list[Tree]:
    own_problem, rows = alone(shard.X, problem, n_samples)
    own_seeds = [seed for seed, k in zip(seeds, home, strict=True) if k == shard.index]
    pool = MemoryPool()
    return [grow_whole_tree(rows, seed, own_problem, pool) for seed in own_seeds]


def alone(
    rows: BinnedShard, problem: ForestProblem, n_samples: int
) -> tuple[ForestProblem, BinnedShard]:
    """The problem of one shard as if there were no others, and its rows renumbered for it.

    Parameters
    ----------
    rows : BinnedShard
    problem : ForestProblem
        Of all `n_samples` rows.
    n_samples : int

    Returns
    -------
    problem : ForestProblem
        Its own blocks of the bootstrap, and of the draws its share: of n draws from n rows, one
        for each of its rows.
    rows : BinnedShard, whose first block is number 0
    """
    own, n_draws = _own_blocks(rows, problem), 0
    if problem.n_draws:
        n_draws = max(1, round(problem.n_draws * int(rows.starts[-1]) / n_samples))
    return replace(problem, n_draws=n_draws, block_mass=own), rows._replace(first_block=0)
