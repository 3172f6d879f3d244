# SPDX-License-Identifier: BSD-3-Clause
"""What a loss is, and what follows where there is one raw prediction per row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Loss(Protocol):
    """What solvers and kernels need to know of a loss.

    `value` is (n,), `gradient` is shaped like z, `curvature` is (n,) for one output, else (G, n):
    G = K (K - 1) / 2 pairs of classes in the order (0, 1), (0, 2), ..., (K - 2, K - 1).
    """

    @property
    def n_outputs(self) -> int:
        """K, the number of raw predictions per row."""

    def value(self, y: Floats, z: Floats) -> Floats:
        """The loss; inf where z is outside of its domain."""

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """The loss, and its gradient by z."""

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """The loss, its gradient by z, and the weights of its curvature."""

    def gradient_change(self, y: Floats, z: Floats, dz: Floats) -> Floats:
        """Hessian by z times dz."""

    def curvature_diagonal(self, y: Floats, z: Floats) -> Floats:
        """The diagonal of the Hessian by z, shaped like z."""

    def constant_fit(self, mean: Floats) -> Floats:
        """The raw prediction, (K,), that fits best where all rows have the same X.

        `mean` is the weighted mean of y, (1,), or the K shares of the classes.
        """


class OneOutput(ABC):
    """What follows from `value_gradient_curvature` where there is one raw prediction per row."""

    n_outputs = 1

    @abstractmethod
    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """What each loss defines."""

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """The loss and its slope."""
        return self.value_gradient_curvature(y, z)[:2]

    def gradient_change(self, y: Floats, z: Floats, dz: Floats) -> Floats:
        """c dz."""
        return self.value_gradient_curvature(y, z)[2] * dz

    def curvature_diagonal(self, y: Floats, z: Floats) -> Floats:
        """c."""
        return self.value_gradient_curvature(y, z)[2]
