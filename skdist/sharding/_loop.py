# SPDX-License-Identifier: BSD-3-Clause
"""The state of a solver's loop, kept in the journal in place of the rounds that led to it.

A round's result is as large as what is merged in it. A solver with thousands of large rounds says
where it stands, and what came before is not needed any more.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from skdist.sharding._running_fit import RunningFit

S = TypeVar("S")

# A state is written when so many seconds are over since the last one, or so many bytes of records
# have come together.
EVERY = 1.0
MOST_BYTES = 1 << 24


@dataclass(eq=False)
class Loop:
    """A loop of a fit, which begins with the fit's next round.

    Parameters
    ----------
    fit : RunningFit
    replays : bool
        Whether a loop that goes on from a state asks for the same rounds as before. Where not,
        those that were recorded since are dropped.
    has_rounds : bool, default=True
        Whether there are rounds that lead from state to state.
    """

    fit: "RunningFit"
    replays: bool
    has_rounds: bool = True
    _began: int = -1
    _kept_at: float = 0.0
    _size: int = 0
    _n_written: int = 0

    def __post_init__(self) -> None:
        self._began = self.fit.n_rounds
        self._note()

    def _note(self) -> None:
        """Remember where the journal is."""
        self._kept_at = time.monotonic()
        if self.fit.recall is not None:
            journal = self.fit.recall.journal
            self._size, self._n_written = journal.size, journal.n_written

    @property
    def is_kept(self) -> bool:
        """Whether states are written anywhere."""
        return self.fit.recall is not None

    def latest(self, start: S) -> S:
        """The state that was kept last by a fit that is resumed; else `start`."""
        if self.fit.recall is None:
            return start
        found = self.fit.recall.journal.checkpoint(self._began, drop=not self.replays)
        if not found:
            return start
        state, number = found
        self.fit.go_on_with(number)
        return state  # type: ignore[no-any-return]

    def keep(
        self,
        state: object,
        *,
        last: bool = False,
        past: Callable[[Any], object] | None = None,
    ) -> None:
        """Keep a state, if it is time to; the `last` one, at the end of the loop, in any case.

        Of the state at which this loop began, that of a loop before, ``past(state)`` is left.
        """
        recall = self.fit.recall
        if recall is None:
            return
        journal = recall.journal
        # Results may have been left out, for they are computed faster than written.
        has_moved = journal.n_written > self._n_written or not self.has_rounds
        is_time = time.monotonic() - self._kept_at > EVERY
        if last or journal.size - self._size > MOST_BYTES or (has_moved and is_time):
            journal.write_checkpoint(self._began, self.fit.n_rounds, state, ended=last, past=past)
            self._note()
