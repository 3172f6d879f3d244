# SPDX-License-Identifier: BSD-3-Clause
"""Where to start: each shard's own fit on a few of its rows, merged by Hessian weights.

    w_j = argmin F_j over every s-th row of shard j,      H_j = Hessian of F_j at w_j
    w = (sum H_j)^-1 sum H_j w_j                          (Lin & Xi, 2011; Zhu, Li & Wang, 2021)

F_j counts its rows s-fold and has its share of the penalty, so that the F_j add up to an estimate
of F. What the shards disagree on, rows sorted by label say, has little curvature where it is sure
of itself, and weighs little. The start is the best of five points between w and the best constant
prediction, which is where to start without a pilot: best on the rows of all the pilots.

Cost: two rounds; K p (K p + 1) numbers per shard up. Both read a few percent of the rows, the first
several times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.linear_objective import LinearObjective, Solution, losses_along
from skdist.solvers.rounds import Shards
from skdist.summaries import QuadraticModel

Floats = NDArray[np.float64]
Fit = Callable[..., Solution]

ROWS_PER_PARAMETER = 20
LEAST_SHARE = 1.0 / 25.0  # of a shard's rows
MOST_SHARE = 1.0 / 4.0  # above it, a pilot costs as much as the passes that it saves
MOST_PARAMETERS = 1500  # that a Hessian is sent for
MOST_STEPS = 10
TOLERANCE = 0.2  # with few rows, rare features look decisive: stopping early shrinks them
FEW = 1.0 / 8.0  # share of the rows above which a second step costs as much as it saves
ONE_STEP = 1.0  # a tolerance that the first step reaches, wherever it leads
LENGTHS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


@dataclass(frozen=True, eq=False)
class Pilot:
    """What a shard says before the first pass; ``+`` adds.

    Parameters
    ----------
    weight : float
        Sum of the rows' weights.
    total : ndarray of shape (K,)
        Weighted sum of y, or the weight of each of the K classes.
    model : QuadraticModel or None
        F_j about its minimum w_j; None where there are too few rows for a pilot.
    """

    weight: float
    total: Floats
    model: QuadraticModel | None

    def __add__(self, other: Pilot) -> Pilot:
        models = [model for model in (self.model, other.model) if model is not None]
        merged = reduce(add, models) if models else None
        return Pilot(self.weight + other.weight, self.total + other.total, merged)

    @property
    def nbytes(self) -> int:
        """What travels."""
        return 8 + self.total.nbytes + (0 if self.model is None else self.model.nbytes)


@dataclass(frozen=True, eq=False)
class OneShard:
    """A shard, asked as if it were all of them."""

    shard: Any
    may_leave_out: bool = False

    def map_reduce(self, summarize: Callable[..., Any], *broadcast: Any, merge: Any = None) -> Any:
        """Its summary."""
        return summarize(self.shard, *broadcast)

    def note(self, state: Any = None, **values: float) -> None:
        """Nobody watches a pilot."""

    @property
    def time_is_up(self) -> bool:
        """A pilot is short."""
        return False


def pilot_fit(shards: Shards, objective: LinearObjective, fit: Fit | None) -> Floats:
    """A start for `objective`.

    Parameters
    ----------
    shards : Shards
    objective : LinearObjective
        Its l1 is ignored here.
    fit : callable or None
        ``fit(shards, objective, start, tol=..., max_iter=...) -> Solution``, module-level: how a
        shard fits its pilot; None: the best constant prediction will do.

    Returns
    -------
    w : ndarray of shape (K, p)
    """
    pilot: Pilot = shards.map_reduce(pilot_of, objective, fit)
    constant = constant_fit(objective, pilot)
    if pilot.model is None:
        return constant
    merged = objective.centred(pilot.model.minimiser().reshape(objective.shape))
    step = merged - constant
    losses = shards.map_reduce(pilot_losses_along, objective, constant, step, LENGTHS)
    points: list[Floats] = [constant + t * step for t in LENGTHS]
    values = [objective.value(loss, w) for loss, w in zip(losses, points, strict=True)]
    return points[int(np.argmin(np.where(np.isnan(values), np.inf, values)))]


def constant_fit(objective: LinearObjective, pilot: Pilot) -> Floats:
    """The best parameters but for a penalty, if all features were 0."""
    w = objective.zeros()
    if objective.fit_intercept and pilot.weight > 0.0:
        w[:, -1] = objective.loss.constant_fit(pilot.total / pilot.weight) / objective.constant
    return w


def pilot_of(shard: Any, objective: LinearObjective, fit: Fit | None) -> Pilot:
    """The pilot of one shard."""
    weight, total = _targets(shard, objective)
    nothing = Pilot(weight, total, None)
    sample = None if fit is None else sample_of(shard, objective)
    if fit is None or sample is None:
        return nothing
    own_weight, _ = _targets(sample, objective)
    if own_weight <= 0.0:
        return nothing
    own = replace(
        objective,
        scale=objective.scale * weight / own_weight,
        l2=objective.l2 / shard.n_shards,
        l1=0.0,
    )
    start = constant_fit(own, nothing)
    tol = TOLERANCE if sample.X.shape[0] <= FEW * shard.X.shape[0] else ONE_STEP
    found = fit(OneShard(sample), own, start, tol=tol, max_iter=MOST_STEPS)
    return replace(nothing, model=_model_about(found, own))


def _model_about(found: Solution, objective: LinearObjective) -> QuadraticModel | None:
    """The parabola at what was found to be the minimum, with the Hessian that was formed last."""
    if found.curvature is None:
        return None
    hessian = objective.hessian(found.curvature)
    return QuadraticModel.expand(found.w.ravel(), found.value, np.zeros(found.w.size), hessian)


def pilot_losses_along(
    shard: Any, objective: LinearObjective, w: Floats, step: Floats, lengths: Floats
) -> Floats:
    """Loss of one shard's rows at ``w + t * step``, by the rows of its pilot."""
    sample = sample_of(shard, objective) or shard
    own_weight = _targets(sample, objective)[0]
    if own_weight <= 0.0:
        sample, own_weight = shard, _targets(shard, objective)[0]
    found = losses_along(sample, objective, w, step, lengths)
    return found * (_targets(shard, objective)[0] / own_weight) if own_weight > 0.0 else found


def sample_of(shard: Any, objective: LinearObjective) -> Any:
    """Rows for a pilot: as many as its parameters need; None where that would be too many."""
    n_rows, n_parameters = shard.X.shape[0], int(np.prod(objective.shape))
    wanted = max(ROWS_PER_PARAMETER * n_parameters, LEAST_SHARE * n_rows)
    pays = wanted <= MOST_SHARE * n_rows and n_parameters <= MOST_PARAMETERS
    return every_nth(shard, int(n_rows // wanted)) if pays else None


def every_nth(shard: Any, n: int) -> Any:
    """The shard's rows 0, n, 2n, ...: not the first ones, for rows may be sorted."""
    weight = shard.sample_weight
    X, y = shard.X[::n], shard.y[::n]
    return replace(
        shard,
        X=X,
        y=y,
        sample_weight=None if weight is None else weight[::n],
        rows=range(len(y)),
    )


def _targets(shard: Any, objective: LinearObjective) -> tuple[float, Floats]:
    """Sum of the weights, and of y, or of the weights per class."""
    y, s = shard.y, shard.sample_weight
    s = np.ones(len(y)) if s is None else s
    n_outputs = objective.shape[0]
    if n_outputs == 1:
        return float(s.sum()), np.array([s @ y])
    return float(s.sum()), np.asarray(np.bincount(y.astype(np.intp), s, n_outputs), np.float64)
