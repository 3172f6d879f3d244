# SPDX-License-Identifier: BSD-3-Clause
"""The folder of journals: one sub-folder per fit, held by the process that writes it."""

import fcntl
import json
import os
import shutil
import socket
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from skdist._caller import level_of_caller
from skdist.sharding._journal import Journal, JournalWarning
from skdist.sharding._journal_log import Log, records_of, write_whole
from skdist.sharding._request import Request

_ABOUT, _ROUNDS, _LOCK = "fit.json", "rounds", "lock"
_said_of: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class KeptFit:
    """A fit that a journal knows. Listed by :func:`skdist.journals`.

    Parameters
    ----------
    estimator : str
        Name of the class.
    method : str
    when : datetime
        When it was begun, local time.
    rounds : int
        Results of rounds that are there.
    bytes : int
        Size of the files.
    finished : bool
        Whether the fit came to its end.
    running : bool
        Whether a living process is writing it.
    folder : str

    Examples
    --------
    >>> import tempfile, skdist
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with skdist.config_context(journal=folder):
    ...         model = skdist.DistributedRidge(n_shards=2).fit(X, y)
    ...     (fit,) = skdist.journals(folder)
    >>> fit.method, fit.rounds > 0, fit.finished, fit.running
    ('fit', True, True, False)
    """

    estimator: str
    method: str
    when: datetime
    rounds: int
    bytes: int
    finished: bool
    running: bool
    folder: str


def journals(folder: str | os.PathLike[str]) -> tuple[KeptFit, ...]:
    """List the fits that a folder of journals knows, the oldest first.

    Parameters
    ----------
    folder : path
        What was given to ``config_context(journal=...)``.

    Returns
    -------
    fits : tuple of KeptFit

    Raises
    ------
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile, skdist
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with skdist.config_context(journal=folder):
    ...         model = skdist.DistributedRidge(n_shards=2).fit(X, y)
    ...     [(fit.estimator, fit.finished) for fit in skdist.journals(folder)]
    [('skdist.linear_model.DistributedRidge', True)]
    """
    found = [_kept(path, about) for path, about in _fits_in(os.fspath(folder))]
    return tuple(sorted(found, key=lambda fit: (fit.when, fit.folder)))


def clear_journal(folder: str | os.PathLike[str]) -> int:
    """Remove the journals in a folder, but those that a living process is writing.

    Parameters
    ----------
    folder : path

    Returns
    -------
    n_removed : int
        How many fits were forgotten. Other files in the folder stay.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile, skdist
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with skdist.config_context(journal=folder):
    ...         model = skdist.DistributedRidge(n_shards=2).fit(X, y)
    ...     skdist.clear_journal(folder), skdist.journals(folder)
    (1, ())
    """
    removed = 0
    for path, _ in list(_fits_in(os.fspath(folder))):
        lock = _try_lock(path)
        if lock is not None:
            shutil.rmtree(path)
            os.close(lock)
            removed += 1
    return removed


@contextmanager
def open_journal(folder: str, request: Request) -> Iterator[Journal]:
    """The journal of a fit: that of the same request, if there is one, else a new one.

    Raises
    ------
    OSError
        If nothing can be written there; said before the fit begins.
    """
    path, lock, is_new = _claim(folder, request)
    try:
        journal = Journal(_open_log(path, request, is_new), path)
        if is_new:
            _tell_of_strangers(folder, request)
        with closing(journal), _emptied(path, journal):
            yield journal
    finally:
        os.close(lock)


@contextmanager
def _emptied(path: str, journal: Journal) -> Iterator[None]:
    """Keep no journal that is of no use: of a fit without rounds, or that can never succeed."""
    try:
        yield
    except (TypeError, ValueError):
        shutil.rmtree(path, ignore_errors=True)
        raise
    if journal.is_empty:
        shutil.rmtree(path, ignore_errors=True)


