# SPDX-License-Identifier: BSD-3-Clause
"""What shards tell of the rows near a separating plane, and of all rows together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.summaries._rows import bytes_of, stacked

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MarginRows:
    """Some rows themselves, and the pull of others; ``+`` puts them one below the other.

    Parameters
    ----------
    rows : ndarray or CSR of shape (m, p), float64
        t_i [x_i, c], t_i = 1 or -1.
    cost : ndarray of shape (m,), float64
        What a unit of hinge costs in each of them.
    pull : ndarray of shape (p,), float64
        Sum of cost_i t_i [x_i, c] over the rows that are not among them, and lie on the wrong side
        of their margin.
    offset : float
        Sum of their cost_i.
    """

    rows: Any
    cost: Floats
    pull: Floats
    offset: float

    def __add__(self, other: MarginRows) -> MarginRows:
        return MarginRows(
            stacked([self.rows, other.rows]),
            np.concatenate([self.cost, other.cost]),
            self.pull + other.pull,
            self.offset + other.offset,
        )

    @classmethod
    def empty(cls, n_parameters: int) -> MarginRows:
        """No rows, no pull: the identity of ``+``."""
        return cls(np.empty((0, n_parameters)), np.empty(0), np.zeros(n_parameters), 0.0)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, in bytes; 12 per entry of a sparse row."""
        return bytes_of(self.rows) + self.cost.nbytes + self.pull.nbytes + 8


@dataclass(frozen=True, eq=False)
class MarginSums:
    """Sums over all rows; ``+`` adds them.

    Parameters
    ----------
    hinge : float
        Costs of the hinges.
    crossed : float
        Costs of the margins that rows have crossed by, of those that were taken not to cross it.
    histogram : ndarray of shape (B,), float64
        Rows in bins of their distance from the margin.
    """

    hinge: float
    crossed: float
    histogram: Floats

    def __add__(self, other: MarginSums) -> MarginSums:
        return MarginSums(
            self.hinge + other.hinge,
            self.crossed + other.crossed,
            self.histogram + other.histogram,
        )

    @classmethod
    def empty(cls, n_bins: int) -> MarginSums:
        """Of no rows: the identity of ``+``."""
        return cls(0.0, 0.0, np.zeros(n_bins))

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, in bytes."""
        return self.histogram.nbytes + 16
