# SPDX-License-Identifier: BSD-3-Clause
"""From encoded rows and an objective to a solution and its report: shared by all smooth models."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skdist._caller import level_of_caller
from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist._rows import EncodedRows
from skdist.linear_model._sums_report import sums_report
from skdist.sharding import one_blas_thread
from skdist.solvers.choose_solver import SOLVERS, SYNONYMS, Choice
from skdist.solvers.linear_objective import LinearObjective, Solution

SOLVER_NAMES = {"auto", *SOLVERS, *SYNONYMS}


@dataclass(frozen=True, eq=False)
class LinearFit:
    """What a fit found, and what it cost."""

    solution: Solution
    report: FitReport


def fit_linear(
    rows: EncodedRows,
    objective: LinearObjective,
    choice: Choice,
    *,
    start: np.ndarray | None = None,
    tol: float,
    max_iter: int,
    watch: Stopwatch | None = None,
) -> LinearFit:
    """Minimise the objective over all rows.

    Parameters
    ----------
    rows : EncodedRows
    objective : LinearObjective
    choice : Choice
        Of the solver, its name not None.
    start : ndarray of shape (K, p), optional
        Where to begin; without it the solver finds a place of its own.
    tol : float
        Asks for ``F(w) - F* <= tol^2 |F|``: a tolerance of a gradient bounds the square root of
        what is missing in the value.
    max_iter : int
    watch : Stopwatch, optional
        Of the phases of this fit so far.

    Returns
    -------
    LinearFit

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached; it names the bound that was.
    """
    watch = watch or Stopwatch()
    # The driver's part, too: threads of BLAS that wait for a busy core cost more than they bring,
    # and the order of their sums would be the machine's.
    with one_blas_thread():
        solution = SOLVERS[choice.name](rows.shards, objective, start, tol=tol, max_iter=max_iter)
    watch.lap("solve")
    converged = solution.converged or solution.bound <= rounding(objective, rows)
    if not converged:
        warn_of_the_bound(choice.name, solution, tol, max_iter)
    report = sums_report(
        rows,
        watch,
        method=choice.name,
        why=choice.why,
        bound=solution.bound,
        certificate=solution.certificate,
        history=solution.history,
        objective=solution.value,
        converged=converged,
    )
    return LinearFit(solution, report)


def rounding(objective: LinearObjective, rows: EncodedRows) -> float:
    """What F cannot tell apart where it is a sum of losses of order 1, and of their mean near 0.

    Separable classes have no minimum but the infimum 0, to which no relative tolerance leads.
    """
    return float(8.0 * np.finfo(np.float64).eps * objective.scale * rows.total_weight)


def warn_of_the_bound(name: str, solution: Solution, tol: float, max_iter: int) -> None:
    """Say how far from the minimum the fit may have stopped."""
    warnings.warn(
        f"solver {name!r} stopped after {solution.n_iter} iterations (max_iter={max_iter}) at "
        f"F = {solution.value:.9g}, which by its {solution.certificate} is at most "
        f"{solution.bound:.3g} above the minimum; tol={tol:g} asks for less. Raise max_iter, "
        "scale the features, or penalise more.",
        ConvergenceWarning,
        stacklevel=level_of_caller(),
    )
