# SPDX-License-Identifier: BSD-3-Clause
"""The linear support vector machine with the hinge, solved on the rows near the margin.

    F(w) = |w|^2 / 2 + C sum_i s_i max(0, -q_i(w)),
    q_i(w) = t_i w'[x_i, c] - 1,    t_i = 2 y_i - 1

Only rows whose side of the margin is in doubt matter one by one. Seen from a point v, rows with
|q_i(v)| < h are *near*, and each of the others is taken to stay on its side:

    M(w) = |w|^2 / 2 - b'w + e + C sum over near rows of s_i max(0, -q_i(w))  <=  F(w),
    b = C sum of s_i t_i [x_i, c],  e = C sum of s_i    over the far rows with q_i(v) < 0

b and e are sums; the near rows themselves come to the driver, where M is minimised by an interior
point method (:mod:`skdist.solvers.hinge_program`). Then all shards are asked what F is there. As M
never exceeds F,

    F(w) - min F  <=  F(w) - min M  =  gap of the program + C sum of s_i |q_i(w)| over far rows
                                                                    that have changed sides,

the duality gap of a dual point of all rows. If it is too large, rows are chosen anew as seen from
w; those that have just changed sides are near then, too. F and M agree around v, so that going from
v to the minimum of M always goes down at first: a line search makes the method converge from
anywhere.

The first v is the minimum for some rows drawn from all shards. With n_0 of them it is off by about
sqrt(p / n_0), and so are the sides of n sqrt(p / n_0) rows: n_0 = n^(2/3) p^(1/3) makes the two
numbers equal. So many rows come to the driver at a time, one in thirty of a million with twenty
columns, and after one choice to four no far row has changed sides.

The interior point method whose rows all stay where they are (Ferris & Munson, 2003) merges a p x p
matrix and takes three rounds per iteration, of which there are 30 to 90, each over all rows. This
takes 5 rounds and more, two to four of them per choice: down up to 3 p numbers, up the near
rows, p + 1 numbers each; then down up to 4 p, and up a histogram of 386 numbers from each shard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.kernels.margin_rows import (
    drawn_rows,
    histogram_of,
    pulled,
    signed_rows,
    slack_of,
    widest_bin_below,
)
from skdist.solvers.hinge_program import (
    HingeAnswer,
    HingeProgram,
    has_few_rows,
    solve_hinge_program,
)
from skdist.solvers.line_search import LENGTHS
from skdist.solvers.linear_objective import EPSILON, LinearObjective, Solution
from skdist.solvers.rounds import Rounds, Shards
from skdist.summaries import MarginRows, MarginSums

if TYPE_CHECKING:
    from skdist.sharding import Shard

Floats = NDArray[np.float64]

CERTIFICATE = "duality gap"
FEWEST_ROWS = 3_000  # a program of fewer saves no time
SPARSE = 0.05  # share of entries below which rows that are few stay CSR
SPARE = 1.5  # times n^(2/3) p^(1/3) rows
MOST_DENSE = 1 << 26  # entries of a program's rows above which CSR rows stay CSR
ROUGHLY = 1e-3  # relative gap of the first program: the rows that were not drawn cost more
SHARE = 0.25  # of the gap that is asked for, which a program may leave
PRECISE = 1e-12  # what it should leave: the last digits cost few iterations
RECENT = 2  # points among which a row that changes sides is near


def hinge_interior_point(
    shards: Shards,
    objective: LinearObjective,
    start: Floats | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> Solution:
    """Minimise |w|^2 / 2 + C sum of weighted hinges.

    Parameters
    ----------
    shards : Shards
        Of X (n_k, d), ndarray or CSR; y (n_k,), 0.0 or 1.0; weights (n_k,) or None.
    objective : LinearObjective
        Its `loss` is not looked at; `scale` is C, ``l2=1``, ``l1=0``; an intercept is penalised.
    start : ndarray of shape (1, p), optional
        Where to begin, instead of at the minimum for some rows.
    tol : float, default=1e-4
        Stop once F - min F is at most ``max(tol^2, 64 eps) F``.
    max_iter : int, default=100
        How often rows may be chosen.

    Returns
    -------
    Solution
        Its bound is a duality gap of all rows, its `n_iter` the choices of rows.
    """
    rounds, enough = Rounds(shards), relative_gap(tol)
    room = _room(rounds, objective)
    here = look(rounds, objective, NO_DOUBT, _first_point(rounds, objective, room, start))
    lower, gap, seen, n_iter = 0.0, here.value, [here.w], 0
    history = [rounds.step(here.value, gap, here.w[None, :])]
    while gap > enough * here.value and n_iter < max_iter and not rounds.time_is_up:
        n_iter += 1
        width = widest_bin_below(here.sums.histogram, room.rows)
        doubt = Doubt(np.array([here.w, *seen[-RECENT:]]), width)
        answer = solved(rounds, objective, doubt, min(SHARE * enough, PRECISE))
        there = look(rounds, objective, doubt, answer.w)
        gap = answer.gap + there.sums.crossed
        lower = max(lower, there.value - gap)
        seen += [here.w, there.w]
        if there.value > here.value:
            there = line_search(rounds, objective, here, answer.w)
            gap, room = there.value - lower, replace(room, rows=2.0 * room.rows)
        here = there
        history.append(rounds.step(here.value, gap, here.w[None, :]))
    converged = gap <= enough * here.value
    w = here.w[None, :]
    return Solution(w, here.value, gap, CERTIFICATE, n_iter, converged, tuple(history))


def relative_gap(tol: float) -> float:
    """What the gap may be, in units of F."""
    return max(tol * tol, 64.0 * EPSILON)


# -- which rows ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Room:
    """How many rows a program may have, and how many there are with y = 0 and with y = 1."""

    rows: float
    of_side: tuple[float, float]

    @property
    def rates(self) -> Floats:
        """Share of the rows of each side that is drawn: half of the room each, or all there are."""
        most = max(self.rows / 2.0, self.rows - min(self.of_side))
        return np.array([min(1.0, most / max(side, 1.0)) for side in self.of_side])


def _room(rounds: Rounds, objective: LinearObjective) -> Room:
    of_side = rounds.map_reduce(count_sides)
    n, p = float(of_side.sum()), objective.shape[1]
    return Room(rows_of_a_program(n, p), (float(of_side[0]), float(of_side[1])))


def rows_of_a_program(n: float, p: int) -> float:
    """About how many of n rows of p columns a program takes."""
    return float(max(SPARE * n ** (2.0 / 3.0) * p ** (1.0 / 3.0), FEWEST_ROWS, 10.0 * p))


def _first_point(
    rounds: Rounds, objective: LinearObjective, room: Room, start: Floats | None
) -> Floats:
    """The start; or the minimum for some rows of all shards; or 0 if a program takes them all."""
    if start is not None:
        return np.asarray(start[0])
    zeros = np.zeros(objective.shape[1])
    if sum(room.of_side) <= room.rows:
        return zeros
    drawn = rounds.map_reduce(draw_rows, objective, room.rates)
    return solve_hinge_program(_program(drawn), zeros, relative_gap=ROUGHLY).w


@dataclass(frozen=True, eq=False)
class Doubt:
    """Rows are near if |q| < width at the first of the points (L, p), or its sign changes."""

    points: Floats
    width: float

    def slack_and_near(self, shard: Shard, constant: float) -> tuple[Floats, NDArray[np.bool_]]:
        """q at the first point, and which rows are near."""
        q, *others = (slack_of(shard.X, shard.y, w, constant) for w in self.points)
        near = np.abs(q) < self.width
        for other in others:
            near |= (q > 0.0) != (other > 0.0)
        return q, near


NO_DOUBT = Doubt(np.empty((0, 0)), np.inf)


def solved(
    rounds: Rounds, objective: LinearObjective, doubt: Doubt, relative_gap: float
) -> HingeAnswer:
    """The minimum of M, from the near rows of all shards."""
    near = rounds.map_reduce(near_rows, objective, doubt)
    return solve_hinge_program(_program(near), doubt.points[0], relative_gap=relative_gap)


def _program(found: MarginRows) -> HingeProgram:
    """Dense where products of matrices are faster then, and fit."""
    rows = found.rows
    if issparse(rows) and pays_dense(rows.shape[0], rows.shape[1], rows.nnz):
        rows = rows.toarray()
    return HingeProgram(rows, found.cost, found.pull, found.offset)


def pays_dense(n: int, d: int, n_entries: int) -> bool:
    """Whether a program's CSR rows are better dense.

    Where the matrix of the columns is formed at every iteration they are. That of few rows is
    formed once, and what few entries there are is soon gone through.
    """
    return n * d <= MOST_DENSE and not (has_few_rows(n, d) and n_entries < SPARSE * n * d)


# -- where to go -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Look:
    """A point, F there, and what all rows tell of it."""

    w: Floats
    value: float
    sums: MarginSums


def look(rounds: Rounds, objective: LinearObjective, doubt: Doubt, w: Floats) -> Look:
    """F at w, and what far rows have changed sides."""
    sums = rounds.map_reduce(margin_sums, objective, doubt, w)
    return Look(w, 0.5 * float(w @ w) + sums.hinge, sums)


def line_search(rounds: Rounds, objective: LinearObjective, here: Look, goal: Floats) -> Look:
    """The best of a ladder of points between here and the goal; here, if none is lower."""
    points = here.w + LENGTHS[:, None] * (goal - here.w)
    hinges = rounds.map_reduce(hinges_at, objective, points)
    best = int(np.argmin(0.5 * np.square(points).sum(axis=1) + hinges))
    there = look(rounds, objective, NO_DOUBT, points[best])
    return there if there.value < here.value else here


# -- of one shard ----------------------------------------------------------------------------------


def count_sides(shard: Shard) -> Floats:
    """Rows of y = 0 and of y = 1 that weigh something, (2,)."""
    return np.bincount(shard.y.astype(np.intp), _weight(shard) > 0.0, 2).astype(np.float64)


def draw_rows(shard: Shard, objective: LinearObjective, rates: Floats) -> MarginRows:
    """Rows drawn by their numbers, with the weights of those that were not drawn."""
    rate = rates[shard.y.astype(np.intp)]
    cost = objective.scale * _weight(shard) / rate
    chosen = (drawn_rows(shard.rows.start, shard.n_rows, key=0) < rate) & (cost > 0.0)
    rows = signed_rows(shard.X, shard.y, chosen, objective.constant)
    return MarginRows(rows, cost[chosen], np.zeros(objective.shape[1]), 0.0)


def near_rows(shard: Shard, objective: LinearObjective, doubt: Doubt) -> MarginRows:
    """The near rows, and the pull of the far ones that are on the wrong side."""
    q, near = doubt.slack_and_near(shard, objective.constant)
    cost = objective.scale * _weight(shard)
    wrong = np.where(near | (q > 0.0), 0.0, cost)
    near &= cost > 0.0
    return MarginRows(
        signed_rows(shard.X, shard.y, near, objective.constant),
        cost[near],
        pulled(shard.X, shard.y, wrong, objective.constant),
        float(wrong.sum()),
    )


def margin_sums(shard: Shard, objective: LinearObjective, doubt: Doubt, w: Floats) -> MarginSums:
    """Hinges at w, margins that far rows have crossed on the way there, and a histogram."""
    q = slack_of(shard.X, shard.y, w, objective.constant)
    cost, crossed = objective.scale * _weight(shard), 0.0
    if len(doubt.points):
        before, near = doubt.slack_and_near(shard, objective.constant)
        moved = ~near & ((before > 0.0) != (q > 0.0))
        crossed = float(cost[moved] @ np.abs(q[moved]))
    hinge = float(cost @ np.maximum(-q, 0.0))
    return MarginSums(hinge, crossed, histogram_of(q[cost > 0.0]))


def hinges_at(shard: Shard, objective: LinearObjective, points: Floats) -> Floats:
    """Costs of the hinges at each of the points (L, p)."""
    cost = objective.scale * _weight(shard)
    slacks = (slack_of(shard.X, shard.y, w, objective.constant) for w in points)
    return np.array([cost @ np.maximum(-q, 0.0) for q in slacks])


def _weight(shard: Shard) -> Floats:
    return np.ones(shard.n_rows) if shard.sample_weight is None else shard.sample_weight
