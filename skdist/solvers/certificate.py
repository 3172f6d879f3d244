# SPDX-License-Identifier: BSD-3-Clause
"""An upper bound of F(w) - min F for solvers that see gradients alone.

    bound = g' H^-1 g,   the Newton decrement: twice what the parabola at w has below it

so that it bounds F(w) - min F where curvature does not halve between w and the minimum. The
Hessian is formed, in one round, for up to 1,500 parameters; for more, conjugate gradients estimate
the decrement to about a tenth, of some dozens of rounds.

Gradients alone do not tell: how far F can still fall depends on the least curvature. So such a
solver runs until it makes little progress, the decrement is looked at, and it goes on where that is
too large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.conjugate_gradients import conjugate_gradients
from skdist.solvers.linear_objective import (
    LinearObjective,
    Point,
    Solution,
    curvature_diagonal_of,
    curvature_of,
    curvature_product_of,
    is_enough,
)
from skdist.solvers.metric import Metric
from skdist.solvers.rounds import Rounds, Step
from skdist.summaries import LossGradientHessian

Floats = NDArray[np.float64]

MOST_PARAMETERS = 1500  # that a Hessian is formed for
MOST_PRODUCTS = 500
LESS = 1e-2  # what is enough progress, after a stop that was too early

FORMED = "Newton decrement g' H^-1 g"
ESTIMATED = "Newton decrement g' H^-1 g, estimated by conjugate gradients"


@dataclass(frozen=True, eq=False)
class Certificate:
    """What bounds F - min F at a point."""

    bound: float
    name: str
    curvature: LossGradientHessian | None


def certify(rounds: Rounds, objective: LinearObjective, at: Point) -> Certificate:
    """The Newton decrement at a point."""
    if at.w.size <= MOST_PARAMETERS:
        sums = rounds.map_reduce(curvature_of, objective, at.w)
        step = Metric.of(objective.hessian(sums)).step(at.gradient)
        return Certificate(-float(np.vdot(at.gradient, step)), FORMED, sums)
    diagonal = rounds.map_reduce(curvature_diagonal_of, objective, at.w)

    def product(direction: Floats) -> Floats:
        merged = rounds.map_reduce(curvature_product_of, objective, at.w, direction)
        return objective.hessian_product(merged, direction)

    cg = conjugate_gradients(
        product,
        at.gradient,
        objective.hessian_diagonal(diagonal),
        forcing=1.0,
        known_below=np.inf,
        max_iter=MOST_PRODUCTS,
    )
    return Certificate(cg.decrement if cg.is_known else np.inf, ESTIMATED, None)


Descent = Callable[[Point, float, int], tuple[Point, int]]


def until_certified(
    rounds: Rounds,
    objective: LinearObjective,
    at: Point,
    descend: Descent,
    history: list[Step],
    *,
    tol: float,
    max_iter: int,
) -> Solution:
    """Descend, and look at the decrement, until it is small enough.

    Parameters
    ----------
    rounds : Rounds
    objective : LinearObjective
    at : Point
        Where to begin.
    descend : callable
        ``descend(at, progress, max_iter) -> (point, n_iter)``: go on until a step lowers F by less
        than `progress`, relative to F. Notes its steps in `history`.
    history : list of Step
    tol : float
        Stop once F - min F is at most ``max(tol^2, 8 eps) |F|``.
    max_iter : int
        Steps at most.

    Returns
    -------
    Solution
    """
    n_iter, progress = 0, tol * tol
    while True:
        at, n_more = descend(at, progress, max_iter - n_iter)
        n_iter, progress = n_iter + n_more, LESS * progress
        at = at_centre(at, objective)
        certificate = certify(rounds, objective, at)
        history.append(rounds.step(at.value, certificate.bound, at.w))
        converged = is_enough(certificate.bound, at.value, tol, history[0].value)
        if converged or n_iter >= max_iter or n_more == 0 or rounds.time_is_up:
            break
    return Solution(
        at.w,
        at.value,
        certificate.bound,
        certificate.name,
        n_iter,
        converged,
        tuple(history),
        certificate.curvature,
    )


def at_centre(at: Point, objective: LinearObjective) -> Point:
    """The same point, its classes' mean taken away where F does not see it."""
    return Point(objective.centred(at.w), at.value, at.gradient)
