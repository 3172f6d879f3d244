# SPDX-License-Identifier: BSD-3-Clause
"""A fit by stochastic gradient descent: what every shard is told, and where it stands.

    minimise  1/n sum_i s_i L(y_i, w'x_i + b) + alpha ((1 - l1_ratio) / 2 |w|^2 + l1_ratio |w|_1)

for each of P problems on the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.kernels.compiling import read_only
from skdist.kernels.sgd_losses import NO_WEIGHT
from skdist.kernels.sgd_rules import NO_PENALTY, PA1, Iterate, Problems, Rules
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard

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


def packed(now: Iterate) -> Vector:
    """All that is averaged, side by side: (P, d + 2), or (P, 2 d + 2) with an l1 penalty."""
    return np.concatenate([now.W, now.b[:, None], now.owed[:, None], now.paid], axis=1)


def unpacked(together: Vector, like: Iterate) -> Iterate:
    """An iterate of what was `packed`; the step sizes are those of `like`."""
    return iterate_of(together, like.W.shape[1], like.eta)


def iterate_of(together: Vector, d: int, eta: Vector) -> Iterate:
    """An iterate of d features of what was `packed`."""
    W, paid = together[:, :d].copy(), together[:, d + 2 :].copy()
    return Iterate(W, together[:, d].copy(), together[:, d + 1].copy(), paid, eta)


def penalty(rules: Rules, W: Vector) -> Vector:
    """Penalty of each problem, (P,); passive-aggressive steps know of none."""
    if rules.penalty == NO_PENALTY or rules.schedule >= PA1:
        return np.zeros(len(W))
    with np.errstate(over="ignore"):
        square, absolute = np.square(W).sum(axis=1), np.abs(W).sum(axis=1)
        value = (1.0 - rules.l1_ratio) / 2.0 * square + rules.l1_ratio * absolute
        return np.asarray(rules.alpha * value)


def on_rows(
    dense: Callable[..., Any],
    sparse: Callable[..., Any],
    shard: Shard,
    rows: NDArray[np.int64],
    descent: Descent,
    *more: Any,
) -> Any:
    """Call the kernel for this kind of X with some rows of a shard."""
    X, y, weight = shard.X, shard.y, shard.sample_weight
    weight = NO_WEIGHT if weight is None else weight
    told = [*map(read_only, (y, weight, rows)), descent.rules, _read_only(descent.problems)]
    if issparse(X):
        return sparse(tuple(map(read_only, (X.data, X.indices, X.indptr))), *told, *more)
    return dense(read_only(X), *told, *more)


def _read_only(problems: Problems) -> Problems:
    return Problems(problems.regression, *map(read_only, problems[1:]))
