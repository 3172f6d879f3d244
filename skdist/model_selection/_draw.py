# SPDX-License-Identifier: BSD-3-Clause
"""Which rows of a partition are drawn: a function of (seed, partition, row) and of the classes.

Rows stand in the order of their classes, and in each class in that of random numbers. Of the first
r of them ::

    T(r) = floor((share r + v) / of)        0 <= v < of

are drawn, so that of every class, as of every partition, the share is drawn to within one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDED = 1 << 32  # where lengths are unknown, shares are multiples of 1 / ROUNDED
OFFSET_OF_TEST, OFFSET_OF_TRAIN, CLASSES, ROWS = range(4)  # what random numbers are for


@dataclass(frozen=True)
class Shares:
    """How many rows are drawn: `test` of every `of`, then `train` of the same.

    Whole numbers, so that no rounding of floats decides about a row.

    Parameters
    ----------
    test, train, of : int
        ``test + train <= of`` and ``test < of``.
    starts : tuple of int, optional
        Number of the first row of each partition, and `of` the number of all. Then `test` and
        `train` rows are drawn exactly; without it each partition rounds on its own.
    """

    test: int
    train: int
    of: int
    starts: tuple[int, ...] | None = None

    def counts(self, seed: int, partition: int, sizes: list[int]) -> tuple[list[int], list[int]]:
        """Rows of each class of a partition to test with and to train on, from their numbers."""
        v = self._offset(seed, partition, OFFSET_OF_TEST, self.of)
        w = self._offset(seed, partition, OFFSET_OF_TRAIN, self.of - self.test)
        if self.starts is not None:
            start = self.starts[partition]
            w += self.train * (start - (self.test * start + v) // self.of)
            v += self.test * start
        tested = _rounded(sizes, self.test, self.of, v)
        rest = [size - n for size, n in zip(sizes, tested, strict=True)]
        return tested, _rounded(rest, self.train, self.of - self.test, w)

    def _offset(self, seed: int, partition: int, use: int, below: int) -> int:
        """One for all partitions where their rounding goes on from one to the next."""
        number = partition if self.starts is None else 0
        return int(random_bits(seed, number, use, 1)[0]) % below


def _rounded(sizes: list[int], share: int, of: int, offset: int) -> list[int]:
    """``floor((share r + offset) / of)``: what is added to it in each of consecutive stretches."""
    first, counts = 0, []
    for size in sizes:
        last = first + size
        counts.append((share * last + offset) // of - (share * first + offset) // of)
        first = last
    return counts


@dataclass(frozen=True)
class Draw:
    """``(partition, rows in it, classes) -> positions`` of rows drawn at random, ascending."""

    shares: Shares
    seed: int
    part: str  # "train" or "test"

    def __call__(self, partition: int, n_rows: int, classes: Any) -> np.ndarray:
        """The rows of this part."""
        codes = np.zeros(n_rows, np.intp)
        if classes is not None and n_rows:
            codes = np.unique(np.ravel(classes), return_inverse=True)[1]
        # Another order of the classes in each partition: what rounding takes from some evens out.
        n_classes = int(codes.max(initial=0)) + 1
        codes = np.argsort(random_bits(self.seed, partition, CLASSES, n_classes))[codes]
        order = np.lexsort((random_bits(self.seed, partition, ROWS, n_rows), codes))
        sizes = np.bincount(codes, minlength=n_classes)
        test, train = self.shares.counts(self.seed, partition, sizes.tolist())
        skipped, taken = ([0] * n_classes, test) if self.part == "test" else (test, train)
        begins = np.cumsum(sizes) - sizes + skipped
        rows = [order[begin : begin + n] for begin, n in zip(begins, taken, strict=True)]
        return np.sort(np.concatenate(rows))

    def lengths(self, rows: list[int]) -> list[int]:
        """How many rows of each partition are drawn, from how many there are."""
        parts = [self.shares.counts(self.seed, k, [n]) for k, n in enumerate(rows)]
        return [(test if self.part == "test" else train)[0] for test, train in parts]


@dataclass(frozen=True)
class Stretch:
    """``(partition, rows in it, classes) -> positions`` of the rows in a range of all rows."""

    rows: range
    starts: tuple[int, ...]

    def __call__(self, partition: int, n_rows: int, classes: Any) -> np.ndarray:
        """The rows of this range."""
        start = self.starts[partition]
        return np.arange(*np.clip([self.rows.start - start, self.rows.stop - start], 0, n_rows))

    def lengths(self, rows: list[int]) -> list[int]:
        """How many rows of each partition are in the range."""
        return [len(self(k, n, None)) for k, n in enumerate(rows)]


def random_bits(seed: int, partition: int, use: int, n: int) -> np.ndarray:
    """64 bits each, of a counter: the i-th is a function of (seed, partition, use, i)."""
    key = np.random.SeedSequence(entropy=seed, spawn_key=(partition, use))
    return np.random.Philox(key).random_raw(n)
