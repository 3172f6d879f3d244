# SPDX-License-Identifier: BSD-3-Clause
"""A forest's training problem on binned rows: what every way of distributing it starts from.

Weights and targets are integers, so that sums over rows have no rounding and merge exactly:

    weight_i = round(w_i * weight_unit),        target_i = class of row i, or for regression
    target_i = round(w_i * (y_i - centre) * target_unit)

The units are powers of two, chosen so that no sum exceeds 2^62. For bootstrapped trees w_i = 1
here: sample weights are the probabilities of the draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.binning import Bins, encode
from skdist.kernels.bootstrap import block_counts, draw_counts
from skdist.kernels.describe_nodes import describe_nodes
from skdist.kernels.grow_tree import Root
from skdist.kernels.node_split import Rules
from skdist.kernels.tree_memory import BinnedRows, NodeTable
from skdist.summaries import Tree

if TYPE_CHECKING:
    from skdist.sharding import Shard

# The kernel keeps a row's class, 16 bits, in one number with its weight.
_WEIGHT_BITS, _TARGET_BITS = 46, 62
MAX_BLOCKS = 4096


class FixedPoint(NamedTuple):
    """How weights and targets become integers."""

    centre: float = 0.0
    target_unit: float = 1.0
    weight_unit: float = 1.0


@dataclass(frozen=True)
class ForestProblem:
    """What trees are grown from, but for the rows.

    Parameters
    ----------
    rules : Rules
    bins : Bins
    fixed_point : FixedPoint
    n_draws : int
        Rows drawn for each tree's bootstrap sample; 0: every tree sees all rows.
    block_mass : ndarray of shape (B,), float64
        Rows, or sum of weights, of each block of rows that the bootstrap is drawn by.
    """

    rules: Rules
    bins: Bins
    fixed_point: FixedPoint
    n_draws: int
    block_mass: NDArray[np.float64]


class BinnedShard(NamedTuple):
    """A shard's rows, binned, and their place in the bootstrap."""

    data: BinnedRows
    first_block: int
    starts: NDArray[np.int64]  # (b + 1,), first row of each of the shard's blocks
    cumulative: NDArray[np.float64]  # (n,) weights summed within blocks; (0,) if all are equal


@dataclass(frozen=True)
class BlockLayout:
    """How the rows are cut into the blocks of the bootstrap.

    Parameters
    ----------
    size : int
        Rows per block; the last block of a shard may have fewer.
    first : tuple of int
        Number of each shard's first block among all.
    rows : tuple of int
        Rows of each shard.
    """

    size: int
    first: tuple[int, ...]
    rows: tuple[int, ...]

    def starts(self, shard: int) -> NDArray[np.int64]:
        """First row of each block of a shard, and its number of rows, (b + 1,)."""
        return np.append(np.arange(0, self.rows[shard], self.size), self.rows[shard])

    def sizes(self) -> NDArray[np.float64]:
        """Rows of every block of all shards, (B,)."""
        return np.concatenate([np.diff(self.starts(k)) for k in range(len(self.rows))]).astype(
            np.float64
        )


