# SPDX-License-Identifier: BSD-3-Clause
"""Stochastic gradient descent on all shards side by side, parameters averaged every round.

    w_j = w after a pass over shard j at step sizes eta(t), t growing by n / n_j from row to row,
    w   = w + g sum_j m_j (w_j - w) / sum_j m_j,        m_j the weight of the rows of shard j

(McDonald, Hall & Mann, 2010; Stich, 2019). The step number t counts the rows of all shards, so
that the schedule is that of one machine. g is 1, a plain mean, unless `far_enough` says otherwise.
One shard is plain stochastic gradient descent.

Cost: a round a pass, of d features and P problems: d P numbers a shard down and d P up; twice that
with an l1 penalty, and d P more up with `average`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.sgd_rules import ADAPTIVE, Iterate, Rules
from skdist.solvers.added_moves import far_enough
from skdist.solvers.descent import Descent, Position, Vector, packed, penalty, unpacked
from skdist.solvers.held_out import count_training_rows, held_out_score
from skdist.solvers.owed_moves import Memory
from skdist.solvers.pass_sums import PassSums, squares
from skdist.solvers.patience import Patience
from skdist.solvers.short_messages import Messages

if TYPE_CHECKING:
    from skdist.sharding import ShardedDataset

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
    length : float
        How many times the mean move was taken, 1 to m.
    score : float or None
        On the rows held out.
    """

    n_passes: int
    loss: float
    objective: float
    agreement: float
    length: float
    score: float | None

    @property
    def measured(self) -> dict[str, float]:
        """What a fit is watched by."""
        names = ("objective", "loss", "agreement") + ("score",) * (self.score is not None)
        return {name: getattr(self, name) for name in names}


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
    wire: str | float = "exact",
) -> Descended:
    """Pass over the shards and average, until the objective or the score gets no better.

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
    wire : {"exact", "float32"} or float in (0, 1), default="exact"
        See `short_messages`.

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
    last_move = np.zeros_like(packed(start.now))
    messages, memory = Messages(wire, passes, n_rows), Memory()
    while done < max_iter and len(position.active) and not (done and shards.time_is_up):
        is_last = done + passes >= max_iter
        sums, memory = messages.round(shards, descent, position, done, is_last, memory)
        done += passes
        losses[position.active] = sums.loss.mean[position.active]
        mean = averaged(position, sums)
        agreement = _agreement(position, mean, sums)
        now, g = mean, np.ones(len(mean.b))
        if not messages.are_few:  # shards are told of a mean move by what it changed
            now, g = far_enough(shards, descent, position.now, mean, last_move, messages.told_as)
        last_move = packed(now) - packed(position.now)
        position = arrived(position, sums, now, g, n_rows * passes)
        objective = losses + penalty(descent.rules, position.now.W)
        score = held_out_score(shards, descent, position.now) if descent.held_out else None
        history.append(
            Round(
                n_passes=done,
                loss=float(losses.mean()),
                objective=float(objective.mean()),
                agreement=agreement,
                length=float(g.mean()),
                score=None if score is None else float(score.mean()),
            )
        )
        shards.note(position, **history[-1].measured)
        if sums.loss.weight < n_rows:  # who is done is told by rounds of all rows alone
            continue
        patience = patience.after(-objective if score is None else score)
        position, patience = _let_go(descent.rules, position, patience)
    return Descended(position, done, losses, tuple(history))


def averaged(position: Position, sums: PassSums) -> Iterate:
    """The mean of where the shards are; problems that are not active stay where they are."""
    moves = _moves(position)[:, None]
    return unpacked(np.where(moves, sums.iterate.mean, packed(position.now)), position.now)


def arrived(position: Position, sums: PassSums, now: Iterate, g: Vector, n_steps: int) -> Position:
    """The position after a round that ended at `now`, the mean move having been taken g times."""
    if sums.average.weight == 0.0:
        return replace(position, now=now, t=position.t + n_steps)
    start = np.column_stack([position.now.W, position.now.b])
    on_the_way = replace(sums.average, mean=start + g[:, None] * (sums.average.mean - start))
    average = position.average + on_the_way
    mean = np.where(_moves(position)[:, None], average.mean, position.average.mean)
    return replace(position, now=now, t=position.t + n_steps, average=replace(average, mean=mean))


def _moves(position: Position) -> NDArray[np.bool_]:
    """Which of the problems are active, as a mask."""
    return np.isin(np.arange(len(position.now.b)), position.active)


def _agreement(position: Position, mean: Iterate, sums: PassSums) -> float:
    """``|mean D_j|^2 / mean |D_j|^2`` over the problems that moved."""
    active = position.active
    together, apart = squares(mean, position.now)[active].sum(), sums.motion.mean[active].sum()
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
