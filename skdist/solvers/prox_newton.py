# SPDX-License-Identifier: BSD-3-Clause
"""Proximal Newton: the merged parabola plus the l1 penalty, minimised in the driver.

    q(v) = g'(v - w) + 1/2 (v - w)' H (v - w) + l1 |v|_1,      w <- argmin q

by coordinate descent on H, which asks no shard. H is that of an earlier point as long as it serves:
see :mod:`skdist.solvers.newton_iteration`, also for the cost of a round.

The certificate: ``F(w) - min F <= 2 (q(w) - min q)`` where H(u) >= H / 2 between w and the minimum,
since the parabola with half the curvature, which lies below F, gains at most twice as much: for a
convex h with h(0) = 0, ``min h(2 e) + e'He >= 2 min h(e) + e'He / 2``. Of min q a lower bound is
known, from the shortest subgradient where coordinate descent stopped. Without l1 this is the
Newton decrement.

Cost in the driver: 2 (K p)^2 flops a sweep.

References
----------
Lee, Sun & Saunders (2014), Proximal Newton-type methods for minimizing composite functions.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.class_shift import balanced_subgradient, best_shift
from skdist.solvers.coordinate_descent import PenalisedQuadratic, coordinate_descent
from skdist.solvers.linear_objective import LinearObjective, Point, Solution, share_of
from skdist.solvers.newton_iteration import Curvature, Minimum, NewtonIteration
from skdist.solvers.pilot_fit import pilot_fit
from skdist.solvers.rounds import Rounds, Shards
from skdist.solvers.stand_ins import sums_over

Floats = NDArray[np.float64]

CERTIFICATE = "twice what the proximal Newton model promises"
LEFT = 1e-3  # of the last bound, what the minimisation of q may leave
FEW = 20  # sweeps between two looks at what is left
MOST_SWEEPS = 10_000
STILL = 1e-6  # the relative move of a coordinate at which what is left is looked at, too


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
    minimise = partial(penalised_minimum, objective, tol)
    iteration = NewtonIteration(rounds, objective, minimise, sums_over(rounds, objective))
    return iteration.run(w, tol=tol, max_iter=max_iter, certificate=CERTIFICATE)


def penalised_minimum(
    objective: LinearObjective, tol: float, at: Point, curvature: Curvature, last: float
) -> Minimum:
    """argmin q at a point; what it may lack goes with `last`, the bound of the point before."""
    hessian = curvature.hessian
    known = LEFT * max(min(last, abs(at.value)), share_of(tol) * abs(at.value))
    target, gap = minimise_model(objective, at, curvature, known)
    step = target - at.w
    slope = float(np.vdot(at.gradient, step)) + _l1(objective, target) - _l1(objective, at.w)
    curved = float(step.ravel() @ hessian @ step.ravel())
    return Minimum(target, -slope, 2.0 * (max(-slope - curved / 2.0, 0.0) + gap))


def minimise_model(
    objective: LinearObjective, at: Point, curvature: Curvature, known: float
) -> tuple[Floats, float]:
    """argmin q, and a bound of what it lacks: by coordinate descent, where diag(H) is 1.

    Every few sweeps the classes of a feature are shifted to where the penalty is least.
    """
    hessian, shape = curvature.hessian, at.w.shape
    diagonal = np.diag(hessian)
    unit = np.where(diagonal > 0.0, diagonal, 1.0) ** -0.5
    scaled = hessian * unit * unit[:, None]
    l1 = objective.l1 * objective.penalised
    strengths = np.broadcast_to(l1, shape).ravel() * unit
    start, slope = at.w.ravel() / unit, at.gradient.ravel() * unit
    problem = PenalisedQuadratic.of(scaled, scaled @ start - slope, strengths, 0.0)

    def gap(u: Floats, scaled_u: Floats) -> float:
        w, smooth = (unit * u).reshape(shape), ((scaled_u - problem.b) / unit).reshape(shape)
        s = subgradient_of(objective, smooth, shifted(objective, w))
        return -float(np.vdot(s, curvature.metric.step(s))) / 2.0

    w, n_sweeps = shifted(objective, at.w), 0
    while True:
        u = w.ravel() / unit
        found = coordinate_descent(problem, u, gap=gap, enough=known, tol=STILL, max_iter=FEW)
        w, n_sweeps = shifted(objective, (found.w * unit).reshape(shape)), n_sweeps + found.n_iter
        if found.converged or found.n_iter < FEW or n_sweeps >= MOST_SWEEPS:
            return w, found.gap


def _l1(objective: LinearObjective, w: Floats) -> float:
    return float(objective.l1 * np.abs(w * objective.penalised).sum())


def shifted(objective: LinearObjective, w: Floats) -> Floats:
    """What has the same loss and the least penalty."""
    if objective.shape[0] == 1:
        return w
    return np.asarray(w + objective.penalised * best_shift(w, objective.l1, objective.l2))


def subgradient_of(objective: LinearObjective, smooth: Floats, w: Floats) -> Floats:
    """The shortest subgradient of q; of several classes, one that shifts do not see."""
    l1 = objective.l1 * objective.penalised
    if objective.shape[0] > 1:
        return balanced_subgradient(smooth, w, l1)
    at_zero = np.sign(smooth) * np.maximum(np.abs(smooth) - l1, 0.0)
    return np.where(w == 0.0, at_zero, smooth + l1 * np.sign(w))
