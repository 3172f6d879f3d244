# SPDX-License-Identifier: BSD-3-Clause
"""What a fit has cost so far: rounds, bytes, seconds, retries, memory.

How bytes are measured: what the driver sends is counted at the size it is sent at (the pickled
task, the file a value was written to, or :func:`nbytes` of a scattered value); what comes back is
counted by :func:`nbytes`, the size of its arrays. Threads share memory: both are 0 there.
"""

import operator
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from skdist.sharding._ledger import Ledger
from skdist.sharding._running_fit import Round, current_fit, current_round
from skdist.sharding._spans import Span, peak_memory
from skdist.sharding._type_table import look_up


@dataclass(frozen=True)
class Cost:
    """What the rounds of a data set have cost so far.

    The time of a round is that before its first task starts, that from there until its last task
    stops, and that after::

        seconds = transfer + (compute + waiting) / workers

    where no task runs on after its round, as one of ``map_shards`` may on a cluster: its time is
    part of `compute` when a later round waits for it.

    Parameters
    ----------
    rounds : int
        Broadcast + map + merge, counted once each.
    bytes_down : int
        Bytes the driver sent: shards (once), broadcasts (once per task, or once per worker when
        large) and the functions.
    bytes_up : int
        Bytes that came back to the driver.
    seconds : float
        Wall-clock time spent in rounds.
    retries : int
        Tasks run again because the process that ran them died.
    compute : float
        Seconds of tasks, added up over the workers.
    transfer : float
        Seconds of rounds before their first task started and after their last one stopped: the
        driver packs, sends, receives and merges.
    waiting : float
        Seconds of workers, added up, in which they computed nothing between the first start and
        the last stop of a round's tasks: shards unlike in size, fewer tasks than workers.
    driver_memory : int
        Bytes that the driver's process held at most, as seen at the ends of rounds.
    worker_memory : int
        Bytes that the worker with most held; 0 where all tasks ran in the driver's process.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.sharding import shard_rows
    >>> shards = shard_rows(np.arange(8.0)[:, None], n_shards=4)
    >>> float(shards.map_reduce(lambda shard: shard.X.sum()))
    28.0
    >>> shards.cost.rounds, shards.cost.retries
    (1, 0)
    """

    rounds: int = 0
    bytes_down: int = 0
    bytes_up: int = 0
    seconds: float = 0.0
    retries: int = 0
    compute: float = 0.0
    transfer: float = 0.0
    waiting: float = 0.0
    driver_memory: int = 0
    worker_memory: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            **{
                f.name: _JOIN.get(f.name, operator.add)(
                    getattr(self, f.name), getattr(other, f.name)
                )
                for f in fields(Cost)
            }
        )


_JOIN: dict[str, Callable[[Any, Any], Any]] = {"driver_memory": max, "worker_memory": max}


