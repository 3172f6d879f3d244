# SPDX-License-Identifier: BSD-3-Clause
"""Elastic net on merged moments: one round, and then coordinate descent where they are.

    minimise  1 / (2 W) sum_i s_i (y_i - b - x_i'w)^2 + l1 |w|_1 + l2 / 2 |w|^2,    W = sum_i s_i

Times W this is ``1/2 w'xx w - xy'w + W l1 |w|_1 + W l2 / 2 |w|^2`` and a constant.

Cost: no rounds besides that of the moments; 2 d^2 flops a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.coordinate_descent import (
    CoordinateSolution,
    Gap,
    PenalisedQuadratic,
    coordinate_descent,
)
from skdist.summaries import Moments

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ElasticNetProblem:
    """What is minimised, besides the rows, and how closely.

    Parameters
    ----------
    l1, l2 : float
        ``alpha * l1_ratio`` and ``alpha * (1 - l1_ratio)``.
    fit_intercept, positive : bool
    tol : float
        Stop where the duality gap, times W, is at most ``tol * sum_i s_i (y_i - y_mean)^2``.
    max_iter : int
        Sweeps at most.
    """

    l1: float
    l2: float
    fit_intercept: bool = True
    positive: bool = False
    tol: float = 1e-4
    max_iter: int = 1000


def elastic_net(
    moments: Moments, problem: ElasticNetProblem, start: Array, seeds: Sequence[int | None]
) -> tuple[Array, list[CoordinateSolution]]:
    """Solve for each target.

    Parameters
    ----------
    moments : Moments of d features and T targets
    problem : ElasticNetProblem
    start : ndarray of shape (T, d), float64
    seeds : sequence of int or None, one per target
        For the order of the coordinates, if it is to be random.

    Returns
    -------
    intercept : ndarray of shape (T,), float64
    solutions : list of CoordinateSolution, one per target
        Their gaps are those of W times the objective.
    """
    own = moments if problem.fit_intercept else moments.about_zero()
    strengths = own.weight * problem.l1, own.weight * problem.l2
    solutions = []
    for t, seed in enumerate(seeds):
        quadratic = PenalisedQuadratic.of(own.xx, own.xy[:, t], *strengths, problem.positive)
        solutions.append(
            coordinate_descent(
                quadratic,
                start[t],
                gap=duality_gap(quadratic, own.yy[t]),
                enough=problem.tol * own.yy[t],
                tol=problem.tol,
                max_iter=problem.max_iter,
                seed=seed,
            )
        )
    coef = np.stack([found.w for found in solutions])
    return own.y_mean - coef @ own.x_mean, solutions


def duality_gap(problem: PenalisedQuadratic, square: float) -> Gap:
    """The gap to a dual feasible point, where ``A = X'X``, ``b = X'y`` and ``y'y = square``.

    All coordinates have the same l1 and l2. With the residuals r = y - Xw and, for l1 > 0, the
    scale s that makes r feasible::

        s   = min(1, l1 / max_j |x_j'r - l2 w_j|)
        gap = (1 + s^2) / 2 (|r|^2 + l2 |w|^2) + l1 |w|_1 - s r'y

    (Gap safe screening rules: Fercoq, Gramfort & Salmon, 2015, on X and y extended by the l2
    penalty.) For l1 = 0 the residuals are feasible, ::

        gap = |r|^2 + l2 / 2 |w|^2 - r'y + |X'r|^2 / (2 l2)

    with the negative ones of X'r left out where w >= 0 is asked for. Where both are 0 there is no
    dual: the square of the shortest subgradient stands for the gap, as in scikit-learn.
    """
    l1, l2 = float(problem.l1[0]), float(problem.l2[0])

    def gap(w: Array, Aw: Array) -> float:
        bw, slope = problem.b @ w, problem.b - Aw
        residual, w_squared = square + w @ Aw - 2.0 * bw, w @ w
        ry = square - bw
        if l1 > 0.0:
            uphill = slope - l2 * w
            steepest = np.max(uphill if problem.positive else np.abs(uphill))
            s = l1 / max(l1, steepest)
            both = (1.0 + s * s) / 2.0 * (residual + l2 * w_squared)
            return float(both + l1 * np.abs(w).sum() - s * ry)
        if l2 > 0.0:
            uphill = np.maximum(slope, 0.0) if problem.positive else slope
            return float(residual + l2 / 2.0 * w_squared - ry + uphill @ uphill / (2.0 * l2))
        return float(np.sum(problem.subgradient(w, Aw) ** 2))

    return gap
