# SPDX-License-Identifier: BSD-3-Clause
import pickle
import sys

import numpy as np
import pytest

from skdist.sharding._pickling import Parcel

X = np.arange(100.0)


def odd_addresses(buffers):
    """The buffers at addresses that are no multiple of 8, as in a network message."""
    for buffer in buffers:
        room = bytearray(len(buffer.raw()) + 17)
        start = next(i for i in range(16) if np.frombuffer(room, np.uint8)[i:].ctypes.data % 8 == 3)
        room[start : start + len(buffer.raw())] = buffer.raw()
        yield memoryview(room)[start : start + len(buffer.raw())]


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize("protocol", [4, 5])
def test_arrays_arrive_aligned_and_as_writable_as_said(protocol, writable):
    buffers = []
    callback = buffers.append if protocol == 5 else None
    data = pickle.dumps(Parcel({"X": X}, writable), protocol, buffer_callback=callback)
    arrived = pickle.loads(data, buffers=odd_addresses(buffers)).value["X"]
    np.testing.assert_array_equal(arrived, X)
    assert arrived.flags.aligned
    assert arrived.flags.writeable is writable


def test_dask_is_told_the_size():
    assert X.nbytes <= sys.getsizeof(Parcel([X], True)) <= X.nbytes + 500
