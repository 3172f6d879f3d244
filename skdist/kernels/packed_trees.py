# SPDX-License-Identifier: BSD-3-Clause
"""Trees as prediction walks them, and rows as it compares them.

Only inner nodes are walked, 16 bytes each. A leaf is a code: that of a leaf which is all of one
class, as nearly every leaf of a fully grown tree, is the class and needs no look-up. Floats are
compared as unsigned integers of the same order, NaN the largest.
"""

from typing import Any, NamedTuple

import numpy as np

from skdist.kernels.compiling import entry, read_only

__all__ = ["PackedTree", "order_keys", "pack_leaves", "pack_votes"]

# `feature` is 2 * feature + missing_left; a child c >= 0 is an inner node of the same tree,
# a child c < 0 is the leaf of code ~c.
NODE = np.dtype(
    [("threshold", np.uint32), ("feature", np.uint32), ("left", np.uint32), ("right", np.uint32)]
)

NAN_KEY = np.uint32(0xFFFFFFFF)
SIGN = np.uint32(0x80000000)
INFINITY = np.uint32(0x7F800000)


class PackedTree(NamedTuple):
    """A tree as the kernels walk it, read-only; it can always be made again from the `Tree`."""

    nodes: np.ndarray  # (I,) NODE: inner nodes, the root first
    votes: np.ndarray  # (V, K) float64: added by leaves of code c; its first K rows, the identity


def pack_votes(tree: Any) -> PackedTree:
    """Pack a tree for `add_votes`: the code of a leaf is its row in a table of votes.

    Parameters
    ----------
    tree : skdist.summaries.Tree, of K values

    Returns
    -------
    PackedTree

    Notes
    -----
    Releases the GIL. One pass over the nodes; 16 bytes per inner node and 8 K
    per leaf that is not all of one class.
    """
    n_leaves, n_values = (len(tree.feature) + 1) // 2, tree.value.shape[1]
    votes = np.empty((n_values + n_leaves, n_values))
    votes[:n_values] = np.eye(n_values)
    nodes, n_votes = _pack(tree, votes)
    return PackedTree(read_only(nodes), read_only(votes[:n_votes].copy()))


def pack_leaves(tree: Any) -> PackedTree:
    """Pack a tree for `apply`: the code of a leaf is its node number.

    Parameters and cost as `pack_votes`.
    """
    none = np.empty((0, tree.value.shape[1]))
    return PackedTree(read_only(_pack(tree, none)[0]), none)


def _pack(tree: Any, votes: np.ndarray) -> tuple[np.ndarray, int]:
    # n nodes are (n - 1) / 2 inner ones; a tree that is one leaf still needs one to start from
    nodes = np.empty(max((len(tree.feature) - 1) // 2, 1), NODE)
    n_votes = _pack_nodes(
        read_only(tree.feature),
        read_only(tree.threshold.view(np.uint32)),
        read_only(tree.left),
        read_only(tree.right),
        read_only(tree.missing_left.view(np.uint8)),
        read_only(tree.value),
        np.empty(len(tree.feature), np.uint32),
        nodes,
        votes,
    )
    return nodes, n_votes


def order_keys(X: np.ndarray) -> np.ndarray:
    """Rows as the kernels compare them: unsigned integers that order as X does, (n, d) uint32.

    Raises
    ------
    TypeError
        If X is not float32.
    """
    if X.dtype != np.float32:  # its bits would be read as other numbers
        raise TypeError(f"Got X of {X.dtype}; trees compare float32, convert X first.")
    keys = np.empty(X.shape, np.uint32)
    _write_order_keys(X.view(np.uint32).reshape(-1), keys.reshape(-1))
    return keys


@entry()
def _order_key(bits):
    """Unsigned integer that orders as the float32 of these bits; NaN is the largest.

    Then "x <= t, or x is NaN and goes left" is one comparison, ``key(x) + m <= key(t) + m`` with
    m = missing_left: only the key of NaN wraps around, to 0.
    """
    magnitude = bits & ~SIGN
    if magnitude > INFINITY:
        return NAN_KEY
    if magnitude == np.uint32(0):  # -0. equals 0.
        return SIGN
    return ~bits if bits & SIGN else bits | SIGN


@entry()
def _write_order_keys(bits, keys):
    for i in range(len(bits)):
        keys[i] = _order_key(bits[i])


@entry()
def _only_class(value, i):
    """k where ``value[i]`` is 1 for class k and 0 for the others, else -1."""
    only = -1
    for k in range(value.shape[1]):
        if value[i, k] != 0.0:
            if only >= 0 or value[i, k] != 1.0:
                return -1
            only = k
    return only


@entry()
def _place_nodes(left, value, place, votes):
    """Write into ``place[i]`` what the parent of node i writes down for it, and fill `votes`."""
    n_inner, n_votes = 0, min(value.shape[1], len(votes))
    for i in range(len(left)):
        if left[i] >= 0:
            place[i] = n_inner
            n_inner += 1
        elif len(votes) == 0:
            place[i] = ~np.uint32(i)
        else:
            code = _only_class(value, i)
            if code < 0:
                for k in range(value.shape[1]):
                    votes[n_votes, k] = value[i, k]
                code = n_votes
                n_votes += 1
            place[i] = ~np.uint32(code)
    return n_votes


@entry()
def _pack_nodes(feature, threshold, left, right, missing_left, value, place, nodes, votes):
    n_votes, n_inner = _place_nodes(left, value, place, votes), 0
    for i in range(len(left)):
        if left[i] >= 0:
            node = nodes[n_inner]
            missing = np.uint32(missing_left[i])
            node.threshold = _order_key(threshold[i]) + missing
            node.feature = np.uint32(2 * feature[i]) + missing
            node.left = place[left[i]]
            node.right = place[right[i]]
            n_inner += 1
    if n_inner == 0:  # whatever x is, to the only leaf
        nodes[0].threshold, nodes[0].feature = NAN_KEY, np.uint32(0)
        nodes[0].left = nodes[0].right = place[0]
    return n_votes