def block_size(n_samples: int) -> int:
    """Rows per block of the bootstrap: at most 4096 blocks, however the rows are sharded."""
    return -(-n_samples // MAX_BLOCKS)


def lay_blocks(rows: Sequence[range]) -> BlockLayout:
    """Blocks within shards; the same for all shards that are cut between blocks."""
    size, counts = block_size(rows[-1].stop), tuple(len(r) for r in rows)
    blocks = [-(-n // size) for n in counts]
    return BlockLayout(size, (0, *accumulate(blocks[:-1])), counts)


def fixed_point(
    y_range: tuple[float, float] | None, total_weight: float, weighted: bool, from_zero: bool
) -> FixedPoint:
    """Units that use the bits there are.

    Parameters
    ----------
    y_range : (min, max) of y, or None for classes.
    total_weight : sum of the weights a tree sees; an upper bound will do.
    weighted : whether weights are fractions; otherwise they count rows.
    from_zero : whether y is not centred (poisson needs sums of y itself).
    """
    weight_unit = _unit(total_weight, _WEIGHT_BITS) if weighted else 1.0
    if y_range is None:
        return FixedPoint(weight_unit=weight_unit)
    low, high = y_range
    centre = 0.0 if from_zero else low + (high - low) / 2
    largest = max(abs(low - centre), abs(high - centre))
    return FixedPoint(centre, _unit(total_weight * largest, _TARGET_BITS), weight_unit)


def _unit(largest_sum: float, bits: int) -> float:
    """The largest power of two that keeps `largest_sum` below 2**bits."""
    if largest_sum <= 0.0:
        return 1.0
    return float(2.0 ** min(bits - 1 - np.frexp(largest_sum)[1], 1000))


def bin_shard(
    shard: Shard, problem: ForestProblem, first_block: int, starts: NDArray[np.int64]
) -> BinnedShard:
    """Codes, integer targets and integer weights of a shard of float32 X and encoded y."""
    y, weight = shard.y, shard.sample_weight
    regression, unit = problem.rules.n_classes == 0, problem.fixed_point
    ones = np.ones(len(y), np.int64)
    in_tree = None if problem.n_draws else weight
    deviation = (y - unit.centre).astype(np.float64) if regression else np.empty(0)
    if regression:
        share = deviation if in_tree is None else deviation * in_tree
        target = np.rint(share * unit.target_unit).astype(np.int64)
    else:
        target = y.astype(np.int64)
    whole = ones if in_tree is None else np.rint(in_tree * unit.weight_unit).astype(np.int64)
    drawn_by_weight = bool(problem.n_draws) and weight is not None
    return BinnedShard(
        BinnedRows(encode(shard.X, problem.bins), target, whole, deviation),
        first_block,
        starts,
        cumulate(weight, starts) if drawn_by_weight else np.empty(0),
    )


def cumulate(weight: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of the weights within blocks, (n,): what a block's draws are made by."""
    return np.concatenate([np.empty(0), *(np.cumsum(weight[a:b]) for a, b in pairwise(starts))])


def concatenate(shards: list[BinnedShard]) -> BinnedShard:
    """The rows of consecutive shards as one."""
    parts = [s.data for s in shards]
    data = BinnedRows(
        np.concatenate([p.codes for p in parts], axis=1),
        *(np.concatenate([p[i] for p in parts]) for i in (1, 2, 3)),
    )
    starts, n = [np.zeros(1, np.int64)], 0
    for s in shards:
        starts.append(s.starts[1:] + n)
        n += int(s.starts[-1])
    return BinnedShard(
        data,
        shards[0].first_block,
        np.concatenate(starts),
        np.concatenate([s.cumulative for s in shards]),
    )


def draws(
    shard: BinnedShard, problem: ForestProblem, seed: int, out: NDArray[np.int32] | None = None
) -> NDArray[np.int32]:
    """How often each of the shard's rows is in the sample of the tree with this seed.

    Written into `out`, of one number per row, where it is given.
    """
    if not problem.n_draws:
        drawn = np.empty(shard.starts[-1], np.int32) if out is None else out
        drawn.fill(1)
        return drawn
    counts = _block_counts(seed, problem.block_mass.tobytes(), problem.n_draws)
    own = counts[shard.first_block : shard.first_block + len(shard.starts) - 1]
    return draw_counts(seed, shard.first_block, shard.starts, own, shard.cumulative, out)


def draw_rows(
    layout: BlockLayout,
    block_mass: NDArray[np.float64],
    n_draws: int,
    seed: int,
    weight: NDArray[np.float64] | None,
) -> NDArray[np.int32]:
    """The draws of all rows, from their weights alone."""
    sizes = layout.sizes().astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    cumulative = np.empty(0) if weight is None else cumulate(weight, starts)
    counts = block_counts(seed, block_mass, n_draws)
    return draw_counts(seed, 0, starts, counts, cumulative)


# All shards, in all rounds, need the same counts of a tree. At most 512 * 32 KB.
@lru_cache(maxsize=512)
def _block_counts(seed: int, mass: bytes, n_draws: int) -> NDArray[np.int64]:
    return block_counts(seed, np.frombuffer(mass), n_draws)


def to_tree(table: NodeTable, problem: ForestProblem, root: Root) -> Tree:
    """A tree's nodes in the units of X and y; shares no memory with the table."""
    tree = empty_tree(len(table.left), n_values(problem))
    rules, edges, unit = problem.rules, problem.bins.edges, problem.fixed_point
    describe_nodes(table, edges, rules, root.scale, unit, tree)
    return tree


def n_values(problem: ForestProblem) -> int:
    """Values per node of the problem's trees."""
    return max(problem.rules.n_classes, 1)


def empty_tree(n_nodes: int, n_values: int) -> Tree:
    """Room for a tree."""
    return Tree(
        feature=np.empty(n_nodes, np.int32),
        threshold=np.empty(n_nodes, np.float32),
        left=np.empty(n_nodes, np.int32),
        right=np.empty(n_nodes, np.int32),
        missing_left=np.empty(n_nodes, np.bool_),
        impurity=np.empty(n_nodes),
        n_samples=np.empty(n_nodes, np.int32),
        weight=np.empty(n_nodes),
        value=np.empty((n_nodes, n_values)),
    )
