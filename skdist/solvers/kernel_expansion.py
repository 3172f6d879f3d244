# SPDX-License-Identifier: BSD-3-Clause
"""What is left of a solved dual problem: a function, and how sure one can be of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.dual_problem import DualProblem, DualSolution, Floats


@dataclass(frozen=True, eq=False)
class KernelExpansion:
    """f(x) = sum_s coef_s k(x, x_s) - offset.

    Parameters
    ----------
    rows : ndarray of shape (S,), intp
        The support vectors, as numbers of rows, ascending.
    coef : ndarray of shape (S,), float64
    offset : float
    n_rows : int
        Rows that were fitted.
    primal, dual, gap, violation : float
        Of :class:`DualSolution`; `dual` is what is minimised.
    n_iter, n_blocks, rows_computed : int
    cache_hits : float
    converged : bool
    """

    rows: NDArray[np.intp]
    coef: Floats
    offset: float
    n_rows: int
    primal: float = 0.0
    dual: float = 0.0
    gap: float = 0.0
    violation: float = 0.0
    n_iter: int = 0
    n_blocks: int = 0
    rows_computed: int = 0
    cache_hits: float = 0.0
    converged: bool = True


def expansion_of(
    problem: DualProblem,
    solution: DualSolution,
    rows: NDArray[np.intp],
    *,
    unit_width: bool = False,
) -> KernelExpansion:
    """The function of a solution.

    Parameters
    ----------
    problem : DualProblem
    solution : DualSolution
    rows : ndarray of shape (n,), intp
        Numbers of the problem's rows among all rows.
    unit_width : bool, default=False
        Whether f is divided by the width of the margin, as in classification with nu.

    Raises
    ------
    ValueError
        If the margin is to be divided by its width, and has none.
    """
    coef = problem.coefficients(solution.alpha, len(rows))
    scale = solution.width if unit_width else 1.0
    if scale == 0.0:
        raise ValueError(
            "The margin has no width, so that the decision function is not finite: to the kernel, "
            "rows of both classes look the same. Scale the features, take another kernel or gamma, "
            "or a smaller nu."
        )
    (own,) = np.nonzero(coef)
    own = own[np.argsort(rows[own])]
    return KernelExpansion(
        rows=rows[own],
        coef=coef[own] / scale,
        offset=solution.offset / scale,
        n_rows=len(rows),
        primal=solution.primal,
        dual=solution.dual,
        gap=solution.gap,
        violation=solution.violation,
        n_iter=solution.n_iter,
        n_blocks=solution.n_blocks,
        rows_computed=solution.rows_computed,
        cache_hits=solution.cache_hits,
        converged=solution.converged,
    )


def one_sided(sign: Floats, weight: Floats) -> KernelExpansion | None:
    """f = 1 or -1 where only one of two classes has weight, None where both have.

    No pair of variables can move there: a = 0 is the only point, and any f on that side is optimal.
    """
    has_up, has_down = bool((weight[sign > 0] > 0).any()), bool((weight[sign < 0] > 0).any())
    if has_up and has_down:
        return None
    side = float(has_up) - float(has_down)
    return KernelExpansion(np.empty(0, np.intp), np.empty(0), -side, len(sign))
