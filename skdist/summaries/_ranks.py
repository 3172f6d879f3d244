# SPDX-License-Identifier: BSD-3-Clause
"""How much weight of two classes lies at which ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class RankWeights:
    """Weights of the positive and of the negative rows at sorted keys; ``+`` adds key by key.

    Parameters
    ----------
    keys : ndarray of shape (B,), uint64
        Sorted, without repetition.
    positive, negative : ndarray of shape (B,), float64
    """

    keys: NDArray[np.uint64]
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        keys: NDArray[np.uint64],
        positive: NDArray[np.float64],
        negative: NDArray[np.float64],
    ) -> RankWeights:
        """Of keys in any order, that may repeat."""
        distinct, place = np.unique(keys, return_inverse=True)
        return cls(
            distinct,
            np.bincount(place, positive, len(distinct)).astype(np.float64),
            np.bincount(place, negative, len(distinct)).astype(np.float64),
        )

    @classmethod
    def empty(cls) -> RankWeights:
        """Of no rows: the identity of ``+``."""
        return cls(np.empty(0, np.uint64), np.empty(0), np.empty(0))

    def __add__(self, other: RankWeights) -> RankWeights:
        return RankWeights.of(
            np.concatenate([self.keys, other.keys]),
            np.concatenate([self.positive, other.positive]),
            np.concatenate([self.negative, other.negative]),
        )

    def __getitem__(self, chosen: NDArray[np.bool_]) -> RankWeights:
        return RankWeights(self.keys[chosen], self.positive[chosen], self.negative[chosen])

    @property
    def ambiguous(self) -> NDArray[np.float64]:
        """Weight of the pairs of either class that a key does not tell apart, (B,)."""
        return self.positive * self.negative

    @property
    def in_order(self) -> float:
        """Weight of the pairs whose positive row has the larger key, of equal keys half."""
        below = np.cumsum(self.negative) - self.negative
        return float(self.positive @ (below + self.negative / 2.0))
