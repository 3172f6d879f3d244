# SPDX-License-Identifier: BSD-3-Clause
"""Stochastic gradient descent on all shards side by side, parameters averaged every round.

    w_j = w after a pass over shard j at step sizes eta(t), t growing by n / n_j from row to row,
    w   = sum_j m_j w_j / sum_j m_j,        m_j the weight of the rows of shard j

(McDonald, Hall & Mann, 2010; Stich, 2019). The step number t counts the rows of all shards, so
that the schedule is that of one machine. One shard is plain stochastic gradient descent.

Cost per round and shard: 2 (d + 2) P numbers down and 2 (d + 3) P up, for P problems of d features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.kernels.compiling import read_only
from skdist.kernels.sgd_dense import dense_pass
from skdist.kernels.sgd_losses import NO_WEIGHT
from skdist.kernels.sgd_rules import ADAPTIVE, Iterate, Problems, Rules, shuffled
from skdist.kernels.sgd_sparse import sparse_pass
from skdist.solvers.descent import Descent, Position, Vector, penalty
from skdist.solvers.held_out import count_training_rows, held_out_score, training_rows
from skdist.solvers.patience import Patience
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

SMALLEST_STEP = 1e-6  # an adaptive step below it is not reduced any more


@dataclass(frozen=True)
class Round:
    """One line of a fit's history: means over the problems, each as its last pass left it.

    Parameters
    ----------
    n_passes : int
        Passes over the rows so far.
    loss : float
        Mean loss of the rows when they were met, before they were learnt from.
    objective : float
        `loss` and the penalty of the merged parameters.
    agreement : float
        ``|mean D_j|^2 / mean |D_j|^2`` of the shards' moves D_j: 1 if all moved alike, 1 / m if
        the moves of m shards have nothing in common.
    score : float or None
        On the rows held out.
    """

    n_passes: int
    loss: float
    objective: float
    agreement: float
    score: float | None


@dataclass(frozen=True, eq=False)
class Descended:
    """Where a fit came to, after `n_iter` passes.

    `losses` (P,) are those that rows met in the last pass of each problem, see `Round`.
    """

    position: Position
    n_iter: int
    losses: Vector
    history: tuple[Round, ...]


def parameter_averaging(
    shards: ShardedDataset,
    descent: Descent,
    start: Position,
    *,
    max_iter: int,
    tol: float | None,
    n_iter_no_change: int,
    passes: int = 1,
) -> Descended:
    """Pass over the shards and average, until neither loss nor score gets better.

    Parameters
    ----------
    shards : ShardedDataset
        y float64, targets or numbers of classes; weights float64 or None.
    descent : Descent
    start : Position
    max_iter : int
        Passes over the rows, at most.
    tol : float or None
    n_iter_no_change : int
        See `Patience`.
    passes : int, default=1
        Over a shard, between two averages.

    Returns
    -------
    Descended

    Raises
    ------
    ValueError
        When parameters are no numbers any more; when too few rows are left, or held out.
    """
    n_rows = count_training_rows(shards, descent)
    patience = Patience.begin(tol, n_iter_no_change, len(start.now.b))
    position, done, history, losses = start, 0, [], np.zeros(len(start.now.b))
    while done < max_iter and len(position.active):
        sums: PassSums = shards.map_reduce(run_passes, descent, position, done, passes, n_rows)
        done += passes
        losses[position.active] = sums.loss.mean[position.active]
        before, position = position, advanced(position, sums, n_rows * passes)
        objective = losses + penalty(descent.rules, position.now.W)
        score = held_out_score(shards, descent, position.now) if descent.held_out else None
        agreement = _agreement(before, position, sums)
        history.append(
            Round(
                n_passes=done,
                loss=float(losses.mean()),
                objective=float(objective.mean()),
                agreement=agreement,
                score=None if score is None else float(score.mean()),
            )
        )
        patience = patience.after(-objective if score is None else score)
        position, patience = _let_go(descent.rules, position, patience)
    return Descended(position, done, losses, tuple(history))


@dataclass(frozen=True, eq=False)
class PassSums:
    """What the passes over some shards came to; ``+`` field by field."""

    iterate: WeightedMean  # see `_packed`; by the weight of the rows
    motion: WeightedMean  # (P,) |D_j|^2; by the weight of the rows
    loss: WeightedMean  # (P,) by the number of rows
    average: WeightedMean  # (P, d + 1), of the iterates on the way; by their number

    def __add__(self, other: PassSums) -> PassSums:
        return PassSums(
            self.iterate + other.iterate,
            self.motion + other.motion,
            self.loss + other.loss,
            self.average + other.average,
        )


def run_passes(
    shard: Shard, descent: Descent, position: Position, done: int, passes: int, n_rows: int
) -> PassSums:
    """Pass over a shard from the position that all shards start from."""
    rows = training_rows(shard, descent)
    now, n_own = Iterate(*(a.copy() for a in position.now)), max(len(rows), 1)
    losses, average = np.zeros(len(now.b)), WeightedMean.empty(position.average.mean.shape)
    for n_pass in range(done, done + passes):
        order = rows
        if descent.run:
            order = shuffled(rows, descent.run, descent.seed, n_pass, shard.index)
        t = position.t + (n_pass - done) * n_rows
        met, total, count = _pass(shard, order, descent, position.active, now, t, n_rows / n_own)
        losses += met / (n_own * passes)
        average += WeightedMean(float(count), total / max(count, 1))
        _check_finite(now, n_pass + 1)
    weight = len(rows) if shard.sample_weight is None else shard.sample_weight[rows].sum()
    return PassSums(
        WeightedMean(float(weight), _packed(now)),
        WeightedMean(float(weight), _squares(now, position.now)),
        WeightedMean(float(len(rows)), losses),
        average,
    )


def _pass(
    shard: Shard,
    order: NDArray[np.int64],
    descent: Descent,
    active: NDArray[np.int64],
    now: Iterate,
    t: float,
    dt: float,
) -> tuple[Vector, Vector, int]:
    """Move `now` through the rows; sums of losses and iterates, and the number of iterates."""
    X = shard.X
    y, weight = shard.y, NO_WEIGHT if shard.sample_weight is None else shard.sample_weight
    y, weight, order, active = map(read_only, (y, weight, order, active))
    problems = Problems(descent.problems[0], *map(read_only, descent.problems[1:]))
    told = y, weight, order, descent.rules, problems, active, now, t, dt
    if issparse(X):
        entries = read_only(X.data), read_only(X.indices), read_only(X.indptr)
        return sparse_pass(entries, *told)  # type: ignore[no-any-return]
    return dense_pass(read_only(X), *told)  # type: ignore[no-any-return]


def _check_finite(now: Iterate, n_pass: int) -> None:
    if not (np.isfinite(now.W).all() and np.isfinite(now.b).all()):
        raise ValueError(
            f"Floating-point under-/overflow occurred at epoch #{n_pass}. Scaling input data with "
            "StandardScaler or MinMaxScaler might help."
        )


def _packed(now: Iterate) -> Vector:
    """All that is averaged, side by side: (P, d + 2), or (P, 2 d + 2) with an l1 penalty."""
    return np.concatenate([now.W, now.b[:, None], now.owed[:, None], now.paid], axis=1)


def _unpacked(packed: Vector, like: Iterate) -> Iterate:
    d = like.W.shape[1]
    W, paid = packed[:, :d].copy(), packed[:, d + 2 :].copy()
    return Iterate(W, packed[:, d].copy(), packed[:, d + 1].copy(), paid, like.eta)


def _squares(now: Iterate, start: Iterate) -> Vector:
    """Squared distance of two iterates, (P,)."""
    with np.errstate(over="ignore"):
        return np.asarray(np.square(now.W - start.W).sum(axis=1) + np.square(now.b - start.b))


def advanced(position: Position, sums: PassSums, n_steps: int) -> Position:
    """The position after a round; problems that are no longer active stay where they are."""
    moves = np.isin(np.arange(len(position.now.b)), position.active)[:, None]
    average = position.average + sums.average
    return replace(
        position,
        now=_unpacked(np.where(moves, sums.iterate.mean, _packed(position.now)), position.now),
        t=position.t + n_steps,
        average=replace(average, mean=np.where(moves, average.mean, position.average.mean)),
    )


def _agreement(before: Position, after: Position, sums: PassSums) -> float:
    """``|mean D_j|^2 / mean |D_j|^2`` over the problems that moved."""
    active = before.active
    together, apart = _squares(after.now, before.now)[active].sum(), sums.motion.mean[active].sum()
    return float(together / apart) if apart > 0.0 else 1.0


def _let_go(rules: Rules, position: Position, patience: Patience) -> tuple[Position, Patience]:
    """Stop the problems that are stuck, or let them go on at a fifth of their step size."""
    stuck, eta = patience.stuck, position.now.eta
    if rules.schedule == ADAPTIVE:
        slower = stuck & (eta > SMALLEST_STEP)
        now = position.now._replace(eta=np.where(slower, eta / 5.0, eta))
        position, patience = replace(position, now=now), patience.forgive(slower)
        stuck = stuck & ~slower
    return replace(position, active=position.active[~stuck[position.active]]), patience
