# SPDX-License-Identifier: BSD-3-Clause
"""What is written down while a fit runs: its tasks, and where its solver stood.

Clocks. A task is timed by the process that runs it. It started after it was sent and stopped before
its result was received, so that every task bounds how far a worker's clock is from the driver's::

    max over tasks (sent - start)  <=  offset  <=  min over tasks (received - stop)

Processes of one machine share a clock, whose offset 0 lies between the bounds; where it does not,
the middle is taken, wrong by half the distance of the bounds at most.
"""

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from skdist.sharding._spans import Span, peak_memory

MOST_TASKS = 2_048
MOST_NOTES = 1_024
MOST_TRANSFERS = 64


@dataclass(frozen=True)
class TaskRecord:
    """One task, measured where it ran.

    Parameters
    ----------
    round : int
        Number of the round it belongs to; -1 for what cuts rows before the first.
    name : str
        Of the function that it called.
    task : int
        Its number in the round; in most rounds that of the shard.
    worker : str
        Who ran it: a thread, ``pid@host``, or the address of a Dask worker.
    start, stop : float
        Seconds since the fit began, on the driver's clock.
    cpu : float or None
        Seconds of processor that its thread used; None where it followed a task of less than a
        millisecond, for which that clock is not read.
    peak_memory : int
        Bytes its process held at most: exact where no earlier peak was higher, else what was held
        when it ended; 0 where the system does not say.
    attempt : int
        1, or more where the driver had to start it again.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedRidge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> tasks = DistributedRidge(n_shards=2).fit(X, y).report_.tasks
    >>> sorted({(task.task, task.attempt) for task in tasks})
    [(0, 1), (1, 1)]
    >>> all(task.start <= task.stop for task in tasks)
    True
    """

    round: int
    name: str
    task: int
    worker: str
    start: float
    stop: float
    cpu: float | None
    peak_memory: int
    attempt: int = 1


@dataclass(frozen=True)
class Note:
    """Where a solver stood.

    Parameters
    ----------
    round : int
        Number of the round that ended last; -1 before the first.
    seconds : float
        Since the fit began.
    bytes : int
        Sent and received by the driver so far.
    values : mapping of str to float
        E.g. the ``objective`` and its ``certificate``.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skdist import DistributedLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> trace = DistributedLogisticRegression(n_shards=2).fit(scale(X), y).report_.trace
    >>> sorted(trace[-1].values), trace[-1].values["objective"] < trace[0].values["objective"]
    (['certificate', 'objective'], True)
    """

    round: int
    seconds: float
    bytes: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Record:
    """What a ledger holds: the last tasks, notes over the whole fit, and memory.

    Parameters
    ----------
    tasks : tuple of TaskRecord
        The last 2,048.
    n_tasks : int
        How many there were.
    trace : tuple of Note
        Up to 2,048, evenly thinned out where there were more; the last one is always there.
    memory : mapping of str to int
        Bytes that ``"driver"`` and each worker that is another process held at most.
    transfers : tuple of float
        Seconds of the last 64 rounds in which nobody computed.
    """

    tasks: tuple[TaskRecord, ...] = ()
    n_tasks: int = 0
    trace: tuple[Note, ...] = ()
    memory: Mapping[str, int] = field(default_factory=dict)
    transfers: tuple[float, ...] = ()


@dataclass
class Offset:
    """Bounds of what is to be added to a worker's clock."""

    low: float = -math.inf
    high: float = math.inf

    def bound(self, span: Span, sent: float, received: float) -> None:
        """One more task whose sending and receiving are known."""
        self.low = max(self.low, sent - span.start)
        self.high = min(self.high, received - span.stop)

    @property
    def value(self) -> float:
        """0 where that is possible, else the middle of the bounds."""
        if self.low <= 0.0 <= self.high:
            return 0.0
        known = [bound for bound in (self.low, self.high) if math.isfinite(bound)]
        return sum(known) / len(known)


@dataclass(eq=False)
class Ledger:
    """The book of one fit."""

    began: float = field(default_factory=time.perf_counter)
    moved: float = 0
    transfers: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_TRANSFERS))
    n_tasks: int = 0
    # (round, name, number of the first task, spans, attempt): as few objects as can be, since
    # rounds are short.
    _tasks: deque[tuple[int, str, int, Sequence[Span], int]] = field(default_factory=deque)
    _n_kept: int = 0
    _notes: list[Note] = field(default_factory=list)
    _step: int = 1
    _n_notes: int = 0
    _last: Note | None = None
    _memory: dict[str, int] = field(default_factory=dict)
    _offsets: dict[str, Offset] = field(default_factory=dict)

    def task(
        self, round: int, name: str, task: int, span: Span, attempt: int, sent: float | None
    ) -> Span:
        """Write down a task that was just received; its span on the driver's clock.

        `sent` is None for tasks of the driver's own process.
        """
        self._keep(round, name, task, (span,), attempt)
        if sent is None:
            self.saw("driver", span.peak_memory)
            return span
        self.saw(span.worker, span.peak_memory)
        offset = self._offsets.setdefault(span.worker, Offset())
        offset.bound(span, sent, time.perf_counter())
        return shifted(span, offset.value)

    def tasks_here(self, round: int, name: str, spans: Sequence[Span]) -> None:
        """Write down the tasks of a wave that ran in the driver's process, in order."""
        self._keep(round, name, 0, spans, 1)
        self.saw("driver", spans[-1].peak_memory)

    def _keep(self, round: int, name: str, first: int, spans: Sequence[Span], attempt: int) -> None:
        """The last tasks, whole waves of them."""
        self.n_tasks += len(spans)
        self._n_kept += len(spans)
        self._tasks.append((round, name, first, spans, attempt))
        while self._n_kept - len(self._tasks[0][3]) >= MOST_TASKS:
            self._n_kept -= len(self._tasks.popleft()[3])

    def saw(self, who: str, peak_memory: int) -> None:
        """Write down how much memory somebody held."""
        if peak_memory > self._memory.get(who, 0):
            self._memory[who] = peak_memory

    def note(self, round: int, values: Mapping[str, float]) -> None:
        """Write down where the solver stands; every second note goes when there are too many."""
        seconds = time.perf_counter() - self.began
        self._last = Note(round, seconds, int(self.moved), dict(values))
        if self._n_notes % self._step == 0:
            self._notes.append(self._last)
        self._n_notes += 1
        if len(self._notes) >= 2 * MOST_NOTES:
            self._notes = self._notes[::2]
            self._step *= 2

    def read(self) -> Record:
        """What the book holds now, on the driver's clock, from the beginning of the fit."""
        self.saw("driver", peak_memory(time.perf_counter()))
        notes = self._notes
        if self._last is not None and notes[-1] is not self._last:
            notes = [*notes, self._last]
        kept = [
            self._record(round, name, first + k, span, attempt)
            for round, name, first, spans, attempt in self._tasks
            for k, span in enumerate(spans)
        ]
        tasks = kept[-MOST_TASKS:]
        memory, transfers = dict(self._memory), tuple(self.transfers)
        return Record(tuple(tasks), self.n_tasks, tuple(notes), memory, transfers)

    def _record(self, round: int, name: str, task: int, span: Span, attempt: int) -> TaskRecord:
        own = self._offsets.get(span.worker)
        shift = (own.value if own is not None else 0.0) - self.began
        return TaskRecord(round, name, task, *shifted(span, shift), attempt)


def shifted(span: Span, by: float) -> Span:
    """The span on a clock that is ahead."""
    return span._replace(start=span.start + by, stop=span.stop + by) if by else span
