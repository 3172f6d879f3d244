# SPDX-License-Identifier: BSD-3-Clause
"""When to stop: no better by `tol` for some rounds in a row; scikit-learn's rule, per problem."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Patience:
    """How P problems, judged by a merit each round, are doing.

    Parameters
    ----------
    tol : float or None
        What a merit must gain on the best so far to count as better; None: never stop.
    n_rounds : int
        Rounds in a row without a gain after which a problem is stuck.
    best : ndarray of shape (P,), float64
    stale : ndarray of shape (P,), int64
        Rounds without a gain.
    """

    tol: float | None
    n_rounds: int
    best: NDArray[np.float64]
    stale: NDArray[np.int64]

    @classmethod
    def begin(cls, tol: float | None, n_rounds: int, n_problems: int) -> Patience:
        """Before the first round."""
        return cls(tol, n_rounds, np.full(n_problems, -np.inf), np.zeros(n_problems, np.int64))

    @property
    def stuck(self) -> NDArray[np.bool_]:
        """Which problems are."""
        return self.stale >= self.n_rounds

    def after(self, merit: NDArray[np.float64]) -> Patience:
        """After a round that ended with these merits, (P,)."""
        stale = np.zeros_like(self.stale)
        if self.tol is not None:
            stale = np.where(merit < self.best + self.tol, self.stale + 1, 0)
        return replace(self, best=np.maximum(self.best, merit), stale=stale)

    def forgive(self, which: NDArray[np.bool_]) -> Patience:
        """Count anew for some problems."""
        return replace(self, stale=np.where(which, 0, self.stale))
