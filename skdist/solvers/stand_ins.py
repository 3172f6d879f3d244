# SPDX-License-Identifier: BSD-3-Clause
"""Sums over all shards where some are late: what they told last stands in for them.

    f_k(w) = f_k(v) + g_k'(w - v) + (w - v)' H_k (w - v) / 2

for a shard k that told f_k and g_k at v last, and H_k there or before. Newton's method corrects a
Hessian that is stale; a gradient that is stale, or told by a parabola as here, would move the
minimum. So these sums only lead to points at which all shards are asked then: see
:mod:`skdist.solvers.newton_iteration`.

The driver keeps what each shard told: its gradient and the upper triangle of its Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.linear_objective import LinearObjective, curvature_of, gradient_of
from skdist.solvers.rounds import Rounds
from skdist.summaries import LossGradient, LossGradientHessian

Floats = NDArray[np.float64]
S = TypeVar("S")
IN_A_ROW = 2  # rounds of most shards between two of all


class Sums(Protocol):
    """Sums over the shards at a point, in a round each, and whether all shards answered.

    Where `whole` is asked for, they do.
    """

    @property
    def may_lack_some(self) -> bool:
        """Whether anybody may be left out."""

    def gradient(self, w: Floats, whole: bool) -> tuple[LossGradient, bool]:
        """Losses and gradients."""

    def curvature(self, w: Floats, dtype: type, whole: bool) -> tuple[LossGradientHessian, bool]:
        """Losses, gradients and Hessians."""


@dataclass(frozen=True, eq=False)
class OfAll:
    """Everybody is waited for."""

    rounds: Rounds
    objective: LinearObjective
    may_lack_some: bool = False

    def gradient(self, w: Floats, whole: bool) -> tuple[LossGradient, bool]:
        """See `Sums`."""
        return self.rounds.map_reduce(gradient_of, self.objective, w), True

    def curvature(self, w: Floats, dtype: type, whole: bool) -> tuple[LossGradientHessian, bool]:
        """See `Sums`."""
        return self.rounds.map_reduce(curvature_of, self.objective, w, dtype), True


@dataclass(frozen=True, eq=False)
class Told:
    """What a shard told last: its sums at `at`, the Hessian perhaps that of an earlier point."""

    at: Floats
    sums: LossGradientHessian

    def then(self, w: Floats, sums: LossGradient) -> Told:
        """It told a newer gradient."""
        return Told(w, replace(self.sums, loss=sums.loss, gradient=sums.gradient))

    def sums_at(self, w: Floats) -> LossGradientHessian:
        """Those of the parabola."""
        step = w - self.at
        curved = (self.sums.hessian @ step.ravel()).reshape(step.shape)
        rise = float(np.vdot(self.sums.gradient + curved / 2.0, step))
        return replace(self.sums, loss=self.sums.loss + rise, gradient=self.sums.gradient + curved)


@dataclass(frozen=True, eq=False)
class OfMost:
    """Who is late is stood in for; the first round of Hessians is to be whole."""

    rounds: Rounds
    objective: LinearObjective
    may_lack_some: bool = True
    _told: dict[int, Told] = field(default_factory=dict)

    def gradient(self, w: Floats, whole: bool) -> tuple[LossGradient, bool]:
        """See `Sums`."""
        answers = self._ask(whole, gradient_of, w)
        for k, sums in _there(answers):
            self._told[k] = self._told[k].then(w, sums)
        models = self._in_place_of(answers, w)
        models = [LossGradient(model.loss, model.gradient) for model in models]
        return self._merged(answers, models)

    def curvature(self, w: Floats, dtype: type, whole: bool) -> tuple[LossGradientHessian, bool]:
        """See `Sums`."""
        answers = self._ask(whole, curvature_of, w, dtype)
        self._told.update({k: Told(w, sums) for k, sums in _there(answers)})
        return self._merged(answers, self._in_place_of(answers, w))

    def _ask(self, whole: bool, function: Callable[..., S], *broadcast: Any) -> list[S | None]:
        ask = self.rounds.map if whole else self.rounds.map_of_most
        return ask(function, self.objective, *broadcast)

    def _in_place_of(self, answers: Sequence[Any], w: Floats) -> list[Any]:
        """Of the shards that are late, in order."""
        return [self._told[k].sums_at(w) for k, sums in enumerate(answers) if sums is None]

    def _merged(self, answers: Sequence[Any], models: Sequence[Any]) -> tuple[Any, bool]:
        left = iter(models)
        filled = [next(left) if sums is None else sums for sums in answers]
        return self.rounds.fold(filled), not models


def sums_over(rounds: Rounds, objective: LinearObjective) -> Sums:
    """Sums of the objective's losses over the shards."""
    return OfMost(rounds, objective) if rounds.may_leave_out else OfAll(rounds, objective)


def _there(answers: Sequence[S | None]) -> list[tuple[int, S]]:
    """The shards that answered, and what they told."""
    return [(k, sums) for k, sums in enumerate(answers) if sums is not None]
