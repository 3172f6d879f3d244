# SPDX-License-Identifier: BSD-3-Clause
"""One dual problem on rows in shards: which way it is solved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any

import numpy as np
from scipy.sparse import issparse, vstack

from skdist.sharding import Shard, ShardedDataset
from skdist.solvers.dual_problem import DualProblem, DualSolution

PARALLEL = "Kernel rows are computed by all shards, for one optimisation."
CASCADE = "strategy='cascade' was asked for."
ONE_BLOCK = 2048  # variables that are optimised together, so that one task solves them


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of some shards; ``+`` puts one below the other."""

    X: Any

    def __add__(self, other: Rows) -> Rows:
        both = (self.X, other.X)
        return Rows(vstack(both, format="csr") if issparse(self.X) else np.concatenate(both))


def solve_over_shards(
    shards: ShardedDataset, kernel: Any, problem: DualProblem, strategy: str, limits: dict[str, Any]
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
    """
    if strategy == "auto" and problem.n_variables <= ONE_BLOCK:
        why = f"{problem.n_variables:,} variables are one block, solved by one task."
        return solve_by_one_task(shards, kernel, problem, limits), "one task", why
    # Imported here: what compiles is loaded by those who need it.
    if strategy == "cascade":
        from skdist.solvers.cascade import cascade

        return cascade(shards, kernel, problem, **limits), "cascade", CASCADE
    from skdist.solvers.blocked_smo import blocked_smo

    return blocked_smo(shards, kernel, problem, **limits), "parallel", PARALLEL


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
