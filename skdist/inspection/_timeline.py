# SPDX-License-Identifier: BSD-3-Clause
"""Who computed what when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skdist.inspection._drawing import ALARM, COLOURS, colour, new_axes, report_of
from skdist.sharding import TaskRecord

# Tasks up to which each has its number written on it.
MOST_NUMBERED = 60
HEIGHT = 0.8


class TimelineDisplay:
    """The tasks of a fit: a bar each, from start to stop, in the row of the worker that ran it.

    Colours are of what was computed; tasks that had to be run again are framed and hatched. Gaps
    are workers that wait. Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    tasks : sequence of TaskRecord

    Attributes
    ----------
    bars_ : dict of str to matplotlib collections
        By the name of what was computed; and ``"run again"``.
    ax_ : matplotlib axes
    figure_ : matplotlib figure

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skdist import DistributedLogisticRegression
    >>> from skdist.inspection import TimelineDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = DistributedLogisticRegression(n_shards=4).fit(scale(X), y)
    >>> display = TimelineDisplay.from_estimator(model)
    """

    def __init__(self, tasks: Sequence[TaskRecord]) -> None:
        self.tasks = list(tasks)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, rounds: range | None = None, ax: Any = None
    ) -> TimelineDisplay:
        """Draw who computed what when in a fit.

        Parameters
        ----------
        estimator : fitted estimator
        rounds : range, default=None
            Numbers of the rounds to draw; by default all that ``report_.tasks`` has.
        ax : matplotlib axes, default=None
            Where to draw; by default a new figure.

        Returns
        -------
        display : TimelineDisplay

        Raises
        ------
        ValueError
            If there are no tasks, as in a fit of scikit-learn's own.
        ImportError
            If matplotlib is not installed.
        """
        report = report_of(estimator)
        tasks = [task for task in report.tasks if rounds is None or task.round in rounds]
        if not tasks:
            raise ValueError(
                f"{type(estimator).__name__} has no tasks to draw"
                + (f" in rounds {rounds.start} to {rounds.stop - 1}" if rounds is not None else "")
                + f": it was fitted by {report.method!r}, {report.strategy!r}, in {report.rounds} "
                f"rounds."
            )
        return cls(tasks).plot(ax=ax)

    def plot(self, ax: Any = None) -> TimelineDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, default=None
            By default a new figure.

        Returns
        -------
        display : TimelineDisplay
        """
        self.ax_, self.figure_ = new_axes(self, ax)
        workers = sorted({task.worker for task in self.tasks})
        row = {worker: k for k, worker in enumerate(workers)}
        self.bars_ = {}
        for k, name in enumerate(self._names()):
            own = [task for task in self.tasks if task.name == name]
            self._draw(name.strip("_"), own, row, facecolor=colour(k))
        again = [task for task in self.tasks if task.attempt > 1]
        if again:
            look = {"facecolor": "none", "edgecolor": ALARM, "hatch": "////", "linewidth": 1.5}
            self._draw("run again", again, row, **look)
        if len(self.tasks) <= MOST_NUMBERED:
            self._number(row)
        self.ax_.set_yticks(range(len(workers)), workers)
        self.ax_.invert_yaxis()
        self.ax_.set_xlabel("Time since the fit began (s)")
        self.ax_.set_ylabel("Worker")
        self.ax_.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="Task")
        return self

    def _names(self) -> list[str]:
        """What was computed, what took longest first; what has no colour of its own comes last."""
        seconds: dict[str, float] = {}
        for task in self.tasks:
            seconds[task.name] = seconds.get(task.name, 0.0) + task.stop - task.start
        return sorted(seconds, key=lambda name: -seconds[name])

    def _draw(self, name: str, tasks: Sequence[TaskRecord], row: dict[str, int], **look: Any):
        """The bars of some tasks, with one entry in the legend."""
        label: str | None = name
        for worker in row:
            spans = [(t.start, t.stop - t.start) for t in tasks if t.worker == worker]
            if spans:
                where = (row[worker] - HEIGHT / 2, HEIGHT)
                # A white edge parts neighbours; it would hide a bar that is narrower than itself.
                edges = [0.5 * (length > self._visible) for _, length in spans]
                style = {"edgecolor": "white", "linewidth": edges, **look}
                bars = self.ax_.broken_barh(spans, where, label=label, **style)
                self.bars_.setdefault(name, []).append(bars)
                label = None

    @property
    def _visible(self) -> float:
        """Seconds of a bar of some pixels."""
        first = min(task.start for task in self.tasks)
        return 0.01 * (max(task.stop for task in self.tasks) - first)

    def _number(self, row: dict[str, int]) -> None:
        """The numbers of the tasks, on bars that are wide enough for them."""
        least = 2.5 * self._visible
        dark = {name for k, name in enumerate(self._names()) if COLOURS[min(k, 6)] == COLOURS[0]}
        for task in self.tasks:
            if task.stop - task.start > least:
                self.ax_.text(
                    (task.start + task.stop) / 2,
                    row[task.worker],
                    str(task.task),
                    ha="center",
                    va="center",
                    fontsize="small",
                    color="white" if task.name in dark else "black",
                )
