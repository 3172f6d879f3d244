# SPDX-License-Identifier: BSD-3-Clause
"""One value on every worker, and tasks that share it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from skdist.sharding._choice import executor_for
from skdist.sharding._cost import Cost, Meter
from skdist.sharding._executors import Executor, Wave
from skdist.sharding._recall import Asked
from skdist.sharding._running_fit import Round, RunningFit, current_fit


class OutOfTime(Exception):
    """The tasks of a round are called off."""


@dataclass(frozen=True, eq=False)
class Replicated:
    """A value that every worker holds. Made by :func:`replicate`.

    Examples
    --------
    >>> import operator
    >>> from skdist.sharding import replicate
    >>> replicate([10, 20, 30]).map(operator.getitem, [2, 0])
    [30, 10]
    """

    _executor: Executor
    _piece: Any
    _meter: Meter = field(default_factory=Meter)
    _fit: RunningFit = field(default_factory=current_fit)

    @property
    def cost(self) -> Cost:
        """What placing the value and the rounds since have cost."""
        return self._meter.read()

    def note(self, state: Any = None, **values: float) -> None:
        """Say where the solver stands: see :meth:`ShardedDataset.note`."""
        self._fit.note(state, **values)

    def map(self, function: Callable[..., Any], items: Iterable[Any], *broadcast: Any) -> list[Any]:
        """``[function(value, item, *broadcast) for item in items]``, in order.

        Every item is a task of its own; a worker that is done takes the next one.

        Parameters
        ----------
        function : callable
            ``function(value, item, *broadcast) -> result``; module-level and pure.
        items : iterable
        *broadcast : any
            Values sent with every item.

        Returns
        -------
        results : list
        """
        return self._map(function, list(items), broadcast, None)

    def map_in_time(
        self, function: Callable[..., Any], items: Iterable[Any], *broadcast: Any
    ) -> list[Any]:
        """:meth:`map`, but only of the first items where there is no time for all.

        Parameters
        ----------
        function, items, *broadcast : as for :meth:`map`

        Returns
        -------
        results : list
            One at least. What runs when ``config_context(max_time=...)`` is over is left out.
        """
        items, found = list(items), dict[int, Any]()

        def look(k: int, result: Any) -> None:
            found[k] = result
            if 0 in found and len(found) < len(items) and self._fit.time_is_up:
                raise OutOfTime

        try:
            return self._map(function, items, broadcast, look)
        except OutOfTime:
            return [found[k] for k in takewhile(found.__contains__, range(len(items)))]

    def _map(
        self,
        function: Callable[..., Any],
        items: list[Any],
        broadcast: tuple[Any, ...],
        look: Callable[[int, Any], None] | None,
    ) -> list[Any]:
        own = [(self._piece, item) for item in items]
        labels = [f"item {i} of {len(items)}" for i in range(len(items))]
        wave = Wave(function, own, broadcast, labels)
        workers = self._executor.workers

        @contextmanager
        def open_round() -> Iterator[Round]:
            with self._fit.round(function, len(items)) as round, self._meter.round(workers):
                yield round

        return self._fit.result(
            Asked(function, (items, broadcast), len(items)),
            open_round,
            lambda round: self._fit.run(self._executor, wave, self._meter, round, look),
        )


def replicate(value: Any, *, n_jobs: int | None = None) -> Replicated:
    """Put the same value on every worker, sent once per worker.

    Threads share it, loky's processes map it from one file, Dask's workers each get a copy.

    Parameters
    ----------
    value : any
        Tasks must not change it; arrays are read-only in other processes.
    n_jobs : int, optional
        See :func:`effective_workers`.

    Returns
    -------
    replicated : Replicated

    Examples
    --------
    >>> from skdist.sharding import replicate
    >>> replicate(10, n_jobs=1).map(lambda value, item, power: value * item**power, [1, 2, 3], 2)
    [10, 40, 90]
    """
    return copies(value, executor_for(n_jobs))


def copies(value: Any, executor: Executor) -> Replicated:
    """Put the same value where the tasks of `executor` run."""
    meter = Meter()
    piece = executor.place([value], meter, everywhere=True)[0]
    return Replicated(executor, piece, meter)
