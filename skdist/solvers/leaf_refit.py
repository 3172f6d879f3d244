# SPDX-License-Identifier: BSD-3-Clause
"""Give the leaves of trees that saw one shard each the values that all shards' rows give them.

    S_l = sum over shards, over rows i in leaf l, of w_i e(y_i)       (classes; e: unit vector)
    S_l = sum of (w_i, w_i y_i)                                       (regression)
    value_l = S_l / |S_l|_1,   or S_l[1] / S_l[0];   leaves without rows keep their value

and an inner node's sums are those of its leaves. Sums merge exactly (whole numbers to the bit,
others to rounding), so the values do not depend on how the rows are cut. Where they would do harm
(shards that are alike: few rows judge a leaf of a fully grown tree) they are not taken. Both
candidates are judged by trees that did not see the row, the new values without the row itself:

    before_i = sum over t with home_t != shard of i of v_t value_t[l, y_i]
    after_i  = the same with (S_l[y_i] - w_i) / (|S_l|_1 - w_i)

and the refit is kept iff its weighted mean log-loss, probabilities clipped at 1/1000, or its mean
squared error is lower. Two limits of the judgement: leave-one-out is honest about a row, not about
its exact copy; and a row is judged by fewer trees than will vote, which flatters the smoother
candidate, the refit, while trees are few (24 trees on 4 shards that are alike: kept at a true loss
1 % to 3 % higher, the accuracy the same or higher; with 96 trees refused).

Cost: two rounds. Down: the packed trees twice (about 12 bytes per node each time), and the old and
new sums of the leaves; up: 8 K bytes per leaf and shard (regression 16), and three numbers.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.packed_trees import PackedTree, order_keys, pack_leaves
from skdist.kernels.predict_trees import leaves
from skdist.summaries import Tree, Trees

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_PROBABILITY = 1e-3  # a forest that is sure and wrong costs 6.9, not infinity
NOTHING_LEFT = 1e-10  # of a leaf's weight, up to rounding


@dataclass(frozen=True)
class LeafRefit:
    """Whether the refitted leaves were kept, and what decided it.

    Parameters
    ----------
    kept : bool
    loss_before, loss_after : float
        Weighted mean over the rows of the log-loss (regression: squared error) of the trees that
        did not see them; NaN where every tree has seen every row, so that nothing can be judged.
    """

    kept: bool
    loss_before: float
    loss_after: float


class Routes(NamedTuple):
    """The way from a row to its leaves, without their values."""

    packed: list[PackedTree]
    leaf: list[NDArray[np.int32]]  # (N,) of each tree: number of a leaf among the tree's
    first_leaf: Integers  # (T + 1,) first leaf of each tree, of all L leaves


class Votes(NamedTuple):
    """What the rows judge: old values and new sums of the L leaves."""

    value: Floats  # (L, K)
    sums: Floats  # (L, C)
    tree_weight: Floats  # (T,)
    home: Integers  # (T,)


def leaf_refit(
    shards: ShardedDataset, trees: Trees, tree_weight: Floats, home: Integers, n_classes: int
) -> tuple[Trees, LeafRefit]:
    """Refit the leaves on all rows, and keep that if rows unseen by the trees say so.

    Parameters
    ----------
    shards : ShardedDataset
        Of float32 X (n_k, d), C-contiguous, NaN allowed; y the classes 0, ..., K - 1 or, for
        regression, floats; sample weights or None.
    trees : Trees
    tree_weight : ndarray of shape (T,)
        Weight of each tree's vote.
    home : ndarray of shape (T,)
        Number of the shard that each tree was grown on; -1: on other rows than these.
    n_classes : int
        K; 0 for regression.

    Returns
    -------
    trees : Trees
        With new values if the refit is kept, else `trees`. Impurities, weights and numbers of
        rows go on describing the sample that the tree was grown from.
    decision : LeafRefit
    """
    routes = _routes(trees)
    sums = shards.map_tree_reduce(_leaf_sums, routes, n_classes, merge=operator.add)
    value = np.concatenate([tree.value[tree.left < 0] for tree in trees.each])
    votes = Votes(value, sums, tree_weight, home)
    before, after, weight = shards.map_reduce(_losses, routes, votes, n_classes).tolist()
    if weight <= 0.0:
        return trees, LeafRefit(False, np.nan, np.nan)
    decision = LeafRefit(after < before, before / weight, after / weight)
    if not decision.kept:
        return trees, decision
    own = np.split(sums, routes.first_leaf[1:-1])
    each = [_with_leaf_sums(*pair, n_classes) for pair in zip(trees.each, own, strict=True)]
    return Trees(tuple(each), trees.n_values), decision


def _routes(trees: Trees) -> Routes:
    leaf = [np.cumsum(tree.left < 0, dtype=np.int32) - np.int32(1) for tree in trees.each]
    n_leaves = [numbers[-1] + 1 for numbers in leaf]
    packed = [pack_leaves(tree) for tree in trees.each]
    return Routes(packed, leaf, np.concatenate([[0], np.cumsum(n_leaves, dtype=np.int64)]))


def _leaves(routes: Routes, tree: int, keys: NDArray[np.uint32]) -> NDArray[np.int32]:
    """The leaf of each row, (n,), numbered within the tree."""
    numbers: NDArray[np.int32] = routes.leaf[tree][leaves(routes.packed[tree], keys)]
    return numbers


def _leaf_sums(shard: Shard, routes: Routes, n_classes: int) -> Floats:
    """The sums (L, C) of one shard's rows."""
    keys, w = order_keys(shard.X), _weights(shard)
    n_sums = n_classes or 2
    sums = np.zeros((routes.first_leaf[-1], n_sums))
    for t in range(len(routes.packed)):
        own = sums[routes.first_leaf[t] : routes.first_leaf[t + 1]]
        leaf = _leaves(routes, t, keys)
        if n_classes:
            cell = leaf * np.int64(n_classes) + shard.y.astype(np.int64)
            own[:] = np.bincount(cell, w, own.size).reshape(own.shape)
        else:
            own[:, 0] = np.bincount(leaf, w, len(own))
            own[:, 1] = np.bincount(leaf, w * shard.y, len(own))
    return sums


