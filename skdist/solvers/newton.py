# SPDX-License-Identifier: BSD-3-Clause
"""Newton's method with merged Hessians: the Newton of one machine, however the rows are cut.

    w <- w - H^-1 g,     g = scale sum_k g_k(w) + l2 w,     H = scale sum_k H_k(v) + l2 I

H is that of an earlier point v as long as a step with it divides the decrement ``g' H^-1 g`` by 4
or more (chord steps, Shamanskii, 1967): a round without a Hessian costs a fraction of one with it,
the more so the more parameters there are.

The certificate. If M is a matrix with H(u) >= M / 2 for all u from w to the minimum, then
``F(w) - min F <= g' M^-1 g``. The Hessian at w is such a matrix where curvature does not halve on
the way, as it does not near the minimum; an older one is believed while it divides the decrement
by 4 a step: |1 - M^-1 H| <= 1/2 along what is left to go. The step in hand is taken all the same,
so the solution is better than its bound says.

Cost per round: K p numbers down; K p up, and with a Hessian G p (p + 1) / 2 more, where G = 1 for
K = 1, else K (K - 1) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
)
from skdist.solvers.metric import Metric
from skdist.solvers.pilot_fit import pilot_fit
from skdist.summaries import LossGradientHessian

Floats = NDArray[np.float64]

CERTIFICATE = "Newton decrement g' H^-1 g"
TRUSTED = 1.0 / 4.0  # what a step must multiply the decrement by, if its Hessian is to be kept


def newton(
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
        Steps at most.

    Returns
    -------
    Solution
        The bound is that of the last point that was evaluated; `w` lies one step further.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.losses import Logistic
    >>> from skdist.sharding import shard_rows
    >>> from skdist.solvers.linear_objective import LinearObjective
    >>> from skdist.solvers.newton import newton
    >>> X, y = np.arange(8.0).reshape(-1, 1), np.array([0.0, 0, 1, 0, 0, 1, 1, 1])
    >>> solution = newton(shard_rows(X, y, n_shards=2), LinearObjective(Logistic(), 1, l2=1.0))
    >>> solution.w.round(3), solution.converged
    (array([[ 0.662, -2.315]]), True)
    """
    rounds = Rounds(shards)
    w = pilot_fit(rounds, objective, newton) if start is None else objective.centred(start)
    here = first_iterate(rounds, objective, w)
    history: list[Step] = []
    for n_iter in range(max_iter + 1):
        history.append(rounds.step(here.at.value, here.decrement))
        converged = here.is_certified(tol, history[0].value)
        there = None if converged or n_iter == max_iter else advance(rounds, objective, here)
        if there is None:
            break
        here = there
    return here.solution(objective, n_iter, converged, history)


@dataclass(frozen=True, eq=False)
class Iterate:
    """A point, the metric in use there, and the step that they make."""

    at: Point
    metric: Metric
    curvature: LossGradientHessian  # the sums that the metric is made of
    is_own: bool  # whether they are those of this point
    step: Floats
    decrement: float
    contraction: float  # the decrement, divided by that of the iterate before

    @property
    def is_trusted(self) -> bool:
        """Whether the metric is kept for the next step."""
        return self.contraction <= TRUSTED

    def is_certified(self, tol: float, first: float) -> bool:
        """Whether the bound holds, and is small enough."""
        bound_holds = self.is_own or self.is_trusted
        return bound_holds and is_enough(self.decrement, self.at.value, tol, first)

    def solution(
        self, objective: LinearObjective, n_iter: int, converged: bool, history: list[Step]
    ) -> Solution:
        """One step further than this iterate if its bound holds."""
        w = objective.centred(self.at.w + self.step) if converged else self.at.w
        return Solution(
            w,
            self.at.value,
            self.decrement,
            CERTIFICATE,
            n_iter,
            converged,
            tuple(history),
            self.curvature,
        )


def first_iterate(rounds: Rounds, objective: LinearObjective, w: Floats) -> Iterate:
    """At the start: the Hessian is formed there."""
    sums = rounds.map_reduce(curvature_of, objective, w)
    metric = Metric.of(objective.hessian(sums))
    return _iterate(objective.point(sums, w), metric, sums, is_own=True, last=0.0)


def advance(rounds: Rounds, objective: LinearObjective, here: Iterate) -> Iterate | None:
    """The next iterate; none where no step lowers F by more than rounding."""
    summarise = gradient_of if here.is_trusted else curvature_of
    w = here.at.w + here.step
    sums = rounds.map_reduce(summarise, objective, w)
    there = objective.point(sums, w)
    if not descends(here.at, there.value, here.decrement):
        length = best_length(rounds, objective, here.at, here.step)
        if length is None:
            return None
        summarise, w = curvature_of, here.at.w + length * here.step
        sums = rounds.map_reduce(summarise, objective, w)
        there = objective.point(sums, w)
    if summarise is gradient_of:
        return _iterate(there, here.metric, here.curvature, is_own=False, last=here.decrement)
    metric = Metric.of(objective.hessian(sums))
    return _iterate(there, metric, sums, is_own=True, last=here.decrement)


def _iterate(
    at: Point, metric: Metric, sums: LossGradientHessian, *, is_own: bool, last: float
) -> Iterate:
    step = metric.step(at.gradient)
    decrement = -float(np.vdot(at.gradient, step))
    return Iterate(at, metric, sums, is_own, step, decrement, decrement / last if last else np.inf)
