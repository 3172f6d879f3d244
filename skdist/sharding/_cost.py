# SPDX-License-Identifier: BSD-3-Clause
"""What a fit has cost so far: rounds, bytes, seconds, retries.

How bytes are measured: what the driver sends is counted at the size it is sent at (the pickled
task, the file a value was written to, or :func:`nbytes` of a scattered value); what comes back is
counted by :func:`nbytes`, the size of its arrays. Threads share memory: both are 0 there.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from skdist.sharding._type_table import look_up


@dataclass(frozen=True)
class Cost:
    """What the rounds of a data set have cost so far.

    Parameters
    ----------
    rounds : int
        Broadcast + map + merge, counted once each.
    bytes_down : int
        Bytes the driver sent: shards (once), broadcasts (once per task, or once per worker when
        large) and the functions.
    bytes_up : int
        Bytes that came back to the driver.
    seconds : float
        Wall-clock time spent in rounds.
    retries : int
        Tasks run again because the process that ran them died.
    """

    rounds: int = 0
    bytes_down: int = 0
    bytes_up: int = 0
    seconds: float = 0.0
    retries: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Cost)))


@dataclass(eq=False)
class Meter:
    """The running account behind :class:`Cost`; safe to use from several threads."""

    _spent: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **amounts: float) -> None:
        """Add to the named entries of :class:`Cost`."""
        with self._lock:
            for name, amount in amounts.items():
                self._spent[name] = self._spent.get(name, 0) + amount

    @contextmanager
    def round(self) -> Iterator[None]:
        """Count one round and its seconds, also when it fails."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(rounds=1, seconds=time.perf_counter() - start)

    def read(self) -> Cost:
        """The account as a value."""
        with self._lock:
            return Cost(**self._spent)  # type: ignore[arg-type]


def nbytes(value: Any) -> int:
    """Bytes of the arrays in `value`, found through tuples, lists, dicts and dataclasses.

    An estimate in O(number of objects): nothing is pickled or copied.
    """
    size = look_up(_SIZES, value)
    if size is not None:
        return size(value)
    if is_dataclass(value) and not isinstance(value, type):
        return 64 + sum(nbytes(getattr(value, f.name)) for f in fields(value))
    return sys.getsizeof(value)


def _items(value: Any) -> int:
    return 64 + sum(nbytes(item) for item in value)


def _mapping(value: Any) -> int:
    return 64 + sum(nbytes(key) + nbytes(item) for key, item in value.items())


def _attribute(value: Any) -> int:
    return int(value.nbytes)


def _compressed(value: Any) -> int:
    return int(value.data.nbytes + value.indices.nbytes + value.indptr.nbytes)


_SIZES = {
    "builtins.NoneType": lambda value: 0,
    "builtins.tuple": _items,
    "builtins.list": _items,
    "builtins.dict": _mapping,
    "numpy.ndarray": _attribute,
    "numpy.generic": _attribute,
    "scipy.csr_matrix": _compressed,
    "scipy.csr_array": _compressed,
    "scipy.csc_matrix": _compressed,
    "scipy.csc_array": _compressed,
    "pandas.DataFrame": lambda value: int(value.memory_usage(index=True).sum()),
    "pandas.Series": lambda value: int(value.memory_usage(index=True)),
    "polars.DataFrame": lambda value: int(value.estimated_size()),
    "polars.Series": lambda value: int(value.estimated_size()),
    "pyarrow.Table": _attribute,
    "pyarrow.ChunkedArray": _attribute,
}
