# SPDX-License-Identifier: BSD-3-Clause
"""A fit by stochastic gradient descent: what every shard is told, and where it stands.

    minimise  1/n sum_i s_i L(y_i, w'x_i + b) + alpha ((1 - l1_ratio) / 2 |w|^2 + l1_ratio |w|_1)

for each of P problems on the same rows. Cost of `mean_losses`: one round, 2 P numbers a shard up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.compiling import read_only
from skdist.kernels.sgd_losses import NO_WEIGHT, sum_losses
from skdist.kernels.sgd_rules import NO_PENALTY, PA1, Iterate, Problems, Rules
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Descent:
    """What every shard is told.

    Parameters
    ----------
    rules : Rules
    problems : Problems
    seed : int
        Of the orders of the rows, and of which of them are held out.
    run : int
        Neighbouring rows that stay together when a shard is shuffled; 0: it is not.
    held_out : float
        Share of the rows that judge the fit of the others; 0: the training loss does.
    """

    rules: Rules
    problems: Problems
    seed: int
    run: int = 1
    held_out: float = 0.0


@dataclass(frozen=True, eq=False)
class Position:
    """Where a fit stands between two rounds.

    Parameters
    ----------
    now : Iterate
    t : float
        Number of the next step, from 1.
    average : WeightedMean
        Of the iterates so far, (P, d + 1), intercepts last.
    active : ndarray of int64
        The problems that go on.
    """

    now: Iterate
    t: float
    average: WeightedMean
    active: NDArray[np.int64]


def start_at(coef: Vector, intercept: Vector, rules: Rules, t: float = 1.0) -> Position:
    """The position with these parameters, (P, d) and (P,), before step number t."""
    n_problems, d = coef.shape
    now = Iterate(
        W=np.array(coef, np.float64),
        b=np.array(intercept, np.float64),
        owed=np.zeros(n_problems),
        paid=np.zeros((n_problems, d if rules.l1_ratio > 0.0 else 0)),
        eta=np.full(n_problems, rules.eta0),
    )
    return Position(now, t, WeightedMean.empty((n_problems, d + 1)), np.arange(n_problems))


def penalty(rules: Rules, W: Vector) -> Vector:
    """Penalty of each problem, (P,); passive-aggressive steps know of none."""
    if rules.penalty == NO_PENALTY or rules.schedule >= PA1:
        return np.zeros(len(W))
    with np.errstate(over="ignore"):
        square, absolute = np.square(W).sum(axis=1), np.abs(W).sum(axis=1)
        value = (1.0 - rules.l1_ratio) / 2.0 * square + rules.l1_ratio * absolute
        return np.asarray(rules.alpha * value)


def decision(shard: Shard, now: Iterate) -> Vector:
    """``X W' + b``, (n_rows, P)."""
    return np.asarray(shard.X @ now.W.T + now.b, np.float64)


def targets(shard: Shard, problems: Problems, k: int) -> tuple[Vector, Vector]:
    """Targets of problem k and the weights of the rows, class weights included; (0,) for ones."""
    weight = NO_WEIGHT if shard.sample_weight is None else shard.sample_weight
    if problems.regression:
        return shard.y, weight
    ours = shard.y == problems.positive[k]
    of_class = problems.positive_weight[k], problems.negative_weight[k]
    if of_class != (1.0, 1.0):
        weight = np.where(ours, *of_class) * (weight if len(weight) else 1.0)
    return np.where(ours, 1.0, -1.0), weight


def mean_losses(shards: ShardedDataset, descent: Descent, now: Iterate) -> tuple[Vector, Vector]:
    """Mean over all rows of the weighted losses and of the losses, (P,) each."""
    both = shards.map_reduce(_mean_losses, descent, now).mean
    return both[0], both[1]


def _mean_losses(shard: Shard, descent: Descent, now: Iterate) -> WeightedMean:
    rules, z = descent.rules, decision(shard, now)
    sums = np.empty((2, len(now.b)))
    for k in range(len(now.b)):
        y, weight = targets(shard, descent.problems, k)
        p = np.ascontiguousarray(z[:, k])
        sums[:, k] = sum_losses(
            rules.loss, rules.epsilon, read_only(y), read_only(weight), read_only(p)
        )
    return WeightedMean(float(shard.n_rows), sums / max(shard.n_rows, 1))
