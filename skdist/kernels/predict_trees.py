# SPDX-License-Identifier: BSD-3-Clause
"""Send rows down packed trees: sum of leaf values, or leaf numbers.

How it is fast. A tree is read through once, in order, so that it lies in cache when rows jump
about in it. A chunk of rows descends one level at a time without a branch that depends on the
data: each row's step is independent of the others', so their cache misses overlap, and rows that
reached a leaf drop out of the list of active ones.

Packed trees are made read-only: those that a worker maps from a file are, and numba compiles one
kernel for both.
"""

from collections.abc import Sequence

import numpy as np

from skdist.kernels.compiling import entry, read_only
from skdist.kernels.packed_trees import PackedTree, order_keys

__all__ = ["CHUNK", "add_unseen_votes", "add_votes", "apply", "leaves"]

CHUNK = 256  # rows that descend together: their features and states fit in L1
# Rows of one window descend together, those left out left out: of 512, a bootstrap misses 188.
WINDOW = 2 * CHUNK
NODES_PER_ROW = 128  # a tree with fewer per row of the block is worth reading through

ONE = np.uint32(1)
LAST_BIT = np.uint32(31)


def add_votes(packed: Sequence[PackedTree], X: np.ndarray, out: np.ndarray) -> None:
    """Add the value of each row's leaf in each tree: ``out[i] += sum_t value_t[leaf_t(x_i)]``.

    Parameters
    ----------
    packed : sequence of PackedTree, from `pack_votes`
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
    Releases the GIL. One step per row and level. Reads all trees once per call, so the best
    block is the largest: split the rows over the threads and no further. Takes 4 n d bytes.
    """
    keys = order_keys(X)
    for tree in packed:
        _add_votes(tree.nodes, tree.votes, keys, out)


def add_unseen_votes(
    tree: PackedTree, keys: np.ndarray, drawn: np.ndarray, out: np.ndarray
) -> None:
    """Add one tree's values where its sample lacks the row.

    ``out[i] += value[leaf(x_i)]`` for every i with ``drawn[i] == 0``.

    Parameters
    ----------
    tree : PackedTree, from `pack_votes`
    keys : (n, d) uint32, from `order_keys`
    drawn : (n,) int32
    out : (n, K) float64, C-contiguous, added to in place.

    Notes
    -----
    Releases the GIL. One step per row not drawn and level.
    """
    _add_unseen_votes(read_only(tree.nodes), read_only(tree.votes), keys, drawn, out)


def apply(packed: Sequence[PackedTree], X: np.ndarray, out: np.ndarray) -> None:
    """Number of the leaf each row reaches in each tree: ``out[i, t] = leaf_t(x_i)``.

    Parameters
    ----------
    packed : sequence of T PackedTree, from `pack_leaves`
    X : ndarray of shape (n, d), float32, C-contiguous
    out : ndarray of shape (n, T), int64, C-contiguous
        Overwritten with node numbers, as scikit-learn's.

    Notes
    -----
    Releases the GIL; costs what `add_votes` costs.
    """
    keys = order_keys(X)
    for t, tree in enumerate(packed):
        _write_leaves(tree.nodes, keys, out, t)


def leaves(tree: PackedTree, keys: np.ndarray) -> np.ndarray:
    """Number of the leaf each row reaches in one tree, (n,) int64.

    Parameters
    ----------
    tree : PackedTree, from `pack_leaves`
    keys : (n, d) uint32, from `order_keys`

    Notes
    -----
    Releases the GIL. One step per row and level.
    """
    out = np.empty((len(keys), 1), np.int64)
    _write_leaves(read_only(tree.nodes), keys, out, 0)
    return out[:, 0]


@entry()
def _read_through(tree, n_rows):
    """Bring a tree into cache in order, much faster than many rows would at random."""
    total = np.uint32(0)
    if len(tree) <= NODES_PER_ROW * n_rows:
        for i in range(0, len(tree), 4):  # 4 nodes to a cache line
            total += tree[np.uint64(i)].feature
    return total


@entry()
def _walk_down(tree, keys, n, current, active):
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
def _start_all(n, current, active):
    """Let the first n rows start at the root."""
    for i in range(n):
        current[i] = 0
        active[i] = i


@entry()
def _start_unseen(drawn, current, active):
    """Let the rows that were not drawn start at the root; returns their number."""
    n = np.uint64(0)
    for i in range(len(drawn)):  # written always, counted if unseen: nothing to mispredict
        current[i] = 0
        active[n] = i
        n += np.uint64(drawn[i] == 0)
    return n


@entry()
def _add_leaves(rows, n, current, votes, out):
    """Add the votes of the leaves that the first n of `rows` have come to."""
    n_values = np.uint32(votes.shape[1])
    for j in range(n):
        i = rows[j]
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
def _add_votes(tree, votes, keys, out):
    current, active = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.uint32)
    every = np.empty(CHUNK, np.uint32)
    _start_all(np.uint64(CHUNK), current, every)
    unused = _read_through(tree, len(keys))
    for first in range(0, len(keys), CHUNK):
        n = np.uint64(min(CHUNK, len(keys) - first))
        _start_all(n, current, active)
        _walk_down(tree, keys[first : first + CHUNK], n, current, active)
        _add_leaves(every, n, current, votes, out[first : first + CHUNK])
    return unused  # or the compiler would leave out the reading


@entry()
def _add_unseen_votes(tree, votes, keys, drawn, out):
    current, active = np.empty(WINDOW, np.uint32), np.empty(WINDOW, np.uint32)
    unseen = np.empty(WINDOW, np.uint32)
    unused = _read_through(tree, len(keys))
    for first in range(0, len(keys), WINDOW):
        rows = keys[first : first + WINDOW]
        n = _start_unseen(drawn[first : first + WINDOW], current, active)
        unseen[:] = active
        unused += _read_rows(rows)
        _walk_down(tree, rows, n, current, active)
        _add_leaves(unseen, n, current, votes, out[first : first + WINDOW])
    return unused


@entry()
def _read_rows(keys):
    """Bring rows into cache in order: with some left out, the processor foresees no pattern."""
    flat, total = keys.reshape(-1), np.uint32(0)
    for i in range(0, len(flat), 16):  # 16 keys to a cache line
        total += flat[np.uint64(i)]
    return total


@entry()
def _write_leaves(tree, keys, out, column):
    current, active = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.uint32)
    unused = _read_through(tree, len(keys))
    for first in range(0, len(keys), CHUNK):
        n = np.uint64(min(CHUNK, len(keys) - first))
        _start_all(n, current, active)
        _walk_down(tree, keys[first : first + CHUNK], n, current, active)
        for i in range(n):
            out[first + i, column] = ~current[i]
    return unused
