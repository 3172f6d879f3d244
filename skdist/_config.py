# SPDX-License-Identifier: BSD-3-Clause
"""Execution settings that joblib has no word for.

Where and how wide a fit runs is said with :func:`joblib.parallel_config`. What is left is said
here, in the manner of :func:`sklearn.config_context`: per thread, for the length of a ``with``.
"""

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Settings:
    """What :func:`config_context` sets; its parameters say what each is."""

    retries: int = 3
    journal: str | None = None
    max_time: float = math.inf
    worker_timeout: float = 60.0
    deadline: float = math.inf
    quorum: float = 1.0
    wire: str | float = "exact"
    spill: str | bool = True


DEFAULTS = Settings()
_settings: ContextVar[Settings | None] = ContextVar("skdist_settings", default=None)
# What is open anywhere in this process, the latest last: threads that others start for a user's
# fit, such as those of a grid search, have no context of their own.
_open: list[tuple[object, Settings]] = []
_open_lock = threading.Lock()


def settings() -> Settings:
    """The settings in force in this thread; where it opened none, those opened last elsewhere."""
    own = _settings.get()
    if own is not None:
        return own
    with _open_lock:
        return _open[-1][1] if _open else DEFAULTS


def has_own() -> bool:
    """Whether this thread opened a block."""
    return _settings.get() is not None


def get_config() -> dict[str, Any]:
    """Return the execution settings in force here.

    Returns
    -------
    config : dict
        By the names of the parameters of :func:`config_context`.

    Examples
    --------
    >>> from skdist._config import get_config
    >>> get_config()["retries"]
    3
    """
    return asdict(settings())


@contextmanager
def config_context(
    *,
    retries: int | None = None,
    journal: str | os.PathLike[str] | None = None,
    max_time: float | None = None,
    worker_timeout: float | None = None,
    deadline: float | None = None,
    quorum: float | None = None,
    wire: str | float | None = None,
    spill: str | os.PathLike[str] | bool | None = None,
) -> Iterator[None]:
    """Change execution settings inside a ``with`` block.

    They hold in this thread; in threads that have opened no block of their own, such as those that
    a grid search starts; and where estimators are sent to other processes from inside the block.
    ``None`` leaves a setting as it is.

    Parameters
    ----------
    retries : int, optional
        How many times a task whose worker process died is run again before the fit is given up
        with :class:`skdist.sharding.ShardLostError`. Of several tasks that were lost together each
        runs again once in any case, alone: that tells the one that killed the process from its
        neighbours. An exception raised by the task itself is never retried. On Dask, each try is
        as many as the scheduler allows by itself (``distributed.scheduler.allowed-failures``).
        3 by default.
    journal : path, optional
        A folder in which fits write down what comes of their rounds. A fit that was killed or
        interrupted and is begun again, of the same rows and parameters, reads the rounds that are
        there and computes the rest; the model is the same. See :ref:`reliability`. The processes
        that fit must see the folder. Listed by :func:`skdist.journals`, removed by
        :func:`skdist.clear_journal`. None by default.
    max_time : float, optional
        Seconds after which an iterative fit ends with the model it has, as if `max_iter` had been
        reached: with a ``ConvergenceWarning``. It is looked at between rounds. No limit by
        default.
    worker_timeout : float, optional
        Seconds for which a fit waits for a worker when a Dask cluster has none left, before it is
        given up with :class:`skdist.sharding.WorkersLostError`. 60 by default.
    deadline : float, optional
        A task that has taken this many times the median of its round's tasks is started again on
        another worker; what comes first is taken. The model is the same. Of processes and Dask
        clusters; not of threads, which share the machine. No deadline by default.
    quorum : float, optional
        Share of the rows, in (0, 1], that is enough for a round to go on without the shards whose
        tasks are late: beyond the `deadline`, which must be given, too. Of rounds that are not the
        last, where the algorithm allows it: Newton's method of linear models, whose answer and
        certificate are the same, and averages of stochastic gradient descent, of perceptrons and of
        nets (``sync="local"``), which are another model. ``report_.why`` and
        ``report_.extra["late"]`` name the rounds, the shards that were late, and the rows used.
        Everywhere else sums without some rows would be those of another problem: all rounds wait
        for all shards, the model is the same, and ``report_.why`` says so. See :ref:`reliability`.
        1 by default: all rounds are of all rows.
    wire : {"exact", "float32"} or float in (0, 1), optional
        How parameters travel between rounds, for slow networks and very many features. With
        "float32" they take half the bytes. A share, e.g. 0.01, is that of the parameters that a
        shard sends after its steps, those that it moved most; what it leaves out is added to its
        next moves (top-k with error feedback). Of stochastic gradient descent of linear models and
        of perceptrons; other estimators raise an error, and so do perceptrons whose solver needs
        all. Another model comes of it, the same on every backend; ``report_.why`` says so, or that
        nothing changed. A share needs ``quorum=1``, and is meant for clusters: between processes of
        one machine what shards owe travels with their tasks. "exact" by default.
    spill : bool or path, optional
        Whether rows that are streamed, since no process need hold them, are written to the local
        disk as the numbers that a fit makes of them, so that their source is read once, not in
        every pass. A path is the folder for it, which must be there; True: Dask's setting
        ``temporary-directory``, or the system's folder for temporary files; False: nothing is
        written. In any case a tenth of the disk is left free. True by default.

    Raises
    ------
    ValueError
        When a value is none of those allowed, `quorum` comes without `deadline`, or a share as
        `wire` with a quorum.

    Examples
    --------
    >>> from skdist._config import config_context, get_config
    >>> with config_context(retries=1):
    ...     get_config()["retries"]
    1
    """
    given = {
        "retries": (retries, _whole),
        "journal": (journal, _folder),
        "max_time": (max_time, _seconds),
        "worker_timeout": (worker_timeout, _seconds),
        "deadline": (deadline, _multiple),
        "quorum": (quorum, _share),
        "wire": (wire, _precision),
        "spill": (spill, _spill),
    }
    asked = {
        name: check(value, name) for name, (value, check) in given.items() if value is not None
    }
    these, mine = replace(settings(), **asked), object()
    if these.quorum < 1 and these.deadline == math.inf:
        raise ValueError(
            f"quorum={these.quorum} was given without a deadline, so that no shard is ever late. "
            "Give both, e.g. config_context(quorum=0.9, deadline=3)."
        )
    if isinstance(these.wire, float) and these.quorum < 1:
        raise ValueError(
            f"wire={these.wire} was given with quorum={these.quorum}: what shards leave out stays "
            "with them, and no round can do without it. Leave one of the two out, or take "
            "wire='float32'."
        )
    with _open_lock:
        _open.append((mine, these))
    try:
        with holding(these):
            yield
    finally:
        with _open_lock:
            _open[:] = [entry for entry in _open if entry[0] is not mine]


