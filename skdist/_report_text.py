# SPDX-License-Identifier: BSD-3-Clause
"""A report to be read: as text, and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skdist._report import FitReport


def as_text(report: FitReport) -> str:
    """What ``print(model.report_)`` shows."""
    lines = [f"{name:<13}{text}" for name, text in entries(report)]
    return "\n".join(lines)


def as_html(report: FitReport) -> str:
    """A table of the same."""
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in entries(report)
    )
    return f'<table class="skdist-report">{rows}</table>'


def folded(report: FitReport) -> str:
    """The table, folded below scikit-learn's diagram."""
    return f"<details><summary>How it was fitted</summary>{as_html(report)}</details>"


def entries(report: FitReport) -> list[tuple[str, str]]:
    """Names and texts of what there is to say; what is nothing is left out."""
    kind = "the same for any number of shards" if report.exact else "depends on the shards"
    n_shards = len(report.shards)
    certificate = report.certificate
    said = [
        ("method", report.method),
        ("strategy", f"{report.strategy}; {kind}"),
        ("shards", _shards(report) if n_shards else ""),
        ("rounds", _rounds(report)),
        ("moved", f"{in_bytes(report.bytes_down)} down, {in_bytes(report.bytes_up)} up"),
        ("seconds", _each((name, f"{s:.3g}") for name, s in report.seconds.items())),
        ("in rounds", _in_rounds(report)),
        ("peak memory", _each((who, in_bytes(n)) for who, n in _largest(report))),
        ("certificate", "" if certificate is None else f"at most {certificate:.3g} to gain"),
        ("why", " ".join(report.why)),
    ]
    return [(name, text) for name, text in said if text]


def in_bytes(n: float) -> str:
    """A number of bytes in the unit that suits it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "bytes" else f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} TB"


def _rounds(report: FitReport) -> str:
    text = f"{report.rounds}, {report.n_tasks} tasks"
    return text if not report.retries else f"{text}, {report.retries} of them again"


def _shards(report: FitReport) -> str:
    lengths = [len(shard.rows) for shard in report.shards]
    of_y = max((shard.skew for shard in report.shards if shard.skew == shard.skew), default=None)
    of_x = max((shard.feature_skew or 0.0 for shard in report.shards), default=0.0)
    rows = (
        f"{min(lengths):,}"
        if min(lengths) == max(lengths)
        else (f"{min(lengths):,} to {max(lengths):,}")
    )
    one = len(lengths) == 1  # it is like itself
    skews = ["" if one or of_y is None else f"skew of y up to {of_y:.2f}"]
    skews.append(f"of features up to {of_x:.2f}" if of_x else "")
    return ", ".join([f"{len(lengths)} of {rows} rows", *filter(None, skews)])


def _in_rounds(report: FitReport) -> str:
    if not report.rounds:
        return ""
    shares = {
        "computing": report.compute,
        "waiting": report.waiting,
        "transfer": report.transfer,
    }
    return _each((name, f"{s:.3g} s") for name, s in shares.items())


def _largest(report: FitReport) -> list[tuple[str, int]]:
    """The driver and the worker that held most."""
    memory = dict(report.memory)
    driver = [("driver", memory.pop("driver"))] if "driver" in memory else []
    most = max(memory.items(), key=lambda item: item[1], default=None)
    return [*driver, *([] if most is None else [most])]


def _each(items: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {text}" for name, text in items)
