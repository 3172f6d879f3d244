# SPDX-License-Identifier: BSD-3-Clause
"""The linear support vector machine with the hinge: coordinate ascent first, if it is quick.

Rows of few entries have little to do with each other: coordinate ascent of the dual
(:mod:`skdist.solvers.cocoa`) then ends after some dozens of epochs, of as many operations as there
are entries. Where many rows share few directions, or C is large, it takes thousands. An interior
point method (:mod:`skdist.solvers.hinge_interior_point`) takes about twenty iterations anyhow, but

    m^3 / 3,  or  m p^2 + p^3 / 3,     m: rows of a program, p: columns

operations in each, after m^2 p for the first of them. No shape tells which of the two is quicker.
So coordinate ascent may take a tenth of the operations of the other, and goes on beyond while it
looks like ending before the other would: by then its gap has told how fast it falls. The other
begins where it ended, if that was not enough. Operations are counted, and not timed: the model does
not depend on how busy a machine is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.solvers.hinge_interior_point import (
    hinge_interior_point,
    relative_gap,
    rows_of_a_program,
)
from skdist.solvers.hinge_program import has_few_rows
from skdist.solvers.linear_objective import LinearObjective, Solution
from skdist.solvers.rounds import Rounds, Shards, Step

if TYPE_CHECKING:
    from skdist.sharding import Shard

Floats = NDArray[np.float64]

ITERATIONS = 20  # of a program
CHOICES = 3  # of rows, where a program does not take all
SHARE = 0.1  # of the operations of the interior point method
OF_A_ROUND = 2000.0  # operations of BLAS in the time of a round of ascent, ten epochs, per entry
OF_A_ROW = 4.0  # entries in the time that a row takes besides
FEWEST_ROUNDS = 4  # of ascent that tell how fast it is
WORTH_A_TRY = 15.0  # rounds of ascent in the time of the other; fewer would hardly be enough
TINY = 1e-12  # a rate that is none


def program_operations(n: float, p: int) -> float:
    """About how many operations the interior point method takes for n rows of p columns."""
    most = rows_of_a_program(n, p)
    m, choices = min(n, most), 1 if n <= most else CHOICES
    if has_few_rows(int(m), p):
        return choices * (m**2 * p + ITERATIONS * m**3 / 3.0)
    return choices * ITERATIONS * (m * p**2 + p**3 / 3.0)


def rounds_of_the_other(n: float, p: int, n_entries: float) -> float:
    """Rounds of coordinate ascent in the time of the interior point method."""
    a_round = OF_A_ROUND * (n_entries + OF_A_ROW * n)
    return program_operations(n, p) / max(a_round, 1.0)


def ascent_rounds(n: float, p: int, n_entries: float) -> int:
    """Rounds that coordinate ascent may take in any case; 0 if it is not worth a try."""
    of_the_other = rounds_of_the_other(n, p, n_entries)
    return max(FEWEST_ROUNDS, int(SHARE * of_the_other)) if of_the_other >= WORTH_A_TRY else 0


@dataclass(frozen=True)
class Forecast:
    """Whether coordinate ascent will have ended before the other method would. ::

        k + log(gap_k / enough) / rate <= the other's rounds,   rate = log(gap_h / gap_k) / (k - h)

    after k rounds, h half as many: what it does first says little of how it ends.

    Parameters
    ----------
    sure : int
        Rounds that it may take in any case.
    of_the_other : float
        Rounds in the time of the other method.
    enough : float
        The gap that ends it, in units of F.
    """

    sure: int
    of_the_other: float
    enough: float

    def __call__(self, history: Sequence[Step]) -> bool:
        k = len(history)
        if k <= self.sure:
            return True
        now, then = history[-1], history[k // 2 - 1]
        rate = np.log(then.bound / now.bound) / (k - k // 2)
        left = np.log(now.bound / (self.enough * now.value))
        return bool(k + left / max(rate, TINY) <= self.of_the_other)


def hinge_dual_ascent(
    shards: Shards, objective: LinearObjective, *, tol: float = 1e-4, max_iter: int = 1000
) -> Solution:
    """Minimise |w|^2 / 2 + C sum of weighted hinges; arguments as of `cocoa`.

    Returns
    -------
    Solution
        Its bound is a duality gap of all rows. Its history goes through both methods.
    """
    rounds = Rounds(shards)
    n, n_entries = rounds.map_reduce(count_entries)
    size = float(n), objective.shape[1], float(n_entries)
    sure = ascent_rounds(*size)
    if sure == 0:
        return hinge_interior_point(shards, objective, tol=tol, max_iter=max_iter)
    from skdist.solvers.cocoa import cocoa  # what compiles is imported where it is needed

    pays = Forecast(sure, rounds_of_the_other(*size), relative_gap(tol))
    quick = cocoa(shards, objective, tol=tol, max_iter=max_iter, pays=pays)
    left = max_iter - quick.n_iter
    if quick.converged or left <= 0 or rounds.time_is_up:
        return quick
    slow = hinge_interior_point(shards, objective, quick.w, tol=tol, max_iter=left)
    best = slow if slow.bound <= quick.bound else quick
    return replace(
        best,
        n_iter=quick.n_iter + slow.n_iter,
        converged=slow.converged,
        history=(*quick.history, *slow.history),
    )


def count_entries(shard: Shard) -> Floats:
    """Rows, and entries that are looked at in an epoch, (2,)."""
    n_entries = shard.X.nnz if issparse(shard.X) else shard.X.size
    return np.array([shard.n_rows, n_entries], np.float64)
