# SPDX-License-Identifier: BSD-3-Clause
"""The report of a kernel machine's fit, and the warning of one that stopped early."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from skdist._caller import level_of_caller
from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist._rows import EncodedRows
from skdist.solvers.kernel_expansion import KernelExpansion

OF_A_PAIR = ("n_rows", "primal", "gap", "violation", "n_iter", "converged")


@dataclass(frozen=True, eq=False)
class Solved:
    """What a machine's problems came to.

    Parameters
    ----------
    expansions : sequence of KernelExpansion
        One per pair of classes, in libsvm's order, or one.
    strategy : str
    why : str
        A sentence.
    """

    expansions: Sequence[KernelExpansion]
    strategy: str
    why: str


def report_of(rows: EncodedRows, solved: Solved, n_support: int, watch: Stopwatch) -> FitReport:
    """What was solved, how surely, and what it cost.

    Parameters
    ----------
    rows : EncodedRows
    solved : Solved
    n_support : int
        Rows that are a support vector of some function.
    watch : Stopwatch
    """
    found = solved.expansions
    report = FitReport(
        method="smo",
        strategy=solved.strategy,
        exact=True,
        why=(solved.why,),
        seconds=watch.seconds,
        certificate=sum(one.gap for one in found),
        shards=rows.table,
        extra={
            "certificate": "duality gap",
            "primal": sum(one.primal for one in found),
            "dual": -sum(one.dual for one in found),
            "violation": max(one.violation for one in found),
            "converged": all(one.converged for one in found),
            "passes": sum(one.n_blocks for one in found),
            "rows_computed": sum(one.rows_computed for one in found),
            "cache_hits": _mean_hits(found),
            "support_fraction": n_support / max(rows.n_samples, 1),
            "pairs": tuple(_of_a_pair(one) for one in found) if len(found) > 1 else (),
        },
    )
    return report.charged(rows.shards.cost)


def _mean_hits(found: Sequence[KernelExpansion]) -> float:
    """Share of the kernel rows that were asked for and were there."""
    asked = [one.rows_computed / max(1.0 - one.cache_hits, 1e-9) for one in found]
    here = [a - one.rows_computed for a, one in zip(asked, found, strict=True)]
    return sum(here) / max(sum(asked), 1.0)


def _of_a_pair(one: KernelExpansion) -> dict[str, Any]:
    facts = {name: getattr(one, name) for name in OF_A_PAIR}
    return {**facts, "dual": -one.dual, "n_support": len(one.rows)}


def warn_of_the_gap(found: Sequence[KernelExpansion], tol: float, max_iter: int) -> None:
    """Say how far from the optimum the fit may have stopped."""
    lacking = [one for one in found if not one.converged]
    if not lacking:
        return
    gap, dual = sum(one.gap for one in lacking), -sum(one.dual for one in lacking)
    worst = max(one.violation for one in lacking)
    which = f"{len(lacking)} of {len(found)} problems" if len(found) > 1 else "The problem"
    limit = (
        "at what rounding allows" if max_iter < 0 else f"at max_iter={max_iter} changes of a pair"
    )
    warnings.warn(
        f"{which} ended {limit}: the dual objective {dual:.9g} is at most {gap:.3g} below the "
        f"maximum (the duality gap), and the optimality conditions are violated by {worst:.3g}, "
        f"where tol={tol:g}. Raise max_iter or tol, scale the features, or lower C.",
        ConvergenceWarning,
        stacklevel=level_of_caller(),
    )
