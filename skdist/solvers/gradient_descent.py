# SPDX-License-Identifier: BSD-3-Clause
"""Gradient descent with merged gradients: the plainest of the exact methods.

    v = w - eta g(w),     w <- v + mu (v - v_last)                  (Nesterov, 1983)
                          w <- v + mu (w - w_last)                  (heavy ball, Polyak, 1964)

eta is fixed, 1 / L with L the largest eigenvalue of the Hessian at the start, or the best of a
ladder about the last one, in a round of its own. Where a step does not lower F the momentum is
dropped (O'Donoghue & Candes, 2015), and without momentum eta is halved.

The number of rounds grows with the condition number of the Hessian, with momentum with its root:
scale the features. The certificate is the Newton decrement, looked at once there is no more
progress: see :mod:`skdist.solvers.certificate`.

Cost per round: K p numbers down, K p up; two rounds a step with the line search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.certificate import until_certified
from skdist.solvers.line_search import best_length
from skdist.solvers.linear_objective import (
    LinearObjective,
    Point,
    Solution,
    curvature_product_of,
    gradient_of,
)
from skdist.solvers.newton import newton
from skdist.solvers.pilot_fit import pilot_fit
from skdist.solvers.rounds import Rounds, Shards

Floats = NDArray[np.float64]

POWER_ITERATIONS = 10
LADDER = 2.0 ** np.arange(2, -7, -1.0)  # lengths that are tried, of the last one
MOST_HALVINGS = 60


def gradient_descent(
    shards: Shards,
    objective: LinearObjective,
    start: Floats | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    step: Literal["line_search", "fixed"] = "line_search",
    learning_rate: float | None = None,
    momentum: float = 0.9,
    nesterov: bool = True,
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
    max_iter : int, default=1000
        Steps at most.
    step : {"line_search", "fixed"}, default="line_search"
    learning_rate : float, optional
        eta to begin with; 1 / L if it is not given.
    momentum : float, default=0.9
        mu, in [0, 1); 0 is plain gradient descent.
    nesterov : bool, default=True
        Nesterov's momentum or the heavy ball's.

    Returns
    -------
    Solution
    """
    rounds = Rounds(shards)
    w = pilot_fit(rounds, objective, newton) if start is None else objective.centred(start)
    at = objective.point(rounds.map_reduce(gradient_of, objective, w), w)
    eta = learning_rate or 1.0 / largest_eigenvalue(rounds, objective, at)
    method = Method(step == "line_search", momentum, nesterov)
    history = [rounds.step(at.value, np.inf, at.w)]

    def descend(at: Point, progress: float, max_iter: int) -> tuple[Point, int]:
        ball = Ball(at, at.w, eta)
        for n_iter in range(max_iter):
            before = ball.at.value
            moved = roll(rounds, objective, method, ball)
            if moved is None:
                return ball.at, n_iter
            ball = moved
            history.append(rounds.step(ball.at.value, np.inf, ball.at.w))
            if before - ball.at.value <= progress * abs(before) or rounds.time_is_up:
                return ball.at, n_iter + 1
        return ball.at, max_iter

    return until_certified(rounds, objective, at, descend, history, tol=tol, max_iter=max_iter)


@dataclass(frozen=True)
class Method:
    """Which gradient descent."""

    line_search: bool
    momentum: float
    nesterov: bool


@dataclass(frozen=True, eq=False)
class Ball:
    """A point, what its momentum is counted from, and the step size there."""

    at: Point
    last: Floats
    eta: float


def roll(rounds: Rounds, objective: LinearObjective, method: Method, ball: Ball) -> Ball | None:
    """The next point, lower than this one; None if there is none but for rounding."""
    at, eta = ball.at, ball.eta
    if method.line_search:
        best = best_length(rounds, objective, at, -at.gradient, eta * LADDER)
        eta = best or eta * LADDER[-1]
    moved = _evaluated(rounds, objective, method, replace(ball, eta=eta))
    resting = replace(method, momentum=0.0)
    for _ in range(MOST_HALVINGS):
        if moved.at.value < at.value:
            return moved
        # First without momentum, then ever shorter.
        moved = _evaluated(rounds, objective, resting, Ball(at, at.w, eta))
        eta /= 2.0
    return None


def _evaluated(rounds: Rounds, objective: LinearObjective, method: Method, ball: Ball) -> Ball:
    """Where one step leads, and what F is there."""
    stepped = ball.at.w - ball.eta * ball.at.gradient
    last = stepped if method.nesterov else ball.at.w
    w = stepped + method.momentum * (last - ball.last)
    there = objective.point(rounds.map_reduce(gradient_of, objective, w), w)
    return Ball(there, last, ball.eta)


def largest_eigenvalue(rounds: Rounds, objective: LinearObjective, at: Point) -> float:
    """Of the Hessian at a point, by power iteration from the gradient; 1 where it vanishes.

    Cost: ten rounds.
    """
    direction, value = at.gradient, 0.0
    for _ in range(POWER_ITERATIONS):
        length = float(np.linalg.norm(direction))
        if length == 0.0:
            break
        direction = direction / length
        merged = rounds.map_reduce(curvature_product_of, objective, at.w, direction)
        direction = objective.hessian_product(merged, direction)
        value = float(np.linalg.norm(direction))
    return value or 1.0
