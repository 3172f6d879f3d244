# SPDX-License-Identifier: BSD-3-Clause
"""One dual problem on rows in shards: which way it is solved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any

import numpy as np

from skdist.sharding import Shard, ShardedDataset
from skdist.solvers.chosen_rows import rows_at
from skdist.solvers.dual_problem import ONE_BLOCK, DualProblem, DualSolution
from skdist.summaries import stacked

ASKED = "strategy={!r} was asked for."
BY_ALL = ("parallel", "Kernel rows are computed by all shards, for one optimisation.")
LEAST_ROWS = 8192  # of a problem that a pilot is solved for
# Share of support vectors in a pilot up to which a cluster makes a cascade. A choice: that saves
# rounds, which are cheap in one process, and computes more kernel rows, the more there are support
# vectors. More rows lower the share, so that all rows have fewer of them than the pilot says.
FEW_SUPPORT_VECTORS = 0.42


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of some shards; ``+`` puts one below the other."""

    X: Any

    def __add__(self, other: Rows) -> Rows:
        return Rows(stacked([self.X, other.X]))


def solve_over_shards(
    shards: ShardedDataset,
    kernel: Any,
    problem: DualProblem,
    strategy: str,
    limits: dict[str, Any],
    *,
    far: bool,
) -> tuple[DualSolution, str, str]:
    """The solution, the strategy that was taken, and why.

    Parameters
    ----------
    shards : ShardedDataset
    kernel : KernelFunction
    problem : DualProblem
    strategy : {"auto", "parallel", "cascade"}
    limits : dict
        `tol`, `max_iter`, `cache_size` and `shrinking`.
    far : bool
        Whether rounds are dear, as on a cluster.
    """
    why = ASKED.format(strategy)
    if strategy == "auto":
        strategy, why = chosen(shards, kernel, problem, limits, far)
    return SOLVERS[strategy](shards, kernel, problem, limits), strategy, why


def chosen(
    shards: ShardedDataset, kernel: Any, problem: DualProblem, limits: dict[str, Any], far: bool
) -> tuple[str, str]:
    """The strategy for a problem, and why: by its size, and by a pilot of few of its rows."""
    from skdist.solvers.cascade import can_cascade

    told = told_by_size(problem.n_variables, shards.n_samples, shards.n_shards, far)
    if told is not None:
        return told
    if not can_cascade(problem):
        return BY_ALL
    share = share_of_support_vectors(shards, kernel, problem, limits)
    found = f"{share:.0%} of a pilot's rows are support vectors"
    if share <= FEW_SUPPORT_VECTORS:
        return "cascade", f"{found}: shards can drop the others before they are merged."
    return "parallel", f"{found}: shards apart would each solve nearly the whole problem."


def told_by_size(
    n_variables: int, n_samples: int, n_shards: int, far: bool
) -> tuple[str, str] | None:
    """The strategy and why, as far as sizes tell; None where a pilot is asked."""
    if n_variables <= ONE_BLOCK:
        return "one task", f"{n_variables:,} variables are one block, solved by one task."
    if not far or n_shards == 1 or n_samples < LEAST_ROWS:
        return BY_ALL
    return None


def share_of_support_vectors(
    shards: ShardedDataset, kernel: Any, problem: DualProblem, limits: dict[str, Any]
) -> float:
    """Of a problem of one block of rows, taken evenly from them all; they come here."""
    from skdist.solvers.cascade import part_of

    n, of_a_row = shards.n_samples, problem.n_variables // shards.n_samples
    rows = np.unique(np.linspace(0, n - 1, ONE_BLOCK // of_a_row).astype(np.intp))
    part = part_of(problem, np.isin(problem.row, rows), rows)
    X = stacked(shards.map(rows_at, rows))
    solution = solve_here(X, part, kernel=kernel, limits=limits)
    return len(np.unique(part.row[solution.alpha > 0.0])) / len(rows)


def solve_in_parallel(
    shards: ShardedDataset, kernel: Any, problem: DualProblem, limits: dict[str, Any]
) -> DualSolution:
    """The solution by one optimisation, of kernel rows that all shards compute."""
    from skdist.solvers.blocked_smo import blocked_smo  # what compiles is loaded when needed

    return blocked_smo(shards, kernel, problem, **limits)


def solve_by_cascade(
    shards: ShardedDataset, kernel: Any, problem: DualProblem, limits: dict[str, Any]
) -> DualSolution:
    """The solution by merging support vectors, and violators of all shards."""
    from skdist.solvers.cascade import cascade

    return cascade(shards, kernel, problem, **limits)


def solve_by_one_task(
    shards: ShardedDataset, kernel: Any, problem: DualProblem, limits: dict[str, Any]
) -> DualSolution:
    """The solution of a worker that all rows go to, not through the driver."""
    finish = partial(of_rows, problem=problem, kernel=kernel, limits=limits)
    (solution,) = shards.group_reduce(all_rows, [0], merge=add, finish=finish)
    return solution


def all_rows(shard: Shard, _: int) -> Rows:
    """The rows of a shard."""
    return Rows(shard.X)


def of_rows(
    _: int, rows: Rows, *, problem: DualProblem, kernel: Any, limits: dict[str, Any]
) -> DualSolution:
    """The solution of the problem on these rows."""
    return solve_here(rows.X, problem, kernel=kernel, limits=limits)


def solve_here(
    X: Any, problem: DualProblem, *, kernel: Any, limits: dict[str, Any]
) -> DualSolution:
    """The solution of a problem whose rows are all here, on this thread."""
    from skdist.solvers.smo_here import smo_here

    return smo_here(X, kernel, problem, **limits)


@dataclass(frozen=True, eq=False)
class PairSolver:
    """``(pair, rows, problem) -> solution`` of two classes whose rows are all here, on this thread.

    Parameters
    ----------
    by : PairKernel
    limits : dict
    """

    by: Any
    limits: dict[str, Any]

    def __call__(self, pair: Any, rows: Any, problem: DualProblem) -> DualSolution:
        from skdist.solvers.pair_matrix import PairMatrix
        from skdist.solvers.smo_here import one_block

        if problem.n_variables > ONE_BLOCK:
            return solve_here(rows.X, problem, kernel=self.by.kernel, limits=self.limits)
        matrix = PairMatrix(self.by, pair, (rows.first.X, rows.second.X))
        tol, max_iter = self.limits["tol"], self.limits["max_iter"]
        return one_block(matrix, problem, tol=tol, max_iter=max_iter)


def pair_solver(shards: ShardedDataset, kernel: Any, limits: dict[str, Any]) -> PairSolver:
    """What solves pairs of classes, their rows being seen from a common centre."""
    from skdist.solvers.kernel_matrix import centre_of, common_centre
    from skdist.solvers.memo import Memo
    from skdist.solvers.pair_matrix import PairKernel

    centre = common_centre(shards.map(centre_of, kernel))
    return PairSolver(PairKernel(kernel, centre, Memo(limits["cache_size"])), limits)


SOLVERS: dict[str, Callable[..., DualSolution]] = {
    "one task": solve_by_one_task,
    "parallel": solve_in_parallel,
    "cascade": solve_by_cascade,
}
