# SPDX-License-Identifier: BSD-3-Clause
"""How far to go along a step: all lengths of a ladder are tried in one round.

A full step is taken where F falls by a quarter of what the slope promises; a quadratic falls by
half of it. Where it does not, the parabola through what is known of F along the step tells a
shorter one. Where that does not do either, the losses of twelve steps are summed in a round of
their own, which reads X once, and the best of them is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.linear_objective import EPSILON, LinearObjective, Point, losses_along
from skdist.solvers.rounds import Shards

Floats = NDArray[np.float64]

SUFFICIENT = 0.25
ROUNDING = 64.0 * EPSILON  # of F: smaller differences are noise
LENGTHS = 0.5 ** np.array([1.0, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26])


def descends(at: Point, value: float, promised: float) -> bool:
    """Whether F came down from `at` to `value`, when the slope along the step is -`promised`."""
    return bool(value <= at.value - SUFFICIENT * promised + ROUNDING * abs(at.value))


def parabola_length(at: Point, value: float, promised: float) -> float | None:
    """Where F is least if it is a parabola: down from `at` with the slope -`promised`, to `value`.

    At most 1/2; None below 1/10, or where F is infinite: then F is no parabola.
    """
    if not np.isfinite(value):
        return None
    curved = value - at.value + promised
    length = min(promised / (2.0 * curved), 0.5) if curved > 0.0 else 0.5
    return length if length >= 0.1 else None


def best_length(
    shards: Shards,
    objective: LinearObjective,
    at: Point,
    step: Floats,
    lengths: Floats = LENGTHS,
) -> float | None:
    """The t of `lengths` with the lowest F(w + t step); None if none is lower than F(w).

    Cost: one round; 2 K p numbers down, one per length up.
    """
    losses = shards.map_reduce(losses_along, objective, at.w, step, lengths)
    values = np.array(
        [
            objective.value(loss, at.w + t * step)
            for loss, t in zip(losses.tolist(), lengths, strict=True)
        ]
    )
    best = int(np.argmin(np.where(np.isnan(values), np.inf, values)))
    return float(lengths[best]) if values[best] < at.value else None
