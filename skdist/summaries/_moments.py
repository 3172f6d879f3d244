# SPDX-License-Identifier: BSD-3-Clause
"""First and second moments of features and targets: all that least squares needs to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Weight, means, and sums of products about the means, of d features and T targets.

    With W = W_a + W_b and the steps u = x_mean_b - x_mean_a and v = y_mean_b - y_mean_a, ::

        x_mean = (W_a x_mean_a + W_b x_mean_b) / W
        xx     = xx_a + xx_b + (W_a W_b / W) u u'      (xy with u v', yy with v^2)

    (Chan, Golub & LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, 1979). Sums about the mean lose no digits where means are large and spreads small;
    ``X'X - W x_mean x_mean'`` would. ``+`` commutes, is associative up to rounding, and
    ``Moments.empty(d, T)`` is its identity.

    Parameters
    ----------
    n_rows : int
    weight : float
        Sum of the rows' weights, W.
    x_mean : ndarray of shape (d,), float64
        Weighted means; 0 where there is no weight.
    y_mean : ndarray of shape (T,), float64
    xx : ndarray of shape (d, d), float64
        ``sum_i w_i (x_i - x_mean)(x_i - x_mean)'``.
    xy : ndarray of shape (d, T), float64
        ``sum_i w_i (x_i - x_mean)(y_i - y_mean)'``.
    yy : ndarray of shape (T,), float64
        ``sum_i w_i (y_i - y_mean)^2``, of each target.

    Notes
    -----
    8 (d^2 + d T + d + 2 T) bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.kernels.centred_products import centred_products
    >>> X, y = np.array([[1.0], [2.0], [6.0]]), np.array([[0.0], [1.0], [2.0]])
    >>> a, b = (Moments(len(X[part]), *centred_products(X[part], y[part])) for part in
    ...         (slice(2), slice(2, 3)))
    >>> both = a + b
    >>> both.x_mean, both.xx, both.xy
    (array([3.]), array([[14.]]), array([[5.]]))
    """

    n_rows: int
    weight: float
    x_mean: Array
    y_mean: Array
    xx: Array
    xy: Array
    yy: Array

    @classmethod
    def empty(cls, n_features: int, n_targets: int) -> Moments:
        """Of no rows: the identity of ``+``."""
        d, t = n_features, n_targets
        return cls(
            0, 0.0, np.zeros(d), np.zeros(t), np.zeros((d, d)), np.zeros((d, t)), np.zeros(t)
        )

    def __add__(self, other: Moments) -> Moments:
        weight = self.weight + other.weight
        between = self.weight * other.weight / weight if weight > 0.0 else 0.0
        u, v = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        return Moments(
            self.n_rows + other.n_rows,
            weight,
            _mean(self.weight, self.x_mean, other.weight, other.x_mean),
            _mean(self.weight, self.y_mean, other.weight, other.y_mean),
            self.xx + other.xx + np.outer(between * u, u),
            self.xy + other.xy + np.outer(between * u, v),
            self.yy + other.yy + between * v**2,
        )

    def about_zero(self) -> Moments:
        """The same sums about 0 instead of the means: for models without an intercept."""
        weighted = self.weight * self.x_mean
        return Moments(
            self.n_rows,
            self.weight,
            np.zeros_like(self.x_mean),
            np.zeros_like(self.y_mean),
            self.xx + np.outer(weighted, self.x_mean),
            self.xy + np.outer(weighted, self.y_mean),
            self.yy + self.weight * self.y_mean**2,
        )


def _mean(a_weight: float, a: Array, b_weight: float, b: Array) -> Array:
    """The mean of both; that of one, to the bit, where the other has no weight."""
    if a_weight == 0.0:
        return b
    if b_weight == 0.0:
        return a
    return (a_weight * a + b_weight * b) / (a_weight + b_weight)
