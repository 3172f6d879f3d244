# SPDX-License-Identifier: BSD-3-Clause
"""The linear support vector machine with the hinge: coordinate ascent first, if it is quick.

Rows of few entries have little to do with each other: coordinate ascent of the dual
(:mod:`skdist.solvers.cocoa`) then ends after some dozens of epochs, of as many operations as there
are entries. Where many rows share few directions, or C is large, it takes thousands. An interior
point method (:mod:`skdist.solvers.hinge_interior_point`) takes about twenty iterations anyhow, but

    m^3 / 3,  or  m p^2 + p^3 / 3,     m: rows of a program, p: columns

operations in each. No shape tells which of them is quicker. So coordinate ascent may take a tenth
of the operations of the other, which begins where it ended, if that was not enough. Operations are
counted, and not timed: the model does not depend on how busy a machine is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.solvers.hinge_interior_point import hinge_interior_point, rows_of_a_program
from skdist.solvers.hinge_program import has_few_rows
from skdist.solvers.linear_objective import LinearObjective, Solution
from skdist.solvers.rounds import Rounds, Shards

if TYPE_CHECKING:
    from skdist.sharding import Shard

Floats = NDArray[np.float64]

ITERATIONS = 20  # of a program
CHOICES = 3  # of rows, where a program does not take all
SHARE = 0.1  # of the operations of the interior point method
OF_A_ROUND = 2000.0  # operations of BLAS in the time of a round of ascent, ten epochs, per entry
OF_A_ROW = 4.0  # entries in the time that a row takes besides
FEWEST_ROUNDS = 20  # of ascent that are worth a try


def program_operations(n: float, p: int) -> float:
    """About how many operations the interior point method takes for n rows of p columns."""
    most = rows_of_a_program(n, p)
    m, choices = min(n, most), 1 if n <= most else CHOICES
    an_iteration = m**3 / 3.0 if has_few_rows(int(m), p) else m * p**2 + p**3 / 3.0
    return ITERATIONS * choices * an_iteration


def ascent_rounds(n: float, p: int, n_entries: float) -> int:
    """Rounds that coordinate ascent may take; 0 if they would hardly be enough."""
    a_round = OF_A_ROUND * (n_entries + OF_A_ROW * n)
    most = int(SHARE * program_operations(n, p) / max(a_round, 1.0))
    return most if most >= FEWEST_ROUNDS else 0


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
    most = min(max_iter, ascent_rounds(float(n), objective.shape[1], float(n_entries)))
    if most == 0:
        return hinge_interior_point(shards, objective, tol=tol, max_iter=max_iter)
    from skdist.solvers.cocoa import cocoa  # what compiles is imported where it is needed

    quick = cocoa(shards, objective, tol=tol, max_iter=most)
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
