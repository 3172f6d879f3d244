# SPDX-License-Identifier: BSD-3-Clause
"""What a tree is grown from, what it grows in, and what comes out: records of arrays."""

from typing import NamedTuple

import numpy as np

from skdist.kernels.node_split import Best, Histogram, Rules, empty_histogram, n_channels

CLASS_BITS = np.int64(16)  # a row's class is in the low bits of its mass
CLASS = np.int64((1 << 16) - 1)


class BinnedRows(NamedTuple):
    """Binned training rows."""

    codes: np.ndarray  # (d, n) uint8, feature-major
    target: np.ndarray  # (n,) int64: class, or weight * (y - centre) in fixed point
    weight: np.ndarray  # (n,) int64 in fixed point, 1 where rows weigh the same
    deviation: np.ndarray  # (n,) float64 y - centre; (0,) for classes


class Sample(NamedTuple):
    """Rows of one tree or node: 12 bytes per row for classes, 20 for regression."""

    rows: np.ndarray  # (m,) int32, columns of `codes`
    mass: np.ndarray  # (m,) int64, draws * weight; for classes that << CLASS_BITS | class
    moment: np.ndarray  # (m,) int64, draws * target; (0,) for classes


def rows_at(sample: Sample, positions: np.ndarray) -> Sample:
    """The rows of a sample at some positions, copied."""
    moment = sample.moment[positions] if len(sample.moment) else sample.moment
    return Sample(sample.rows[positions], sample.mass[positions], moment)


def empty_sample(n_rows: int, rules: Rules) -> Sample:
    """Room for a sample of `n_rows` rows."""
    moments = 0 if rules.n_classes else n_rows
    return Sample(
        np.empty(n_rows, np.int32), np.empty(n_rows, np.int64), np.empty(moments, np.int64)
    )


class NodeTable(NamedTuple):
    """Nodes of one tree in preorder, root first."""

    feature: np.ndarray  # (N,) int32, LEAF at a leaf
    code: np.ndarray  # (N,) uint8, codes up to this one go left
    missing_left: np.ndarray  # (N,) uint8
    left: np.ndarray  # (N,) int32, -1 at a leaf
    right: np.ndarray  # (N,) int32
    n_rows: np.ndarray  # (N,) int32
    channels: np.ndarray  # (N, C) int64
    spread: np.ndarray  # (N,) float64, at a leaf the sum of w y^2 (poisson: w y log y)


class Scratch(NamedTuple):
    """What growing a tree needs besides its rows; a node leaves nothing in it for the next."""

    histogram: Histogram
    best: Best
    features: np.ndarray  # (d,) int64, in order between nodes
    swaps: np.ndarray  # (d,) int64
    total: np.ndarray  # (C,) int64
    scale: np.ndarray  # (C,) float64
    nothing: np.ndarray  # (C,) int64 zeros
    local: np.ndarray  # (C,) int64, the channel of each class among those present


def empty_scratch(d: int, n: int) -> Scratch:
    """Scratch for d features and n channels."""
    return Scratch(
        empty_histogram(n),
        Best(np.empty(1), np.empty(3, np.int64)),
        np.arange(d),
        np.empty(d, np.int64),
        np.empty(n, np.int64),
        np.empty(n),
        np.zeros(n, np.int64),
        np.empty(n, np.int64),
    )


class Waiting(NamedTuple):
    """Right siblings of the nodes on the way down, to be grown later."""

    place: np.ndarray  # (max. depth, 4) int64: start, end, depth, parent
    key: np.ndarray  # (max. depth,) uint64


class Memory(NamedTuple):
    """What a tree grows in."""

    draws: np.ndarray  # (n,) int32
    sample: Sample
    spare: Sample
    table: NodeTable
    waiting: Waiting
    scratch: Scratch


def most_nodes(n_rows: int, max_depth: int) -> int:
    """Nodes that a tree of so many rows and levels may have."""
    return max(min(2 * n_rows - 1, 2 ** min(max_depth + 1, 62) - 1), 1)


def memory_bytes(n_rows: int, n_classes: int, max_depth: int) -> int:
    """Bytes of `new_memory`, for so many classes; 0 for regression."""
    of_row = 28 if n_classes else 44
    of_node = 26 + 8 * (n_classes or 2)
    return of_row * n_rows + of_node * most_nodes(n_rows, max_depth)


def new_memory(n_rows: int, n_features: int, rules: Rules) -> Memory:
    """Memory for trees of up to `n_rows` rows."""
    size, n = most_nodes(n_rows, rules.max_depth), n_channels(rules)
    deepest = max(1, min(n_rows, rules.max_depth))
    table = NodeTable(
        np.empty(size, np.int32),
        np.empty(size, np.uint8),
        np.empty(size, np.uint8),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty((size, n), np.int64),
        np.empty(size, np.float64),
    )
    waiting = Waiting(np.empty((deepest, 4), np.int64), np.empty(deepest, np.uint64))
    return Memory(
        np.empty(n_rows, np.int32),
        empty_sample(n_rows, rules),
        empty_sample(n_rows, rules),
        table,
        waiting,
        empty_scratch(n_features, n),
    )
