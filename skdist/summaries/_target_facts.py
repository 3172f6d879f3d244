# SPDX-License-Identifier: BSD-3-Clause
"""What is known of the targets of some rows before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TargetFacts:
    """Of the rows of some shards; ``+`` is exact but for the rounding of float sums.

    Parameters
    ----------
    n_rows : int
    weight : float
        Sum of the sample weights, or the number of rows.
    class_weight : ndarray of shape (K,), float64
        The same per class; (0,) for regression.
    low, high : float
        Of y; inf and -inf where there are no rows.
    mean, squares : float
        Weighted mean of y and weighted sum of squares about it (Chan, Golub & LeVeque, 1979).
    """

    n_rows: int
    weight: float
    class_weight: NDArray[np.float64]
    low: float
    high: float
    mean: float
    squares: float

    def __add__(self, other: TargetFacts) -> TargetFacts:
        weight = self.weight + other.weight
        step = other.mean - self.mean
        if self.weight == 0.0 or other.weight == 0.0:
            mean, between = (other if self.weight == 0.0 else self).mean, 0.0
        else:
            mean = (self.weight * self.mean + other.weight * other.mean) / weight
            between = self.weight * other.weight / weight * step * step
        return TargetFacts(
            self.n_rows + other.n_rows,
            weight,
            self.class_weight + other.class_weight,
            min(self.low, other.low),
            max(self.high, other.high),
            mean,
            self.squares + other.squares + between,
        )

    @classmethod
    def empty(cls, n_classes: int) -> TargetFacts:
        """Of no rows: the identity of ``+``."""
        return cls(0, 0.0, np.zeros(n_classes), np.inf, -np.inf, 0.0, 0.0)
