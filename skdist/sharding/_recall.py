# SPDX-License-Identifier: BSD-3-Clause
"""What a fit remembers of its rounds, in a journal: a round that was answered is not run again."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from skdist.sharding._digest import digest_of_question
from skdist.sharding._journal import Journal, Question

R = TypeVar("R")

if TYPE_CHECKING:
    from skdist.sharding._cost import Meter
    from skdist.sharding._executors import Arrived, Executor, Wave
    from skdist.sharding._running_fit import Round


@dataclass(frozen=True, eq=False)
class Asked:
    """What a round is about.

    Parameters
    ----------
    function : callable
    broadcast : tuple
        What is sent to every task.
    n_tasks : int
    view : callable or None
        Through which shards are seen.
    """

    function: Callable[..., Any]
    broadcast: tuple[Any, ...]
    n_tasks: int
    view: Any = None

    def question(self, number: int, name: str) -> Question:
        """The same, as a journal knows it."""
        digest = digest_of_question(self.function, self.view, self.broadcast)
        return Question(number, name, self.n_tasks, digest)


@dataclass(eq=False)
class Recall:
    """The rounds of a fit that has a journal.

    Parameters
    ----------
    journal : Journal
    """

    journal: Journal
    _open: Question | None = None

    def result(
        self,
        question: Question,
        open_round: Callable[[], "AbstractContextManager[Round]"],
        compute: "Callable[[Round], R]",
    ) -> R:
        """Compute a round, and write down what comes of it."""
        start = time.monotonic()
        self._open = question
        try:
            with open_round() as round:
                result = compute(round)
        except BaseException:
            self.journal.was_interrupted = True  # perceptrons and nets go on from a Ctrl-C
            self.journal.write_pieces(question)
            raise
        finally:
            self._open = None
        self.journal.write(question, result, time.monotonic() - start)
        return result

    def run(
        self, executor: "Executor", wave: "Wave", meter: "Meter", told: "Arrived | None"
    ) -> list[Any]:
        """The results of a round's wave; tasks that are known are not run."""
        question = self._open
        if question is None or len(wave.own) != question.n_tasks:
            return executor.results(wave, meter, told)
        known = self.journal.pieces(question)
        if told is not None:
            for k, result in known.items():
                told(k, result)
        left = [k for k in range(len(wave.own)) if k not in known]

        def arrived(position: int, result: Any) -> None:
            self.journal.arrived(question, left[position], result)
            if told is not None:
                told(left[position], result)

        found = executor.results(only(wave, left), meter, arrived) if left else []
        known.update(zip(left, found, strict=True))
        return [known[k] for k in range(len(wave.own))]


def only(wave: "Wave", tasks: Sequence[int]) -> "Wave":
    """Some tasks of a wave."""
    place = {k: position for position, k in enumerate(tasks)}
    return replace(
        wave,
        own=[wave.own[k] for k in tasks],
        labels=[wave.labels[k] for k in tasks],
        order=None if wave.order is None else [place[k] for k in wave.order if k in place],
        rows=None if wave.rows is None else [wave.rows[k] for k in tasks],
    )


@dataclass(eq=False)
class Deferred(Sequence[Any]):
    """Pieces that are made when somebody asks for one.

    A fit that reads its rounds from a journal seldom needs the shards they were computed from.
    """

    n_pieces: int
    make: Callable[[], Sequence[Any]]
    _made: Sequence[Any] | None = field(default=None)

    def __len__(self) -> int:
        return self.n_pieces

    def __getitem__(self, k: Any) -> Any:
        if self._made is None:
            self._made = self.make()
        return self._made[k]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(self.n_pieces))
