# SPDX-License-Identifier: BSD-3-Clause
"""The fit that runs in this thread: the rounds of all its data sets, numbered in one order.

A fit is a function of its rows and parameters, so that its rounds come in the same order whenever
it is run again. Who wants to see them, a progress bar or a trace, watches; nobody changes them.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from skdist.sharding._interrupt import LostInterrupt, lost_interrupts
from skdist.sharding._ledger import Ledger
from skdist.sharding._loop import Loop
from skdist.sharding._quorum import Late

if TYPE_CHECKING:
    from skdist.sharding._cost import Meter
    from skdist.sharding._executors import Executor, Wave
    from skdist.sharding._recall import Asked, Recall

R = TypeVar("R")


@dataclass(frozen=True)
class Round:
    """One broadcast, map and merge.

    Parameters
    ----------
    number : int
        Among the rounds of the fit, from 0.
    name : str
        Of the function that the tasks call, e.g. ``"gradient_of"``.
    n_tasks : int
    """

    number: int
    name: str
    n_tasks: int


class Watcher(Protocol):
    """Is told what happens, in the driver, in the thread that runs the fit."""

    def begins(self, round: Round) -> None:
        """A round is about to be sent out."""

    def arrived(self, round: Round, task: int) -> None:
        """The result of a task has come; not said of results that stay where they are."""

    def ends(self, round: Round) -> None:
        """The round is over, be it by an error."""

    def noted(self, values: dict[str, float]) -> None:
        """The solver says where it stands, e.g. ``{"objective": 0.3, "certificate": 1e-4}``."""


_UNWATCHED = nullcontext()


@dataclass(eq=False)
class RunningFit:
    """The rounds so far, who watches, and the book in which it is written down."""

    watchers: Sequence[Watcher] = ()
    ledger: Ledger = field(default_factory=Ledger)
    state: Any = None
    model_of: Callable[[Any], dict[str, Any]] | None = None
    n_rows: int = 0
    is_watched: bool = False
    recall: "Recall | None" = None
    stops_at: float = math.inf
    was_stopped: bool = False
    stopped_before: int = -1  # the round
    owner: Any = None
    late: list[Late] = field(default_factory=list)
    lost_interrupt: LostInterrupt = field(default_factory=LostInterrupt)
    may_lack_some: bool = False
    _n_rounds: int = 0
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def round(
        self, function: Callable[..., Any], n_tasks: int, number: int | None = None
    ) -> Iterator[Round]:
        """The next round: told to the watchers when it begins and when it ends."""
        self.lost_interrupt.raise_again()
        number = self.skip() if number is None else number
        this = Round(number, _name(function), n_tasks)
        token = _open_round.set(this)
        try:
            with self._watched(this) if self.watchers else _UNWATCHED:
                yield this
        finally:
            _open_round.reset(token)

    @contextmanager
    def _watched(self, round: Round) -> Iterator[None]:
        with ExitStack() as endings:
            for watcher in self.watchers:
                watcher.begins(round)
                endings.callback(watcher.ends, round)
            yield

    def skip(self) -> int:
        """The number of the next round, which is run later or not at all."""
        with self._lock:
            number, self._n_rounds = self._n_rounds, self._n_rounds + 1
        return number

    def result(
        self,
        asked: "Asked",
        open_round: Callable[[], AbstractContextManager[Round]],
        compute: Callable[[Round], R],
    ) -> R:
        """What comes of the next round: read from the fit's journal, or computed."""
        if self.recall is None:
            with open_round() as round:
                return compute(round)
        question = asked.question(self._n_rounds, _name(asked.function))
        for found in self.recall.journal.answer(question):
            self.skip()
            return found  # type: ignore[no-any-return]
        return self.recall.result(question, open_round, compute)

    def run(
        self,
        executor: "Executor",
        wave: "Wave",
        meter: "Meter",
        round: Round,
        look: Callable[[int, Any], None] | None = None,
    ) -> list[Any]:
        """The results of a round's last wave, in the driver; `look` is called with each, too."""
        if not wave.own:
            return []
        told = both(self.arrivals(round), look)
        if self.recall is None:
            return executor.results(wave, meter, told)
        return self.recall.run(executor, wave, meter, told)

    def drawn(self, name: str, draw: Callable[[], Any]) -> Any:
        """What chance decides in this fit: drawn, or read from the journal of a fit resumed."""
        return draw() if self.recall is None else self.recall.journal.drawn(name, draw)

    def loop(self, *, replays: bool = True, has_rounds: bool = True) -> Loop:
        """A solver's loop, which begins now, and whose state a journal may keep."""
        return Loop(self, replays, has_rounds)

    @property
    def n_rounds(self) -> int:
        """Rounds so far: the number of the next one."""
        return self._n_rounds

    @property
    def seconds(self) -> float:
        """How long the fit has taken so far."""
        return time.monotonic() - self._began

    def go_on_with(self, number: int) -> None:
        """Go on with a round; those before it were answered long ago."""
        self._n_rounds = number

    def leave_out(self, shards: Sequence[int], rows: Sequence[range]) -> None:
        """Write down that the last round could go on without some shards, and without which."""
        self.may_lack_some = True
        if shards:
            self.late.append(Late.of(self._n_rounds - 1, shards, rows))

    def can_wait(self) -> bool:
        """Whether later rounds can be read, so that shards may not be needed."""
        return self.recall is not None and self.recall.journal.has_after(self._n_rounds)

    @property
    def time_is_up(self) -> bool:
        """Whether the fit has taken as long as it may."""
        if not self.was_stopped and time.monotonic() >= self.stops_at:
            self.was_stopped, self.stopped_before = True, self._n_rounds
        return self.was_stopped

    def arrivals(self, round: Round) -> Callable[[int, Any], None] | None:
        """What an executor calls with the number and the result of a task that is done."""
        if not self.watchers:
            return None

        def arrived(task: int, result: Any) -> None:
            for watcher in self.watchers:
                watcher.arrived(round, task)

        return arrived

    def all_arrived(self, round: Round) -> None:
        """Tell the watchers of tasks whose results were merged before they came."""
        for watcher in self.watchers:
            for task in range(round.n_tasks):
                watcher.arrived(round, task)

    def note(self, state: Any = None, **values: float) -> None:
        """Write down where the solver stands, and tell the watchers."""
        self.state = state
        self.ledger.note(self._n_rounds - 1, values)
        for watcher in self.watchers:
            watcher.noted(values)