def _claim(folder: str, request: Request) -> tuple[str, int, bool]:
    """A folder of this request that nobody else holds, its lock, and whether it is new.

    Fits of the same request that run at once have a folder each.
    """
    n = 0
    while True:
        path = os.path.join(folder, request.name + (f"-{n}" if n else ""))
        with _explained(folder):
            os.makedirs(folder, exist_ok=True)
            try:
                os.makedirs(path, exist_ok=True)
                lock = _try_lock(path)
            except FileNotFoundError:  # removed by somebody else in this very moment
                continue
        if lock is not None and os.path.exists(os.path.join(path, _LOCK)):
            return path, lock, not os.path.exists(os.path.join(path, _ABOUT))
        n += 1


def _open_log(path: str, request: Request, is_new: bool) -> Log:
    with _explained(os.path.dirname(path)):
        if is_new:
            now = datetime.now().astimezone().isoformat()
            about = {**asdict(request), "when": now, "host": socket.gethostname()}
            write_whole(os.path.join(path, _ABOUT), json.dumps(about, indent=1).encode())
        return Log(os.path.join(path, _ROUNDS))


@contextmanager
def _explained(folder: str) -> Iterator[None]:
    """Errors of the file system, with what to do."""
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"journal={folder!r} cannot be written to ({error.strerror}), so that the fit was not "
            "begun. Give config_context(journal=...) a folder on a disk with room where this "
            "process, and the workers that fit, may write",
        ) from error


def _try_lock(path: str) -> int | None:
    """The lock of a folder, or None if a living process has it.

    The system lets go of it when the process ends, however it ends.
    """
    lock = os.open(os.path.join(path, _LOCK), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    with suppress(OSError):  # for whoever looks; what counts is the lock
        os.ftruncate(lock, 0)
        os.write(lock, f"{socket.gethostname()} {os.getpid()}\n".encode())
    return lock


def _tell_of_strangers(folder: str, request: Request) -> None:
    """Say what the unfinished fit of this class that is most like the new one has otherwise."""
    unfinished = [
        (other.differences(request), path)
        for path, about in _fits_in(folder)
        for other in [_request_of(about)]
        if other.estimator == request.estimator and other != request and _is_left_over(path)
    ]
    if not unfinished:
        return
    differences, path = min(unfinished, key=lambda found: (len(found[0]), found[1]))
    if (path, request.name) in _said_of:
        return
    _said_of.add((path, request.name))
    warnings.warn(
        f"The unfinished fit of {request.estimator} in {path} is another one: "
        f"{', '.join(differences)}. It was left alone, and the fit begins anew. "
        "skdist.clear_journal(folder) removes what is not wanted any more.",
        JournalWarning,
        stacklevel=level_of_caller(),
    )


def _is_left_over(path: str) -> bool:
    """Whether a fit was begun there, has rounds, did not end, and nobody is at it."""
    entries = _entries(path)
    if not any(e.about["kind"] in ("round", "state") for e in entries) or _is_finished(entries):
        return False
    return not _is_held(path)


def _is_held(path: str) -> bool:
    """Whether a living process has the lock."""
    try:
        lock = os.open(os.path.join(path, _LOCK), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _fits_in(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sub-folders that are journals, and what they are about."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        try:
            with open(os.path.join(path, _ABOUT), encoding="utf-8") as file:
                yield path, json.load(file)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            continue  # no journal


def _request_of(about: dict[str, Any]) -> Request:
    return Request(**{key: about[key] for key in about if key not in ("when", "host")})


def _entries(path: str) -> list[Any]:
    try:
        return records_of(os.path.join(path, _ROUNDS))
    except FileNotFoundError:
        return []


def _is_finished(entries: list[Any]) -> bool:
    return bool(entries) and entries[-1].about["kind"] == "end"


def _kept(path: str, about: dict[str, Any]) -> KeptFit:
    entries = _entries(path)
    sizes = (entry.stat().st_size for entry in os.scandir(path))
    return KeptFit(
        about["estimator"],
        about["method"],
        datetime.fromisoformat(about["when"]),
        sum(entry.about["kind"] == "round" for entry in entries),
        sum(sizes),
        _is_finished(entries),
        _is_held(path),
        path,
    )
