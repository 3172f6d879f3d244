# SPDX-License-Identifier: BSD-3-Clause
"""Values for other processes of this machine: small ones as bytes, large ones as a file.

A file is written once, mapped read-only by every process that needs it, and kept open there, so
that a shard crosses no pipe however many rounds use it. Arrays that are mapped from a file
already are passed by the file's name.
"""

import mmap
import os
import pickle
import struct
import tempfile
import uuid
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joblib.externals.loky.backend import resource_tracker

from skdist.sharding._pickling import aligned, pickle_apart

_IN_BAND = 1 << 16
# A pipe takes at most 4096 bytes in one piece (PIPE_BUF), of which loky's envelope needs some.
_AT_ONCE = 1 << 11
_ALIGN = 64
_MAX_OPEN = 256
_open: dict[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Spooled:
    """A value in a file; the file goes when the object that :func:`spool` returned goes."""

    path: str
    size: int


def pack(value: Any) -> bytes | Spooled:
    """`value` as bytes, or as a file where it is larger than 64 KiB."""
    head, buffers = pickle_apart(value, by_file=True)
    if len(head) + sum(buffer.nbytes for buffer in buffers) > _IN_BAND:
        return _removed_with_its_name(_write(head, buffers))
    return pickle.dumps((head, [bytes(buffer) for buffer in buffers]))


def spool(value: Any) -> Spooled:
    """`value` as a file."""
    return _removed_with_its_name(_write(*pickle_apart(value, by_file=True)))


def ship(value: Any) -> bytes | Spooled:
    """A result on its way to the driver: as bytes, or as a file, which :func:`receive` removes.

    Whoever is killed while he writes to a pipe leaves half a message there, and the reader waits
    for the rest for ever: so what is written is small enough to be written at once or not at all.
    """
    head, buffers = pickle_apart(value)
    if len(head) + sum(buffer.nbytes for buffer in buffers) > _AT_ONCE:
        return _write(head, buffers)
    return pickle.dumps((head, [bytes(buffer) for buffer in buffers]))


def receive(shipped: bytes | Spooled) -> Any:
    """The result that was shipped; arrays can be written to."""
    if type(shipped) is Spooled:
        try:
            head, *segments = _segments(shipped.path)
        finally:
            discard(shipped)
    else:
        head, segments = pickle.loads(shipped)  # type: ignore[arg-type]
    return pickle.loads(head, buffers=aligned(segments, writable=True))


def discard(shipped: bytes | Spooled) -> None:
    """Let go of a result that nobody wants."""
    if type(shipped) is Spooled:
        _remove(shipped.path)


def unpack(packed: bytes | Spooled) -> Any:
    """What :func:`pack` or :func:`spool` was given; arrays are read-only."""
    if type(packed) is Spooled:
        return _read(packed)
    head, buffers = pickle.loads(packed)  # type: ignore[arg-type]
    return pickle.loads(head, buffers=buffers)


def packed_size(packed: bytes | Spooled) -> int:
    """Bytes that were written."""
    return packed.size if type(packed) is Spooled else len(packed)  # type: ignore[arg-type]


def _write(head: bytes, buffers: Sequence[memoryview]) -> Spooled:
    _, size = _layout(head, buffers)
    path = os.path.join(_folder(size), f"skdist-{os.getpid()}-{uuid.uuid4().hex}")
    # The tracker is a process of its own: it removes the file even if this one is killed.
    resource_tracker.register(path, "file")
    write_file(path, head, buffers)
    return Spooled(path, size)


def write_file(path: str, head: bytes, buffers: Sequence[memoryview]) -> None:
    """File: number of segments, their (start, stop), then the segments, each aligned."""
    bounds, _ = _layout(head, buffers)
    with open(path, "wb") as file:
        file.write(struct.pack(f"<q{2 * len(bounds)}q", len(bounds), *sum(bounds, ())))
        for (start, _), segment in zip(bounds, [memoryview(head), *buffers], strict=True):
            file.seek(start)
            file.write(segment)


def _layout(head: bytes, buffers: Sequence[memoryview]) -> tuple[list[tuple[int, int]], int]:
    """(start, stop) of each segment of a file, and its size."""
    sizes = [len(head), *(buffer.nbytes for buffer in buffers)]
    bounds, position = [], 8 + 16 * len(sizes)
    for size in sizes:
        start = -(-position // _ALIGN) * _ALIGN
        position = start + size
        bounds.append((start, position))
    return bounds, position


def _removed_with_its_name(spooled: Spooled) -> Spooled:
    """The file goes when the object that names it goes."""
    weakref.finalize(spooled, _remove, spooled.path)
    return spooled


def _remove(path: str) -> None:
    os.unlink(path)
    resource_tracker.unregister(path, "file")


def _folder(size: int) -> str:
    """Where joblib would put a temporary file of this size: the user's folder, memory, or disk."""
    if "JOBLIB_TEMP_FOLDER" in os.environ:
        return os.environ["JOBLIB_TEMP_FOLDER"]
    if os.path.isdir("/dev/shm"):
        status = os.statvfs("/dev/shm")
        if status.f_bavail * status.f_frsize > 2 * size:
            return "/dev/shm"
    return tempfile.gettempdir()


def _read(spooled: Spooled) -> Any:
    """The value of a file, opened once per process while the file lives."""
    if spooled.path not in _open:
        for path in [path for path in _open if not os.path.exists(path)]:
            _open.pop(path, None)
        if len(_open) >= _MAX_OPEN:
            _open.pop(next(iter(_open)), None)
        _open[spooled.path] = map_file(spooled.path)
    return _open[spooled.path]


def map_file(path: str) -> Any:
    """The value of a file; arrays are mapped read-only."""
    head, *buffers = _segments(path)
    return pickle.loads(head, buffers=buffers)


def _segments(path: str) -> list[memoryview]:
    with open(path, "rb") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    (count,) = struct.unpack_from("<q", memory)
    bounds = struct.unpack_from(f"<{2 * count}q", memory, 8)
    return [memory[bounds[2 * i] : bounds[2 * i + 1]] for i in range(count)]
