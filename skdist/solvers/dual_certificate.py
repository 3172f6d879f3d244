# SPDX-License-Identifier: BSD-3-Clause
"""What a feasible point of the dual problem proves, of its field alone.

With the coefficients c_s = y_s a_s in [l_s, u_s] and the slopes v_s = y_s G_s = F_row(s) + y_s p_s,

    violation = max {v_s: c_s > l_s} - min {v_s: c_s < u_s},     offset = mean {v_s: c_s free},
    gap = sum_s (a_s max(0, g_s) + (C_s - a_s) max(0, -g_s)),    g_s = y_s (v_s - offset) >= 0:

D is convex and y'a is given, so no feasible point is lower than D(a) - gap. Where the sum of a is
kept over each sign, both have offsets of their own, and the violation is the larger one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.dual_problem import DualProblem, DualSolution, Floats


@dataclass(frozen=True, eq=False)
class Box:
    """The bounds of the coefficients: l and u, (m,); and, by group, who is paired with whom."""

    low: Floats
    high: Floats
    groups: tuple[NDArray[np.bool_], ...]


@dataclass(frozen=True)
class Work:
    """What it took: pairs, rows of the kernel matrix asked for and computed, and by block

    the pairs before it and the violation.
    """

    n_iter: int = 0
    rows_asked: int = 0
    rows_computed: int = 0
    history: tuple[tuple[int, float], ...] = ()

    def with_block(self, pairs: int, asked: int, computed: int, violation: float) -> Work:
        """One block more."""
        return Work(
            self.n_iter + pairs,
            self.rows_asked + asked,
            self.rows_computed + computed,
            (*self.history, (self.n_iter, violation)),
        )


def box_of(problem: DualProblem) -> Box:
    """Bounds and groups of the problem."""
    positive = problem.sign > 0
    low, high = np.where(positive, 0.0, -problem.cost), np.where(positive, problem.cost, 0.0)
    groups = (positive, ~positive) if problem.by_sign else (np.ones(len(positive), bool),)
    return Box(low, high, groups)


def sums_by_row(problem: DualProblem, coef: Floats, n_rows: int) -> Floats:
    """Of each row, the sum of the coefficients of its variables, (n,): F = K @ sums."""
    return np.asarray(np.bincount(problem.row, coef, minlength=n_rows), np.float64)


def slopes(problem: DualProblem, field: Floats) -> Floats:
    """v, (m,)."""
    return np.asarray(field[problem.row] + problem.sign * problem.linear)


def violation_of(box: Box, coef: Floats, slope: Floats) -> float:
    """By how much the optimality conditions are violated; 0.0 where nothing can move."""
    return max(_violation(box, coef, slope, group) for group in box.groups)


def excess_of(problem: DualProblem, box: Box, coef: Floats, slope: Floats) -> Floats:
    """g, (m,): what is positive wants to be at 0, what is negative at its cost."""
    excess = np.zeros(len(coef))
    for group in box.groups:
        offset = _offset(box, coef, slope, group)
        excess[group] = problem.sign[group] * (slope[group] - offset)
    return excess


def rows_that_matter(
    problem: DualProblem, box: Box, coef: Floats, slope: Floats, guard: float
) -> NDArray[np.intp]:
    """Rows of which no proof can be had if their field is off by `guard`, in ascending order.

    A variable that is at 0 and wants to stay there by more than that adds nothing to the gap.
    """
    matters = (coef != 0.0) | (excess_of(problem, box, coef, slope) < guard)
    return np.unique(problem.row[matters])


def certified(
    problem: DualProblem, coef: Floats, field: Floats, work: Work, *, tol: float
) -> DualSolution:
    """The solution, of its coefficients and of their field on all rows."""
    box, slope, alpha = box_of(problem), slopes(problem, field), np.abs(coef)
    offsets = [_offset(box, coef, slope, group) for group in box.groups]
    excess = excess_of(problem, box, coef, slope)
    lacking = alpha * np.maximum(excess, 0.0) + (problem.cost - alpha) * np.maximum(-excess, 0.0)
    dual, gap = problem.value(alpha, field), float(lacking.sum())
    violation = violation_of(box, coef, slope)
    return DualSolution(
        alpha=alpha,
        field=field,
        offset=sum(offsets) / len(offsets),
        width=0.5 * (offsets[0] - offsets[-1]) if problem.by_sign else 1.0,
        dual=dual,
        primal=gap - dual,
        gap=gap,
        violation=violation,
        n_iter=work.n_iter,
        n_blocks=len(work.history),
        rows_computed=work.rows_computed,
        cache_hits=1.0 - work.rows_computed / max(work.rows_asked, 1),
        converged=violation <= tol,
        history=work.history,
    )


def _violation(box: Box, coef: Floats, slope: Floats, group: NDArray[np.bool_]) -> float:
    up, down = group & (coef < box.high), group & (coef > box.low)
    if not up.any() or not down.any():
        return 0.0
    return max(float(slope[down].max() - slope[up].min()), 0.0)


def _offset(box: Box, coef: Floats, slope: Floats, group: NDArray[np.bool_]) -> float:
    """The mean slope of those between their bounds; else the middle of where it can be."""
    up, down = group & (coef < box.high), group & (coef > box.low)
    free = up & down
    if free.any():
        return float(slope[free].mean())
    ends = [slope[up].min()] if up.any() else []
    ends += [slope[down].max()] if down.any() else []
    return float(np.mean(ends)) if ends else 0.0
