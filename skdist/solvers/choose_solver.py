# SPDX-License-Identifier: BSD-3-Clause
"""Which solver minimises a linear objective, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skdist.solvers.gradient_descent import gradient_descent
from skdist.solvers.lbfgs import lbfgs
from skdist.solvers.linear_objective import LinearObjective, Solution
from skdist.solvers.newton import newton
from skdist.solvers.newton_cg import newton_cg
from skdist.solvers.prox_newton import prox_newton

SOLVERS: dict[str, Callable[..., Solution]] = {
    "newton": newton,
    "newton_cg": newton_cg,
    "lbfgs": lbfgs,
    "gradient_descent": gradient_descent,
    "prox_newton": prox_newton,
}

SYNONYMS = {"newton-cholesky": "newton", "newton-cg": "newton_cg"}  # scikit-learn's names

MOST_DENSE = 1500  # parameters: a Hessian is then 9 MB, and factored in a fraction of a second
MOST_SPARSE = 300  # a product with the Hessian costs as many operations as there are entries
MOST_L1 = 3000  # there is no other solver here for l1


@dataclass(frozen=True)
class Choice:
    """A solver's name, a key of `SOLVERS`, or None: none of them can; and a sentence of reasons."""

    name: str | None
    why: str


def choose_solver(asked: str, objective: LinearObjective, *, is_sparse: bool) -> Choice:
    """The solver that was asked for; for "auto" the fastest, as far as shape and penalty tell.

    Parameters
    ----------
    asked : str
        "auto", a key of `SOLVERS` or of `SYNONYMS`.
    objective : LinearObjective
    is_sparse : bool
        Whether X is CSR.

    Returns
    -------
    Choice

    Examples
    --------
    >>> from skdist.losses import Logistic
    >>> from skdist.solvers.choose_solver import choose_solver
    >>> from skdist.solvers.linear_objective import LinearObjective
    >>> objective = LinearObjective(Logistic(), n_features=19)
    >>> print(choose_solver("auto", objective, is_sparse=False).why)
    newton: 20 parameters are few enough (1,500 at most) to sum their Hessian every few rounds.
    """
    if asked != "auto":
        return Choice(SYNONYMS.get(asked, asked), f"solver={asked!r} was asked for.")
    n_outputs, p = objective.shape
    size = n_outputs * p
    if objective.l1:
        return _for_l1(size)
    most, of = (MOST_SPARSE, " for sparse X") if is_sparse else (MOST_DENSE, "")
    if size <= most:
        return Choice(
            "newton",
            f"newton: {size:,} parameters are few enough ({most:,} at most{of}) to sum their "
            "Hessian every few rounds.",
        )
    return Choice(
        "newton_cg",
        f"newton_cg: {size:,} parameters are too many ({most:,} at most{of}) for their Hessian to "
        "be formed, so its products with vectors are summed.",
    )


def _for_l1(size: int) -> Choice:
    if size <= MOST_L1:
        return Choice(
            "prox_newton",
            f"prox_newton: an l1 penalty, and {size:,} parameters ({MOST_L1:,} at most) whose "
            "Hessian is summed every few rounds.",
        )
    return Choice(
        None,
        f"An l1 penalty on {size:,} parameters: the merged Hessian that it needs here would be too "
        f"large ({MOST_L1:,} at most).",
    )
