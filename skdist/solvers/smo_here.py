# SPDX-License-Identifier: BSD-3-Clause
"""Sequential minimal optimisation of rows that are all here, on one thread.

Few variables are one block: their whole kernel matrix is computed, in float32 where that is enough;
at the end the field of the rows that matter is computed anew in float64. More of them are solved by
:func:`blocked_smo`, with this process as the only shard. Cost: n^2 kernel entries, 4 n^2 bytes; no
communication.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from skdist.kernels.kernel_blocks import KernelBlocks, in_one_part
from skdist.kernels.kernel_function import KernelFunction, Points
from skdist.kernels.smo_block import smo_block
from skdist.solvers.blocked_smo import UNLIMITED, blocked_smo, guard_of
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
from skdist.solvers.dual_problem import ONE_BLOCK, DualProblem, DualSolution, Floats
from skdist.solvers.unkept_loop import UnkeptLoop

JUST_BELOW = 0.99
TRUE = (np.float64,) * 4  # attempts in float64, each from a field that is true
FEWEST_IN_SINGLE = 256  # rows from which on float32 saves more time than it costs


@dataclass(frozen=True, eq=False)
class LocalShard:
    """What the functions of a shard ask for."""

    X: Any
    rows: range

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class LocalShards:
    """A single shard, in this thread.

    Parameters
    ----------
    X : any
        ndarray or CSR of shape (n, d).
    n_samples : int
        n.
    """

    X: Any
    n_samples: int

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """The function's value on the shard, in a list."""
        return [function(LocalShard(self.X, range(self.n_samples)), *broadcast)]

    def map_shards(self, function: Callable[..., Any], *broadcast: Any) -> LocalShards:
        """A shard whose X is the function's value."""
        return LocalShards(self.map(function, *broadcast)[0], self.n_samples)

    def note(self, state: Any = None, **values: float) -> None:
        """Nobody watches a solver within a task."""

    @property
    def time_is_up(self) -> bool:
        """A task knows nothing of the time of the fit."""
        return False

    def loop(self, *, replays: bool = True) -> UnkeptLoop:
        """A task is run as a whole."""
        return UnkeptLoop()


def smo_here(
    X: Any,
    kernel: KernelFunction,
    problem: DualProblem,
    *,
    tol: float = 1e-3,
    max_iter: int = -1,
    cache_size: float = 200.0,
    start: Floats | None = None,
    shrinking: bool = True,
) -> DualSolution:
    """Minimise D of the rows X.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    kernel, problem, tol, max_iter, cache_size, start, shrinking
        As for :func:`blocked_smo`; the last three are for more than 2,048 variables.

    Returns
    -------
    DualSolution

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.kernels.kernel_function import KernelFunction
    >>> from skdist.solvers.dual_problem import classification
    >>> from skdist.solvers.smo_here import smo_here
    >>> X, y = np.array([[0.0], [1.0], [3.0]]), np.array([-1.0, -1.0, 1.0])
    >>> solution = smo_here(X, KernelFunction("linear"), classification(y, np.ones(3)))
    >>> solution.alpha
    array([0. , 0.5, 0.5])
    >>> solution.offset
    2.0
    """
    if problem.n_variables > ONE_BLOCK:
        return blocked_smo(
            LocalShards(X, X.shape[0]),
            kernel,
            problem,
            tol=tol,
            max_iter=max_iter,
            cache_size=cache_size,
            start=start,
            shrinking=shrinking,
        )
    rows = X.astype(np.float64, copy=False)
    matrix = WholeMatrix(kernel, kernel.points(rows, kernel.centre(rows)))
    return one_block(matrix, problem, tol=tol, max_iter=max_iter, start=start)


class Matrix(Protocol):
    """A kernel matrix that finds room in memory."""

    @property
    def kernel(self) -> KernelFunction:
        """Of the entries."""

    @property
    def points(self) -> Points:
        """The rows, in float64."""

    def blocks(self, dtype: Any) -> KernelBlocks:
        """The matrix, in float32 or float64."""


@dataclass(frozen=True, eq=False)
class WholeMatrix:
    """The matrix of some rows, computed in one go."""

    kernel: KernelFunction
    points: Points

    def blocks(self, dtype: Any) -> KernelBlocks:
        """See `Matrix`."""
        points = self.points.astype(dtype)
        return in_one_part(self.kernel.matrix(points, points))


def one_block(
    matrix: Matrix,
    problem: DualProblem,
    *,
    tol: float,
    max_iter: int = -1,
    start: Floats | None = None,
) -> DualSolution:
    """The solution by the whole kernel matrix; the parameters are those of :func:`smo_here`."""
    points, box = matrix.points, box_of(problem)
    limit, n = UNLIMITED if max_iter < 0 else max_iter, len(points)
    coef, work = problem.sign * (problem.start if start is None else start), Work()
    reach = float(points.squares.max(initial=0.0))
    single = n >= FEWEST_IN_SINGLE and matrix.kernel.single(reach)
    K = None
    for dtype in (np.float32, *TRUE) if single else TRUE:
        if K is None or K.dtype != dtype:
            K = matrix.blocks(dtype)
            tol = problem.reachable(tol, float(np.abs(K.diagonal()).max(initial=0.0)))
            field = K.product(sums_by_row(problem, coef, n))
        # Slopes that many pairs have changed are a little off: aim a little lower.
        goal = JUST_BELOW * tol
        coef, slope, pairs = minimum(K, problem, box, coef, field, goal, limit - work.n_iter)
        work = work.with_block(pairs, n, n, violation_of(box, coef, slope))
        if dtype == np.float32:
            field[problem.row] = slope - problem.sign * problem.linear
            field = verified(matrix.kernel, points, problem, box, coef, field, slope, tol)
        else:
            field = K.product(sums_by_row(problem, coef, n))
        if violation_of(box, coef, slopes(problem, field)) <= tol or work.n_iter >= limit:
            break
    return certified(problem, coef, field, work, tol=tol)


def minimum(
    K: KernelBlocks,
    problem: DualProblem,
    box: Box,
    coef: Floats,
    field: Floats,
    tol: float,
    limit: int,
) -> tuple[Floats, Floats, int]:
    """Coefficients and slopes at the optimum, and the pairs that were moved."""
    order = np.concatenate([np.flatnonzero(group) for group in box.groups])
    row, split = problem.row[order], int(np.count_nonzero(box.groups[0]))
    c, v = coef[order], slopes(problem, field)[order]
    low, high, own = box.low[order], box.high[order], K.of(row)
    pairs = smo_block(own.parts, own.diagonal(), split, v, c, low, high, tol, limit)
    back = np.argsort(order)
    return c[back], v[back], pairs


def verified(
    kernel: KernelFunction,
    points: Points,
    problem: DualProblem,
    box: Box,
    coef: Floats,
    field: Floats,
    slope: Floats,
    tol: float,
) -> Floats:
    """The field, computed anew in float64 on rows that would matter if it were off."""
    sums = sums_by_row(problem, coef, len(points))
    guard = guard_of(sums, 1.0, tol)
    rows, ids = rows_that_matter(problem, box, coef, slope, guard), np.flatnonzero(sums)
    field = field.copy()
    field[rows] = kernel.matrix(points[rows], points[ids]) @ sums[ids]
    return field
