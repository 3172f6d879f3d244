# SPDX-License-Identifier: BSD-3-Clause
"""Several solvers of the same rows, whose rounds are one round.

    answer[k] = sum over shards of summarize[k](view[k](shard), *broadcast[k])    for all k that ask

One class against the rest, say, is K problems on the same X. Fitted one after the other they take
the sum of all their rounds; here as many as the longest of them: a solver that asks waits until
all others have asked, or are done, and one task per shard answers all of them.

A solver is a function that is written as if it were alone. Each runs in a thread of its own, which
waits most of the time; the shards are asked by the caller's thread alone, and answers do not
depend on who asks first.

Where the user allows rounds to go on without late shards, a common one does if nobody who asks in
it needs all shards.

Cost: the bytes of all solvers, and the rounds of the longest; of more than 64 solvers 64 at a time.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, cast

import numpy as np

from skdist.solvers.rounds import Shards, Spared

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
    """A question at the table.

    Parameters
    ----------
    question : Question
    merge : callable or None
        Of the shards' answers; None where each of them is wanted.
    whole : bool
        Whether all shards are to answer.
    """

    question: Question
    merge: Callable[[Any, Any], Any] | None
    whole: bool = True

    def told(self, shards: Spared, answers: Sequence[Any]) -> Any:
        """What who asked is told, of the answers of all shards."""
        return list(answers) if self.merge is None else shards.fold(answers, self.merge)


@dataclass(frozen=True, eq=False)
class Done:
    """A solver's result, or the error that ended it."""

    result: Any = None
    error: BaseException | None = None


@dataclass(eq=False)
class Seat:
    """The shards, as one of the solvers sees them."""

    number: int
    shards: Shards
    view: View
    table: SimpleQueue[tuple[int, Asked | Done]]
    may_leave_out: bool  # asked of the shards in the caller's thread, where settings are
    answers: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    noted: tuple[Any, dict[str, float]] = (None, {})

    def map_reduce(
        self,
        summarize: Callable[..., Any],
        *broadcast: Any,
        merge: Callable[[Any, Any], Any] = operator.add,
    ) -> Any:
        """Ask, and wait until all others have asked."""
        return self._ask(Asked(Question(self.view, summarize, broadcast), merge))

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """The same, each shard's answer being wanted."""
        return list(self._ask(Asked(Question(self.view, function, broadcast), None)))

    def map_of_most(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """The same, None of shards that are late."""
        return list(self._ask(Asked(Question(self.view, function, broadcast), None, whole=False)))

    def fold(self, values: Sequence[Any], merge: Callable[[Any, Any], Any] = operator.add) -> Any:
        """That of the shards."""
        return cast(Spared, self.shards).fold(values, merge)

    def _ask(self, asked: Asked) -> Any:
        self.table.put((self.number, asked))
        answer = self.answers.get()
        if answer is Dismissed:
            raise Dismissed
        return answer

    def note(self, state: Any = None, **values: float) -> None:
        """Where this solver stands; told with those of the others at the next round."""
        self.noted = state, values

    @property
    def time_is_up(self) -> bool:
        """Whether to end with what there is."""
        return self.shards.time_is_up

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

    @property
    def may_leave_out(self) -> bool:
        """That of the shards."""
        return self.shards.may_leave_out

    def map_reduce(
        self,
        summarize: Callable[..., Any],
        *broadcast: Any,
        merge: Callable[[Any, Any], Any] = operator.add,
    ) -> Any:
        """A round."""
        question = Question(self.view, summarize, broadcast)
        return self.shards.map_reduce(question.answered_by, merge=merge)

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """A round."""
        question = Question(self.view, function, broadcast)
        return cast(Spared, self.shards).map(question.answered_by)

    def map_of_most(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """A round that may go on without shards that are late."""
        question = Question(self.view, function, broadcast)
        return cast(Spared, self.shards).map_of_most(question.answered_by)

    def fold(self, values: Sequence[Any], merge: Callable[[Any, Any], Any] = operator.add) -> Any:
        """That of the shards."""
        return cast(Spared, self.shards).fold(values, merge)

    def note(self, state: Any = None, **values: float) -> None:
        """Where the only solver stands."""
        self.shards.note(state, **values)

    @property
    def time_is_up(self) -> bool:
        """That of the shards."""
        return self.shards.time_is_up


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
    seats = {
        number: Seat(number, shards, views[number], table, shards.may_leave_out)
        for number in numbers
    }
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
    _note_all(shards, seats.values())
    for number, answer in zip(numbers, _told(shards, [asked[k] for k in numbers]), strict=True):
        seats[number].answers.put(answer)


def _told(shards: Shards, asked: Sequence[Asked]) -> list[Any]:
    """What each of those who ask is told."""
    questions = [one.question for one in asked]
    if not shards.may_leave_out:
        merge = MergeEach([one.merge or operator.add for one in asked])
        return list(shards.map_reduce(answers_of, questions, merge=merge))
    those = cast(Spared, shards)
    ask = those.map if any(one.whole for one in asked) else those.map_of_most
    found = ask(answers_of, questions)
    return [
        one.told(those, [None if answers is None else answers[i] for answers in found])
        for i, one in enumerate(asked)
    ]


def _note_all(shards: Shards, seats: Collection[Seat]) -> None:
    """Where the solvers stand together: what they noted is added up, once all have said it."""
    values = [values for _, values in (seat.noted for seat in seats)]
    common = set.intersection(*(set(own) for own in values))
    if common:
        states = [state for state, _ in (seat.noted for seat in seats)]
        known = all(state is not None for state in states)
        shards.note(
            np.concatenate(states) if known else None,
            **{name: sum(own[name] for own in values) for name in sorted(common)},
        )
