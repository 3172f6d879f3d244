# SPDX-License-Identifier: BSD-3-Clause
"""How a fit came to its end, round by round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdist.inspection._drawing import colour, new_axes, report_of

X_LABELS = {
    "rounds": "Round",
    "seconds": "Time since the fit began (s)",
    "bytes": "Sent and received by the driver (MB)",
}
# In the order in which one is chosen, the one that says most first.
Y_LABELS = {
    "certificate": "Objective above its minimum, at most",
    "objective": "Objective",
    "score": "Score on the rows held out",
    "loss": "Mean loss",
    "violation": "Violation of the optimality conditions",
    "residual": "Norm of the residual",
    "agreement": "Agreement of the shards (1: alike)",
    "open_nodes": "Nodes to split",
    "trees": "Trees",
}
LOGARITHMIC = {"certificate", "violation", "residual"}
MARKERS = "osDv^P*"


@dataclass(frozen=True, eq=False)
class Curve:
    """One estimator's line.

    Parameters
    ----------
    label : str
    x, y : ndarray of shape (n_points,)
    """

    label: str
    x: np.ndarray
    y: np.ndarray


class ConvergenceDisplay:
    """Where the solver stood, against rounds, seconds or bytes; several estimators on one axis.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    curves : list of Curve
        A line each.
    x : {"rounds", "seconds", "bytes"}
    y : str
        What is drawn, e.g. "certificate".

    Attributes
    ----------
    lines_ : list of matplotlib lines
    ax_ : matplotlib axes
    figure_ : matplotlib figure

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skdist import DistributedLogisticRegression
    >>> from skdist.inspection import ConvergenceDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = DistributedLogisticRegression(n_shards=4).fit(scale(X), y)
    >>> display = ConvergenceDisplay.from_estimator(model, x="seconds")
    >>> display.ax_.get_xlabel()
    'Time since the fit began (s)'
    """

    def __init__(self, curves: Sequence[Curve], *, x: str, y: str) -> None:
        self.curves, self.x, self.y = list(curves), x, y

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        x: str = "rounds",
        y: str | None = None,
        labels: Sequence[str] | None = None,
        ax: Any = None,
    ) -> ConvergenceDisplay:
        """Draw how one or several fitted estimators converged.

        Parameters
        ----------
        estimator : fitted estimator, or list of them
        x : {"rounds", "seconds", "bytes"}, default="rounds"
        y : str, default=None
            What to draw of the notes in ``report_.trace``: "certificate", "objective", "loss",
            "score", "agreement" ... By default what says most among those that all have.
        labels : list of str, default=None
            Of the lines; by default the names of the classes.
        ax : matplotlib axes, default=None
            Where to draw; by default a new figure.

        Returns
        -------
        display : ConvergenceDisplay

        Raises
        ------
        ValueError
            If there is nothing to draw: a model that is solved in one round has no rounds to
            show, and threads send no bytes.
        ImportError
            If matplotlib is not installed.
        """
        estimators = list(estimator) if isinstance(estimator, (list, tuple)) else [estimator]
        if x not in X_LABELS:
            raise ValueError(f"x={x!r} was given; choose one of {', '.join(map(repr, X_LABELS))}.")
        y = _chosen(estimators, y)
        names = list(labels) if labels is not None else _names(estimators)
        if len(names) != len(estimators):
            raise ValueError(f"{len(names)} labels were given for {len(estimators)} estimators.")
        curves = [_curve(e, x, y, name) for e, name in zip(estimators, names, strict=True)]
        return cls(curves, x=x, y=y).plot(ax=ax)

    def plot(self, ax: Any = None) -> ConvergenceDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, default=None
            By default a new figure.

        Returns
        -------
        display : ConvergenceDisplay
        """
        self.ax_, self.figure_ = new_axes(self, ax)
        self.lines_ = []
        for k, curve in enumerate(self.curves):
            look = {"color": colour(k), "marker": MARKERS[k % len(MARKERS)], "markersize": 4}
            self.lines_ += self.ax_.plot(curve.x, curve.y, label=curve.label, **look)
        if self.y in LOGARITHMIC and any((curve.y > 0.0).any() for curve in self.curves):
            self.ax_.set_yscale("log", nonpositive="mask")
        self.ax_.set_xlabel(X_LABELS[self.x])
        self.ax_.set_ylabel(Y_LABELS.get(self.y, self.y))
        self.ax_.grid(True, alpha=0.3)
        self.ax_.legend()
        return self


def _chosen(estimators: Sequence[Any], y: str | None) -> str:
    """What all estimators noted: what was asked for, or what says most."""
    noted = [_noted(estimator) for estimator in estimators]
    common = set.intersection(*noted)
    for estimator, own in zip(estimators, noted, strict=True):
        if not own:
            raise ValueError(
                f"{type(estimator).__name__} has no rounds to draw: report_.trace is empty, since "
                f"its fit ({report_of(estimator).method!r}) took no steps over shards."
            )
    if y is not None and y not in common:
        raise ValueError(
            f"y={y!r} was given; what was noted of all of them is "
            f"{', '.join(map(repr, _by_rank(common))) or 'nothing'}."
        )
    if not common:
        raise ValueError(
            "The estimators have nothing in common to draw: "
            + "; ".join(
                f"{type(e).__name__} noted {', '.join(_by_rank(own))}"
                for e, own in zip(estimators, noted, strict=True)
            )
            + "."
        )
    return _by_rank(common)[0] if y is None else y


def _noted(estimator: Any) -> set[str]:
    return {name for note in report_of(estimator).trace for name in note.values}


def _by_rank(names: Iterable[str]) -> list[str]:
    known = list(Y_LABELS)
    return sorted(names, key=lambda name: (known.index(name) if name in known else 99, name))


def _curve(estimator: Any, x: str, y: str, label: str) -> Curve:
    notes = [note for note in report_of(estimator).trace if y in note.values]
    along = {
        "rounds": [note.round + 1 for note in notes],
        "seconds": [note.seconds for note in notes],
        "bytes": [note.bytes / 1e6 for note in notes],
    }[x]
    if x == "bytes" and not any(along):
        raise ValueError(
            f"{type(estimator).__name__} was fitted on shards that share this process's memory: "
            "no bytes were sent. Draw it against 'rounds' or 'seconds'."
        )
    return Curve(label, np.array(along, float), np.array([note.values[y] for note in notes]))


def _names(estimators: Sequence[Any]) -> list[str]:
    """Names of the classes, with the method where a class is there twice."""
    names = [type(estimator).__name__ for estimator in estimators]
    return [
        f"{name} ({report_of(estimator).method})" if names.count(name) > 1 else name
        for name, estimator in zip(names, estimators, strict=True)
    ]
