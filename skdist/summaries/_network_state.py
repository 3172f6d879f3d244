# SPDX-License-Identifier: BSD-3-Clause
"""What a network has learnt, and what its optimiser and its layers remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class NetworkState:
    """Numbers of a network: parameters, optimiser moments, running statistics, counters.

    Means merge by weight, variances about their means, counters to the largest: with
    W = W_a + W_b and the step u = m_b - m_a between the means that the variances are about, ::

        mean     = mean_a + (W_b / W) (mean_b - mean_a)
        variance = v_a + (W_b / W) (v_b - v_a) + (W_a W_b / W^2) u^2
        count    = max(count_a, count_b)

    (Chan, Golub & LeVeque, 1979). ``+`` is associative and commutes up to rounding, and neither
    argument changes. What is the same in both stays so to the last bit, as frozen parameters must.
    A state without weight is the identity, whatever else it holds.

    Parameters
    ----------
    weight : float
        Of the rows behind it; 0 or more.
    mean : ndarray of shape (D,), floating
        All that is averaged, one after the other.
    variance : ndarray of shape (V,), floating
        Running variances.
    count : ndarray of shape (C,), float64
        Numbers of steps and of batches: networks that step side by side take as many steps as the
        one that takes most.
    n_parameters : int
        So many first entries of `mean` are the trainable parameters; the V next ones are the means
        of `variance`.
    layout : tuple
        Names and shapes of everything, in order. States of another layout do not merge.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.summaries import NetworkState
    >>> a, b = (NetworkState(1.0, np.array([w, m]), np.array([1.0]), np.array([3.0]), 1)
    ...         for w, m in ((0.0, -1.0), (4.0, 1.0)))
    >>> (a + b).mean, (a + b).variance, (a + b).count
    (array([2., 0.]), array([2.]), array([3.]))
    """

    weight: float
    mean: Array
    variance: Array
    count: Array
    n_parameters: int
    layout: tuple[Any, ...] = ()

    @property
    def parameters(self) -> Array:
        """The trainable parameters, a view of shape (n_parameters,)."""
        return self.mean[: self.n_parameters]

    def __add__(self, other: NetworkState) -> NetworkState:
        if other.weight == 0.0:
            return self
        if self.weight == 0.0:
            return other
        if self.layout != other.layout:
            raise ValueError(_unlike(self.layout, other.layout))
        weight = self.weight + other.weight
        a, b = self.weight / weight, other.weight / weight
        centre = slice(self.n_parameters, self.n_parameters + len(self.variance))
        step = other.mean[centre] - self.mean[centre]
        return NetworkState(
            weight,
            self.mean + b * (other.mean - self.mean),
            self.variance + b * (other.variance - self.variance) + a * b * step * step,
            np.maximum(self.count, other.count),
            self.n_parameters,
            self.layout,
        )


def _unlike(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    differ = sorted({str(entry) for entry in set(one) ^ set(other)})[:4]
    return (
        f"States of unlike networks cannot be merged; they differ in {', '.join(differ)}. Every "
        "network must have the same layers, and every shard must train the same of them."
    )
