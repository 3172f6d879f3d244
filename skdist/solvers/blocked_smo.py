# SPDX-License-Identifier: BSD-3-Clause
"""Blocked sequential minimal optimisation: the dual problem on rows that lie in shards.

    repeat:  W <- violators of the optimality conditions                (working_set)
             c_W <- optimum of the block, of K_WW alone                 (kernels.smo_block)
             F <- F + K(., W) (change of c_W)                           (all shards, one round)

until no slope v_s that may fall exceeds one that may rise by `tol`: libsvm's condition. A block is
solved to a share of the violation before it, so that early blocks cost little. It grows with the
number of variables between their bounds: once they all find room, few blocks are left.

Kernel entries are of float32 where that is enough, sums of them of float64. F is then computed anew
in float64, of all rows to which the difference could matter, and from there the search goes on if
the optimality conditions turn out to be violated still. So the violation and the gap that are
reported are true.

Cost of a block: two rounds. In the first, rows that no block had before come up; in the second 8 d
bytes per variable that changed go down to every shard, and 8 n come up in all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.kernel_blocks import in_one_part
from skdist.kernels.kernel_function import KernelFunction
from skdist.kernels.smo_block import smo_block
from skdist.solvers.chosen_rows import Ids
from skdist.solvers.dual_certificate import (
    Box,
    Work,
    box_of,
    certified,
    rows_that_matter,
    slopes,
    sums_by_row,
    violation_of,
)
from skdist.solvers.dual_problem import DualProblem, DualSolution, Floats
from skdist.solvers.kernel_matrix import KernelMatrix, KernelShards, kernel_matrix
from skdist.solvers.working_set import working_set

LEAST_BLOCK, MOST_BLOCK = 1024, 4096
PARTS = 16  # of the variables that a block is one of, within these limits
SHARE_OF_VIOLATION = 0.3  # to which a block is solved
UNLIMITED = 1 << 62
# A violation of tol leaves a gap of sum(a) tol at most, which where every a is small may be much
# beside D. It is to be no more than this share of tol, times D, or as small as these tolerances
# make it: with tol = 0.001, D is within 1e-5 of its minimum.
SHARE_IN_GAP, SHARES_OF_TOL = 0.01, (1.0, 0.25, 0.0625)
IN_SINGLE, ATTEMPTS = 3, 6  # searches, each from a field that is true
PATIENCE = 20  # blocks in which D may stay where it is, but for rounding
NO_FALL = 1e-14  # of D, relative: rounding
RELATIVE_ERROR = 4e-6  # of kernel entries in float32, and then some


@dataclass(frozen=True, eq=False)
class Task:
    """What does not change during a search."""

    problem: DualProblem
    box: Box
    matrix: KernelMatrix
    tol: float
    limit: int
    loop: Any


@dataclass(frozen=True, eq=False)
class Point:
    """Coefficients c, (m,), their field F, (n,), the slopes v, (m,), and the violation."""

    coef: Floats
    field: Floats
    slope: Floats
    violation: float


@dataclass(frozen=True, eq=False)
class Place:
    """Where the search is: from here it goes on, to the same bits.

    Parameters
    ----------
    attempt, share : int
        How often a field was made true; which of the shares of tol is the goal.
    point : Point
    work : Work
    before : ndarray of int
        The variables of the last block.
    value : float
        The least D of this search.
    waited : int
        Blocks in which D did not fall.
    """

    attempt: int
    share: int
    point: Point
    work: Work
    before: Ids
    value: float = np.inf
    waited: int = 0


def blocked_smo(
    shards: KernelShards,
    kernel: KernelFunction,
    problem: DualProblem,
    *,
    tol: float = 1e-3,
    max_iter: int = -1,
    cache_size: float = 200.0,
    start: Floats | None = None,
    shrinking: bool = True,
) -> DualSolution:
    """Minimise D.

    Parameters
    ----------
    shards : ShardedDataset
        Of X, ndarray or CSR of shape (n, d).
    kernel : KernelFunction
    problem : DualProblem
        Of the same rows.
    tol : float, default=1e-3
        The violation at which to stop, if the gap is at most ``tol / 100`` of D; else a quarter or
        a sixteenth of that.
    max_iter : int, default=-1
        Pairs at most; -1: no limit.
    cache_size : float, default=200.0
        Megabytes of kernel rows that all shards together remember where that pays: of CSR rows,
        and of rows of 256 columns and more.
    start : ndarray of shape (m,), optional
        A feasible point to start from instead of the problem's.
    shrinking : bool, default=True
        Whether rows that are far from mattering are left out when F is computed in float64.

    Returns
    -------
    DualSolution
    """
    matrix = kernel_matrix(shards, kernel, cache_size)
    limit, tol = UNLIMITED if max_iter < 0 else max_iter, problem.reachable(tol, matrix.scale)
    task = Task(problem, box_of(problem), matrix, tol, limit, shards.loop(replays=False))
    alpha = problem.start if start is None else start
    found = task.loop.latest(None)
    if type(found) is DualSolution:
        return found
    place = found or begin(task, 0, 0, first_point(task, np.asarray(problem.sign * alpha)), Work())
    place = searched(task, place, shrinking)
    point = place.point
    if shrinking and point.violation > tol:
        point = verified(task, point, False)
    solution = certified(problem, point.coef, point.field, place.work, tol=tol)
    task.loop.keep(solution, last=True)
    shards.note(objective=solution.dual, certificate=solution.gap)
    return solution


def begin(task: Task, attempt: int, share: int, point: Point, work: Work) -> Place:
    """The place from which a search begins."""
    return Place(attempt, share, point, work, np.flatnonzero(inside(task.box, point.coef)))


def searched(task: Task, place: Place, shrinking: bool) -> Place:
    """Search from a true field, make it true again, and so on; in the end in float64."""
    for attempt in range(place.attempt, ATTEMPTS):
        if attempt >= IN_SINGLE and task.matrix.view.dtype != np.float64:
            task = replace(task, matrix=task.matrix.in_double())
        place = approach(task, place)
        point, work = verified(task, place.point, shrinking), place.work
        place = begin(task, attempt + 1, 0, point, work)
        done = point.violation <= task.tol or work.n_iter >= task.limit
        if done or task.matrix.shards.time_is_up:
            break
    return place


def approach(task: Task, place: Place) -> Place:
    """Search until the violation is small, and the gap is."""
    for share in range(place.share, len(SHARES_OF_TOL)):
        goal = SHARES_OF_TOL[share] * task.tol
        place = search(replace(task, tol=goal), place)
        point, work = place.point, place.work
        found = certified(task.problem, point.coef, point.field, work, tol=task.tol)
        small = found.gap <= SHARE_IN_GAP * task.tol * abs(found.dual)
        if small or point.violation > goal or work.n_iter >= task.limit:
            break
        place = begin(task, place.attempt, share + 1, point, work)
    return place


def first_point(task: Task, coef: Floats) -> Point:
    """The point of the coefficients."""
    sums = coefficients(task, coef)
    support = np.flatnonzero(sums)
    return at(task, coef, task.matrix.field_change(support, sums[support])[0])


def at(task: Task, coef: Floats, field: Floats) -> Point:
    """The point of coefficients and their field."""
    slope = slopes(task.problem, field)
    return Point(coef, field, slope, violation_of(task.box, coef, slope))


def coefficients(task: Task, coef: Floats) -> Floats:
    """Of each row, the sum over its variables, (n,)."""
    return sums_by_row(task.problem, coef, task.matrix.shards.n_samples)


def search(task: Task, place: Place) -> Place:
    """Solve block after block, until the violation is small or D falls no more."""
    shards = task.matrix.shards
    while goes_on(task, place) and not shards.time_is_up:
        point, value, size = place.point, place.value, block_size(task, place.point)
        block = working_set(task.box, point.coef, point.slope, place.before, size)
        point, work = after(task, point, block, place.work)
        now = float(task.problem.value(np.abs(point.coef), point.field))
        falls = now < value - NO_FALL * abs(value) or value == np.inf
        waited, value = 0 if falls else place.waited + 1, min(value, now)
        place = Place(place.attempt, place.share, point, work, block, value, waited)
        shards.note(objective=now, violation=float(point.violation))
        task.loop.keep(place)
    return place


def goes_on(task: Task, place: Place) -> bool:
    """Whether another block is to be solved."""
    far = place.point.violation > task.tol and place.work.n_iter < task.limit
    return bool(far and place.waited < PATIENCE)


def inside(box: Box, coef: Floats) -> NDArray[np.bool_]:
    """Which variables are between their bounds."""
    return (coef > box.low) & (coef < box.high)


def block_size(task: Task, point: Point) -> int:
    """Twice as many variables as are between their bounds, and a part of all, within limits."""
    free = int(np.count_nonzero(inside(task.box, point.coef)))
    return min(max(2 * free, LEAST_BLOCK, len(point.coef) // PARTS), MOST_BLOCK)


def after(task: Task, point: Point, block: Ids, work: Work) -> tuple[Point, Work]:
    """The point with the block's optimum, and the work with that of the block."""
    rows = task.problem.row[block]
    coef, pairs = optimum(task, point, block, task.matrix.block(rows), task.limit - work.n_iter)
    change = coef - point.coef[block]
    moved = np.flatnonzero(change)
    more, computed = task.matrix.field_change(rows[moved], change[moved])
    everywhere = point.coef.copy()
    everywhere[block] = coef
    there = at(task, everywhere, point.field + more)
    return there, work.with_block(pairs, len(moved), computed, point.violation)


