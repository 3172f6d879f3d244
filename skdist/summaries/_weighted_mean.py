# SPDX-License-Identifier: BSD-3-Clause
"""A mean and the weight behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class WeightedMean:
    """Mean of values, each by its weight; what averaged parameters are merged with.

    ``A + B = ((w_A m_A + w_B m_B) / (w_A + w_B), w_A + w_B)``: associative up to rounding, it
    commutes, and neither argument changes. A mean without weight is the identity, whatever it is.

    Parameters
    ----------
    weight : float
        0 or more.
    mean : ndarray of any shape, float64

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.summaries import WeightedMean
    >>> both = WeightedMean(1.0, np.array([0.0, 4.0])) + WeightedMean(3.0, np.array([4.0, 4.0]))
    >>> both.weight, both.mean.tolist()
    (4.0, [3.0, 4.0])
    """

    weight: float
    mean: NDArray[np.float64]

    def __add__(self, other: WeightedMean) -> WeightedMean:
        if other.weight == 0.0:
            return self
        if self.weight == 0.0:
            return other
        weight, mean = self.weight + other.weight, self.weight * self.mean
        mean += other.weight * other.mean  # in place: parameters of networks are many
        mean /= weight
        return WeightedMean(weight, mean)

    @classmethod
    def empty(cls, shape: tuple[int, ...] = ()) -> WeightedMean:
        """Of nothing: the identity of ``+``."""
        return cls(0.0, np.zeros(shape))
