# SPDX-License-Identifier: BSD-3-Clause
"""Several solvers of the same rows, whose rounds are one round.

    answer[k] = sum over shards of summarize[k](view[k](shard), *broadcast[k])    for all k that ask

One class against the rest, say, is K problems on the same X. Fitted one after the other they take
the sum of all their rounds; here as many as the longest of them: a solver that asks waits until
all others have asked, or are done, and one task per shard answers all of them.

A solver is a function that is written as if it were alone. Each runs in a thread of its own, which
waits most of the time; the shards are asked by the caller's thread alone, and answers do not
depend on who asks first.

Cost: the bytes of all solvers, and the rounds of the longest; of more than 64 solvers 64 at a time.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from skdist.solvers.linear_objective import Shards

MOST = 64  # solvers at one table: each has a thread, and matrices of its own

View = Callable[[Any], Any]
Solve = Callable[[int, Shards], Any]


@dataclass(frozen=True, eq=False)
class Question:
    """What one solver asks of every shard, as it sees them."""

    view: View
    summarize: Callable[..., Any]
    broadcast: tuple[Any, ...]

    def answered_by(self, shard: Any) -> Any:
        """The summary of one shard."""
        return self.summarize(self.view(shard), *self.broadcast)


def answers_of(shard: Any, questions: Sequence[Question]) -> list[Any]:
    """One shard's answers to all questions."""
    return [question.answered_by(shard) for question in questions]


@dataclass(frozen=True, eq=False)
class MergeEach:
    """Answers merged question by question."""

    merges: Sequence[Callable[[Any, Any], Any]]

    def __call__(self, a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
        return [merge(x, y) for merge, x, y in zip(self.merges, a, b, strict=True)]


class Dismissed(BaseException):
    """Ends a solver whose result nobody waits for any more, for another one has failed."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A question at the table."""

    question: Question
    merge: Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Done:
    """A solver's result, or the error that ended it."""

    result: Any = None
    error: BaseException | None = None


@dataclass(eq=False)
class Seat:
    """The shards, as one of the solvers sees them."""

    number: int
    view: View
    table: SimpleQueue[tuple[int, Asked | Done]]
    answers: SimpleQueue[Any] = field(default_factory=SimpleQueue)

    def map_reduce(
        self,
        summarize: Callable[..., Any],
        *broadcast: Any,
        merge: Callable[[Any, Any], Any] = operator.add,
    ) -> Any:
        """Ask, and wait until all others have asked."""
        question = Question(self.view, summarize, broadcast)
        self.table.put((self.number, Asked(question, merge)))
        answer = self.answers.get()
        if answer is Dismissed:
            raise Dismissed
        return answer

    def run(self, solve: Solve) -> None:
        """Solve, and say so."""
        try:
            done = Done(solve(self.number, self))
        except BaseException as error:  # it is raised again in the caller's thread
            done = Done(error=error)
        self.table.put((self.number, done))


@dataclass(frozen=True, eq=False)
class Alone:
    """The shards as the only solver sees them."""

    shards: Shards
    view: View

    def map_reduce(
        self,
        summarize: Callable[..., Any],
        *broadcast: Any,
        merge: Callable[[Any, Any], Any] = operator.add,
    ) -> Any:
        """A round."""
        question = Question(self.view, summarize, broadcast)
        return self.shards.map_reduce(question.answered_by, merge=merge)


def side_by_side(shards: Shards, views: Sequence[View], solve: Solve) -> list[Any]:
    """``[solve(k, shards seen through views[k]) for each k]``, in common rounds.

    Parameters
    ----------
    shards : Shards
    views : sequence of callable
        ``view(shard) -> shard``; module-level and pure.
    solve : callable
        ``solve(k, shards) -> result``; asks by ``shards.map_reduce`` alone.

    Returns
    -------
    results : list

    Raises
    ------
    Exception
        The first one that a solver or a shard raises; the other solvers end at their next round.
    """
    if len(views) == 1:
        return [solve(0, Alone(shards, views[0]))]
    tables = (range(len(views))[first : first + MOST] for first in range(0, len(views), MOST))
    return [result for numbers in tables for result in _at_one(shards, numbers, views, solve)]


def _at_one(
    shards: Shards, numbers: Sequence[int], views: Sequence[View], solve: Solve
) -> list[Any]:
    """The results of some of the solvers, in common rounds."""
    table: SimpleQueue[tuple[int, Asked | Done]] = SimpleQueue()
    seats = {number: Seat(number, views[number], table) for number in numbers}
    threads = [
        threading.Thread(target=seat.run, args=(solve,), daemon=True) for seat in seats.values()
    ]
    for thread in threads:
        thread.start()
    try:
        return _serve(shards, seats, table)
    finally:
        for seat in seats.values():
            seat.answers.put(Dismissed)
        for thread in threads:
            thread.join()


def _serve(
    shards: Shards, seats: Mapping[int, Seat], table: SimpleQueue[tuple[int, Asked | Done]]
) -> list[Any]:
    """Answer until all are done."""
    results: dict[int, Any] = {}
    asked: dict[int, Asked] = {}
    while len(results) < len(seats):
        number, message = table.get()
        if type(message) is Asked:
            asked[number] = message
        elif type(message) is Done:
            if message.error is not None:
                raise message.error
            results[number] = message.result
        if asked and len(asked) + len(results) == len(seats):
            _answer(shards, seats, asked)
            asked = {}
    return [results[number] for number in seats]


def _answer(shards: Shards, seats: Mapping[int, Seat], asked: Mapping[int, Asked]) -> None:
    """One round for all who ask."""
    numbers = sorted(asked)
    questions = [asked[number].question for number in numbers]
    merge = MergeEach([asked[number].merge for number in numbers])
    answers = shards.map_reduce(answers_of, questions, merge=merge)
    for number, answer in zip(numbers, answers, strict=True):
        seats[number].answers.put(answer)
