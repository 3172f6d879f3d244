# SPDX-License-Identifier: BSD-3-Clause
"""Send rows down the trees of a forest: sum of leaf values, or leaf numbers.

How it is fast. Only inner nodes are walked, 16 bytes each. A tree is read through once, in order,
so that it lies in cache when rows jump about in it. A chunk of rows descends one level at a time
without a branch that depends on the data: each row's step is independent of the others', so their
cache misses overlap, and rows that reached a leaf drop out of the list of active ones. A leaf
that is all of one class, as nearly every leaf of a fully grown tree, is known by its class and
needs no look-up.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from skdist.kernels.compiling import entry, read_only

__all__ = [
    "CHUNK",
    "NODES_PER_ROW",
    "PackedTrees",
    "add_votes",
    "apply",
    "order_keys",
    "pack_leaves",
    "pack_votes",
    "read_through",
    "walk_down",
]

CHUNK = 256  # rows that descend together: their features and states fit in L1
SPAN = 1 << 16  # inner nodes packed by one task
NODES_PER_ROW = 128  # a tree with fewer per row of the block is worth reading through

# `feature` is 2 * feature + missing_left; a child c >= 0 is an inner node of the same tree,
# a child c < 0 is the leaf of code ~c.
NODE = np.dtype(
    [("threshold", np.uint32), ("feature", np.uint32), ("left", np.uint32), ("right", np.uint32)]
)

NAN_KEY = np.uint32(0xFFFFFFFF)
SIGN = np.uint32(0x80000000)
INFINITY = np.uint32(0x7F800000)
ONE = np.uint32(1)
LAST_BIT = np.uint32(31)


class PackedTrees(NamedTuple):
    """Trees as the kernels walk them; a cache that can always be made again from `Trees`."""

    nodes: np.ndarray  # (I,) NODE: inner nodes, tree after tree, root first
    roots: np.ndarray  # (T + 1,) int64: tree t owns nodes[roots[t]:roots[t + 1]]
    votes: np.ndarray  # (V, K) float64: added by leaves of code c; its first K rows, the identity


def pack_votes(trees: Any, run: Callable[..., Iterable[Any]] = map) -> PackedTrees:
    """Pack trees for `add_votes`: the code of a leaf is its row in a table of votes.

    Parameters
    ----------
    trees : skdist.summaries.Trees, of T trees with K values
    run : callable, default=map
        Called like the built-in `map`; that of a thread pool packs trees side by side.

    Returns
    -------
    PackedTrees

    Notes
    -----
    One pass over the nodes, about 10 ns each; 16 bytes per inner node and 8 K per mixed leaf.
    """
    n_values = trees.value.shape[1]
    n_leaves = (np.diff(trees.offsets) + 1) // 2
    first_votes = np.cumsum(np.concatenate([[n_values], n_leaves]))
    votes = np.empty((first_votes[-1], n_values))  # memory that no mixed leaf fills is never used
    votes[:n_values] = np.eye(n_values)
    return _pack(trees, first_votes, votes, run)


def pack_leaves(trees: Any, run: Callable[..., Iterable[Any]] = map) -> PackedTrees:
    """Pack trees for `apply`: the code of a leaf is its node number in its tree.

    Parameters and cost as `pack_votes`.
    """
    return _pack(trees, np.zeros(0, np.int64), np.empty((0, trees.value.shape[1])), run)


def add_votes(packed: PackedTrees, X: np.ndarray, out: np.ndarray) -> None:
    """Add the value of each row's leaf in each tree: ``out[i] += sum_t value_t[leaf_t(x_i)]``.

    Parameters
    ----------
    packed : PackedTrees, from `pack_votes`
    X : ndarray of shape (n, d), float32, C-contiguous
        A block of rows with at least the columns the trees test, which is not checked; NaN and
        infinities are values like others.
    out : ndarray of shape (n, K), float64, C-contiguous
        Added to in place, tree after tree: the result of a row does not depend on its block.

    Raises
    ------
    TypeError
        If X is not float32.

    Notes
    -----
    Releases the GIL. About 1.6 ns per row and level. Reads all trees once per call, so the best
    block is the largest: split the rows over the threads and no further. Takes 4 n d bytes.
    """
    _add_votes(*map(read_only, packed), order_keys(X), out)


def apply(packed: PackedTrees, X: np.ndarray, out: np.ndarray) -> None:
    """Number of the leaf each row reaches in each tree: ``out[i, t] = leaf_t(x_i)``.

    Parameters
    ----------
    packed : PackedTrees, from `pack_leaves`
    X : ndarray of shape (n, d), float32, C-contiguous
    out : ndarray of shape (n, T), int64, C-contiguous
        Overwritten with node numbers that count from the root of the tree, as scikit-learn's.

    Notes
    -----
    Releases the GIL; costs what `add_votes` costs.
    """
    _apply(read_only(packed.nodes), read_only(packed.roots), order_keys(X), out)


def _pack(
    trees: Any, first_votes: np.ndarray, votes: np.ndarray, run: Callable[..., Iterable[Any]]
) -> PackedTrees:
    # n nodes are (n - 1) / 2 inner ones; a tree that is one leaf still needs one to start from
    n_inner = np.maximum((np.diff(trees.offsets) - 1) // 2, 1)
    roots = np.concatenate([[0], np.cumsum(n_inner)]).astype(np.int64)
    nodes = np.empty(roots[-1], NODE)

    def fill(first: int, last: int) -> None:
        _pack_trees(
            first,
            last,
            read_only(trees.offsets),
            read_only(trees.feature),
            read_only(trees.threshold.view(np.uint32)),
            read_only(trees.left),
            read_only(trees.right),
            read_only(trees.missing_left.view(np.uint8)),
            read_only(trees.value),
            roots,
            nodes,
            first_votes,
            votes,
        )

    starts = np.unique(np.searchsorted(roots, np.arange(0, roots[-1], SPAN)))
    spans = np.append(starts, len(roots) - 1).tolist()
    for _ in run(fill, spans[:-1], spans[1:]):
        pass
    return PackedTrees(nodes, roots, votes)


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
def _place_nodes(left, value, place, vote, votes):
    """Write into ``place[i]`` what the parent of node i writes down for it, and fill `votes`."""
    n_inner = 0
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
                    votes[vote, k] = value[i, k]
                code = vote
                vote += 1
            place[i] = ~np.uint32(code)


@entry()
def _pack_tree(feature, threshold, left, right, missing_left, place, nodes):
    n_inner = 0
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


@entry()
def _pack_trees(
    first_tree,
    last_tree,
    offsets,
    feature,
    threshold,
    left,
    right,
    missing_left,
    value,
    roots,
    nodes,
    first_votes,
    votes,
):
    for t in range(first_tree, last_tree):
        a, b = offsets[t], offsets[t + 1]
        place = np.empty(b - a, np.uint32)
        vote = first_votes[t] if len(votes) else 0
        _place_nodes(left[a:b], value[a:b], place, vote, votes)
        _pack_tree(
            feature[a:b],
            threshold[a:b],
            left[a:b],
            right[a:b],
            missing_left[a:b],
            place,
            nodes[roots[t] : roots[t + 1]],
        )


@entry()
def read_through(tree):
    """Bring a tree into cache in order, much faster than rows would at random."""
    total = np.uint32(0)
    for i in range(0, len(tree), 4):  # 4 nodes to a cache line
        total += tree[np.uint64(i)].feature
    return total


@entry()
def walk_down(tree, keys, n, current, active):
    """Take the rows ``active[:n]`` of `keys` from node ``current[row]`` down to a leaf.

    ``current[row]`` becomes ~code; `active` is used up.
    """
    while n > 0:
        n_active = np.uint64(0)
        for i in range(n):
            row = active[i]
            node = tree[current[row]]
            missing = node.feature & ONE
            is_left = np.uint32(keys[row, node.feature >> ONE] + missing) <= node.threshold
            child = node.left if is_left else node.right
            current[row] = child
            active[n_active] = row
            n_active += np.uint64(~child >> LAST_BIT)
        n = n_active


@entry()
def _descend(tree, keys, n, current, active):
    """Take the first n rows of `keys` from root to leaf; ``current[i]`` becomes ~code."""
    for i in range(n):
        active[i] = i
        current[i] = 0
    walk_down(tree, keys, n, current, active)


@entry()
def _add_leaves(current, n, votes, out):
    n_values = np.uint32(votes.shape[1])
    for i in range(n):
        code = ~current[i]
        if n_values == 1:
            out[i, 0] += votes[code, 0]
        elif n_values == 2:
            out[i, 0] += votes[code, 0]
            out[i, 1] += votes[code, 1]
        elif code < n_values:  # a pure leaf adds 1 to its class and 0 to the others
            out[i, code] += 1.0
        else:
            for k in range(n_values):
                out[i, k] += votes[code, k]


@entry()
def _add_votes(nodes, roots, votes, keys, out):
    current, active = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.uint32)
    unused = np.uint32(0)
    for t in range(len(roots) - 1):
        tree = nodes[roots[t] : roots[t + 1]]
        if len(tree) <= NODES_PER_ROW * len(keys):
            unused += read_through(tree)
        for first in range(0, len(keys), CHUNK):
            n = np.uint64(min(CHUNK, len(keys) - first))
            _descend(tree, keys[first : first + CHUNK], n, current, active)
            _add_leaves(current, n, votes, out[first : first + CHUNK])
    return unused  # or the compiler would leave out the reading


@entry()
def _apply(nodes, roots, keys, out):
    current, active = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.uint32)
    unused = np.uint32(0)
    for t in range(len(roots) - 1):
        tree = nodes[roots[t] : roots[t + 1]]
        if len(tree) <= NODES_PER_ROW * len(keys):
            unused += read_through(tree)
        for first in range(0, len(keys), CHUNK):
            n = np.uint64(min(CHUNK, len(keys) - first))
            _descend(tree, keys[first : first + CHUNK], n, current, active)
            for i in range(n):
                out[first + i, t] = ~current[i]
    return unused
