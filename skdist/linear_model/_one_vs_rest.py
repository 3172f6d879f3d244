# SPDX-License-Identifier: BSD-3-Clause
"""One class against the rest: K problems of two classes on the same rows, in common rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist._rows import EncodedRows
from skdist.linear_model._linear_fit import rounding, warn_of_the_bound
from skdist.linear_model._sums_report import sums_report
from skdist.sharding import Shard, one_blas_thread
from skdist.solvers.choose_solver import SOLVERS, Choice
from skdist.solvers.linear_objective import LinearObjective, Solution
from skdist.solvers.rounds import Shards
from skdist.solvers.side_by_side import side_by_side


@dataclass(frozen=True)
class OneVsRest:
    """``shard -> shard`` with y = 1 in one class and y = 0 in all others.

    Parameters
    ----------
    number : int
        Of the class.
    own, rest : float
        What the weights of its rows, and of all others, are multiplied with.
    """

    number: int
    own: float = 1.0
    rest: float = 1.0

    def __call__(self, shard: Shard) -> Shard:
        y = (shard.y == self.number).astype(np.float64)
        weight = shard.sample_weight
        if not self.own == self.rest == 1.0:
            weight = np.where(y == 1.0, self.own, self.rest) * (1.0 if weight is None else weight)
        return replace(shard, y=y, sample_weight=weight)


def problems_of(n_classes: int, class_weight: np.ndarray | None) -> list[OneVsRest]:
    """One problem for two classes, else K.

    As in liblinear, of two classes both have their weight, and of more only the class itself: the
    rest of them weigh 1.
    """
    weight = np.ones(n_classes) if class_weight is None else class_weight
    if n_classes == 2:
        return [OneVsRest(1, float(weight[1]), float(weight[0]))]
    return [OneVsRest(k, float(weight[k])) for k in range(n_classes)]


@dataclass(frozen=True, eq=False)
class OneVsRestFit:
    """What was found for each problem, and what it cost."""

    solutions: Sequence[Solution]
    report: FitReport

    @property
    def w(self) -> np.ndarray:
        """Coefficients, (K, p)."""
        return np.concatenate([solution.w for solution in self.solutions])


def fit_one_vs_rest(
    rows: EncodedRows,
    problems: Sequence[OneVsRest],
    objective: LinearObjective,
    choice: Choice,
    *,
    tol: float,
    max_iter: int,
    watch: Stopwatch,
) -> OneVsRestFit:
    """Minimise the objective of every problem; arguments as in :func:`fit_linear`."""
    minimise = minimiser(choice.name)

    def solve(_: int, shards: Shards) -> Solution:
        return minimise(shards, objective, tol=tol, max_iter=max_iter)

    with one_blas_thread():
        solutions = side_by_side(rows.shards, problems, solve)
    watch.lap("solve")
    enough = rounding(objective, rows)
    lacking = [s for s in solutions if not (s.converged or s.bound <= enough)]
    if lacking:
        worst = max(lacking, key=lambda s: s.bound / abs(s.value) if s.value else np.inf)
        warn_of_the_bound(choice.name, worst, tol, max_iter)
    report = sums_report(
        rows,
        watch,
        method=choice.name,
        why=choice.why,
        bound=sum(s.bound for s in solutions),
        certificate=solutions[0].certificate,
        history=tuple(s.history for s in solutions),
        objective=sum(s.value for s in solutions),
        converged=not lacking,
    )
    return OneVsRestFit(solutions, report)


def minimiser(name: str) -> Callable[..., Solution]:
    """The solver of that name. What compiles is imported by those who need it."""
    if name == "interior_point":
        from skdist.solvers.hinge_interior_point import hinge_interior_point

        return hinge_interior_point
    if name == "dual_ascent":
        from skdist.solvers.hinge_dual_ascent import hinge_dual_ascent

        return hinge_dual_ascent
    if name == "cocoa":
        from skdist.solvers.cocoa import cocoa

        return cocoa
    return SOLVERS[name]
