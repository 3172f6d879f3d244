# SPDX-License-Identifier: BSD-3-Clause
"""What may go wrong in a task, and whose fault it is.

A task that *raises* has met bad data or a bug: it would raise again, so its exception goes to the
caller once, at once, with the shard named in a note. A task whose *process died* may have been
innocent (memory, a machine): it runs again, a bounded number of times.
"""

import io
import pickle
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, TypeVar

from skdist._config import get_config
from skdist.sharding._cost import Meter

E = TypeVar("E", bound=BaseException)


class ShardLostError(RuntimeError):
    """A shard's task was given up: every process that ran it died.

    Examples
    --------
    A task that ends its process whenever it is run:

    >>> import os, joblib, numpy as np, skdist
    >>> from skdist.sharding import ShardLostError, shard_rows
    >>> def crash(shard):
    ...     return os._exit(1) if shard.index == 1 else shard.n_rows
    >>> with joblib.parallel_config(backend="loky", n_jobs=2), skdist.config_context(retries=0):
    ...     shards = shard_rows(np.arange(8.0)[:, None], n_shards=2)
    ...     try:
    ...         shards.map(crash)
    ...     except ShardLostError as error:
    ...         print(str(error).split(":")[0])
    shard 1 of 2 (rows 4 to 7) was given up
    """


class WorkersLostError(RuntimeError):
    """A cluster has no worker, and has had none for too long.

    Examples
    --------
    It is a ``RuntimeError``. ``config_context(worker_timeout=...)`` says what is too long:

    >>> import skdist
    >>> from skdist.sharding import WorkersLostError
    >>> issubclass(WorkersLostError, RuntimeError)
    True
    >>> with skdist.config_context(worker_timeout=5):
    ...     skdist.get_config()["worker_timeout"]
    5.0
    """


def shard_label(index: int, n_shards: int, rows: range) -> str:
    """``"shard 3 of 8 (rows 300 to 399)"``; shards are numbered from 0, rows are inclusive."""
    where = f"rows {rows.start} to {rows.stop - 1}" if len(rows) else "no rows"
    return f"shard {index} of {n_shards} ({where})"


def annotated(error: E, label: str) -> E:
    """`error` itself, its note saying which task raised it; said once."""
    note = f"while fitting {label}"
    if not getattr(error, "__notes__", None):
        error.add_note(note)
    return error


def lost(label: str) -> ShardLostError:
    """The error that gives a task up."""
    return ShardLostError(
        f"{label} was given up: again and again the process that ran it died (out of memory, "
        f"killed, or a crash in compiled code), also with retries={get_config()['retries']}. Cut "
        "the data into more shards, give the workers more memory, or allow more tries with "
        "skdist.config_context(retries=...)."
    )


def retry_alone(
    attempt: Callable[[int], bool],
    indices: Iterable[int],
    labels: Sequence[str],
    meter: Meter,
) -> None:
    """Run lost tasks again one at a time, until ``attempt(index)`` says that it finished.

    A dying process takes its neighbours' tasks with it, and nothing tells which one killed it. A
    task that runs alone can only have been killed by itself. So every lost task runs alone at
    least once, also with ``retries=0``: that is how the killer is told from its neighbours.
    """
    for index in indices:
        for _ in range(max(1, get_config()["retries"])):
            meter.add(retries=1)
            if attempt(index):
                break
        else:
            raise lost(labels[index])


def raise_portably(error: Exception) -> NoReturn:
    """Raise `error`, or what it says where it would not survive the way to the driver.

    An exception class that cannot be unpickled breaks loky's whole pool when it arrives.
    """
    try:
        _pickled_plainly(error)
    except Exception:
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        raise plain.with_traceback(error.__traceback__) from None
    raise error


def _pickled_plainly(error: Exception) -> None:
    """Pickle and unpickle an exception as a process does that has registered no reducers.

    tblib, which comes with Dask, registers some that make every exception portable: in a worker
    that happens to have imported it this would say nothing of how loky sends the exception.
    """
    file = io.BytesIO()
    pickler = pickle.Pickler(file)
    pickler.dispatch_table = {}
    pickler.dump(error)
    pickle.loads(file.getvalue())
