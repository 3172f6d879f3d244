# SPDX-License-Identifier: BSD-3-Clause
"""The iteration that all Newton methods with merged Hessians share: from parabola to parabola.

    w <- argmin over v of  F(w) + g'(v - w) + 1/2 (v - w)' H (v - w) + l1 |v|_1

How the model is minimised, by a linear solve or by coordinate descent, is the method's; when H is
formed anew, how far a step goes and when it is enough, is here.

H is that of an earlier point as long as a step with it divides what the model promises by 3 (chord
steps, Shamanskii, 1967): a round without a Hessian costs a fraction of one with it, the more so
the more parameters there are. It is made in float32, in half the time, where that is enough.

The bound of F - min F. What a model with H of its own point promises is at most doubled where the
curvature does not halve on the way to the minimum. If a step with an older M divides the promise by
r^2, then H = (1 - r) M along what was left to go, and the bound is 1 / (1 - r) times as large; for
what is left now is what that step served least, sqrt(r) is taken for r. The step in hand is taken
all the same, so the solution is better than its bound says.

Early rounds may go on without shards that are late, where the user allows it; parabolas stand in
for these (:mod:`skdist.solvers.stand_ins`). A step or two of such rounds lead to a point at which
all shards are asked, with their Hessians. It is taken if F, of all rows, is as much lower there as
the step of a whole round would have to make it; else that step is. So every iterate, its bound, and
the last rounds are of all rows: a step about squares what is lacking, and rounds are whole from
where that is the root of what is asked for.

Cost per round: K p numbers down; K p up, and with a Hessian G p (p + 1) / 2 more, where G = 1 for
K = 1, else K (K - 1) / 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.line_search import best_length, descends, parabola_length
from skdist.solvers.linear_objective import LinearObjective, Point, Solution, is_enough
from skdist.solvers.metric import Metric
from skdist.solvers.rounds import Rounds, Step
from skdist.solvers.stand_ins import IN_A_ROW, Sums
from skdist.summaries import LossGradientHessian

Floats = NDArray[np.float64]

# What a step must multiply the promise by, if its Hessian is to be kept. Where curvature falls from
# step to step, steps with Hessians of their own divide it by 3 or 4, and old ones do not serve.
TRUSTED = 1.0 / 3.0
TRUSTED_NEW = 1.0 / 7.0
TINY = 1e-20  # sums of products that float32, whose least is 1e-38, may have lost digits of


@dataclass(frozen=True, eq=False)
class Curvature:
    """The Hessian of F but for l1, at some point.

    Parameters
    ----------
    objective : LinearObjective
        F.
    sums : LossGradientHessian
        What it is made of.
    hessian : ndarray of shape (K p, K p)
    dtype : type
        Of the products that were summed.
    """

    objective: LinearObjective
    sums: LossGradientHessian
    hessian: Floats
    dtype: type

    @property
    def serves(self) -> bool:
        """Whether the rounding of the products is little beside the least curvature.

        As a matrix it is eps sqrt(P), in units of the diagonal, or a few times as much; and more
        where the products of features are so small that their digits are lost. Where the loss
        overflows, no products serve better.
        """
        if self.dtype is np.float64 or not np.isfinite(self.hessian).all():
            return True
        diagonal = np.diag(self.hessian)
        least = 16.0 * float(np.finfo(self.dtype).eps) * len(diagonal) ** 0.5
        has_digits = bool(((diagonal == 0.0) | (diagonal > TINY)).all())
        return has_digits and self.metric.least >= least

    @cached_property
    def metric(self) -> Metric:
        """Its inverse, made definite, factored once for all steps that use it."""
        return Metric.of(self.objective.definite(self.hessian))


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the model of F is least, and what that says of F.

    Parameters
    ----------
    target : ndarray of shape (K, p)
        argmin.
    promised : float
        Minus the slope of F towards it.
    bound : float
        Of F - min F, if the Hessian is that of the point.
    """

    target: Floats
    promised: float
    bound: float


# of the model at a point, with this Hessian; the last number is the bound of the model before
Minimise = Callable[[Point, Curvature, float], Minimum]


@dataclass(frozen=True, eq=False)
class Iterate:
    """A point, and the minimum of the model there."""

    at: Point
    curvature: Curvature
    is_own: bool  # whether it is that of this point
    model: Minimum
    contraction: float  # the model's bound, divided by that of the iterate before

    @property
    def bound(self) -> float:
        """Of F - min F; inf where an old Hessian tells nothing."""
        rate = 0.0 if self.is_own else self.contraction**0.25
        return self.model.bound / float(1.0 - rate) if rate < 1.0 else np.inf

    @property
    def is_trusted(self) -> bool:
        """Whether the Hessian is kept for the next step."""
        return self.contraction <= (TRUSTED_NEW if self.is_own else TRUSTED)


