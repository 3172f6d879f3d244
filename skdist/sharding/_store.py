# SPDX-License-Identifier: BSD-3-Clause
"""Streamed shards on the local disk, so that a fit of many rounds reads their source once.

What a view made of a partition is written to a file and mapped into memory whenever a task needs
it: memory that is free keeps it, memory that is needed lets go of it, and nothing is decoded or
fetched from afar again. Where there is no room on the disk, the partition is computed anew.
"""

import os
import shutil
import tempfile
import uuid
import warnings
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from joblib.externals.loky.backend import resource_tracker

from skdist._caller import level_of_caller
from skdist._config import settings
from skdist.sharding._pickling import pickle_apart
from skdist.sharding._spool import map_file, write_file

# Of the disk, what others are left: files are only written where more than this share stays free.
LEFT_FREE = 0.05
IN_MEMORY = frozenset({"ramfs", "tmpfs"})


class Lazy(ABC):
    """A value that is made when a task opens it."""

    @abstractmethod
    def open(self) -> Any:
        """Make it, in this thread."""


def opened(value: Any) -> Any:
    """The value of one that is lazy; any other as it is."""
    return value.open() if isinstance(value, Lazy) else value


@dataclass(frozen=True)
class Stored(Lazy):
    """A value in a file."""

    path: str

    def open(self) -> Any:
        """The value; arrays are mapped read-only."""
        return map_file(self.path)


@dataclass(frozen=True, eq=False)
class Again(Lazy):
    """A value that is computed whenever it is needed.

    `no_room_in` is the folder in which it found no room, if one was asked.
    """

    function: Callable[..., Any]
    source: Any
    common: tuple[Any, ...]
    no_room_in: str | None = None

    def open(self) -> Any:
        """Compute it."""
        return self.function(opened(self.source), *self.common)


@dataclass(frozen=True, eq=False)
class Kept:
    """A function whose results are arguments of many waves."""

    function: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


@dataclass(frozen=True, eq=False)
class Lazily:
    """A function that opens its lazy arguments itself, when it comes to them."""

    function: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


@dataclass(frozen=True, eq=False)
class Storing:
    """``(lazy shard, *common) -> Stored`` of what the function makes of it, or `Again`."""

    function: Callable[..., Any]
    folder: str | None

    def __call__(self, source: Any, *common: Any) -> Stored | Again:
        if self.folder is None:
            return Again(self.function, source, common)
        value = self.function(opened(source), *common)
        head, buffers = pickle_apart(value, by_file=True)
        size = len(head) + sum(buffer.nbytes for buffer in buffers)
        if not has_room(self.folder, size):
            return Again(self.function, source, common, self.folder)
        path = os.path.join(self.folder, uuid.uuid4().hex)
        write_file(path, head, buffers)
        return Stored(path)


def warn_of_room(pieces: Sequence[Any]) -> None:
    """Say so if values found no room: a fit of many rounds then takes many times as long."""
    lacking = [piece for piece in pieces if type(piece) is Again and piece.no_room_in]
    if lacking:
        warnings.warn(
            f"{len(lacking)} of {len(pieces)} partitions found no room in {lacking[0].no_room_in}, "
            f"where {LEFT_FREE:.0%} of the disk are left to others: they are read anew in every "
            "round. skdist.config_context(spill=...) takes another folder, and spill=False keeps "
            "nothing.",
            stacklevel=level_of_caller(),
        )


def has_room(folder: str, size: int) -> bool:
    """Whether a file of this size leaves others enough of the disk."""
    disk = shutil.disk_usage(folder)
    return disk.free - size > LEFT_FREE * disk.total


@dataclass(eq=False)
class Store:
    """A folder that is made when it is first needed, and goes when the last user of it goes.

    `spill` is what ``config_context`` says of it.
    """

    spill: str | bool = field(default_factory=lambda: settings().spill)
    _folder: str | None = field(default=None, init=False)

    def folder(self) -> str | None:
        """Its path; ``None`` where it is forbidden, or no disk is known but memory like one."""
        if self._folder is None:
            parent = _parent(self.spill)
            if parent is None:
                return None
            self._folder = tempfile.mkdtemp(prefix="skdist-", dir=parent)
            # The tracker is a process of its own: it removes the folder if this one is killed.
            resource_tracker.register(self._folder, "folder")
            weakref.finalize(self, _remove, self._folder)
        return self._folder


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    resource_tracker.unregister(folder, "folder")


def _parent(spill: str | bool) -> str | None:
    """The folder that was asked for, or the first that is on a disk."""
    if isinstance(spill, str):
        return spill
    return next(filter(_on_disk, _candidates()), None) if spill else None


def _candidates() -> list[str]:
    """Folders for large temporary files: what Dask was told, the system's, and the usual one."""
    import dask

    told = dask.config.get("temporary-directory", None)
    folders = [told, tempfile.gettempdir(), "/var/tmp"]
    return [os.path.abspath(folder) for folder in folders if folder and os.path.isdir(folder)]


def _on_disk(folder: str) -> bool:
    """Whether a folder is not a piece of memory; taken for granted where Linux does not say."""
    try:
        with open("/proc/self/mounts", encoding="utf-8") as file:
            mounts = [line.split()[1:3] for line in file]
    except OSError:
        return True
    inside = [(len(path), kind) for path, kind in mounts if _contains(path, folder)]
    return max(inside, default=(0, "disk"))[1] not in IN_MEMORY


def _contains(parent: str, folder: str) -> bool:
    return os.path.commonpath([parent, os.path.realpath(folder)]) == parent
