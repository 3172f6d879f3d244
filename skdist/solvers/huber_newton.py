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
the Hessian would be too large its products with vectors are merged, one a round.

The certificate is the Newton decrement g' H^-1 g, which bounds F - min F where the inliers stay
who they are. sigma has a least value, for rows that lie on a plane. There N sigma is added to the
bound: dF/dsigma is at most N, so that is all that a smaller scale could bring. epsilon is to be
above 1: 1 is least absolute deviations, of which no scale is small enough.

Cost per round: p + 1 numbers down; 2 p + 3 up and the upper triangle, or p, of the moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.kernels import huber_pass
from skdist.solvers.conjugate_gradients import conjugate_gradients
from skdist.solvers.line_search import LENGTHS, ROUNDING, SUFFICIENT
from skdist.solvers.linear_objective import EPSILON, Rounds, Shards, Solution, Step, is_enough
from skdist.solvers.metric import Metric
from skdist.summaries import HuberSums

if TYPE_CHECKING:
    from skdist.sharding import Shard

Floats = NDArray[np.float64]

FORMED = "Newton decrement g' H^-1 g"
ESTIMATED = "Newton decrement g' H^-1 g, estimated by conjugate gradients"
LEAST_SCALE = 1e-8  # in units of the deviation of y: below, the Hessian is singular to doubles
LEAST_SHARE = 0.1  # of sigma that a step leaves
FORCING = 0.1  # residual of the conjugate gradients, relative to the gradient
MOST_PRODUCTS = 500  # for one step


@dataclass(frozen=True)
class HuberProblem:
    """F.

    Parameters
    ----------
    n_features : int
    weight : float
        N.
    epsilon : float, default=1.35
    alpha : float, default=0.0001
    fit_intercept : bool, default=True
    deviation : float, default=1.0
        Of y.
    """

    n_features: int
    weight: float
    epsilon: float = 1.35
    alpha: float = 1e-4
    fit_intercept: bool = True
    deviation: float = 1.0

    @property
    def least_scale(self) -> float:
        """The least sigma."""
        return max(LEAST_SCALE * self.deviation, 10.0 * EPSILON)

    @property
    def constant(self) -> float:
        """The value of the constant column; 0.0: there is none."""
        return float(self.fit_intercept)

    @property
    def penalised(self) -> Floats:
        """1.0 for features, 0.0 for the intercept, (p,)."""
        return np.append(np.ones(self.n_features), np.zeros(int(self.fit_intercept)))

    def value(self, totals: Floats, w: Floats, sigma: float) -> float:
        """F."""
        squares, outer, outside = totals.tolist()
        linear = (self.weight - self.epsilon**2 * outside) * sigma
        penalty = self.alpha * float(np.square(w[: self.n_features]).sum())
        return float(linear + squares / sigma + 2.0 * self.epsilon * outer + penalty)

    def gradient(self, sums: HuberSums, w: Floats, sigma: float) -> Floats:
        """By w and by sigma, (p + 1,)."""
        by_w = 2.0 * (sums.inner / sigma + self.epsilon * sums.outer)
        by_w += 2.0 * self.alpha * self.penalised * w
        squares, _, outside = sums.totals
        by_sigma = self.weight - self.epsilon**2 * outside - squares / sigma**2
        return np.append(by_w, by_sigma)

    def hessian(self, sums: HuberSums, sigma: float) -> Floats:
        """(p + 1, p + 1), of sums with all moments."""
        p = len(sums.inner)
        full = np.empty((p + 1, p + 1))
        full[np.triu_indices(p)] = full.T[np.triu_indices(p)] = sums.moments
        full[:p, p] = full[p, :p] = -sums.inner / sigma
        full[p, p] = sums.totals[0] / sigma**2
        full *= 2.0 / sigma
        full[range(p), range(p)] += 2.0 * self.alpha * self.penalised
        return full


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
    look = look_closely if forms_hessian else look_by_products
    here = look(rounds, problem, start[:-1], max(float(start[-1]), problem.least_scale))
    if here.outside > 0.9:  # hardly an inlier, hence no curvature, to begin with
        here = look(rounds, problem, here.w, 2.0 * here.outer_mean)
    history: list[Step] = []
    for n_iter in range(max_iter + 1):
        history.append(rounds.step(here.value, here.bound))
        converged = here.is_certified(tol, history[0].value)
        if converged or n_iter == max_iter:
            break
        length = longest(problem, here)
        there = look(rounds, problem, *moved(here, length))
        if not descends(here, there, length):
            shorter = best_length(rounds, problem, here, length)
            if shorter is None:
                break
            there = look(rounds, problem, *moved(here, shorter))
        here = there
    w, sigma = moved(here, longest(problem, here) if converged else 0.0)
    return Solution(
        np.append(w, sigma)[None, :],
        here.value,
        here.bound,
        FORMED if forms_hessian else ESTIMATED,
        n_iter,
        converged,
        tuple(history),
    )


