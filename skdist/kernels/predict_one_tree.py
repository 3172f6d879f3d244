# SPDX-License-Identifier: BSD-3-Clause
"""Send rows down one tree of a packed forest: where each tree has rows of its own to judge.

The rows' order keys are made once and serve all trees. Packed trees are taken as read-only,
wherever they come from: a worker maps them from a file, and numba compiles one kernel, not two.
"""

import numpy as np

from skdist.kernels.compiling import entry, read_only
from skdist.kernels.predict_trees import (
    CHUNK,
    NODES_PER_ROW,
    PackedTrees,
    read_through,
    walk_down,
)

# Rows of one window descend together, those left out left out: of 512, a bootstrap misses 188.
WINDOW = 2 * CHUNK


def add_unseen_votes(
    packed: PackedTrees, tree: int, keys: np.ndarray, drawn: np.ndarray, out: np.ndarray
) -> None:
    """Add one tree's values where its sample lacks the row.

    ``out[i] += value[leaf(x_i)]`` for every i with ``drawn[i] == 0``.

    Parameters
    ----------
    packed : PackedTrees, from `pack_votes`
    tree : int
    keys : (n, d) uint32, from `order_keys`
    drawn : (n,) int32
    out : (n, K) float64, C-contiguous, added to in place.

    Notes
    -----
    Releases the GIL. About 1.6 ns per row not drawn and level.
    """
    nodes = read_only(packed.nodes[packed.roots[tree] : packed.roots[tree + 1]])
    _add_unseen_votes(nodes, read_only(packed.votes), keys, drawn, out)


def leaves(packed: PackedTrees, tree: int, keys: np.ndarray) -> np.ndarray:
    """Number of the leaf each row reaches in one tree, (n,) int64, counted from its root.

    Parameters
    ----------
    packed : PackedTrees, from `pack_leaves`
    tree : int
    keys : (n, d) uint32, from `order_keys`

    Notes
    -----
    Releases the GIL. About 1.6 ns per row and level.
    """
    out = np.empty(len(keys), np.int64)
    nodes = packed.nodes[packed.roots[tree] : packed.roots[tree + 1]]
    _write_leaves(read_only(nodes), keys, out)
    return out


@entry()
def _add_unseen_votes(tree, votes, keys, drawn, out):
    current, active = np.empty(WINDOW, np.uint32), np.empty(WINDOW, np.uint32)
    unseen = np.empty(WINDOW, np.uint32)
    unused = np.uint32(0)
    if len(tree) <= NODES_PER_ROW * len(keys):
        unused += read_through(tree)
    for first in range(0, len(keys), WINDOW):
        window = drawn[first : first + WINDOW]
        n = np.uint64(0)
        for i in range(len(window)):  # written always, counted if unseen: nothing to mispredict
            current[i] = 0
            active[n] = unseen[n] = i
            n += np.uint64(window[i] == 0)
        unused += _read_rows(keys[first : first + WINDOW])
        walk_down(tree, keys[first : first + WINDOW], n, current, active)
        _add_leaves_of(unseen, n, current, votes, out[first : first + WINDOW])
    return unused  # or the compiler would leave out the reading


@entry()
def _read_rows(keys):
    """Bring rows into cache in order: with some left out, the processor foresees no pattern."""
    flat, total = keys.reshape(-1), np.uint32(0)
    for i in range(0, len(flat), 16):  # 16 keys to a cache line
        total += flat[np.uint64(i)]
    return total


@entry()
def _add_leaves_of(rows, n, current, votes, out):
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
def _write_leaves(tree, keys, out):
    current, active = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.uint32)
    unused = np.uint32(0)
    if len(tree) <= NODES_PER_ROW * len(keys):
        unused += read_through(tree)
    for first in range(0, len(keys), CHUNK):
        n = min(CHUNK, len(keys) - first)
        for i in range(n):
            current[i] = 0
            active[i] = i
        walk_down(tree, keys[first : first + CHUNK], np.uint64(n), current, active)
        for i in range(n):
            out[first + i] = ~current[i]
    return unused
