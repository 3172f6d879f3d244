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

from skdist.solvers.dual_problem import DualProblem, DualSolution, Floats
from skdist.solvers.kernel_expansion import KernelExpansion, expansion_of, one_sided
from skdist.solvers.memo import Memo
from skdist.summaries import bytes_of, stacked

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

Pair = tuple[int, int]


def pairs_of(n_classes: int) -> list[Pair]:
    """The pairs in libsvm's order: (0, 1), (0, 2), ..., (1, 2), ..."""
    return [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)]


@dataclass(frozen=True, eq=False)
class ClassRows:
    """Rows of one class; ``+`` puts those of several shards together, in order.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    weight : ndarray of shape (n,)
    rows : ndarray of shape (n,), intp
        Their numbers among all rows.
    """

    X: Any
    weight: Floats
    rows: NDArray[np.intp]

    def __add__(self, other: ClassRows) -> ClassRows:
        return ClassRows(
            stacked([self.X, other.X]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.rows, other.rows]),
        )

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, in bytes."""
        return bytes_of(self.X) + self.weight.nbytes + self.rows.nbytes


@dataclass(frozen=True, eq=False)
class PairRows:
    """Rows of two classes, those of the first before those of the second."""

    first: ClassRows
    second: ClassRows

    def __add__(self, other: PairRows) -> PairRows:
        return PairRows(self.first + other.first, self.second + other.second)

    @property
    def X(self) -> Any:
        """ndarray or CSR of shape (n, d)."""
        return stacked([self.first.X, self.second.X])

    @property
    def sign(self) -> Floats:
        """1.0 in the first class, -1.0 in the second, (n,)."""
        return np.repeat([1.0, -1.0], [len(self.first.rows), len(self.second.rows)])

    @property
    def weight(self) -> Floats:
        """(n,)."""
        return np.concatenate([self.first.weight, self.second.weight])

    @property
    def rows(self) -> NDArray[np.intp]:
        """Their numbers among all rows, (n,)."""
        return np.concatenate([self.first.rows, self.second.rows])


@dataclass(frozen=True, eq=False)
class RowsOfPair:
    """``(shard, pair) -> PairRows``: the shard's rows of two classes.

    Parameters
    ----------
    class_weight : ndarray of shape (K,)
        What the rows' own weights are multiplied with.
    memo : Memo
        Of rows of classes, which are parts of K - 1 pairs each.
    """

    class_weight: Floats
    memo: Memo

    def __call__(self, shard: Shard, pair: Pair) -> PairRows:
        first, second = (self._of_class(shard, c) for c in pair)
        return PairRows(first, second)

    def _of_class(self, shard: Shard, c: int) -> ClassRows:
        return self.memo.get((shard.index, c), lambda: rows_of_class(shard, c, self.class_weight))


def rows_of_class(shard: Shard, c: int, class_weight: Floats) -> ClassRows:
    """The shard's rows of one class, but for those that weigh nothing."""
    own = np.flatnonzero(shard.y == c)
    weight = np.full(len(own), class_weight[c])
    if shard.sample_weight is not None:
        weight *= shard.sample_weight[own]
    own, weight = own[weight > 0.0], weight[weight > 0.0]
    return ClassRows(shard.X[own], weight, shard.rows.start + own)


@dataclass(frozen=True, eq=False)
class PairFit:
    """``(pair, rows) -> expansion``: what the task of a pair does.

    Parameters
    ----------
    formulate : callable
        ``formulate(pair, sign, weight) -> DualProblem``.
    solve : callable
        ``solve(pair, rows, problem) -> DualSolution``, on one thread.
    unit_width : bool
    """

    formulate: Callable[[Pair, Floats, Floats], DualProblem]
    solve: Callable[[Pair, PairRows, DualProblem], DualSolution]
    unit_width: bool = False

    def __call__(self, pair: Pair, rows: PairRows) -> KernelExpansion:
        sign, weight = rows.sign, rows.weight
        constant = one_sided(sign, weight)
        if constant is not None:
            return constant
        problem = self.formulate(pair, sign, weight)
        solution = self.solve(pair, rows, problem)
        return expansion_of(problem, solution, rows.rows, unit_width=self.unit_width)


def one_vs_one(
    shards: ShardedDataset,
    fit: PairFit,
    *,
    class_weight: Floats,
    n_rows: Sequence[int],
    cache_size: float,
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
    cache_size : float
        Megabytes of rows that tasks of one process remember.

    Returns
    -------
    expansions : list
        One per pair, in the order of :func:`pairs_of`.
    """
    pairs = pairs_of(len(class_weight))
    longest_first = sorted(pairs, key=lambda pair: -(n_rows[pair[0]] + n_rows[pair[1]]))
    extract = RowsOfPair(class_weight, Memo(cache_size))
    found = shards.group_reduce(extract, longest_first, merge=add, finish=fit)
    expansion_of_pair = dict(zip(longest_first, found, strict=True))
    return [expansion_of_pair[pair] for pair in pairs]
