# SPDX-License-Identifier: BSD-3-Clause
"""The report of a fit that merged sums, and so is the same for any shards."""

from __future__ import annotations

from typing import Any

from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist._rows import EncodedRows


def sums_report(
    rows: EncodedRows,
    watch: Stopwatch,
    *,
    method: str,
    why: str,
    bound: float | None,
    **extra: Any,
) -> FitReport:
    """What was done to the rows, and what it has cost so far.

    Parameters
    ----------
    rows : EncodedRows
    watch : Stopwatch
    method, why : str
        The solver, and the sentence of reasons.
    bound : float or None
        Of ``F - min F``.
    **extra
        What the family reports besides: always the name of the certificate.
    """
    report = FitReport(
        method=method,
        strategy="sums",
        exact=True,
        why=(why,),
        seconds=watch.seconds,
        certificate=bound,
        shards=rows.table,
        extra=extra,
    )
    return report.charged(rows.shards.cost)