def look_closely(rounds: Rounds, problem: HuberProblem, w: Floats, sigma: float) -> HuberPoint:
    """A point and its step, with the Hessian."""
    sums = rounds.map_reduce(huber_sums_of, problem, w, sigma, True)
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


def longest(problem: HuberProblem, at: HuberPoint) -> float:
    """The full step, unless it leaves less than a tenth of sigma, or less than the least."""
    least = max(LEAST_SHARE * at.sigma, problem.least_scale)
    change = float(at.step[-1])
    if change >= 0.0 or at.sigma + change >= least:
        return 1.0
    return max((least - at.sigma) / change, 0.0)


def moved(at: HuberPoint, length: float) -> tuple[Floats, float]:
    """w and sigma, `length` of the step further."""
    return at.w + length * at.step[:-1], at.sigma + length * float(at.step[-1])


def descends(here: HuberPoint, there: HuberPoint, length: float) -> bool:
    """Whether F came down as the slope promises."""
    promised = SUFFICIENT * length * here.decrement - ROUNDING * abs(here.value)
    return there.value <= here.value - promised


def best_length(
    rounds: Rounds, problem: HuberProblem, here: HuberPoint, most: float
) -> float | None:
    """The best of a ladder of shorter steps, in one round; None if none is lower than here."""
    lengths = most * LENGTHS
    points = [moved(here, t) for t in lengths]
    scales = np.array([sigma for _, sigma in points])
    totals = rounds.map_reduce(huber_along_of, problem, here.w, here.step[:-1], lengths, scales)
    values = [problem.value(t, w, s) for t, (w, s) in zip(totals, points, strict=True)]
    best = int(np.argmin(values))
    return float(lengths[best]) if values[best] < here.value else None


# -- of one shard ----------------------------------------------------------------------------------


def huber_sums_of(
    shard: Shard, problem: HuberProblem, w: Floats, sigma: float, grams: bool
) -> HuberSums:
    """Sums of one shard's rows at (w, sigma)."""
    bound, c = problem.epsilon * sigma, problem.constant
    rows = (shard.X, shard.y, shard.sample_weight)
    return HuberSums(*huber_pass.huber_sums(*rows, w, bound, c, grams=grams))


def huber_product_of(
    shard: Shard, problem: HuberProblem, w: Floats, sigma: float, direction: Floats
) -> Floats:
    """Of the inliers' moments with a direction (p,): by w and, last, by the residual, (p + 1,)."""
    bound, c = problem.epsilon * sigma, problem.constant
    rows = (shard.X, shard.y, shard.sample_weight)
    return np.append(*huber_pass.huber_product(*rows, w, bound, c, direction))


def huber_along_of(
    shard: Shard,
    problem: HuberProblem,
    w: Floats,
    step: Floats,
    lengths: Floats,
    scales: Floats,
) -> Floats:
    """Totals of one shard's rows at each length of the step, (L, 3)."""
    bounds, c = problem.epsilon * scales, problem.constant
    rows = (shard.X, shard.y, shard.sample_weight)
    return np.asarray(huber_pass.huber_along(*rows, w, step, c, lengths, bounds))


def outliers_of(shard: Shard, problem: HuberProblem, w: Floats, sigma: float) -> NDArray[np.bool_]:
    """Which of one shard's rows are outliers."""
    bound, c = problem.epsilon * sigma, problem.constant
    return np.asarray(huber_pass.is_outlier(shard.X, shard.y, w, bound, c))
