# SPDX-License-Identifier: BSD-3-Clause
"""A mean of vectors of which few entries are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SparseMean:
    """Weighted mean of vectors that are 0 where they say nothing.

    ``A + B`` has the entries of both: ``(w_A a_i + w_B b_i) / (w_A + w_B)``. Associative up to
    rounding, it commutes, and neither argument changes. One without weight is the identity.

    Parameters
    ----------
    weight : float
        0 or more.
    index : ndarray of shape (k,), int32 or int64
        Ascending, each once.
    value : ndarray of shape (k,), float32

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.summaries import SparseMean
    >>> a = SparseMean(1.0, np.array([0, 2]), np.array([4.0, 8.0], np.float32))
    >>> b = SparseMean(3.0, np.array([2]), np.array([4.0], np.float32))
    >>> (a + b).index, (a + b).value
    (array([0, 2]), array([1., 5.], dtype=float32))
    """

    weight: float
    index: NDArray[np.signedinteger]
    value: NDArray[np.float32]

    def __add__(self, other: SparseMean) -> SparseMean:
        if other.weight == 0.0:
            return self
        if self.weight == 0.0:
            return other
        weight = self.weight + other.weight
        index = np.union1d(self.index, other.index)
        value = np.zeros(len(index))
        for part in (self, other):
            value[np.searchsorted(index, part.index)] += part.weight / weight * part.value
        return SparseMean(weight, index, value.astype(np.float32))

    @classmethod
    def empty(cls) -> SparseMean:
        """Of nothing: the identity of ``+``."""
        return cls(0.0, np.zeros(0, np.int32), np.zeros(0, np.float32))

    @classmethod
    def largest(cls, weight: float, vector: NDArray[np.float64], k: int) -> SparseMean:
        """The k entries that are farthest from 0, the first of those that are equally far."""
        order = np.argsort(-np.abs(vector), kind="stable")[:k]
        index: NDArray[np.signedinteger] = np.sort(order)
        if len(vector) < 2**31:
            index = index.astype(np.int32)
        return cls(weight, index, vector[index].astype(np.float32))

    def added_to(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """A copy of a vector, these entries added."""
        there = vector.copy()
        there[self.index] += self.value
        return there
