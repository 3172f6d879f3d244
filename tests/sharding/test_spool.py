# SPDX-License-Identifier: BSD-3-Clause
import gc
import os

import joblib
import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
import shard_tasks as tasks

from skdist.sharding import shard_rows
from skdist.sharding._spool import Spooled, pack, packed_size, spool, unpack

LARGE = np.arange(100_000.0).reshape(1000, 100)


@pytest.mark.parametrize(
    "value", [LARGE, LARGE[::3], np.asfortranarray(LARGE), np.empty((0, 3)), np.arange(3), "text"]
)
def test_values_come_back_the_same(value):
    for packed in (pack(value), spool(value)):
        np.testing.assert_array_equal(unpack(packed), value)


def test_only_large_values_become_files():
    assert isinstance(pack(LARGE), Spooled)
    assert isinstance(pack(np.arange(10)), bytes)
    assert packed_size(pack(LARGE)) >= LARGE.nbytes


def test_arrays_from_a_file_are_read_only_and_aligned():
    arrays = unpack(spool([np.zeros(3, np.int8), LARGE, np.zeros(5, np.int16), LARGE]))
    assert not any(array.flags.writeable for array in arrays)
    assert all(array.ctypes.data % 64 == 0 for array in arrays)


def test_a_file_is_opened_once_per_process():
    spooled = spool(sp.csr_matrix(LARGE))
    assert unpack(spooled) is unpack(spooled)


def test_the_file_goes_with_its_owner():
    spooled = spool(LARGE)
    path = spooled.path
    assert os.path.exists(path)
    del spooled
    gc.collect()
    assert not os.path.exists(path)


def test_the_users_folder_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    assert os.path.dirname(spool(LARGE).path) == str(tmp_path)


def test_a_memory_map_is_passed_by_the_name_of_its_file(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, LARGE)
    mapped = np.load(path, mmap_mode="r")
    with joblib.parallel_config(backend="loky", n_jobs=2):
        shards = shard_rows(mapped, n_shards=4)
        assert shards.cost.bytes_down < 10_000
        got = shards.map(tasks.times, 1.0)
    np.testing.assert_array_equal(np.vstack(got), LARGE)


def test_a_copy_on_write_map_is_passed_by_value(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, LARGE)
    mapped = np.load(path, mmap_mode="c")
    mapped[0, 0] = -1
    assert unpack(spool(np.asarray(mapped)))[0, 0] == -1


def test_rounds_send_no_frame_again():
    with joblib.parallel_config(backend="loky", n_jobs=2):
        shards = shard_rows(pl.from_numpy(LARGE), n_shards=4)
        before = shards.cost.bytes_down
        shards.map(tasks.nothing)
        shards.map(tasks.nothing)
    assert before >= LARGE.nbytes
    assert shards.cost.bytes_down - before < 10_000
