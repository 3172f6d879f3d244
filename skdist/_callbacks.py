# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's callbacks: rounds as tasks of a fit, shards as tasks of a round.

    fit -> round 0 -> shard 0, shard 1, ...
        -> round 1 -> ...

All events come from the driver, in the thread that runs the fit, also when the shards are on other
machines: nothing there needs to reach back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from skdist._plan import plan
from skdist._sklearn import CallbackSupport, begin_callbacks, end_callbacks
from skdist.sharding import Round, current_fit, is_dask

# Rounds whose shards are tasks of their own. A progress bar has a line for each task that has
# tasks of its own: of a thousand rounds only the first have one.
MOST_NESTED = 16
# Rounds before the first iteration and after the last: looks at y, scales, a bound of the gap.
BESIDES = 8


class CallsBack:
    """Watches a fit, and tells the callbacks of an estimator.

    Parameters
    ----------
    estimator : estimator
    method : str
        By which it is fitted.
    data : mapping
        X, y and sample_weight, where there are any.
    """

    def __init__(self, estimator: Any, method: str, data: Mapping[str, Any]) -> None:
        self.estimator = estimator
        self.root, self._to_tear_down = begin_callbacks(
            estimator, method, most_rounds(estimator, method, data)
        )
        weight = data.get("sample_weight")
        self._given = {
            "X": data.get("X"),
            "y": data.get("y"),
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        self._n_nested = 0
        self._round: Any = None
        self._tasks: set[int] = set()
        self.root.call_on_fit_task_begin(estimator=estimator, **self._given)
        # A bar has seen it. It is no limit: a line search may take more rounds than was thought.
        self.root.max_subtasks = None

    def begins(self, round: Round) -> None:
        """A round is a task of the fit; the one before is over."""
        self._end_round(None)
        is_nested = self._n_nested < MOST_NESTED
        self._n_nested += is_nested
        self._tasks = set()
        self._round = self.root.subcontext(
            task_name=round.name.strip("_"),
            max_subtasks=round.n_tasks if is_nested else 0,
            sequential_subtasks=False,
        )
        self._round.call_on_fit_task_begin(estimator=self.estimator, **self._given)

    def arrived(self, round: Round, task: int) -> None:
        """A shard is a task of the round: its beginning is told with its end."""
        if self._round is None or not self._round.max_subtasks or task in self._tasks:
            return
        self._tasks.add(task)
        shard = self._round.subcontext(task_name="task", task_id=task)
        shard.call_on_fit_task_begin(estimator=self.estimator)
        shard.call_on_fit_task_end(estimator=self.estimator)

    def ends(self, round: Round) -> None:
        """Not told before it is known where the solver stands after it."""

    def noted(self, values: Mapping[str, float]) -> None:
        """Where the solver stands after the round that came last: a model, if one can be made."""
        fit = current_fit()
        make, state = fit.model_of, fit.state
        self._end_round(None if make is None or state is None else lambda: make(state))

    def close(self) -> None:
        """The fit is over and its estimator fitted."""
        self._end_round(None)
        self.root.call_on_fit_task_end(
            estimator=self.estimator, **self._given, reconstruction_attributes={}
        )

    def tear_down(self) -> None:
        """Whether the fit ended well or not."""
        end_callbacks(self.estimator, self.root, self._to_tear_down)

    def _end_round(self, attributes: Callable[[], dict[str, Any]] | None) -> None:
        if self._round is not None:
            self._round.call_on_fit_task_end(
                estimator=self.estimator, **self._given, reconstruction_attributes=attributes
            )
            self._round = None


def most_rounds(estimator: Any, method: str, data: Mapping[str, Any]) -> int | None:
    """Rounds of a fit at most; None where only the rows can tell, or rounds are too unlike."""
    if method == "partial_fit":
        return None
    max_iter, each = vars(estimator).get("max_iter"), estimator._rounds_of_an_iteration
    if each and isinstance(max_iter, int) and max_iter > 0:
        return each * max_iter + BESIDES
    X, y = data.get("X"), data.get("y")
    if each or not estimator._rounds_are_alike or is_dask(X):  # a plan of these looks at rows
        return None
    with suppress(Exception):  # the fit says better what is wrong with its arguments
        return plan(estimator, X, y).rounds[1] or None
    return None


class TakesCallbacks(CallbackSupport):
    """Mixin in front of a scikit-learn class, which may take callbacks itself."""

    # Rounds that an iteration hardly ever exceeds; 0 where that is not known.
    _rounds_of_an_iteration = 0
    # Whether a bar that counts the rounds of a plan says how much is done.
    _rounds_are_alike = False

    def set_callbacks(self, *callbacks):
        """Set what is told of the progress of fits, with scikit-learn 1.9 or newer.

        Rounds are tasks of a fit, and shards tasks of its first 16 rounds. Callbacks are called in
        the process that fits, wherever the shards are.

        Parameters
        ----------
        *callbacks : callbacks of :mod:`sklearn.callback`
            E.g. a ``ProgressBar``, or a ``ScoringMonitor``. None: they are taken away.

        Returns
        -------
        self
        """
        # Not that of the class behind: LogisticRegression's warns that only one solver tells.
        return CallbackSupport.set_callbacks(self, *callbacks)

    def _init_callback_context(self, task_name="fit", **how):
        """Of scikit-learn's own fit, which is part of a fit of ours: a task of that."""
        for watcher in current_fit().watchers:
            if type(watcher) is CallsBack and watcher.estimator is self:
                return watcher.root.subcontext(task_name=task_name, **_without_id(how))
        return super()._init_callback_context(task_name, **how)


def _without_id(how):
    """Tasks of a fit are numbered by themselves."""
    return {name: value for name, value in how.items() if name != "task_id"}
