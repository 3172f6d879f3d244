# SPDX-License-Identifier: BSD-3-Clause
"""A file to which records are added, and which is read up to the first one that is not whole.

A record: its length in bytes (8), 16 bytes of BLAKE2b of all that follows, the length of its head
(8), the head as JSON, then arrays, each from a multiple of 64 bytes on.
"""

import hashlib
import json
import math
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from skdist.sharding._journal_codec import (
    decode,
    described,
    dtype_of,
    encode,
    in_memory_order,
    rebuilt,
)

MAGIC = b"skdist journal 1\n"
_FRAME = struct.Struct("<Q16sQ")
_ALIGN = 64
_JOINED = 1 << 20  # bytes up to which one call of the system is better than no copy
# Seconds between two waits for the disk. A killed process loses nothing that was written, waited
# for or not; a machine that loses its power loses what was written since.
SYNC_EVERY = 0.2


@dataclass(frozen=True)
class Entry:
    """What a record says, but for its value, and where it lies in the file.

    Parameters
    ----------
    about : dict
        The head, without the value.
    start, stop : int
        Of the record, in bytes.
    """

    about: dict[str, Any]
    start: int
    stop: int


class Log:
    """The file of one journal, open for reading and adding.

    Parameters
    ----------
    path : str
        Made if it is not there. What follows the last whole record is cut off.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        # Without a buffer: what the disk refused is not tried again when the file is closed.
        self._file = open(path, "r+b" if os.path.exists(path) else "w+b", buffering=0)
        self._synced = 0.0
        self.entries = list(_whole_records(self._file))
        found = os.path.getsize(path)
        self.torn = max(0, found - self.size)
        if found != self.size or not self.entries:
            self.truncate(len(self.entries))

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.entries[-1].stop if self.entries else len(MAGIC)

    def add(self, about: dict[str, Any], value: Any = None) -> int:
        """Write a record at the end; returns its bytes.

        Raises
        ------
        NotWritable
            Where the value has no form in a journal; nothing is written.
        OSError
            Where the disk refuses; the file is as it was.
        """
        start, parts = self.size, _framed(about, value)
        try:
            self._file.seek(start)
            _write(self._file, parts)
        except OSError:
            self._file.truncate(start)
            raise
        self.entries.append(Entry(about, start, self._file.tell()))
        if time.monotonic() - self._synced > SYNC_EVERY:
            self.sync()
        return self.size - start

    def read(self, entry: Entry) -> Any:
        """The value of a record."""
        self._file.seek(entry.start)
        record = _read(self._file, entry.stop - entry.start)
        head = json.loads(record[_FRAME.size : _FRAME.size + _FRAME.unpack_from(record)[2]])
        return decode(head["value"], _arrays(head, memoryview(record)))

    def truncate(self, n_entries: int) -> None:
        """Forget all but the first records."""
        del self.entries[n_entries:]
        self._file.truncate(self.size)
        self._file.seek(0)
        _write(self._file, [MAGIC])

    def rewrite(self, keep: Sequence[Entry], new: Sequence[tuple[dict[str, Any], Any]]) -> None:
        """Put records that are kept, and new ones, in place of all; at once or not at all."""
        framed = [(about, _framed(about, value)) for about, value in new]
        entries, position = list[Entry](), len(MAGIC)
        file = open(self._path + ".new", "w+b", buffering=0)
        try:
            _write(file, [MAGIC])
            for about, parts in chain(self._as_they_are(keep), framed):
                _write(file, parts)
                entries.append(Entry(about, position, file.tell()))
                position = file.tell()
            os.fsync(file.fileno())
            os.replace(self._path + ".new", self._path)
        except OSError:
            file.close()
            with suppress(FileNotFoundError):
                os.unlink(self._path + ".new")
            raise
        sync_folder(os.path.dirname(self._path))
        self._file.close()
        self._file, self.entries, self._synced = file, entries, time.monotonic()

    def _as_they_are(self, entries: Sequence[Entry]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
        for entry in entries:
            self._file.seek(entry.start)
            yield entry.about, [_read(self._file, entry.stop - entry.start)]

    def sync(self) -> None:
        """Wait until the disk has all."""
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def close(self) -> None:
        """Wait for the disk, and let go of the file."""
        with suppress(OSError):
            self.sync()
        self._file.close()


def sync_folder(folder: str) -> None:
    """Wait until the disk has the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: str, data: bytes) -> None:
    """A file with this content, at once or not at all: written, waited for, renamed."""
    with open(path + ".new", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
    sync_folder(os.path.dirname(path))


def _framed(about: dict[str, Any], value: Any) -> list[Any]:
    """The parts of a record, in the order in which they are written."""
    tree, arrays = encode(value)
    head = {"about": about, "value": tree, "arrays": [described(array) for array in arrays]}
    parts: list[Any] = [json.dumps(head).encode()]
    length, n_head = _FRAME.size + len(parts[0]), len(parts[0])
    for array in map(in_memory_order, arrays):
        gap = -length % _ALIGN
        parts += [bytes(gap), array.reshape(-1).view(np.uint8).data if array.nbytes else b""]
        length += gap + array.nbytes
    return [_FRAME.pack(length, _checksum(n_head, parts), n_head), *parts]


def _checksum(n_head: int, parts: Sequence[Any]) -> bytes:
    found = hashlib.blake2b(struct.pack("<Q", n_head), digest_size=16)
    for part in parts:
        found.update(part)
    return found.digest()


def _write(file: Any, parts: Sequence[Any]) -> None:
    """All of it, or an error: a file without a buffer may take less than it is given."""
    for part in parts if sum(map(len, parts)) > _JOINED else [b"".join(parts)]:
        rest = memoryview(part)
        while len(rest):
            rest = rest[file.write(rest) :]


def _read(file: Any, n_bytes: int) -> bytearray:
    """So many bytes; fewer at the end of the file."""
    found, n_read = bytearray(n_bytes), 0
    while n_read < n_bytes:
        n_more = file.readinto(memoryview(found)[n_read:])
        if not n_more:
            return found[:n_read]
        n_read += n_more
    return found


def _arrays(head: dict[str, Any], record: memoryview) -> list[Any]:
    _, _, n_head = _FRAME.unpack_from(record)
    position, arrays = _FRAME.size + n_head, []
    for about in head["arrays"]:
        position += -position % _ALIGN
        array = rebuilt(about, record[position : position + _n_bytes(about)])
        position += array.nbytes
        arrays.append(array)
    return arrays


def _n_bytes(about: dict[str, Any]) -> int:
    return int(math.prod(about["shape"]) * dtype_of(about).itemsize)


def _whole_records(file: Any) -> Iterator[Entry]:
    """The records of a file, up to the first that is torn or corrupt."""
    file.seek(0)
    if _read(file, len(MAGIC)) != MAGIC:
        return
    start, end = len(MAGIC), os.fstat(file.fileno()).st_size
    while start + _FRAME.size <= end:
        length, checksum, n_head = _FRAME.unpack(_read(file, _FRAME.size))
        if length < _FRAME.size + n_head or start + length > end:
            return
        rest = _read(file, length - _FRAME.size)
        if _checksum(n_head, [rest]) != checksum:
            return
        yield Entry(json.loads(rest[:n_head])["about"], start, start + length)
        start += length


def records_of(path: str) -> list[Entry]:
    """The whole records of a file that may be in use."""
    with open(path, "rb", buffering=0) as file:
        return list(_whole_records(file))
