# SPDX-License-Identifier: BSD-3-Clause
"""Contestants in fresh processes, in turn, and the ratios of their medians.

    run 1: A, B, C;  run 2: A, B, C;  ...      ratio = median of A's seconds / median of B's

A machine is not as fast at noon as at nine, and what one library leaves in memory (threads, caches)
is not to be charged to the next. So nobody shares a process, and what drifts hits all alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

Figures = dict[str, float]


def run_child(script: Path, job: Mapping[str, object], **environment: str) -> Figures | None:
    """What a fresh Python process measured: the JSON object on the last line that it prints.

    Parameters
    ----------
    script : Path
        Called with `job` as JSON, its only argument.
    job : mapping
    **environment : str
        Variables to add to the environment.

    Returns
    -------
    figures : dict of str to float, or None where the process failed; why is printed.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), json.dumps(job)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    if done.returncode:
        reason = "\n    ".join(done.stderr.strip().splitlines()[-3:])  # the error and its notes
        print(f"{job['who']} failed, status {done.returncode}:\n    {reason}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_turn(
    contestants: Iterable[str], measure: Callable[[str], Figures | None], n_runs: int
) -> dict[str, Figures]:
    """Medians over the runs of each contestant that finished, in the order given."""
    contestants = list(contestants)
    runs: dict[str, list[Figures]] = {name: [] for name in contestants}
    for _ in range(n_runs):
        for name in contestants:
            figures = measure(name)
            if figures is not None:
                runs[name].append(figures)
    return {name: medians(own) for name, own in runs.items() if own}


def medians(runs: list[Figures]) -> Figures:
    """The median of each figure."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def ratios(figures: Mapping[str, Figures], ours: str, names: Iterable[str]) -> dict[str, Figures]:
    """`ours` over each other contestant, for the figures named: below 1 we are the better."""
    if ours not in figures:
        return {}
    return {
        f"{ours} / {other}": {name: figures[ours][name] / theirs[name] for name in names}
        for other, theirs in figures.items()
        if other != ours
    }


def print_table(title: str, rows: Mapping[str, Figures]) -> None:
    """One line per row, one column per figure that any row has; seconds, MB and scores alike."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    first = max(map(len, rows), default=0) + 2
    widths = [max(10, len(name) + 2) for name in columns]
    print(f"\n{title}")
    print(" " * first + "".join(f"{n:>{w}}" for n, w in zip(columns, widths, strict=True)))
    for name, row in rows.items():
        cells = (f"{row[c]:.4g}" if c in row else "" for c in columns)
        print(f"{name:{first}}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))
