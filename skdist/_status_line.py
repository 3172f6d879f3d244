# SPDX-License-Identifier: BSD-3-Clause
"""The line that ``verbose`` prints while a fit runs, written over itself on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skdist._report_text import in_bytes
from skdist._time_left import Fall, of_iterations, of_round
from skdist.sharding import Round, current_fit

# Seconds between two lines: on a terminal, where one is written over the other, and elsewhere.
ON_TERMINAL, ELSEWHERE = 0.1, 5.0


@dataclass(eq=False)
class StatusLine:
    """Watches a fit, and prints where it is.

    Parameters
    ----------
    name : str
        Of the estimator.
    most : int or None
        Steps or passes at most, where a solver notes each of them.
    tol : float
        To which a violation falls, where a solver notes one.
    """

    name: str
    most: int | None = None
    tol: float = 0.0
    _round: Round | None = None
    _began: float = 0.0
    _n_arrived: int = 0
    _n_noted: int = 0
    _passes: float = 0.0
    _values: Mapping[str, float] = field(default_factory=dict)
    _printed: float = field(default_factory=time.perf_counter)
    _width: int = 0
    _fall: Fall = field(init=False)

    def __post_init__(self) -> None:
        self._fall = Fall(self.tol)

    def begins(self, round: Round) -> None:
        """A round."""
        self._round, self._n_arrived, self._began = round, 0, time.perf_counter()

    def arrived(self, round: Round, task: int) -> None:
        """A task of it."""
        self._n_arrived += 1
        self._show()

    def ends(self, round: Round) -> None:
        """It is over."""
        self._show()

    def noted(self, values: Mapping[str, float]) -> None:
        """Where the solver stands."""
        self._values, self._n_noted = values, self._n_noted + 1
        self._passes = values.get("passes", self._passes)
        if "violation" in values:
            self._fall.saw(time.perf_counter(), values["violation"])
        self._show()

    def close(self) -> None:
        """Leave the terminal's line empty, for what comes next."""
        if self._width:
            print("\r" + " " * self._width, end="\r", flush=True)

    def _show(self) -> None:
        now, on_terminal = time.perf_counter(), sys.stdout.isatty()
        if now - self._printed < (ON_TERMINAL if on_terminal else ELSEWHERE):
            return
        self._printed = now
        text = self.text()
        if on_terminal:
            # The cursor goes back, so that whatever else is printed begins a line.
            print(text.ljust(self._width), end="\r", flush=True)
            self._width = len(text)
        else:
            print(text, flush=True)

    def text(self) -> str:
        """Round, tasks, where the solver stands, rows per second, bytes, and the time left."""
        fit, this = current_fit(), self._round
        if this is None:
            return f"[{self.name}]"
        seconds = time.perf_counter() - fit.ledger.began
        passes = self._passes or this.number  # a round of most solvers looks at every row
        parts = [
            f"round {this.number + 1} ({this.name}), {self._n_arrived} of {this.n_tasks} tasks",
            *(f"{name} {value:.6g}" for name, value in self._values.items()),
            f"{passes * fit.n_rows / seconds:,.0f} rows/s" if fit.n_rows else "",
            f"{in_bytes(fit.ledger.moved)} moved" if fit.ledger.moved else "",
            f"{seconds:.0f} s",
            self._left(seconds, this),
        ]
        return f"[{self.name}] " + "; ".join(part for part in parts if part)

    def _left(self, seconds: float, round: Round) -> str:
        """How long the fit may still take; "" where nothing is known of that."""
        is_step = not {"objective", "loss"}.isdisjoint(self._values)
        made = self._passes or (self._n_noted if is_step else 0)
        since = time.perf_counter() - self._began
        return (
            of_iterations(seconds, made, self.most)
            or self._fall.text()
            or of_round(since, self._n_arrived, round.n_tasks)
        )


def status_line_of(estimator: Any, method: str) -> StatusLine:
    """Of an estimator with its own idea of how many iterations there are at most."""
    most = None if method == "partial_fit" else estimator._most_notes
    return StatusLine(type(estimator).__name__, most, vars(estimator).get("tol") or 0.0)
