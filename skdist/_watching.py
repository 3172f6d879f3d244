# SPDX-License-Identifier: BSD-3-Clause
"""Who watches a fit: callbacks, the status line, and the report that is written when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from skdist._callbacks import CallsBack, TakesCallbacks
from skdist._report_text import folded
from skdist._sklearn import is_watched
from skdist._small_data import warn_if_too_small
from skdist._status_line import status_line_of
from skdist.sharding import RunningFit, current_fit


class Watched(TakesCallbacks):
    """Mixin in front of a scikit-learn class: callbacks, and a report below its diagram."""

    # Whether ``verbose`` prints a line that is written over itself.
    _has_status_line = True

    @property
    def _most_notes(self):
        """Steps at most, where the solver notes each of them; else None."""
        max_iter = vars(self).get("max_iter")
        known = self._rounds_of_an_iteration and isinstance(max_iter, int) and max_iter > 0
        return max_iter if known else None

    def _print_report(self):
        """What ``verbose`` prints when a fit is done."""
        if self.verbose:
            print(f"[{type(self).__name__}] {self.report_.in_one_line()}")

    def _html_repr(self):
        """scikit-learn's diagram and, folded below, how the estimator was fitted."""
        diagram, report = super()._html_repr(), vars(self).get("report_")
        return diagram if report is None else diagram + folded(report)


@contextmanager
def watched(estimator: Any, method: str, data: Mapping[str, Any]) -> Iterator[None]:
    """Watch the fit that is running; its tasks and notes become part of the new `report_`.

    Parameters
    ----------
    estimator : estimator
    method : str
        By which it is fitted.
    data : mapping
        X, y and sample_weight, where there are any.
    """
    fit = current_fit()
    if fit.is_watched:  # one method calls another
        yield
        return
    fit.is_watched, before = True, vars(estimator).get("report_")
    with ExitStack() as ending:
        closing = _watch(fit, estimator, method, data, ending)
        yield
        report = vars(estimator).get("report_")
        if report is not None and report is not before:
            record = fit.ledger.read()
            estimator.report_ = report.recorded(record)
            warn_if_too_small(record)
        closing()


def _watch(
    fit: RunningFit, estimator: Any, method: str, data: Mapping[str, Any], ending: ExitStack
) -> Callable[[], None]:
    """Add whoever watches; what is called is what tells them that the fit ended well."""
    told: Callable[[], None] = _nobody
    added: list[Any] = []
    if is_watched(estimator):
        calls = CallsBack(estimator, method, data)
        ending.callback(calls.tear_down)
        told = calls.close
        added.append(calls)
    if vars(estimator).get("verbose") and type(estimator)._has_status_line:
        line = status_line_of(estimator, method)
        ending.callback(line.close)
        added.append(line)
    fit.watchers = [*fit.watchers, *added]
    return told


def _nobody() -> None:
    """Nobody to tell."""


def shows(model_of: Callable[[Any], dict[str, Any]]) -> None:
    """From where the solver stands, callbacks are shown a model: its attributes.

    Parameters
    ----------
    model_of : callable
        ``model_of(state) -> attributes``, all that predictions need; `state` as the solver notes
        it. Called only if a callback asks for a model.
    """
    current_fit().model_of = model_of