@contextmanager
def holding(these: Settings) -> Iterator[None]:
    """Whole settings inside a ``with`` block, in this thread alone."""
    token = _settings.set(these)
    try:
        yield
    finally:
        _settings.reset(token)


def _whole(value: Any, name: str) -> int:
    """``value`` as an int, refused unless it is a whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refused(value, name, "a whole number of at least 0", "3")
    return value


def _folder(value: Any, name: str) -> str:
    """An absolute path: processes that fit may run elsewhere."""
    return os.path.abspath(os.path.expanduser(os.fspath(value)))


def _spill(value: Any, name: str) -> str | bool:
    """Whether, or where, rows are written."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, os.PathLike)) or not os.path.isdir(_folder(value, name)):
        raise _refused(value, name, "True, False or a folder that is there", '"/scratch"')
    return _folder(value, name)


def _number(allowed: Callable[[float], bool], what: str, example: str) -> Callable[[Any, str], Any]:
    def check(value: Any, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not allowed(value):
            raise _refused(value, name, what, example)
        return float(value)

    return check


def _precision(value: Any, name: str) -> str | float:
    """How parameters travel: a name, or a share of them."""
    if value in ("exact", "float32"):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise _refused(value, name, '"exact", "float32" or a number in (0, 1)', '"float32"')
    return float(value)


def _refused(value: Any, name: str, what: str, example: str) -> ValueError:
    return ValueError(
        f"{name}={value!r} was given to config_context; it must be {what}, "
        f"e.g. config_context({name}={example})."
    )


_seconds = _number(lambda value: value > 0, "a number of seconds greater than 0", "60")
_share = _number(lambda value: 0 < value <= 1, "a number in (0, 1]", "0.9")
_multiple = _number(lambda value: value >= 1, "a number of at least 1", "3")
