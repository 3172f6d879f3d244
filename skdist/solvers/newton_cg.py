# SPDX-License-Identifier: BSD-3-Clause
"""Newton's method without a Hessian: steps by conjugate gradients, products merged.

    H p = -g  up to  |r| <= eta |g|,      w <- w + p,      H v = scale sum_k H_k v + l2 v

For more parameters than a Hessian can be formed for. A product is a round; the driver runs the
conjugate gradients. The forcing term eta = min(1/2, sqrt(|g| / |g_0|)) makes few products while
they would be wasted, and convergence superlinear (Dembo, Eisenstat & Steihaug, 1982).

The certificate is the Newton decrement g' H^-1 g as conjugate gradients estimate it, worked out to
about a tenth at the end: see :mod:`skdist.solvers.conjugate_gradients`. It bounds F - min F, which
is near half of it.

Cost per round: K p numbers down, K p up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.conjugate_gradients import NewtonStep, conjugate_gradients
from skdist.solvers.line_search import best_length, descends
from skdist.solvers.linear_objective import (
    LinearObjective,
    Point,
    Solution,
    curvature_diagonal_of,
    curvature_product_of,
    gradient_of,
    is_enough,
    share_of,
)
from skdist.solvers.newton import newton
from skdist.solvers.pilot_fit import pilot_fit
from skdist.solvers.rounds import Rounds, Shards, Step

Floats = NDArray[np.float64]

CERTIFICATE = "Newton decrement g' H^-1 g, estimated by conjugate gradients"
MOST_PRODUCTS = 500  # for one step


def newton_cg(
    shards: Shards,
    objective: LinearObjective,
    start: Floats | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> Solution:
    """Minimise a twice differentiable `objective`, l1 = 0.

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
        Newton steps at most.

    Returns
    -------
    Solution
        The bound is that of the last point that was evaluated; `w` lies one step further.
    """
    rounds = Rounds(shards)
    w = pilot_fit(rounds, objective, newton) if start is None else objective.centred(start)
    at = objective.point(rounds.map_reduce(gradient_of, objective, w), w)
    diagonal = objective.hessian_diagonal(rounds.map_reduce(curvature_diagonal_of, objective, w))
    first = _norm(at.gradient, diagonal)
    history: list[Step] = []
    for n_iter in range(max_iter + 1):
        forcing = min(0.5, np.sqrt(_norm(at.gradient, diagonal) / first)) if first else 0.5
        cg = newton_step(rounds, objective, at, diagonal, float(forcing), tol)
        history.append(rounds.step(at.value, cg.decrement, at.w))
        done = cg.is_known and is_enough(cg.decrement, at.value, tol, history[0].value)
        ends = done or n_iter == max_iter or rounds.time_is_up
        there = None if ends else advance(rounds, objective, at, cg)
        if there is None:
            break
        at = there
    w = objective.centred(at.w + cg.step) if done else at.w
    return Solution(w, at.value, cg.decrement, CERTIFICATE, n_iter, done, tuple(history))


def newton_step(
    rounds: Rounds,
    objective: LinearObjective,
    at: Point,
    diagonal: Floats,
    forcing: float,
    tol: float,
) -> NewtonStep:
    """The step from `at`, and its decrement."""

    def product(direction: Floats) -> Floats:
        merged = rounds.map_reduce(curvature_product_of, objective, at.w, direction)
        return objective.hessian_product(merged, direction)

    return conjugate_gradients(
        product,
        at.gradient,
        diagonal,
        forcing=forcing,
        known_below=4.0 * share_of(tol) * abs(at.value),
        max_iter=MOST_PRODUCTS,
    )


def advance(
    rounds: Rounds, objective: LinearObjective, at: Point, newton_step: NewtonStep
) -> Point | None:
    """The next point; None where no step lowers F by more than rounding."""
    step = newton_step.step
    there = objective.point(rounds.map_reduce(gradient_of, objective, at.w + step), at.w + step)
    if descends(at, there.value, newton_step.promised):
        return there
    length = best_length(rounds, objective, at, step)
    if length is None:
        return None
    w = at.w + length * step
    return objective.point(rounds.map_reduce(gradient_of, objective, w), w)


def _norm(gradient: Floats, diagonal: Floats) -> float:
    return float(np.sqrt(np.vdot(gradient, gradient / diagonal)))
