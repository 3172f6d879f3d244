# SPDX-License-Identifier: BSD-3-Clause
"""The cascade: shards are solved apart, their support vectors merged pairwise, violators fed back.

    S_k  <- support vectors of shard k                                       (on its worker)
    S_jk <- support vectors of S_j union S_k, up a tree of pairs             (on the workers)
    a    <- of the root; then blocks of the violators that all shards have left, until there is none

(Graf et al., 2004, with the last step exact.) A row that is no support vector of its own shard is
rarely one of all rows, so that little is left for the last step, in which few rounds are needed:
it is :func:`blocked_smo` from where the tree ended, and so are the certificate and the optimum.

It pays where rounds are dear and support vectors few: leaves and merges need none. Where most rows
are support vectors, every level of the tree solves nearly the whole problem once more.

Cost: one round whose tasks solve n / n_shards rows each, and merges of the support vectors alone;
the problem, 40 bytes a variable, goes down, support vectors with their rows come up; then
that of :func:`blocked_smo`, with fewer blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.kernel_function import KernelFunction
from skdist.solvers.blocked_smo import blocked_smo
from skdist.solvers.chosen_rows import Ids
from skdist.solvers.dual_problem import DualProblem, DualSolution
from skdist.solvers.kernel_matrix import KernelShards
from skdist.solvers.smo_here import smo_here
from skdist.summaries import stacked

if TYPE_CHECKING:
    from skdist.sharding import Shard

LOOSE = 10.0  # times tol: to what the tree is solved; the last step makes it good


class MergingShards(KernelShards, Protocol):
    """What is asked of :class:`skdist.sharding.ShardedDataset` besides."""

    def map_tree_reduce(
        self, summarize: Callable[..., Any], *broadcast: Any, merge: Callable[[Any, Any], Any]
    ) -> Any:
        """Merge ``summarize(shard, *broadcast)`` pairwise on the workers."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Rows that a level of the tree found to matter.

    Parameters
    ----------
    X : ndarray or CSR of shape (k, d)
    problem : DualProblem
        Of these rows alone; it starts where it was solved.
    variables : ndarray of shape (p,), intp
        The numbers of its variables in the whole problem.
    n_iter, n_computed : int
        Pairs that were moved and kernel rows that were computed so far.
    """

    X: Any
    problem: DualProblem
    variables: Ids
    n_iter: int = 0
    n_computed: int = 0


@dataclass(frozen=True)
class Apart:
    """How problems of the tree are solved; ``(a, b) -> candidates`` merges two."""

    kernel: KernelFunction
    tol: float
    cache_size: float
    limit: int

    def __call__(self, a: Candidates, b: Candidates) -> Candidates:
        """Support vectors of the rows of both."""
        both = Candidates(
            stacked([a.X, b.X]),
            joined(a.problem, b.problem, a.X.shape[0]),
            np.concatenate([a.variables, b.variables]),
            a.n_iter + b.n_iter,
            a.n_computed + b.n_computed,
        )
        return self.support_of(both)

    def support_of(self, all_of_them: Candidates) -> Candidates:
        """Those of the rows with a variable above 0, at the optimum of all of them."""
        problem = all_of_them.problem
        solution = smo_here(
            all_of_them.X,
            self.kernel,
            problem,
            tol=self.tol,
            max_iter=self.limit,
            cache_size=self.cache_size,
        )
        rows = np.unique(problem.row[solution.alpha > 0.0])
        kept = np.isin(problem.row, rows)
        return Candidates(
            all_of_them.X[rows],
            part_of(replace(problem, start=solution.alpha), kept, rows),
            all_of_them.variables[kept],
            all_of_them.n_iter + solution.n_iter,
            all_of_them.n_computed + solution.rows_computed,
        )


def cascade(
    shards: MergingShards,
    kernel: KernelFunction,
    problem: DualProblem,
    *,
    tol: float = 1e-3,
    max_iter: int = -1,
    cache_size: float = 200.0,
    shrinking: bool = True,
) -> DualSolution:
    """Minimise D.

    Parameters
    ----------
    shards, kernel, tol, cache_size, shrinking
        As for :func:`blocked_smo`; `cache_size` is that of each task of the tree, too.
    problem : DualProblem
        Of the same rows; :func:`can_cascade` says which ones can be cut.
    max_iter : int, default=-1
        Pairs at most, in any task and in the last step.

    Returns
    -------
    DualSolution
        Its `n_iter` and `rows_computed` are of the whole tree, too; its blocks are the last step's.

    Raises
    ------
    ValueError
        For a problem that cannot be cut.
    """
    if not can_cascade(problem):
        raise ValueError(
            "this problem keeps a sum of its variables that shards do not have apart: machines "
            "with nu cannot be solved by a cascade. Use blocked_smo."
        )
    apart = Apart(kernel, LOOSE * tol, cache_size, max_iter)
    root = shards.map_tree_reduce(leaf, problem, apart, merge=apart)
    start = np.zeros(problem.n_variables)
    start[root.variables] = root.problem.start
    found = blocked_smo(
        shards,
        kernel,
        problem,
        tol=tol,
        max_iter=max_iter,
        cache_size=cache_size,
        start=start,
        shrinking=shrinking,
    )
    return replace(
        found,
        n_iter=found.n_iter + root.n_iter,
        rows_computed=found.rows_computed + root.n_computed,
    )


def can_cascade(problem: DualProblem) -> bool:
    """Whether every part of the problem is a problem: nothing is kept but y'a = 0."""
    return not problem.by_sign and not problem.start.any()


def leaf(shard: Shard, problem: DualProblem, apart: Apart) -> Candidates:
    """The support vectors of one shard."""
    rows = np.arange(shard.rows.start, shard.rows.stop)
    own = (problem.row >= shard.rows.start) & (problem.row < shard.rows.stop)
    return apart.support_of(Candidates(shard.X, part_of(problem, own, rows), np.flatnonzero(own)))


def part_of(problem: DualProblem, kept: NDArray[np.bool_], rows: Ids) -> DualProblem:
    """The problem of some variables, of rows that are counted anew; `rows` in ascending order."""
    return DualProblem(
        np.searchsorted(rows, problem.row[kept]),
        problem.sign[kept],
        problem.linear[kept],
        problem.cost[kept],
        problem.start[kept],
        problem.by_sign,
    )


def joined(a: DualProblem, b: DualProblem, n_rows: int) -> DualProblem:
    """The problem of both, `n_rows` being the number of rows of the first."""
    return DualProblem(
        np.concatenate([a.row, n_rows + b.row]),
        np.concatenate([a.sign, b.sign]),
        np.concatenate([a.linear, b.linear]),
        np.concatenate([a.cost, b.cost]),
        np.concatenate([a.start, b.start]),
        a.by_sign,
    )
