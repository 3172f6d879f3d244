# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a kernel matrix that are remembered, and sums of rows.

A cache is a memo: what it holds can be computed again, so it is neither pickled nor part of any
result. Of those that are not asked for now, the row that was asked for longest ago goes first.
"""

from typing import Any

import numpy as np

from skdist.kernels.compiling import entry, read_only

MEGABYTE = 1 << 20
CHUNK = 2048  # of columns: their sums stay in the L1 cache


class RowCache:
    """Rows of length `n_columns` in float32, known by whole numbers below `n_ids`.

    Parameters
    ----------
    n_ids, n_columns : int
    n_slots : int
        Rows to remember at most.
    """

    def __init__(self, n_ids: int, n_columns: int, n_slots: int):
        self._sizes = n_ids, n_columns
        self._slot = np.full(n_ids, -1, np.int64)
        self._id = np.full(n_slots, -1, np.int64)
        self._asked = np.zeros(n_slots, np.int64)
        self._now = 0
        self._rows = np.empty((n_slots, n_columns), np.float32)

    def __reduce__(self) -> tuple[Any, ...]:
        # Who receives a copy would fill it for nothing: the next task gets another copy.
        return RowCache, (*self._sizes, 0)

    @property
    def n_slots(self) -> int:
        """How many rows fit."""
        return len(self._id)

    @property
    def rows(self) -> np.ndarray:
        """The memory, (n_slots, n_columns)."""
        return self._rows

    def find(self, ids: np.ndarray) -> np.ndarray:
        """The slots of the rows, -1 where a row is not here, (len(ids),); marks them as asked."""
        self._now += 1
        slots = self._slot[ids]
        self._asked[slots[slots >= 0]] = self._now
        return slots

    def claim(self, ids: np.ndarray) -> np.ndarray:
        """Slots for rows that are not here, to be filled; -1 for those that find no place.

        Rows asked for in the last call of :meth:`find` keep theirs.
        """
        n_free = int(np.count_nonzero(self._asked < self._now))
        slots = np.full(len(ids), -1, np.int64)
        taken = min(n_free, len(ids))
        if taken:
            oldest = np.argpartition(self._asked, taken - 1)[:taken]
            slots[:taken] = np.sort(oldest)
            self._give(slots[:taken], ids[:taken])
        return slots

    def _give(self, slots: np.ndarray, ids: np.ndarray) -> None:
        before = self._id[slots]
        self._slot[before[before >= 0]] = -1
        self._id[slots], self._slot[ids], self._asked[slots] = ids, slots, self._now


def add_rows(out: np.ndarray, rows: np.ndarray, which: np.ndarray, weight: np.ndarray) -> None:
    """Add the sum of ``weight[s] * rows[which[s]]`` to `out`, in float64.

    Parameters
    ----------
    out : ndarray of shape (n,), float64
    rows : ndarray of shape (m, n), float32 or float64
    which : ndarray of shape (p,), int64
    weight : ndarray of shape (p,), float64
    """
    _add_rows(out, read_only(rows), read_only(which), read_only(weight))


@entry()
def _add_rows(out, rows, which, weight):
    n, p = len(out), len(which)
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        total = out[start:stop]
        s = 0
        while s + 4 <= p:  # four rows per pass over the sums
            a, b, c, d = weight[s], weight[s + 1], weight[s + 2], weight[s + 3]
            first, second = rows[which[s], start:stop], rows[which[s + 1], start:stop]
            third, fourth = rows[which[s + 2], start:stop], rows[which[s + 3], start:stop]
            for j in range(stop - start):
                total[j] += a * first[j] + b * second[j] + c * third[j] + d * fourth[j]
            s += 4
        while s < p:
            a, first = weight[s], rows[which[s], start:stop]
            for j in range(stop - start):
                total[j] += a * first[j]
            s += 1
