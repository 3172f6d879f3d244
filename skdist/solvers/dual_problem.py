# SPDX-License-Identifier: BSD-3-Clause
"""The one quadratic program behind all support vector machines, and what a solver says of it.

    min over a:   D(a) = a'Qa / 2 + p'a,      Q_st = y_s y_t k(x_row(s), x_row(t)),
                  0 <= a_s <= C_s,            y'a = y'a_start,

where y_s = +-1 are the signs of the variables; a machine with nu keeps the sum of a over each sign.
Variables see each other through one number per row alone,

    F_i = sum_s y_s a_s k(x_i, x_row(s)),     G_s = dD/da_s = y_s F_row(s) + p_s.

libsvm's formulations are values of this type: Chang & Lin, 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Variables that one task solves at once: their kernel matrix is 16 megabytes of float32.
ONE_BLOCK = 2048
# Of the sum of a, what slopes may be off by that thousands of pairs have changed.
ROUNDING = 1e4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class DualProblem:
    """The program, but for the kernel and the rows.

    Parameters
    ----------
    row : ndarray of shape (m,), intp
        The row of X that each variable belongs to.
    sign : ndarray of shape (m,), float64
        y_s, 1 or -1.
    linear : ndarray of shape (m,), float64
        p_s.
    cost : ndarray of shape (m,), float64
        C_s >= 0.
    start : ndarray of shape (m,), float64
        A feasible point.
    by_sign : bool, default=False
        Whether the sum of a over the variables of either sign is kept, not their difference alone.
    """

    row: NDArray[np.intp]
    sign: Floats
    linear: Floats
    cost: Floats
    start: Floats
    by_sign: bool = False

    @property
    def n_variables(self) -> int:
        """The number of variables."""
        return len(self.row)

    def coefficients(self, alpha: Floats, n_rows: int) -> Floats:
        """Of each row, the sum of y_s a_s over its variables, (n,): F = K @ coefficients."""
        sums = np.bincount(self.row, self.sign * alpha, minlength=n_rows)
        return np.asarray(sums, np.float64)

    def gradient(self, field: Floats) -> Floats:
        """G, (m,), of F, (n,)."""
        return self.sign * field[self.row] + self.linear

    def reachable(self, tol: float, scale: float) -> float:
        """A violation that can be told from rounding: `tol`, where what is shared out is not huge.

        Where p = 0, multiples of a share are shared out by multiples of a, whose violations are as
        many times as large. Elsewhere it is left at `tol`.

        Parameters
        ----------
        tol : float
            What is asked for.
        scale : float
            The largest k(x, x), so that no F is above the sum of a times that.
        """
        if self.linear.any():
            return tol
        return max(tol, ROUNDING * float(self.start.sum()) * scale)

    def value(self, alpha: Floats, field: Floats) -> float:
        """D(a), of a and its F."""
        return 0.5 * float(alpha @ (self.gradient(field) + self.linear))


@dataclass(frozen=True, eq=False)
class DualSolution:
    """What a solver found.

    Parameters
    ----------
    alpha : ndarray of shape (m,), float64
    field : ndarray of shape (n,), float64
        F of all rows, computed anew in float64 from `alpha` wherever `dual`, `gap` or `violation`
        could feel the difference; elsewhere it may be off by 4e-6 of the sum of |a| times k(x, x).
    offset : float
        libsvm's rho: the decision function is F - rho.
    width : float
        libsvm's r of a machine with nu; 1.0 elsewhere.
    dual : float
        D(a), which is minimised.
    primal : float
        The least primal value that F - rho leaves; ``primal + dual >= 0``.
    gap : float
        primal + dual: how far D(a) can be from its minimum.
    violation : float
        How far the optimality conditions are violated: what libsvm stops on.
    n_iter : int
        Pairs of variables that were changed.
    n_blocks : int
        Blocks of variables that were solved.
    rows_computed : int
        Rows of the kernel matrix that were computed.
    cache_hits : float
        Share of the rows asked for that were there.
    converged : bool
    history : tuple
        A tuple ``(n_iter, violation)`` per block.
    """

    alpha: Floats
    field: Floats
    offset: float
    width: float
    dual: float
    primal: float
    gap: float
    violation: float
    n_iter: int
    n_blocks: int
    rows_computed: int
    cache_hits: float
    converged: bool
    history: tuple[Any, ...] = ()


def classification(y: Floats, cost: Floats) -> DualProblem:
    """C-support vector classification: p = -1.

    Parameters
    ----------
    y : ndarray of shape (n,)
        1.0 or -1.0.
    cost : ndarray of shape (n,)
        C times the weights of class and row.
    """
    n = len(y)
    sign, bounds = np.asarray(y, np.float64), np.asarray(cost, np.float64)
    return DualProblem(np.arange(n), sign, np.full(n, -1.0), bounds, np.zeros(n))
