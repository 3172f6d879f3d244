# SPDX-License-Identifier: BSD-3-Clause
"""Mean and variance of all entries of a matrix, whatever their row and column."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.sparse import issparse

BLOCK_ENTRIES = 1 << 16  # a block stays in the cache while it is centred


@dataclass(frozen=True, eq=False)
class EntryMoments:
    """Of the rows of some shards; ``+`` is exact but for rounding (Chan, Golub & LeVeque, 1979).

    Parameters
    ----------
    n_entries : int
        Of all entries, those that a sparse matrix does not store included.
    mean, squares : float
        Their mean, and the sum of squares about it.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.summaries import EntryMoments
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> both = EntryMoments.of_rows(X[:1]) + EntryMoments.of_rows(X[1:])
    >>> round(both.variance, 6), round(float(X.var()), 6)
    (2.916667, 2.916667)
    """

    n_entries: int
    mean: float
    squares: float

    def __add__(self, other: EntryMoments) -> EntryMoments:
        n = self.n_entries + other.n_entries
        if 0 in (self.n_entries, other.n_entries):
            return other if self.n_entries == 0 else self
        step = other.mean - self.mean
        mean = (self.n_entries * self.mean + other.n_entries * other.mean) / n
        between = self.n_entries * other.n_entries / n * step * step
        return EntryMoments(n, mean, self.squares + other.squares + between)

    @property
    def variance(self) -> float:
        """Of the entries; 0 where all are equal but for rounding."""
        variance = self.squares / max(self.n_entries, 1)
        rounding = 8.0 * np.finfo(np.float64).eps * abs(self.mean)
        return 0.0 if sqrt(variance) <= rounding else variance

    @classmethod
    def empty(cls) -> EntryMoments:
        """Of no rows: the identity of ``+``."""
        return cls(0, 0.0, 0.0)

    @classmethod
    def of_rows(cls, X: Any) -> EntryMoments:
        """Of the rows X, (n, d), dense or sparse."""
        n = X.shape[0] * X.shape[1]
        if n == 0:
            return cls.empty()
        stored = np.ravel(X.data if issparse(X) else X)
        mean = float(stored.sum(dtype=np.float64) / n)
        squares = sum(
            float(np.square(stored[start : start + BLOCK_ENTRIES] - mean).sum())
            for start in range(0, len(stored), BLOCK_ENTRIES)
        )
        return cls(n, mean, squares + (n - len(stored)) * mean * mean)
