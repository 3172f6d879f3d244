# SPDX-License-Identifier: BSD-3-Clause
"""The results of a fit's rounds, on disk: read when the same fit is run again.

A fit is a function of its rows, parameters and seeds, so that its rounds come in the same order
with the same questions. A round whose result is there is not computed; within a round, tasks whose
results are there are not. Where a question differs from the one that was answered, the rest of
the journal is of no use and is dropped.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skdist._caller import level_of_caller
from skdist.sharding._cost import nbytes
from skdist.sharding._journal_codec import NotWritable
from skdist.sharding._journal_log import Entry, Log

# Seconds between two writings of results within a round: what a killed process loses of it.
PIECES_EVERY = 1.0
# A result of more bytes than this is left out if it was computed faster than a disk writes it.
ALWAYS_WRITTEN = 1 << 22
BYTES_PER_SECOND = 2e8
# Bytes of one journal beyond which nothing is added.
LARGEST = 1 << 33


class JournalWarning(UserWarning):
    """A journal is of no use, or of less use than it should be; the fit itself is not affected.

    Examples
    --------
    Where a fit must not go on without its journal, the warning is made an error:

    >>> import tempfile, warnings, skdist
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist.sharding import JournalWarning
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
    ...     warnings.simplefilter("error", JournalWarning)
    ...     with skdist.config_context(journal=folder):
    ...         model = skdist.DistributedRidge(n_shards=2).fit(X, y)
    ...     len(skdist.journals(folder))
    1
    """


@dataclass(frozen=True)
class Question:
    """What is asked in a round.

    Parameters
    ----------
    round : int
        Its number in the fit.
    name : str
        Of the function.
    n_tasks : int
    broadcast : str
        Digest of the function, and of what is sent with it.
    """

    round: int
    name: str
    n_tasks: int
    broadcast: str

    def about(self, kind: str) -> dict[str, Any]:
        """The head of a record."""
        return {"kind": kind, **vars(self)}

    def is_of(self, entry: Entry) -> bool:
        """Whether a record answers it."""
        return all(entry.about.get(key) == value for key, value in vars(self).items())


class Journal:
    """The journal of one fit, held by this process.

    Parameters
    ----------
    log : Log
    folder : str
        For messages.
    """

    def __init__(self, log: Log, folder: str) -> None:
        self.folder = folder
        self.n_read = 0
        self.n_written = 0
        self.was_interrupted = False
        self._log = log
        self._pieces: dict[int, Any] = {}
        self._written_at = 0.0
        self._writes = True
        self._told = False
        self._reindex()
        # A finished fit that is read through leaves its files untouched.
        self._is_finished = bool(log.entries) and log.entries[-1].about["kind"] == "end"
        if log.torn:
            self._warn(
                f"The last {log.torn} bytes of {folder} are no whole record, as a machine that "
                "stops while it writes leaves them. They were dropped."
            )

    @property
    def is_empty(self) -> bool:
        """Whether a fit without rounds is all that could be told."""
        return all(entry.about["kind"] in ("drawn", "end") for entry in self._log.entries)

    def drawn(self, name: str, draw: Callable[[], Any]) -> Any:
        """What chance decided when the fit was begun: read, or drawn and written."""
        for entry in self._log.entries:
            if entry.about == {"kind": "drawn", "name": name}:
                return self._log.read(entry)
        value = draw()
        self._add({"kind": "drawn", "name": name}, value)
        return value

    def has_after(self, number: int) -> bool:
        """Whether a round later than this one can be read."""
        return any(_round_of(entry) > number for entry in self._log.entries)

    def answer(self, question: Question) -> Any:
        """The result of a round that is there, in a tuple; else the empty tuple."""
        found = self._about(question, "round")
        if not found:
            return ()
        self.n_read += 1
        return (self._log.read(found[0]),)

    def pieces(self, question: Question) -> dict[int, Any]:
        """Results of tasks of an unfinished round, by task."""
        self._pieces, self._written_at = {}, time.monotonic()
        known: dict[int, Any] = {}
        for entry in self._about(question, "pieces"):
            known.update(self._log.read(entry))
        return known

    def arrived(self, question: Question, task: int, result: Any) -> None:
        """Keep the result of a task; a round of many seconds is written as it goes."""
        self._pieces[task] = result
        if time.monotonic() - self._written_at > PIECES_EVERY:
            self.write_pieces(question)

    def write_pieces(self, question: Question) -> None:
        """Write what has arrived since the last time."""
        if self._pieces:
            self._add(question.about("pieces"), self._pieces)
        self._pieces, self._written_at = {}, time.monotonic()

    def write(self, question: Question, result: Any, seconds: float) -> None:
        """Write the result of a round; its tasks' results are not needed any more."""
        self._pieces = {}
        self.n_written += 1
        n_bytes = nbytes(result)
        if n_bytes > max(ALWAYS_WRITTEN, seconds * BYTES_PER_SECOND):
            return
        ours = self._about(question, "pieces")
        if ours:
            self._replace(ours, [(question.about("round"), result)])
        else:
            self._add(question.about("round"), result)

    @property
    def size(self) -> int:
        """Bytes of the records."""
        return self._log.size

    def checkpoint(self, loop: int, drop: bool) -> Any:
        """The last state of a loop that began before this round, and the round it is to go on with.

        In a tuple; the empty tuple if there is none. With `drop`, what follows the state of a loop
        that has not ended is forgotten.
        """
        for i, entry in enumerate(self._log.entries):
            if entry.about["kind"] == "state" and entry.about["loop"] == loop:
                if drop and not entry.about["ended"]:
                    self._truncate(i + 1)
                self.n_read += 1
                return (self._log.read(entry), entry.about["round"])
        return ()

    def write_checkpoint(
        self,
        loop: int,
        number: int,
        state: Any,
        *,
        ended: bool,
        past: Callable[[Any], Any] | None = None,
    ) -> None:
        """Write the state of a loop; records made since it began are not needed any more.

        Nor is all of the state at which it began: ``past(state)`` takes its place.
        """
        about = {"kind": "state", "loop": loop, "round": number, "ended": ended}
        gone = [entry for entry in self._log.entries if _round_of(entry) >= loop]
        new = [(about, state)]
        for entry in self._log.entries:
            if past and entry.about["kind"] == "state" and entry.about["round"] == loop:
                gone.append(entry)
                new.insert(0, (entry.about, past(self._log.read(entry))))
        self._replace(gone, new)

    def forget_from(self, number: int) -> None:
        """Forget rounds from this one on: a fit made them to end, and would go on with others."""
        rounds = [
            i
            for i, entry in enumerate(self._log.entries)
            if entry.about["kind"] in ("round", "pieces") and entry.about["round"] >= number
        ]
        if rounds and self._writes:
            self._truncate(rounds[0])

    def finish(self) -> None:
        """The fit is over."""
        if not self._is_finished:
            self._add({"kind": "end"})

    def close(self) -> None:
        """Let go of the file."""
        self._log.close()

    def _about(self, question: Question, kind: str) -> list[Entry]:
        """Records of a round; if they answer another question, all from there on are dropped."""
        ours = self._of_round.get(question.round, [])
        strange = [entry for entry in ours if not question.is_of(entry)]
        if strange:
            asked = strange[0].about["name"]
            self._truncate(self._log.entries.index(strange[0]))
            self._warn(
                f"Round {question.round} of the fit asks for {question.name} of "
                f"{question.n_tasks} tasks, and {self.folder} has an answer to another question "
                f"there ({asked}): another machine rounds otherwise, or the fit depends on more "
                "than its rows, parameters and seeds. What follows is computed again."
            )
        ours = self._of_round.get(question.round, [])
        return [entry for entry in ours if entry.about["kind"] == kind]

    def _reindex(self) -> None:
        """Find the records of each round."""
        self._of_round: dict[int, list[Entry]] = {}
        for entry in self._log.entries:
            self._note(entry)

    def _note(self, entry: Entry) -> None:
        if entry.about["kind"] in ("round", "pieces"):
            self._of_round.setdefault(entry.about["round"], []).append(entry)

    def _truncate(self, n_entries: int) -> None:
        """Forget all but the first records."""
        self._log.truncate(n_entries)
        self._is_finished = False
        self._reindex()

    def _replace(self, entries: list[Entry], new: list[tuple[dict[str, Any], Any]]) -> None:
        gone = {id(entry) for entry in entries}
        keep = [entry for entry in self._log.entries if id(entry) not in gone]
        if self._try(lambda: self._log.rewrite(keep, new)):
            self._reindex()

    def _add(self, about: dict[str, Any], value: Any = None) -> None:
        if self._try(lambda: self._log.add(about, value)):
            self._note(self._log.entries[-1])

    def _try(self, write: Callable[[], Any]) -> bool:
        """Write, if that is possible; what cannot be written is computed again one day."""
        if not self._writes:
            return False
        if self._is_finished:
            self._truncate(len(self._log.entries) - 1)
        try:
            write()
        except NotWritable as error:
            self._tell_of(error)
            return False
        except OSError as error:
            self._stop(f"{error.strerror or error}")
            return False
        if self._log.size > LARGEST:
            self._stop(f"it has more than {LARGEST >> 30} GiB")
        return True

    def _tell_of(self, error: NotWritable) -> None:
        if not self._told:
            self._warn(
                f"A round of the fit in {self.folder} brought up {error}, which has no form in a "
                "journal. It is left out, and computed again if the fit is killed; what has a form "
                "are numbers, texts, arrays, containers of them, and skdist's own dataclasses."
            )
        self._told = True

    def _stop(self, why: str) -> None:
        self._writes = False
        self._warn(
            f"{self.folder} is written no further ({why}). The fit goes on; if it is killed, what "
            "follows is computed again."
        )

    def _warn(self, text: str) -> None:
        warnings.warn(text, JournalWarning, stacklevel=level_of_caller())


def _round_of(entry: Entry) -> int:
    """The round that a record belongs to; a state's is that before which its loop began."""
    about = entry.about
    return int(about["loop"] if about["kind"] == "state" else about.get("round", -1))
