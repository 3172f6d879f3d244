# SPDX-License-Identifier: BSD-3-Clause
"""Each class against each other: K (K - 1) / 2 problems of two classes, each a task of its own.

The rows of a pair go from the shards straight to the worker that solves it; what comes to the
driver are its support vectors' numbers and coefficients. Pairs are solved side by side, those of
most rows first, so that no long one is left to the end.

Cost: one round; a row travels K - 1 times where shards and workers do not share memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack

from skdist.solvers.dual_problem import DualProblem, DualSolution, Floats
from skdist.solvers.kernel_expansion import KernelExpansion, expansion_of, one_sided

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

Pair = tuple[int, int]


def pairs_of(n_classes: int) -> list[Pair]:
    """The pairs in libsvm's order: (0, 1), (0, 2), ..., (1, 2), ..."""
    return [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)]


@dataclass(frozen=True, eq=False)
class PairRows:
    """Rows of two classes; ``+`` puts those of several shards together, in order.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    sign : ndarray of shape (n,)
        1.0 in the first class of the pair, -1.0 in the second.
    weight : ndarray of shape (n,)
    rows : ndarray of shape (n,), intp
        Their numbers among all rows.
    """

    X: Any
    sign: Floats
    weight: Floats
    rows: NDArray[np.intp]

    def __add__(self, other: PairRows) -> PairRows:
        both = (self.X, other.X)
        return PairRows(
            vstack(both, format="csr") if issparse(self.X) else np.concatenate(both),
            np.concatenate([self.sign, other.sign]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.rows, other.rows]),
        )


def rows_of_pair(shard: Shard, pair: Pair, class_weight: Floats) -> PairRows:
    """The shard's rows of two classes, but for those that weigh nothing."""
    i, j = pair
    (own,) = np.nonzero((shard.y == i) | (shard.y == j))
    weight = class_weight[shard.y[own].astype(np.intp)]
    if shard.sample_weight is not None:
        weight *= shard.sample_weight[own]
    own, weight = own[weight > 0.0], weight[weight > 0.0]
    sign = np.where(shard.y[own] == i, 1.0, -1.0)
    return PairRows(shard.X[own], sign, weight, shard.rows.start + own)


@dataclass(frozen=True, eq=False)
class PairFit:
    """``(pair, rows) -> expansion``: what the task of a pair does.

    Parameters
    ----------
    formulate : callable
        ``formulate(pair, sign, weight) -> DualProblem``.
    solve : callable
        ``solve(X, problem) -> DualSolution``, on one thread.
    unit_width : bool
    """

    formulate: Callable[[Pair, Floats, Floats], DualProblem]
    solve: Callable[[Any, DualProblem], DualSolution]
    unit_width: bool = False

    def __call__(self, pair: Pair, rows: PairRows) -> KernelExpansion:
        constant = one_sided(rows.sign, rows.weight)
        if constant is not None:
            return constant
        problem = self.formulate(pair, rows.sign, rows.weight)
        solution = self.solve(rows.X, problem)
        return expansion_of(problem, solution, rows.rows, unit_width=self.unit_width)


def one_vs_one(
    shards: ShardedDataset,
    fit: PairFit,
    *,
    class_weight: Floats,
    n_rows: Sequence[int],
) -> list[KernelExpansion]:
    """Solve every pair.

    Parameters
    ----------
    shards : ShardedDataset
        y are the numbers of the classes.
    fit : PairFit
    class_weight : ndarray of shape (K,)
        What the rows' own weights are multiplied with.
    n_rows : sequence of int, of length K
        Rows of each class, of which the order of the tasks is made.

    Returns
    -------
    expansions : list
        One per pair, in the order of :func:`pairs_of`.
    """
    pairs = pairs_of(len(class_weight))
    longest_first = sorted(pairs, key=lambda pair: -(n_rows[pair[0]] + n_rows[pair[1]]))
    found = shards.group_reduce(rows_of_pair, longest_first, class_weight, merge=add, finish=fit)
    expansion_of_pair = dict(zip(longest_first, found, strict=True))
    return [expansion_of_pair[pair] for pair in pairs]
