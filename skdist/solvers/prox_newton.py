# SPDX-License-Identifier: BSD-3-Clause
"""Proximal Newton: the merged parabola plus the l1 penalty, minimised in the driver.

    q(v) = g'(v - w) + 1/2 (v - w)' H (v - w) + l1 |v|_1,      w <- argmin q

by coordinate descent on H, which asks no shard. As in :mod:`skdist.solvers.newton`, H is that of an
earlier point as long as a step with it divides what q promises by 4 or more.

The certificate: ``F(w) - min F <= 2 (q(w) - min q)`` where H(u) >= H / 2 between w and the minimum,
since the parabola with half the curvature, which lies below F, gains at most twice as much: for a
convex h with h(0) = 0, ``min h(2 e) + e'He >= 2 min h(e) + e'He / 2``. Of min q a lower bound is
known, from the shortest subgradient where coordinate descent stopped. Without l1 this is the
Newton decrement.

Cost per round: K p numbers down; K p up, and with a Hessian G p (p + 1) / 2 more, where G = 1 for
K = 1, else K (K - 1) / 2. In the driver 2 (K p)^2 flops a sweep.

References
----------
Lee, Sun & Saunders (2014), Proximal Newton-type methods for minimizing composite functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.coordinate_descent import PenalisedQuadratic, coordinate_descent
from skdist.solvers.line_search import best_length, descends
from skdist.solvers.linear_objective import (
    LinearObjective,
    Point,
    Rounds,
    Shards,
    Solution,
    Step,
    curvature_of,
    gradient_of,
    is_enough,
    share_of,
)
from skdist.solvers.metric import Metric
from skdist.solvers.newton import TRUSTED
from skdist.solvers.pilot_fit import pilot_fit
from skdist.summaries import LossGradientHessian

Floats = NDArray[np.float64]

CERTIFICATE = "twice what the proximal Newton model promises"
LEFT = 1e-3  # of the last bound, what the minimisation of q may leave
MOST_SWEEPS = 10_000
STILL = 1e-6  # the relative move of a coordinate at which what is left is looked at


def prox_newton(
    shards: Shards,
    objective: LinearObjective,
    start: Floats | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> Solution:
    """Minimise an `objective` with an l1 penalty.

    Parameters
    ----------
    shards : Shards
        Of X (n_k, d), ndarray or CSR; y (n_k,), as the loss takes it; weights (n_k,) or None.
    objective : LinearObjective
    start : ndarray of shape (K, p), optional
        Where to begin; the best constant prediction if it is not given.
    tol : float, default=1e-4
        Stop once F - min F is at most ``max(tol^2, 8 eps) |F|``.
    max_iter : int, default=100
        Steps at most.

    Returns
    -------
    Solution
        The bound is that of the last point that was evaluated; `w` lies one step further.
    """
    rounds = Rounds(shards)
    w = pilot_fit(rounds, objective, None) if start is None else objective.centred(start)
    sums = rounds.map_reduce(curvature_of, objective, w)
    here = look(objective, objective.point(sums, w), sums, tol)
    history: list[Step] = []
    for n_iter in range(max_iter + 1):
        history.append(rounds.step(here.at.value, here.bound))
        converged = here.is_certified(tol, history[0].value)
        there = None if converged or n_iter == max_iter else advance(rounds, objective, here, tol)
        if there is None:
            break
        here = there
    return here.solution(objective, n_iter, converged, history)


@dataclass(frozen=True, eq=False)
class Iterate:
    """A point, and the minimum of its model."""

    at: Point
    curvature: LossGradientHessian  # the sums that H is made of
    is_own: bool  # whether they are those of this point
    target: Floats  # argmin q
    promised: float  # minus the slope of F towards it
    bound: float
    contraction: float  # the bound, divided by that of the iterate before

    @property
    def is_trusted(self) -> bool:
        """Whether H is kept for the next step."""
        return self.contraction <= TRUSTED

    def is_certified(self, tol: float, first: float) -> bool:
        """Whether the bound holds, and is small enough."""
        bound_holds = self.is_own or self.is_trusted
        return bound_holds and is_enough(self.bound, self.at.value, tol, first)

    def solution(
        self, objective: LinearObjective, n_iter: int, converged: bool, history: list[Step]
    ) -> Solution:
        """One step further than this iterate if its bound holds."""
        w = objective.centred(self.target) if converged else self.at.w
        return Solution(
            w,
            self.at.value,
            self.bound,
            CERTIFICATE,
            n_iter,
            converged,
            tuple(history),
            self.curvature,
        )


def advance(
    rounds: Rounds, objective: LinearObjective, here: Iterate, tol: float
) -> Iterate | None:
    """The next iterate; None where no step lowers F by more than rounding."""
    summarise = gradient_of if here.is_trusted else curvature_of
    w = here.target
    sums = rounds.map_reduce(summarise, objective, w)
    there = objective.point(sums, w)
    if not descends(here.at, there.value, here.promised):
        step = here.target - here.at.w
        length = best_length(rounds, objective, here.at, step)
        if length is None:
            return None
        summarise, w = curvature_of, here.at.w + length * step
        sums = rounds.map_reduce(summarise, objective, w)
        there = objective.point(sums, w)
    return look(objective, there, here.curvature if summarise is gradient_of else sums, tol, here)


def look(
    objective: LinearObjective,
    at: Point,
    sums: LossGradientHessian,
    tol: float,
    before: Iterate | None = None,
) -> Iterate:
    """Minimise the model at a point, with the Hessian that `sums` make."""
    hessian = objective.hessian(sums)
    last = before.bound if before else np.inf
    known = max(LEFT * min(last, abs(at.value)), LEFT * share_of(tol) * abs(at.value))
    target, gap = minimise_model(objective, at, hessian, known)
    step = target - at.w
    slope = float(np.vdot(at.gradient, step)) + _l1(objective, target) - _l1(objective, at.w)
    curved = float(step.ravel() @ hessian @ step.ravel())
    bound = 2.0 * (max(-slope - curved / 2.0, 0.0) + gap)
    is_own = before is None or sums is not before.curvature
    return Iterate(at, sums, is_own, target, -slope, bound, bound / last)


def minimise_model(
    objective: LinearObjective, at: Point, hessian: Floats, known: float
) -> tuple[Floats, float]:
    """argmin q, and a bound of what it lacks: by coordinate descent, where diag(H) is 1."""
    diagonal = np.diag(hessian)
    unit = np.where(diagonal > 0.0, diagonal, 1.0) ** -0.5
    w, gradient = at.w.ravel() / unit, at.gradient.ravel() * unit
    scaled = hessian * unit * unit[:, None]
    l1 = objective.l1 * np.broadcast_to(objective.penalised, at.w.shape).ravel() * unit
    problem = PenalisedQuadratic.of(scaled, scaled @ w - gradient, l1, 0.0)
    metric = Metric.of(scaled)

    def gap(u: Floats, scaled_u: Floats) -> float:
        s = problem.subgradient(u, scaled_u)
        return -float(s @ metric.step(s)) / 2.0

    found = coordinate_descent(problem, w, gap=gap, enough=known, tol=STILL, max_iter=MOST_SWEEPS)
    return (found.w * unit).reshape(at.w.shape), found.gap


def _l1(objective: LinearObjective, w: Floats) -> float:
    return float(objective.l1 * np.abs(w * objective.penalised).sum())
