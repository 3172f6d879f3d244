# SPDX-License-Identifier: BSD-3-Clause
"""One dual problem on rows in shards: which way it is solved."""

from __future__ import annotations

from typing import Any

from skdist.solvers.dual_problem import DualProblem, DualSolution


def solve_over_shards(
    shards: Any, kernel: Any, problem: DualProblem, strategy: str, limits: dict[str, Any]
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
    # Imported here: what compiles is loaded by those who need it.
    from skdist.solvers.blocked_smo import blocked_smo

    solution = blocked_smo(shards, kernel, problem, **limits)
    return solution, "parallel", "Kernel rows are computed by all shards, for one optimisation."


def solve_here(
    X: Any, problem: DualProblem, *, kernel: Any, limits: dict[str, Any]
) -> DualSolution:
    """The solution of a problem whose rows are all here, on this thread."""
    from skdist.sharding import shard_rows
    from skdist.solvers.blocked_smo import blocked_smo

    return blocked_smo(shard_rows(X, n_shards=1, n_jobs=1), kernel, problem, **limits)
