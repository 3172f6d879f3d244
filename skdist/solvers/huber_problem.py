# SPDX-License-Identifier: BSD-3-Clause
"""The objective of Huber regression with its own scale, and what shards contribute to it.

    F(w, sigma) = sum_i s_i (sigma + sigma h(r_i / sigma)) + alpha |w|^2,     r_i = w'[x_i, c] - y_i
    h(z) = z^2 for |z| <= epsilon, else 2 epsilon |z| - epsilon^2

See :mod:`skdist.solvers.huber_newton`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.kernels import huber_pass
from skdist.solvers.linear_objective import EPSILON
from skdist.summaries import HuberSums

if TYPE_CHECKING:
    from skdist.sharding import Shard

Floats = NDArray[np.float64]

LEAST_SCALE = 1e-8  # in units of the deviation of y: below, the Hessian is singular to doubles


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
    def most_outside(self) -> float:
        """Share of outliers above which there is too little curvature for a step.

        At the minimum it is 1 / epsilon^2 at most, as dF/dsigma = 0 says.
        """
        return 0.5 + 0.5 / self.epsilon**2

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
class Way:
    """Lengths of a step of w, each with a sigma of its own."""

    step: Floats
    lengths: Floats
    scales: Floats


# -- of one shard ----------------------------------------------------------------------------------


def huber_sums_of(
    shard: Shard,
    problem: HuberProblem,
    w: Floats,
    sigma: float,
    grams: bool,
    robust: bool = False,
) -> HuberSums:
    """Sums of one shard's rows at (w, sigma)."""
    bound, c = problem.epsilon * sigma, problem.constant
    rows = (shard.X, shard.y, shard.sample_weight)
    return HuberSums(*huber_pass.huber_sums(*rows, w, bound, c, grams=grams, robust=robust))


def huber_product_of(
    shard: Shard, problem: HuberProblem, w: Floats, sigma: float, direction: Floats
) -> Floats:
    """Of the inliers' moments with a direction (p,): by w and, last, by the residual, (p + 1,)."""
    bound, c = problem.epsilon * sigma, problem.constant
    rows = (shard.X, shard.y, shard.sample_weight)
    return np.append(*huber_pass.huber_product(*rows, w, bound, c, direction))


def huber_along_of(shard: Shard, problem: HuberProblem, w: Floats, ways: Sequence[Way]) -> Floats:
    """Totals of one shard's rows on these ways, (L, 3)."""
    rows, c = (shard.X, shard.y, shard.sample_weight), problem.constant
    found = []
    for way in ways:
        bounds = problem.epsilon * np.maximum(way.scales, problem.least_scale)
        found.append(huber_pass.huber_along(*rows, w, way.step, c, way.lengths, bounds))
    return np.concatenate(found)


def outliers_of(shard: Shard, problem: HuberProblem, w: Floats, sigma: float) -> NDArray[np.bool_]:
    """Which of one shard's rows are outliers."""
    bound, c = problem.epsilon * sigma, problem.constant
    return np.asarray(huber_pass.is_outlier(shard.X, shard.y, w, bound, c))