@dataclass(frozen=True, eq=False)
class NewtonIteration:
    """The shards, what is minimised over them, how its models are, and who sums them up."""

    rounds: Rounds
    objective: LinearObjective
    minimise: Minimise
    sums: Sums

    def run(self, w: Floats, *, tol: float, max_iter: int, certificate: str) -> Solution:
        """From `w` until F - min F is at most ``max(tol^2, 8 eps) |F|``.

        The solution lies one step beyond the last point that was evaluated, if its bound holds.
        """
        here = self.first(w)
        history: list[Step] = []
        for n_iter in range(max_iter + 1):
            history.append(self.rounds.step(here.at.value, here.bound, here.at.w))
            converged = is_enough(here.bound, here.at.value, tol, history[0].value)
            ends = converged or n_iter == max_iter or self.rounds.time_is_up
            there = None if ends else self.advance(here, tol)
            if there is None:
                break
            here = there
        return Solution(
            self.objective.centred(here.model.target) if converged else here.at.w,
            here.at.value,
            here.bound,
            certificate,
            n_iter,
            converged,
            tuple(history),
            here.curvature.sums,
        )

    def first(self, w: Floats) -> Iterate:
        """At the start: the Hessian is formed there."""
        at, curvature = self.with_curvature(w, np.float32)
        return Iterate(at, curvature, True, self.minimise(at, curvature, np.inf), np.inf)

    def advance(self, here: Iterate, tol: float) -> Iterate | None:
        """The next iterate; None where no step lowers F by more than rounding."""
        is_early = here.model.promised > tol * abs(here.at.value)
        found = self.by_most(here) if is_early and self.sums.may_lack_some else None
        if found is None:
            found = self.stepped(here, whole=True)[:2]
        if not descends(here.at, found[0].value, here.model.promised):
            shorter = self.shortened(here, found[0].value)
            if shorter is None:
                return None
            found = shorter
        there, curvature = found
        last = here.model.bound
        model = self.minimise(there, curvature, last)
        is_own = curvature is not here.curvature
        return Iterate(there, curvature, is_own, model, model.bound / last if last else np.inf)

    def shortened(self, here: Iterate, value: float) -> tuple[Point, Curvature] | None:
        """A point on the way to the model's minimum, F being `value` there and not low enough."""
        step, promised = here.model.target - here.at.w, here.model.promised
        length = parabola_length(here.at, value, promised)
        if length is not None:
            found = self.with_curvature(here.at.w + length * step, here.curvature.dtype)
            if descends(here.at, found[0].value, length * promised):
                return found
        length = best_length(self.rounds, self.objective, here.at, step)
        if length is None:
            return None
        return self.with_curvature(here.at.w + length * step, here.curvature.dtype)

    def stepped(self, here: Iterate, whole: bool) -> tuple[Point, Curvature, bool]:
        """At the model's minimum, the Hessian formed there if it needs to be; whether of all."""
        w, dtype = here.model.target, here.curvature.dtype
        if not here.is_trusted:
            return self.formed(w, dtype, whole)
        sums, is_whole = self.sums.gradient(w, whole)
        return self.objective.point(sums, w), here.curvature, is_whole

    def by_most(self, here: Iterate) -> tuple[Point, Curvature] | None:
        """A point of all shards, to which steps lead that do not wait for those that are late.

        None where F is not low enough there. Where nobody is late it is that of a plain step.
        """
        at, curvature, is_whole = self.stepped(here, whole=False)
        if is_whole:
            return at, curvature
        for n_more in reversed(range(IN_A_ROW)):
            if not descends(here.at, at.value, here.model.promised):
                return None
            w = self.minimise(at, curvature, here.model.bound).target
            if n_more:
                sums, _ = self.sums.gradient(w, whole=False)
                at = self.objective.point(sums, w)
        found = self.with_curvature(w, here.curvature.dtype)
        return found if descends(here.at, found[0].value, here.model.promised) else None

    def with_curvature(self, w: Floats, dtype: type) -> tuple[Point, Curvature]:
        """A round, or two where `dtype` does not serve: F, its gradient and its Hessian."""
        at, curvature, _ = self.formed(w, dtype, whole=True)
        return at, curvature

    def formed(self, w: Floats, dtype: type, whole: bool) -> tuple[Point, Curvature, bool]:
        """The same, and whether all shards answered."""
        sums, is_whole = self.sums.curvature(w, dtype, whole)
        curvature = Curvature(self.objective, sums, self.objective.hessian(sums), dtype)
        if not curvature.serves:
            return self.formed(w, np.float64, whole)
        return self.objective.point(sums, w), curvature, is_whole
