# SPDX-License-Identifier: BSD-3-Clause
"""L-BFGS with merged gradients: SciPy owns the loop, a round is one evaluation.

    minimise F(D^-1/2 u) / |F(w_0)| over u,      D = diag of the Hessian of F at w_0

In these units the Hessian has the diagonal 1 to begin with, so that the scales of features do not
matter, and F has the size 1, which SciPy's tolerances ask for. Costs one round more.

The certificate is the Newton decrement, looked at once L-BFGS makes no more progress: see
:mod:`skdist.solvers.certificate`.

Cost per round: K p numbers down, K p up.

References
----------
Liu & Nocedal (1989), On the limited memory BFGS method for large scale optimization.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from skdist.solvers.certificate import until_certified
from skdist.solvers.linear_objective import (
    LinearObjective,
    Point,
    Solution,
    curvature_diagonal_of,
    gradient_of,
)
from skdist.solvers.newton import newton
from skdist.solvers.pilot_fit import pilot_fit
from skdist.solvers.rounds import Rounds, Shards

Floats = NDArray[np.float64]

MEMORY = 10  # pairs of steps and gradients
WALL = 10.0  # what F / |F(w_0)| is where F is infinite: SciPy's line search wants to interpolate


def lbfgs(
    shards: Shards,
    objective: LinearObjective,
    start: Floats | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> Solution:
    """Minimise a differentiable `objective`, l1 = 0.

    Parameters
    ----------
    shards : Shards
        Of X (n_k, d), ndarray or CSR; y (n_k,), as the loss takes it; weights (n_k,) or None.
    objective : LinearObjective
    start : ndarray of shape (K, p), optional
        Where to begin; see :func:`skdist.solvers.pilot_fit.pilot_fit` if it is not given.
    tol : float, default=1e-4
        Stop once F - min F is at most ``max(tol^2, 8 eps) |F|``.
    max_iter : int, default=100
        Iterations at most; the line search evaluates F a little oftener.

    Returns
    -------
    Solution
    """
    rounds = Rounds(shards)
    w = pilot_fit(rounds, objective, newton) if start is None else objective.centred(start)
    at = objective.point(rounds.map_reduce(gradient_of, objective, w), w)
    diagonal = objective.hessian_diagonal(rounds.map_reduce(curvature_diagonal_of, objective, w))
    unit, size = diagonal**-0.5, abs(at.value) or 1.0
    history = [rounds.step(at.value, np.inf, at.w)]

    def evaluate(u: Floats) -> tuple[float, Floats]:
        w = u.reshape(unit.shape) * unit
        there = objective.point(rounds.map_reduce(gradient_of, objective, w), w)
        if not np.isfinite(there.value):
            return WALL, np.zeros(u.size)
        return there.value / size, (there.gradient * unit).ravel() / size

    def look(intermediate_result: OptimizeResult) -> None:
        w = intermediate_result.x.reshape(unit.shape) * unit
        history.append(rounds.step(size * float(intermediate_result.fun), np.inf, w))
        if rounds.time_is_up:
            raise StopIteration

    def descend(at: Point, progress: float, max_iter: int) -> tuple[Point, int]:
        found = minimize(
            evaluate,
            (at.w / unit).ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=look,
            options={
                "maxiter": max_iter,
                "maxfun": 20 * max_iter,
                "maxcor": MEMORY,
                "maxls": 50,
                "ftol": progress,
                "gtol": 0.0,
            },
        )
        w, gradient = found.x.reshape(unit.shape) * unit, found.jac.reshape(unit.shape) / unit
        return Point(w, size * float(found.fun), size * gradient), int(found.nit)

    return until_certified(rounds, objective, at, descend, history, tol=tol, max_iter=max_iter)
