# SPDX-License-Identifier: BSD-3-Clause
"""Robust regression with its own scale: Newton's method on coefficients and scale at once.

    F(w, sigma) = sum_i s_i (sigma + sigma h(r_i / sigma)) + alpha |w|^2,     r_i = w'[x_i, c] - y_i
    h(z) = z^2 for |z| <= epsilon, else 2 epsilon |z| - epsilon^2

(Huber & Ronchetti; Owen, 2007), the intercept among w but not penalised. F is jointly convex: of
each inlier it has s r^2 / sigma, the quadratic over the linear. With sums over inliers (in) and
outliers (out), u = [x, c] and N the sum of all weights,

    F = (N - epsilon^2 sum_out s) sigma + sum_in s r^2 / sigma + 2 epsilon sum_out s |r|
        + alpha |w|^2
    dF/dw     = 2 sum_in s r u / sigma + 2 epsilon sum_out s sign(r) u + 2 alpha w
    dF/dsigma = N - epsilon^2 sum_out s - sum_in s r^2 / sigma^2
    Hessian   = 2 / sigma sum_in s v v' + 2 alpha,     v = [u, -r / sigma]

so that one pass brings together all that a step needs, as in :mod:`skdist.solvers.newton`. Where
the Hessian would be too large its products with vectors are merged, one a round. Where a full step
does not go down, shorter ones are tried beside those of reweighted least squares with many scales.

The certificate is the Newton decrement g' H^-1 g, which bounds F - min F where the inliers stay
who they are. sigma has a least value, for rows that lie on a plane. There N sigma is added to the
bound: dF/dsigma is at most N, so that is all that a smaller scale could bring. epsilon is to be
above 1: 1 is least absolute deviations, of which no scale is small enough.

Early rounds may go on without shards that are late, where the user allows it: what these told last
stands in for them (:mod:`skdist.solvers.huber_stand_ins`). Steps of such rounds lead to a point at
which all shards are asked, and which is taken if F, of all rows, is low enough there.

Cost per round: p + 1 numbers down; 2 p + 3 up and the upper triangle, or p, of the moments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.certificate import ESTIMATED, FORMED
from skdist.solvers.conjugate_gradients import conjugate_gradients
from skdist.solvers.huber_problem import (
    HuberProblem,
    Way,
    huber_along_of,
    huber_product_of,
    huber_sums_of,
)
from skdist.solvers.huber_stand_ins import HuberSumsOver
from skdist.solvers.line_search import ROUNDING, SUFFICIENT
from skdist.solvers.linear_objective import Solution, is_enough
from skdist.solvers.metric import Metric
from skdist.solvers.rounds import Rounds, Shards, Step
from skdist.solvers.stand_ins import IN_A_ROW
from skdist.summaries import HuberSums

Floats = NDArray[np.float64]

LEAST_SHARE = 0.1  # of sigma that a step leaves
LENGTHS = 0.5 ** np.array([0.0, 1, 2, 3, 4, 6, 9, 13])
SCALES = 2.0 ** np.arange(-6.0, 5.0)  # of sigma that are tried with each length
FORCING = 0.1  # residual of the conjugate gradients, relative to the gradient
MOST_PRODUCTS = 500  # for one step


@dataclass(frozen=True, eq=False)
class HuberPoint:
    """(w, sigma), F there, the step of Newton's method from there, and what may be lacking.

    At the least sigma the step is of w alone.
    """

    w: Floats
    sigma: float
    value: float
    step: Floats
    decrement: float
    is_known: bool
    rest: float  # what a smaller sigma could bring
    outside: float  # share of the outliers in the weight
    outer_mean: float  # of |r| of the outliers

    @property
    def bound(self) -> float:
        """F - min F is at most this."""
        return self.decrement + self.rest

    def is_certified(self, tol: float, first: float) -> bool:
        """Whether the bound is known, and small; or most rows lie on a plane, but for rounding."""
        if not self.is_known:
            return False
        on_a_plane = self.decrement < self.rest and self.outside < 0.5
        return on_a_plane or is_enough(self.bound, self.value, tol, first)


def huber_newton(
    shards: Shards,
    problem: HuberProblem,
    start: Floats,
    *,
    tol: float = 1e-5,
    max_iter: int = 100,
    forms_hessian: bool = True,
) -> Solution:
    """Minimise F.

    Parameters
    ----------
    shards : Shards
        Of X (n_k, d), ndarray or CSR; y (n_k,) float64; weights (n_k,) or None.
    problem : HuberProblem
    start : ndarray of shape (p + 1,)
        w, and sigma > 0.
    tol : float, default=1e-5
        Stop once F - min F is at most ``max(tol^2, 8 eps) F``.
    max_iter : int, default=100
        Steps at most.
    forms_hessian : bool, default=True
        Or else its products are merged, one a round.

    Returns
    -------
    Solution
        `w` is (1, p + 1), sigma last.
    """
    rounds = Rounds(shards)
    sums = HuberSumsOver(rounds, problem)
    spares = forms_hessian and rounds.may_leave_out
    look = partial(look_closely, sums) if forms_hessian else partial(look_by_products, rounds)
    here = look(problem, start[:-1], max(float(start[-1]), problem.least_scale))
    if here.outside > problem.most_outside:
        here = look(problem, here.w, 2.0 * here.outer_mean)
    history: list[Step] = []
    for n_iter in range(max_iter + 1):
        history.append(rounds.step(here.value, here.bound, here.w[None, :]))
        converged = here.is_certified(tol, history[0].value)
        if converged or n_iter == max_iter or rounds.time_is_up:
            break
        is_early = here.decrement > tol * abs(here.value)
        there = by_most(sums, problem, here) if is_early and spares else None
        there = there or advance(rounds, problem, here, look)
        if there is None:
            break
        here = there
    w, sigma = moved(problem, here) if converged else (here.w, here.sigma)
    return Solution(
        np.append(w, sigma)[None, :],
        here.value,
        here.bound,
        FORMED if forms_hessian else ESTIMATED,
        n_iter,
        converged,
        tuple(history),
    )


def advance(
    rounds: Rounds, problem: HuberProblem, here: HuberPoint, look: Callable[..., HuberPoint]
) -> HuberPoint | None:
    """The next point; None where none is lower, and has inliers enough.

    Newton's, if its full step leaves a tenth of sigma at least, and goes down as it promises. The
    Hessian is singular along rays, r and sigma in proportion, on which inliers cost linearly: a
    longer step only ends where sigma does, on a plane through some of the rows, for good.
    """
    change, least = float(here.step[-1]), (LEAST_SHARE - 1.0) * here.sigma
    if leaves_scale(here):
        there = look(problem, *moved(problem, here))
        if serves(problem, here, there):
            return there
    shorter = min(1.0, least / change if change < 0.0 else 1.0) * LENGTHS
    ways = [Way(here.step[:-1], shorter, here.sigma + shorter * change)]
    lengths, scales = (axis.ravel() for axis in np.meshgrid(LENGTHS, here.sigma * SCALES))
    ways.append(Way(by_weights(rounds, problem, here), lengths, scales))
    best = best_of(rounds, problem, here, ways)
    return None if best is None else look(problem, *best)


def by_most(sums: HuberSumsOver, problem: HuberProblem, here: HuberPoint) -> HuberPoint | None:
    """A point of all shards, to which steps lead that do not wait for those that are late.

    None where F is not low enough there. Where nobody is late it is that of a plain step.
    """
    at = here
    for n_more in reversed(range(IN_A_ROW + 1)):
        if not leaves_scale(at):
            return None
        w, sigma = moved(problem, at)
        found, is_whole = sums.at(w, sigma, whole=n_more == 0)
        at = seen(problem, found, w, sigma)
        if not serves(problem, here, at):
            return None
        if is_whole:
            return at
    return None


def leaves_scale(here: HuberPoint) -> bool:
    """Whether a full step leaves enough of sigma."""
    return float(here.step[-1]) >= (LEAST_SHARE - 1.0) * here.sigma


def serves(problem: HuberProblem, here: HuberPoint, there: HuberPoint) -> bool:
    """Whether a point has inliers enough, and F comes down to it as the slope promises."""
    return there.outside <= problem.most_outside and descends(here, there.value)


def by_weights(rounds: Rounds, problem: HuberProblem, here: HuberPoint) -> Floats:
    """The step of w alone by reweighted least squares (Huber & Ronchetti, section 7.8).

    An outlier has the curvature 2 epsilon / |r| in it, of the parabola that touches its loss and
    lies above: for this sigma the step goes down.
    """
    sums = rounds.map_reduce(huber_sums_of, problem, here.w, here.sigma, True, True)
    gradient = problem.gradient(sums, here.w, here.sigma)[:-1]
    return Metric.of(problem.hessian(sums, here.sigma)[:-1, :-1]).step(gradient)


def look_closely(sums: HuberSumsOver, problem: HuberProblem, w: Floats, sigma: float) -> HuberPoint:
    """A point and its step, with the Hessian."""
    return seen(problem, sums.at(w, sigma, whole=True)[0], w, sigma)


def seen(problem: HuberProblem, sums: HuberSums, w: Floats, sigma: float) -> HuberPoint:
    """The same, of sums with all moments there."""
    gradient = problem.gradient(sums, w, sigma)
    value, hessian = problem.value(sums.totals, w, sigma), problem.hessian(sums, sigma)
    held = is_held(problem, sigma, gradient)
    if held:
        gradient[-1], hessian[-1, :-1], hessian[:-1, -1] = 0.0, 0.0, 0.0
    step = Metric.of(hessian).step(gradient)
    rest = problem.weight * sigma if held else 0.0
    outer = outliers_in(problem, sums)
    return HuberPoint(w, sigma, value, step, -float(gradient @ step), True, rest, *outer)


def look_by_products(rounds: Rounds, problem: HuberProblem, w: Floats, sigma: float) -> HuberPoint:
    """A point and its step, by conjugate gradients."""
    sums = rounds.map_reduce(huber_sums_of, problem, w, sigma, False)
    gradient = problem.gradient(sums, w, sigma)
    value, ridge = problem.value(sums.totals, w, sigma), 2.0 * problem.alpha * problem.penalised
    held = is_held(problem, sigma, gradient)
    if held:
        gradient[-1] = 0.0

    def product(v: Floats) -> Floats:
        merged = rounds.map_reduce(huber_product_of, problem, w, sigma, v[:-1])
        by_w = (merged[:-1] - sums.inner * v[-1] / sigma) * 2.0 / sigma + ridge * v[:-1]
        by_sigma = (-merged[-1] + sums.totals[0] * v[-1] / sigma) * 2.0 / sigma**2
        return np.append(by_w, 0.0 if held else by_sigma)

    diagonal = np.append(2.0 / sigma * sums.moments + ridge, 2.0 * sums.totals[0] / sigma**3)
    found = conjugate_gradients(
        product,
        gradient,
        np.where(diagonal > 0.0, diagonal, 1.0),
        forcing=FORCING,
        known_below=np.inf,
        max_iter=MOST_PRODUCTS,
    )
    rest = problem.weight * sigma if held else 0.0
    outer = outliers_in(problem, sums)
    return HuberPoint(w, sigma, value, found.step, found.decrement, found.is_known, rest, *outer)


def is_held(problem: HuberProblem, sigma: float, gradient: Floats) -> bool:
    """Whether sigma is the least there may be, and would be less."""
    return bool(sigma <= problem.least_scale and gradient[-1] > 0.0)


def outliers_in(problem: HuberProblem, sums: HuberSums) -> tuple[float, float]:
    """Their share in the weight, and their mean |r|."""
    _, outer, outside = sums.totals.tolist()
    return outside / problem.weight, outer / outside if outside else 0.0


def moved(problem: HuberProblem, at: HuberPoint) -> tuple[Floats, float]:
    """w and sigma, a step further."""
    sigma = max(at.sigma + float(at.step[-1]), LEAST_SHARE * at.sigma)
    return at.w + at.step[:-1], max(sigma, problem.least_scale)


def descends(here: HuberPoint, value: float) -> bool:
    """Whether F came down to `value` as far as the slope promises."""
    return value <= here.value - SUFFICIENT * here.decrement + ROUNDING * abs(here.value)


def best_of(
    rounds: Rounds, problem: HuberProblem, here: HuberPoint, ways: Sequence[Way]
) -> tuple[Floats, float] | None:
    """The lowest point on these ways that leaves enough inliers; one round; None: none is lower."""
    totals = rounds.map_reduce(huber_along_of, problem, here.w, ways)
    points = [
        (here.w + t * way.step, max(float(sigma), problem.least_scale))
        for way in ways
        for t, sigma in zip(way.lengths, way.scales, strict=True)
    ]
    values = np.array([problem.value(t, *point) for t, point in zip(totals, points, strict=True)])
    values[totals[:, 2] > problem.most_outside * problem.weight] = np.inf
    best = int(np.argmin(values))
    return points[best] if values[best] < here.value else None
