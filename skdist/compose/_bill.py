# SPDX-License-Identifier: BSD-3-Clause
"""The bill of transformers that were fitted one by one: that of their parts, added up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.pipeline import Pipeline

from skdist._report import FitReport


def bills_of(name: str, step: Any) -> Iterator[tuple[str, FitReport]]:
    """Those of a fitted transformer, or of the steps of a pipeline."""
    if isinstance(step, Pipeline):
        for inner, part in step.steps:
            yield from bills_of(f"{name}.{inner}", part)
        return
    report = getattr(step, "report_", None)
    if isinstance(report, FitReport):
        yield name, report


def added_up(bills: dict[str, FitReport]) -> FitReport:
    """One bill; `seconds` are those of each part, `memory` is the largest of a process."""
    reports = list(bills.values())
    memory: dict[str, int] = {}
    for report in reports:
        for who, held in report.memory.items():
            memory[who] = max(held, memory.get(who, 0))
    return FitReport(
        method="columns",
        strategy="parts",
        exact=all(report.exact for report in reports),
        why=(f"{len(bills)} transformers were fitted one by one: {', '.join(bills)}.",),
        rounds=sum(report.rounds for report in reports),
        bytes_down=sum(report.bytes_down for report in reports),
        bytes_up=sum(report.bytes_up for report in reports),
        retries=sum(report.retries for report in reports),
        seconds={name: sum(report.seconds.values()) for name, report in bills.items()},
        compute=sum(report.compute for report in reports),
        waiting=sum(report.waiting for report in reports),
        transfer=sum(report.transfer for report in reports),
        memory=memory,
        n_tasks=sum(report.n_tasks for report in reports),
        extra=dict(bills),
    )