def optimum(
    task: Task, point: Point, block: Ids, K: NDArray[Any], limit: int
) -> tuple[Floats, int]:
    """The coefficients of the block at its optimum, and the pairs that were moved."""
    box, coef, slope = task.box, point.coef[block], point.slope[block]
    split = int(np.count_nonzero(box.groups[0][block]))
    tol = max(SHARE_OF_VIOLATION * point.violation, 0.5 * task.tol)
    limit = min(limit, 100 * len(block))
    diagonal = K.diagonal().astype(np.float64)
    low, high = box.low[block], box.high[block]
    parts = in_one_part(K).parts
    pairs = smo_block(parts, diagonal, split, slope, coef, low, high, tol, limit)
    return coef, pairs


def verified(task: Task, point: Point, shrinking: bool) -> Point:
    """The point with its field in float64, but on rows that would not matter if F were off."""
    sums = coefficients(task, point.coef)
    rows = np.arange(len(sums))
    if shrinking:
        guard = guard_of(sums, task.matrix.scale, task.tol)
        rows = rows_that_matter(task.problem, task.box, point.coef, point.slope, guard)
    field = point.field.copy()
    field[rows] = task.matrix.field(sums, rows)
    return at(task, point.coef, field)


def guard_of(sums: Floats, scale: float, tol: float) -> float:
    """By how much a field can be off that was added up from entries of float32."""
    return max(10.0 * tol, RELATIVE_ERROR * scale * float(np.abs(sums).sum()))
