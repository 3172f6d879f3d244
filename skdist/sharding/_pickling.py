# SPDX-License-Identifier: BSD-3-Clause
"""Pickles with the arrays' memory apart, and a value's dress for the way over Dask's network."""

import io
import mmap
import pickle
from collections.abc import Sequence
from typing import Any

import cloudpickle
import numpy as np

from skdist.sharding._cost import nbytes


def pickle_apart(value: Any, *, by_file: bool = False) -> tuple[bytes, list[memoryview]]:
    """Pickle `value`; the memory of its arrays is returned beside the pickle, uncopied.

    With `by_file`, arrays that are mapped from a file are pickled as the file's name: for
    processes of this machine.
    """
    buffers: list[pickle.PickleBuffer] = []
    file = io.BytesIO()
    pickler = _FilePickler if by_file else cloudpickle.Pickler
    pickler(file, protocol=5, buffer_callback=buffers.append).dump(value)
    return file.getvalue(), [buffer.raw() for buffer in buffers]


class Parcel:
    """A value that travels between Dask's workers.

    Buffers arrive anywhere inside a network message, mostly at addresses that are no multiple of
    the item size. numpy sums such arrays in another order (other bits, and slowly) and numba
    compiles another kernel for them, so they are copied to aligned memory on arrival. Also tells
    Dask the true size of values it does not know, so that tasks go to the data.

    Parameters
    ----------
    value : any
    writable : bool
        Whether arrays may be written to where the parcel is opened: results that go to the driver
        may, what tasks share must not.
    spans : tuple
        What is still to be told the driver of the tasks that made it: (ticket, span) of each.
    """

    def __init__(self, value: Any, writable: bool, spans: tuple[Any, ...] = ()) -> None:
        self.value = value
        self.writable = writable
        self.spans = spans

    def __sizeof__(self) -> int:
        return nbytes(self.value)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        head, buffers = pickle_apart(self.value)
        # Through Dask's scheduler things go by an older protocol, which has no buffers apart.
        wrap = pickle.PickleBuffer if protocol >= 5 else bytes
        return _open_parcel, (self.writable, self.spans, head, *map(wrap, buffers))


def _open_parcel(writable: bool, spans: tuple[Any, ...], head: bytes, *buffers: Any) -> Parcel:
    return Parcel(pickle.loads(head, buffers=aligned(buffers, writable)), writable, spans)


def aligned(buffers: Sequence[Any], writable: bool) -> list[memoryview]:
    """Copies of `buffers` at addresses that suit any item size."""
    copies = [np.array(np.frombuffer(buffer, np.uint8)) for buffer in buffers]
    for copy in copies:
        copy.flags.writeable = writable
    return [memoryview(copy) for copy in copies]  # type: ignore[arg-type,unused-ignore]


class _FilePickler(cloudpickle.Pickler):  # type: ignore[misc,unused-ignore]
    """Leaves arrays that are mapped from a file where they are."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is np.ndarray or type(value) is np.memmap:
            place = _place_in_file(value)
            if place is not None:
                return _map_array, place
        return super().reducer_override(value)


def _place_in_file(array: Any) -> tuple[Any, ...] | None:
    """(file, dtype, offset, shape, order) of an array mapped from a file, or ``None``."""
    root = array
    while root is not None and type(getattr(root, "base", None)) is not mmap.mmap:
        root = getattr(root, "base", None)
    contiguous = array.flags.c_contiguous or array.flags.f_contiguous
    if type(root) is not np.memmap or root.filename is None or root.mode == "c" or not contiguous:
        return None
    offset = root.offset + array.ctypes.data - root.ctypes.data
    order = "C" if array.flags.c_contiguous else "F"
    return str(root.filename), array.dtype, offset, array.shape, order


def _map_array(path: str, dtype: Any, offset: int, shape: tuple[int, ...], order: Any) -> Any:
    return np.asarray(np.memmap(path, dtype, "r", offset, shape, order))
