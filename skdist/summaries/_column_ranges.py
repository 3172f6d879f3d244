# SPDX-License-Identifier: BSD-3-Clause
"""The least and the greatest value of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ColumnRanges:
    """Of d columns, NaN being no value; ``+`` takes the lesser and the greater, and is exact.

    Parameters
    ----------
    n_rows : int
    low, high : ndarray of shape (d,), float32 or float64
        NaN where a column has no value.

    Notes
    -----
    16 d + 8 bytes.

    Examples
    --------
    >>> import numpy as np
    >>> both = ColumnRanges(2, np.array([1.0]), np.array([3.0])) + ColumnRanges.empty(1)
    >>> both.low, both.high
    (array([1.]), array([3.]))
    """

    n_rows: int
    low: NDArray[Any]
    high: NDArray[Any]

    @classmethod
    def empty(cls, n_features: int, dtype: Any = np.float64) -> ColumnRanges:
        """Of no rows: the identity of ``+``."""
        nothing = np.full(n_features, np.nan, dtype)
        return cls(0, nothing, nothing)

    def __add__(self, other: ColumnRanges) -> ColumnRanges:
        return ColumnRanges(
            self.n_rows + other.n_rows,
            np.fmin(self.low, other.low),
            np.fmax(self.high, other.high),
        )