def _weights(shard: Shard) -> Floats:
    given: Floats | None = shard.sample_weight
    return np.ones(len(shard.X)) if given is None else given.astype(np.float64)


def _losses(shard: Shard, routes: Routes, votes: Votes, n_classes: int) -> Floats:
    """Weighted loss of the old and of the new values, and the weight, of one shard's rows."""
    judges = np.flatnonzero(votes.home != shard.index)
    if not len(judges) or not len(shard.X):
        return np.zeros(3)
    keys, w, y = order_keys(shard.X), _weights(shard), shard.y
    before, after = np.zeros(len(w)), np.zeros(len(w))
    for t in judges.tolist():
        old, new = _judged_values(routes, votes, t, keys, y, w, n_classes)
        before += votes.tree_weight[t] * old
        after += votes.tree_weight[t] * new
    total = votes.tree_weight[judges].sum()
    losses = [_loss(p / total, y, n_classes) @ w for p in (before, after)]
    return np.array([*losses, w.sum()])


def _judged_values(
    routes: Routes,
    votes: Votes,
    tree: int,
    keys: NDArray[np.uint32],
    y: Floats,
    w: Floats,
    n_classes: int,
) -> tuple[Floats, Floats]:
    """What one tree says of each row's y before and after, (n,) each: p(y), or the mean.

    Of the probabilities those of the true classes suffice. A leaf that no other row reaches
    says after what it said before.
    """
    span = slice(routes.first_leaf[tree], routes.first_leaf[tree + 1])
    value, sums = votes.value[span], votes.sums[span]
    total = sums.sum(axis=1) if n_classes else sums[:, 0]
    leaf = _leaves(routes, tree, keys)
    column, own = (y.astype(np.int64), w) if n_classes else (np.zeros(len(y), np.int64), w * y)
    old, rest = value[leaf, column], total[leaf] - w
    others = sums[leaf, column if n_classes else column + 1] - own
    alone = rest <= NOTHING_LEFT * total[leaf]
    return old, np.where(alone, old, others / np.where(alone, 1.0, rest))


def _loss(prediction: Floats, y: Floats, n_classes: int) -> Floats:
    if n_classes:
        return -np.log(np.clip(prediction, LEAST_PROBABILITY, 1.0))
    return np.square(prediction - y)


def _with_leaf_sums(tree: Tree, sums: Floats, n_classes: int) -> Tree:
    """A tree whose values are those of its leaves' sums; nodes without weight keep theirs."""
    of_nodes = np.zeros((tree.n_nodes, sums.shape[1]))
    of_nodes[tree.left < 0] = sums
    for inner in reversed(_inner_nodes_by_level(tree)):
        of_nodes[inner] = of_nodes[tree.left[inner]] + of_nodes[tree.right[inner]]
    weight = of_nodes.sum(axis=1) if n_classes else of_nodes[:, 0]
    numerator = of_nodes if n_classes else of_nodes[:, 1:]
    value, reached = tree.value.copy(), weight > 0.0
    value[reached] = numerator[reached] / weight[reached, None]
    return tree._replace(value=value)


def _inner_nodes_by_level(tree: Tree) -> list[NDArray[np.int32]]:
    """The inner nodes of a tree, the root first."""
    levels, nodes = [], np.zeros(1, np.int32)
    while len(nodes):
        inner = nodes[tree.left[nodes] >= 0]
        levels.append(inner)
        nodes = np.concatenate([tree.left[inner], tree.right[inner]])
    return levels
