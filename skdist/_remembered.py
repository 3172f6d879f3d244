# SPDX-License-Identifier: BSD-3-Clause
"""A fit under the settings of :func:`skdist.config_context`: its journal, and its time."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skdist._caller import level_of_caller
from skdist._carried_settings import carried_settings
from skdist._config import DEFAULTS, Settings, settings
from skdist._wire import check_wire
from skdist.sharding import (
    Journal,
    JournalWarning,
    Late,
    Recall,
    Request,
    RunningFit,
    current_fit,
    digest,
    digest_rows,
    open_journal,
    running_fit,
)

# Parameters that change where a fit runs and what it prints, not the model.
WITHOUT_EFFECT = {"n_jobs", "verbose"}
WAITED = (
    "no round of this fit could do without some of the rows, so that all waited for all shards."
)
UNWRITTEN = (
    "The journal has nothing of this fit, which had no rounds, or none that is read faster than "
    "computed. If it is killed, it begins anew."
)
LONG = 10.0  # seconds of a fit that it is a pity to lose
MOST_SAID = 10  # rounds that went on without some shards
# What a fitted estimator remembers besides the model: how long it took, and copies. Nets hand what
# their optimisers remember over themselves.
NO_STATE = {"report_", "_cache", "_carried_settings", "history_", "callbacks_", "optimizer_"}


@contextmanager
def remembered(estimator: Any, method: str, data: Mapping[str, Any]) -> Iterator[None]:
    """Run a fit as the settings in force say.

    Parameters
    ----------
    estimator : estimator
        Whose `report_` is told what came of it.
    method : str
        By which it is fitted.
    data : mapping of str to rows
        What it is fitted to; without any, no journal is kept.

    Raises
    ------
    OSError
        If the journal's folder cannot be written to; the fit is not begun.

    Warns
    -----
    ConvergenceWarning
        If `max_time` ended the fit.
    """
    if current_fit().owner is estimator:  # one method calls another
        yield
        return
    with carried_settings(estimator):
        asked = settings()
        check_wire(estimator, asked.wire)
        request = _request(estimator, method, data) if asked.journal and data else None
        with open_journal(asked.journal or "", request) if request else nullcontext() as journal:
            with _running(estimator, journal, asked) as fit:
                yield
            if journal is not None:
                _end(estimator, journal, fit)
            if asked.quorum < 1 and fit.n_rounds and not fit.may_lack_some:
                _say(estimator, f"quorum={asked.quorum:g}: {WAITED}")
            _tell_of_late(estimator, fit.late)
            if fit.was_stopped:
                _tell_of_time(estimator, asked.max_time)


@contextmanager
def _running(estimator: Any, journal: Journal | None, asked: Settings) -> Iterator[RunningFit]:
    recall = None if journal is None else Recall(journal)
    watchers = current_fit().watchers
    with running_fit(watchers, recall=recall, max_time=asked.max_time) as fit:
        fit.owner = estimator
        with nullcontext() if journal is None else _seeded(estimator, journal):
            yield fit


@contextmanager
def _seeded(estimator: Any, journal: Journal) -> Iterator[None]:
    """Where an estimator draws from NumPy's global generator, let a resumed fit draw the same."""
    if estimator.get_params(deep=False).get("random_state", 0) is not None:
        yield
        return
    common = check_random_state(None)
    now = common.get_state()
    then = journal.drawn("random numbers", lambda: now)
    estimator.random_state = own = np.random.RandomState()
    own.set_state(then)
    try:
        yield
    finally:
        estimator.random_state = None
        if then is now:
            common.set_state(own.get_state())


def _request(estimator: Any, method: str, data: Mapping[str, Any]) -> Request | None:
    """What is asked for; None where that cannot be told from what others ask for."""
    try:
        return Request(
            f"{type(estimator).__module__.rpartition('._')[0]}.{type(estimator).__qualname__}",
            method,
            _parameters(estimator),
            _data(estimator, method, data),
            {
                "skdist": sys.modules["skdist"].__version__,
                "numpy": np.__version__,
                "scikit-learn": sklearn.__version__,
            },
            settings=_of_another_model(settings()),
        )
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        warnings.warn(
            f"No journal is kept of this fit of {type(estimator).__name__}: a parameter or the "
            f"data cannot be told from others, since it cannot be pickled ({error}).",
            JournalWarning,
            stacklevel=level_of_caller(),
        )
        return None


def _of_another_model(asked: Settings) -> dict[str, Any]:
    """The settings that change models, where they are not the defaults."""
    given = {name: getattr(asked, name) for name in ("quorum", "wire")}
    return {name: value for name, value in given.items() if value != getattr(DEFAULTS, name)}


def _parameters(estimator: Any) -> dict[str, Any]:
    """Parameters that the model depends on, as JSON's values."""
    given = estimator.get_params(deep=False)
    return {
        name: _said(given[name])
        for name in sorted(given)
        if name.partition("__")[0] not in WITHOUT_EFFECT
    }


def _said(value: Any) -> Any:
    """A number or a text itself; of anything else its class and digest."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else repr(value)
    return f"{type(value).__qualname__} {digest(value)[:12]}"


def _data(estimator: Any, method: str, data: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the rows, and of the model where the fit goes on from it."""
    found = {name: digest_rows(rows) for name, rows in data.items() if rows is not None}
    given = estimator.get_params(deep=False)
    if method == "partial_fit" or given.get("warm_start"):
        state = {k: v for k, v in vars(estimator).items() if k not in given and k not in NO_STATE}
        found["the model so far"] = digest(state)
    return found


def _end(estimator: Any, journal: Journal, fit: RunningFit) -> None:
    """The fit is over; the report says what came from the journal."""
    if journal.is_empty:
        _say(estimator, UNWRITTEN)
        if fit.seconds > LONG:
            name = type(estimator).__name__
            warnings.warn(f"{name}: {UNWRITTEN}", JournalWarning, stacklevel=level_of_caller())
    if fit.was_stopped:
        journal.forget_from(fit.stopped_before)
    if not fit.was_stopped and not journal.was_interrupted:
        journal.finish()
    if journal.n_read:
        _say(
            estimator,
            f"{journal.n_read} results of rounds were read from the journal, "
            f"{journal.n_written} were computed.",
        )


def _tell_of_late(estimator: Any, late: Sequence[Late]) -> None:
    """The report says which rounds went on without whom."""
    for round in late[:MOST_SAID]:
        _say(estimator, str(round))
    if len(late) > MOST_SAID:
        _say(estimator, f"So did {len(late) - MOST_SAID} more rounds.")
    report = vars(estimator).get("report_")
    if late and report is not None:
        table = tuple((round.round, round.shards, round.n_used) for round in late)
        estimator.report_ = replace(report, extra={**report.extra, "late": table})


def _tell_of_time(estimator: Any, max_time: float) -> None:
    text = f"max_time={max_time:g} seconds were over before the fit had converged."
    _say(estimator, text)
    warnings.warn(
        f"{text} The model is the best so far. Allow more with config_context(max_time=...).",
        ConvergenceWarning,
        stacklevel=level_of_caller(),
    )


def _say(estimator: Any, why: str) -> None:
    report = vars(estimator).get("report_")
    if report is not None:
        estimator.report_ = report.saying(why)
