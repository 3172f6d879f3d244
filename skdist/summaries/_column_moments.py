# SPDX-License-Identifier: BSD-3-Clause
"""Weight, mean and squares of each column by itself, where values may be missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ColumnMoments:
    """Of d columns; with W = W_a + W_b and the step u = mean_b - mean_a, of each column, ::

        mean    = mean_a + (W_b / W) u
        squares = squares_a + squares_b + (W_a W_b / W) u^2

    (Chan, Golub & LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, 1979). Means are sums of two numbers, `mean` and the much smaller `rest`, so that u
    has all its digits however large they are. ``+`` commutes and is associative up to rounding.

    Parameters
    ----------
    n_rows : int
        Rows there are, with values or without.
    weight : ndarray of shape (d,), float64
        Sum of the weights of the rows in which a column has a value.
    mean : ndarray of shape (d,), float64
        0 where there is no weight, as are the others.
    rest : ndarray of shape (d,), float64
        What rounding took from `mean`.
    squares : ndarray of shape (d,), float64
        Weighted sum of squares about the mean.

    Notes
    -----
    32 d + 8 bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.kernels.column_sums import column_moments
    >>> X = np.array([[1.0], [np.nan], [2.0], [6.0]])
    >>> a, b = (ColumnMoments(len(part), *column_moments(part)) for part in (X[:2], X[2:]))
    >>> both = a + b
    >>> both.n_rows, both.weight, both.mean, both.squares
    (4, array([3.]), array([3.]), array([14.]))
    """

    n_rows: int
    weight: Array
    mean: Array
    rest: Array
    squares: Array

    @classmethod
    def empty(cls, n_features: int) -> ColumnMoments:
        """Of no rows: the identity of ``+``."""
        return cls(0, *np.zeros((4, n_features)))

    def __add__(self, other: ColumnMoments) -> ColumnMoments:
        weight = self.weight + other.weight
        share = np.divide(other.weight, weight, out=np.zeros_like(weight), where=weight > 0.0)
        with np.errstate(invalid="ignore"):  # inf - inf: whoever reads the sums looks for that
            step = (other.mean - self.mean) + (other.rest - self.rest)
            near = self.mean + share * step
            off = near - self.mean
            rest = (self.mean - (near - off)) + (share * step - off) + self.rest
        here = self.weight > 0.0
        return ColumnMoments(
            self.n_rows + other.n_rows,
            weight,
            np.where(here, near, other.mean),
            np.where(here, rest, other.rest),
            self.squares + other.squares + self.weight * share * step**2,
        )