def both(
    first: Callable[[int, Any], None] | None, then: Callable[[int, Any], None] | None
) -> Callable[[int, Any], None] | None:
    """Both calls, where there are two."""
    if first is None or then is None:
        return then if first is None else first

    def call(task: int, result: Any) -> None:
        first(task, result)
        then(task, result)

    return call


_BEFORE_THE_FIRST = Round(-1, "cutting rows", 0)
_open_round: ContextVar[Round | None] = ContextVar("skdist_round", default=None)
_current: ContextVar[RunningFit | None] = ContextVar("skdist_running_fit", default=None)


def current_fit() -> RunningFit:
    """The fit that runs in this thread; outside of fits one that nobody watches."""
    return _current.get() or RunningFit()


def current_round() -> Round:
    """The round that is open in this thread; number -1 where there is none."""
    return _open_round.get() or _BEFORE_THE_FIRST


@contextmanager
def merging() -> Iterator[None]:
    """Tasks that are sent inside merge results of others: in a timeline that is their name."""
    token = _open_round.set(replace(current_round(), name="merge"))
    try:
        yield
    finally:
        _open_round.reset(token)


@contextmanager
def running_fit(
    watchers: Sequence[Watcher] = (), *, recall: "Recall | None" = None, max_time: float = math.inf
) -> Iterator[RunningFit]:
    """A fit begins here: data sets made inside number their rounds together."""
    fit = RunningFit(watchers)
    fit.recall, fit.stops_at = recall, time.monotonic() + max_time
    token = _current.set(fit)
    try:
        with lost_interrupts() as fit.lost_interrupt:
            yield fit
            fit.lost_interrupt.raise_again()
    finally:
        _current.reset(token)


def _name(function: Callable[..., Any]) -> str:
    """The plain name of a function, a partial or an object that is called."""
    inner = getattr(function, "func", function)
    return str(getattr(inner, "__name__", type(inner).__name__))
