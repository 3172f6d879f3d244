# SPDX-License-Identifier: BSD-3-Clause
"""What stochastic gradient descent does at a row, whether it is dense or sparse.

At step size eta, with u = -eta dL/dp times the weight of the row,

    w <- max(0, 1 - eta alpha (1 - l1_ratio)) w + u x,        b <- b + u,

and then the l1 penalty takes from each weight what it owes (see `clipped`). Several problems are
solved in one pass: of K classes each against the others.
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numba import njit

from skdist.kernels.compiling import entry, inlined
from skdist.kernels.counter_rng import GOLDEN, draw_below, mix
from skdist.kernels.sgd_losses import loss_and_slope

NO_PENALTY, L1, L2, ELASTIC_NET = 0, 1, 2, 3
PENALTIES = {None: NO_PENALTY, "l1": L1, "l2": L2, "elasticnet": ELASTIC_NET}
CONSTANT, OPTIMAL, INVSCALING, ADAPTIVE, PA1, PA2 = 1, 2, 3, 4, 5, 6
SCHEDULES = {
    "constant": CONSTANT,
    "optimal": OPTIMAL,
    "invscaling": INVSCALING,
    "adaptive": ADAPTIVE,
    "pa1": PA1,
    "pa2": PA2,
}
_STEEPEST = 1e12  # slopes are cut here, as scikit-learn cuts them

# `inlined`, with sums in any order: SIMD. NaN and infinity are heeded.
summing = partial(
    njit,
    _nrt=False,
    forceinline=True,
    error_model="numpy",
    fastmath={"contract", "nsz", "reassoc"},
)()


class Rules(NamedTuple):
    """The parameters of a fit that kernels read, named as in scikit-learn."""

    loss: int  # of LOSSES
    epsilon: float
    penalty: int  # of PENALTIES
    alpha: float
    l1_ratio: float  # 0 for l2, 1 for l1
    schedule: int  # of SCHEDULES
    eta0: float
    power_t: float
    offset: float  # of the step number in the schedule "optimal"
    fit_intercept: bool
    intercept_decay: float  # factor of the intercept's steps
    average: int  # number of the step from which iterates are summed; 0: never


class Problems(NamedTuple):
    """P problems on the same rows."""

    regression: bool  # y is the target itself; else a class, and the target 1 or -1
    positive: np.ndarray  # (P,) int64, the class whose target is 1; -1: no row's
    positive_weight: np.ndarray  # (P,) float64, of the rows of that class
    negative_weight: np.ndarray  # (P,) float64, of the others


class Iterate(NamedTuple):
    """Where P problems stand; arrays that a pass changes."""

    W: np.ndarray  # (P, d)
    b: np.ndarray  # (P,)
    owed: np.ndarray  # (P,) l1 penalty of all steps so far
    paid: np.ndarray  # (P, d) what each weight has paid of it; (P, 0) without an l1 penalty
    eta: np.ndarray  # (P,) step size, where the schedule does not set it


class Tally(NamedTuple):
    """Sums of losses."""

    losses: np.ndarray  # (P,)
    product: np.ndarray  # (P,) of the factors whose logarithms are still to be added to the losses


@inlined
def step_size(rules, t):
    """Size of step number t = 1, 2, ...; 0 where the schedule does not depend on t."""
    if rules.schedule == OPTIMAL:
        return 1.0 / (rules.alpha * (rules.offset + t - 1.0))
    if rules.schedule == INVSCALING:
        return rules.eta0 / t**rules.power_t
    return 0.0


@inlined
def decide(rules, problems, now, tally, k, y, p, weight, size, square):
    """How a row with prediction p and |x|^2 = `square` moves the weights of problem k.

    Returns (u, shrinkage) of the formula above; moves the intercept and the sums.
    """
    y_k, class_weight = _target(problems, k, y)
    eta = size if size > 0.0 else now.eta[k]
    value, factor, slope = loss_and_slope(rules.loss, y_k, p, rules.epsilon)
    tally.losses[k] += value
    tally.product[k] *= factor
    u = _step(rules, eta, value, slope, square) * class_weight * weight
    if rules.fit_intercept:
        now.b[k] += u * rules.intercept_decay
    if pays_l1(rules):
        now.owed[k] += rules.l1_ratio * eta * rules.alpha
    if rules.penalty < L2:
        return u, 1.0
    return u, max(0.0, 1.0 - (1.0 - rules.l1_ratio) * eta * rules.alpha)


@inlined
def _target(problems, k, y):
    """Target of a row in problem k, and the weight of its class."""
    if problems.regression:
        return y, 1.0
    if y == problems.positive[k]:
        return 1.0, problems.positive_weight[k]
    return -1.0, problems.negative_weight[k]


@inlined
def _step(rules, eta, value, slope, square):
    """-eta dL/dp, or the passive-aggressive step (Crammer et al., 2006)."""
    if rules.schedule < PA1:
        return -eta * min(max(slope, -_STEEPEST), _STEEPEST)
    if rules.schedule == PA2:
        return -math.copysign(value / (square + 0.5 / rules.eta0), slope)
    return -math.copysign(min(rules.eta0, value / square), slope)


@inlined
def pays_l1(rules):
    """Whether there is an l1 penalty."""
    return rules.penalty == L1 or rules.penalty == ELASTIC_NET


@inlined
def clipped(w, owed, paid):
    """A weight less what it owes and has not `paid` of the l1 penalty of all steps, no weight
    crossing 0 (Tsuruoka, Tsujii & Ananiadou, 2009)."""
    if w > 0.0:
        return max(0.0, w - (owed + paid))
    if w < 0.0:
        return min(0.0, w + (owed - paid))
    return w


@inlined
def take_logarithms(tally):
    """Add the logarithms of the factors to the losses."""
    for k in range(len(tally.losses)):
        tally.losses[k] += math.log(tally.product[k])
        tally.product[k] = 1.0


@inlined
def judge(rules, problems, k, y, p, weight, tally, weighted, at):
    """Add the loss of a row with prediction p in problem k to the sums number `at`; to those of
    weighted losses only if there are `weighted`, (P,), for that takes a logarithm a row."""
    y_k, class_weight = _target(problems, k, y)
    value, factor, _ = loss_and_slope(rules.loss, y_k, p, rules.epsilon)
    tally.losses[at] += value
    tally.product[at] *= factor
    if len(weighted):
        weighted[at] += class_weight * weight * (value + math.log(factor))


@entry()
def shuffled(rows, run, seed, n_pass, shard):
    """The int64 `rows`, runs of `run` of them in an order that (seed, pass, shard) alone decide.

    Where neighbours were brought together at random, runs are as good as rows, and cost one cache
    miss for all of them.
    """
    key = mix(mix(mix(np.uint64(seed) + GOLDEN) + np.uint64(n_pass)) + np.uint64(shard))
    n_runs = -(-len(rows) // run)
    starts = np.arange(n_runs) * run
    for i in range(n_runs - 1):  # Fisher & Yates
        j = i + draw_below(key, i, n_runs - i)
        starts[i], starts[j] = starts[j], starts[i]
    order, size = np.empty_like(rows), 0
    for start in starts:
        for r in range(start, min(start + run, len(rows))):
            order[size] = rows[r]
            size += 1
    return order
