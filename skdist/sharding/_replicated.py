# SPDX-License-Identifier: BSD-3-Clause
"""One value on every worker, and tasks that share it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from skdist.sharding._choice import executor_for
from skdist.sharding._cost import Cost, Meter
from skdist.sharding._executors import Executor, Wave


@dataclass(frozen=True, eq=False)
class Replicated:
    """A value that every worker holds. Made by :func:`replicate`."""

    _executor: Executor
    _piece: Any
    _meter: Meter = field(default_factory=Meter)

    @property
    def cost(self) -> Cost:
        """What placing the value and the rounds since have cost."""
        return self._meter.read()

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
        items = list(items)
        own = [(self._piece, item) for item in items]
        labels = [f"item {i} of {len(items)}" for i in range(len(items))]
        with self._meter.round():
            pieces = self._executor.run(Wave(function, own, broadcast, labels), self._meter)
            return self._executor.collect(pieces, self._meter)


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
    executor, meter = executor_for(n_jobs), Meter()
    piece = executor.place([value], meter, everywhere=True)[0]
    return Replicated(executor, piece, meter)