@dataclass(eq=False)
class Meter:
    """The running account behind :class:`Cost`; safe to use from several threads.

    `sizes` are bytes of what functions gave of a shard, at most.
    """

    ledger: Ledger = field(default_factory=lambda: current_fit().ledger)
    sizes: dict[str, int] = field(default_factory=dict)
    _spent: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **amounts: float) -> None:
        """Add to the named entries of :class:`Cost`; of memory, the larger amount stays."""
        with self._lock:
            for name, amount in amounts.items():
                join = _JOIN.get(name, operator.add)
                self._spent[name] = join(self._spent.get(name, 0), amount)
            self.ledger.moved += amounts.get("bytes_down", 0) + amounts.get("bytes_up", 0)

    @contextmanager
    def round(self, workers: int) -> Iterator[None]:
        """Count one round and its seconds, also when it fails."""
        spans: list[Span] = []
        token = _received.set(spans)
        start = time.perf_counter()
        try:
            yield
        finally:
            stop = time.perf_counter()
            _received.reset(token)
            compute, waiting, transfer = shares(spans, start, stop, workers)
            self.ledger.transfers.append(transfer)
            with self._lock:  # in one go: rounds are short
                spent = self._spent
                spent["rounds"] = spent.get("rounds", 0) + 1
                spent["seconds"] = spent.get("seconds", 0.0) + stop - start
                spent["compute"] = spent.get("compute", 0.0) + compute
                spent["waiting"] = spent.get("waiting", 0.0) + waiting
                spent["transfer"] = spent.get("transfer", 0.0) + transfer
                spent["driver_memory"] = max(spent.get("driver_memory", 0), peak_memory(stop))

    def task(
        self,
        task: int,
        span: Span,
        *,
        attempt: int = 1,
        sent: float | None = None,
        round: Round | None = None,
    ) -> None:
        """Write down what a task took, when its result has come, in the thread of the fit.

        Parameters
        ----------
        task : int
            Its number in the round.
        span : Span
        attempt : int
        sent : float, optional
            When it was sent out, if to another process.
        round : Round, optional
            The one it belongs to, if not the one in which its result has come.
        """
        own = current_round() if round is None else round
        here = self.ledger.task(own.number, own.name, task, span, attempt, sent)
        received = _received.get()
        if received is not None:
            received.append(here)
        if sent is not None:
            self.add(worker_memory=span.peak_memory)

    def tasks_here(self, spans: Sequence[Span]) -> None:
        """:meth:`task` of a whole wave that ran in this process."""
        own = current_round()
        self.ledger.tasks_here(own.number, own.name, spans)
        received = _received.get()
        if received is not None:
            received += spans

    def read(self) -> Cost:
        """The account as a value."""
        with self._lock:
            return Cost(**self._spent)  # type: ignore[arg-type]


# Of the tasks whose results came in the round that is open; what comes outside is not timed.
_received: ContextVar[list[Span] | None] = ContextVar("skdist_received", default=None)


def shares(
    spans: list[Span], start: float, stop: float, workers: int
) -> tuple[float, float, float]:
    """Seconds of computing, waiting and transfer of a round, from its tasks' starts and stops."""
    if not spans:
        return 0.0, 0.0, stop - start
    first, last, compute, earlier = stop, start, 0.0, 0.0
    for _, begun, ended, _, _ in spans:
        compute += ended - begun
        if begun < start:
            earlier += min(ended, start) - begun
            begun = start
        first = begun if begun < first else first
        last = ended if ended > last else last
    busy = max(min(last, stop) - first, 0.0)
    return compute, max(workers * busy - (compute - earlier), 0.0), stop - start - busy


def nbytes(value: Any) -> int:
    """Bytes of the arrays in `value`, found through tuples, lists, dicts and dataclasses.

    An estimate in O(number of objects): nothing is pickled or copied.
    """
    size = look_up(_SIZES, value)
    if size is not None:
        return size(value)
    if is_dataclass(value) and not isinstance(value, type):
        return 64 + sum(nbytes(getattr(value, f.name)) for f in fields(value))
    return sys.getsizeof(value)


def _items(value: Any) -> int:
    return 64 + sum(nbytes(item) for item in value)


def _mapping(value: Any) -> int:
    return 64 + sum(nbytes(key) + nbytes(item) for key, item in value.items())


def _attribute(value: Any) -> int:
    return int(value.nbytes)


def _compressed(value: Any) -> int:
    return int(value.data.nbytes + value.indices.nbytes + value.indptr.nbytes)


_SIZES = {
    "builtins.NoneType": lambda value: 0,
    "builtins.tuple": _items,
    "builtins.list": _items,
    "builtins.dict": _mapping,
    "numpy.ndarray": _attribute,
    "numpy.generic": _attribute,
    "scipy.csr_matrix": _compressed,
    "scipy.csr_array": _compressed,
    "scipy.csc_matrix": _compressed,
    "scipy.csc_array": _compressed,
    "pandas.DataFrame": lambda value: int(value.memory_usage(index=True).sum()),
    "pandas.Series": lambda value: int(value.memory_usage(index=True)),
    "polars.DataFrame": lambda value: int(value.estimated_size()),
    "polars.Series": lambda value: int(value.estimated_size()),
    "pyarrow.Table": _attribute,
    "pyarrow.ChunkedArray": _attribute,
}
