# SPDX-License-Identifier: BSD-3-Clause
"""Every row predicted by the trees that have not seen it.

    votes_i = sum over {t : row i is not in the sample of tree t} of value_t[leaf_t(x_i)]

(Breiman, Out-of-bag estimation, 1996). Whether a row is in a sample is drawn again from the tree's
seed: no index array is kept or sent.

Cost: one round; the packed trees (about 8 bytes per node, and 8 K per leaf that is not pure) down
to every worker, 8 (K + 1) bytes per row up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.packed_trees import PackedTree, order_keys, pack_votes
from skdist.kernels.predict_trees import add_unseen_votes
from skdist.kernels.tree_memory import BinnedRows
from skdist.solvers.binned_forest import (
    BinnedShard,
    BlockLayout,
    ForestProblem,
    cumulate,
    draws,
    n_values,
)
from skdist.solvers.sharded_forest import alone
from skdist.summaries import Trees

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


def out_of_bag_votes(
    shards: ShardedDataset,
    problem: ForestProblem,
    layout: BlockLayout,
    trees: Trees,
    seeds: Sequence[int],
    home: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum of the votes of the trees that have not seen a row, and their number.

    Parameters
    ----------
    shards : ShardedDataset
        Of float32 X (n_k, d), C-contiguous, and the sample weights (or None) the trees were grown
        with.
    problem : ForestProblem
        The one the trees were grown from.
    layout : BlockLayout
        Of these shards.
    trees : Trees of K values
    seeds : sequence of T int
        The seed that each tree was grown with.
    home : ndarray of shape (T,), int64, default=None
        From `sharded_forest`: the shard that each tree's sample was drawn from. A row of another
        shard is out of its bag. None: samples of all rows.

    Returns
    -------
    votes : ndarray of shape (n, K)
        Added up tree after tree, as scikit-learn does.
    n_votes : ndarray of shape (n,), int64
        0 where every tree has seen the row.

    Raises
    ------
    ValueError
        If there is not one seed per tree.
    """
    if len(seeds) != trees.n_trees:
        raise ValueError(
            f"Got {len(seeds)} seeds for {trees.n_trees} trees; pass the seed of each tree."
        )
    packed = [pack_votes(tree) for tree in trees.each]
    parts = shards.map(_unseen_votes, problem, layout, packed, seeds, home)
    votes, n_votes = zip(*parts, strict=True)
    return np.concatenate(votes), np.concatenate(n_votes)


def _unseen_votes(
    shard: Shard,
    problem: ForestProblem,
    layout: BlockLayout,
    packed: Sequence[PackedTree],
    seeds: Sequence[int],
    home: NDArray[np.int64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    place, keys = _place(shard, problem, layout), order_keys(shard.X)
    if home is not None:
        problem, place = alone(place, problem, sum(layout.rows))
    votes = np.zeros((len(keys), n_values(problem)))
    n_votes = np.zeros(len(keys), np.int64)
    for t, (tree, seed) in enumerate(zip(packed, seeds, strict=True)):
        if home is None or home[t] == shard.index:
            drawn = draws(place, problem, seed)
        else:
            drawn = np.zeros(len(keys), np.int32)
        add_unseen_votes(tree, keys, drawn, votes)
        n_votes += drawn == 0
    return votes, n_votes


def _place(shard: Shard, problem: ForestProblem, layout: BlockLayout) -> BinnedShard:
    """The shard's place in the bootstrap, as when the trees were grown; without the codes."""
    starts, weight = layout.starts(shard.index), shard.sample_weight
    by_weight = bool(problem.n_draws) and weight is not None
    none = np.empty(0, np.int64)
    return BinnedShard(
        BinnedRows(np.empty((0, 0), np.uint8), none, none, np.empty(0)),
        layout.first[shard.index],
        starts,
        cumulate(weight, starts) if by_weight else np.empty(0),
    )
