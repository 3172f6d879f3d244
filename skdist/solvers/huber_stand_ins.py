# SPDX-License-Identifier: BSD-3-Clause
"""Sums of Huber regression over all shards where some are late: their rows stay in- or outliers.

Of a shard that told its sums at v last, with u = [x, c], r = v'u - y, d = w - v and M the inliers'
moments,

    sum_in s (r + u'd)^2 = sum_in s r^2 + 2 d' sum_in s r u + d'M d
    sum_in s (r + u'd) u = sum_in s r u + M d
    sum_out s |r + u'd|  = sum_out s |r| + d' sum_out s sign(r) u

which is exact, for any scale, as long as none of its rows changes sides. Rows do, so that these
sums only lead to points at which all shards are asked: see :mod:`skdist.solvers.huber_newton`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.huber_problem import HuberProblem, huber_sums_of
from skdist.solvers.rounds import Rounds
from skdist.summaries import HuberSums

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HuberSumsOver:
    """Sums over the shards, moments included, in a round each; the first one is to be whole."""

    rounds: Rounds
    problem: HuberProblem
    _told: dict[int, tuple[Floats, HuberSums]] = field(default_factory=dict)

    def at(self, w: Floats, sigma: float, whole: bool) -> tuple[HuberSums, bool]:
        """Those at (w, sigma), and whether all shards answered; where `whole`, they do."""
        asked = huber_sums_of, self.problem, w, sigma, True
        if not self.rounds.may_leave_out:
            return self.rounds.map_reduce(*asked), True
        answers = (self.rounds.map if whole else self.rounds.map_of_most)(*asked)
        self._told.update((k, (w, sums)) for k, sums in enumerate(answers) if sums is not None)
        filled = [self._of(k, w) for k in range(len(answers))]
        return self.rounds.fold(filled), all(sums is not None for sums in answers)

    def _of(self, k: int, w: Floats) -> HuberSums:
        """What a shard told last, carried on to w."""
        v, sums = self._told[k]
        return sums if v is w else without_crossing(sums, w - v)


def without_crossing(sums: HuberSums, step: Floats) -> HuberSums:
    """Sums with all moments, a step (p,) further, if no row changes sides on the way."""
    p = len(step)
    moments = np.zeros((p, p))
    moments[np.triu_indices(p)] = moments.T[np.triu_indices(p)] = sums.moments
    pull = moments @ step
    squares, outer, outside = sums.totals.tolist()
    squares += float(step @ (2.0 * sums.inner + pull))
    totals = np.array([squares, outer + float(step @ sums.outer), outside])
    return replace(sums, totals=totals, inner=sums.inner + pull)
