# SPDX-License-Identifier: BSD-3-Clause
"""Streamed shards on the local disk: written once, mapped, gone with the last user."""

import gc
import mmap
import os
import shutil
import subprocess
import sys
import time

import dask
import dask.array as da
import joblib
import numpy as np
import pytest
import shard_tasks as tasks

from skdist import DistributedLogisticRegression, config_context
from skdist.sharding import _store as store
from skdist.sharding import of_targets, shard_rows

X = np.arange(60.0).reshape(20, 3)
Y = np.arange(20)


def collection(folder=None):
    dX, dy = da.from_array(X, chunks=(6, 3)), da.from_array(Y, chunks=6)
    if folder is None:
        return dX, dy
    return dX.map_blocks(tasks.tallied, str(folder), dtype=float), dy


@pytest.fixture
def disk(tmp_path):
    """The folder where what is kept goes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with dask.config.set({"temporary-directory": str(folder)}):
        yield folder


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_partitions_are_read_once_and_come_from_the_disk_after(backend, tmp_path, disk):
    reads = tmp_path / "reads"
    reads.mkdir()
    with joblib.parallel_config(backend=backend, n_jobs=2):
        shards = shard_rows(*collection(reads), n_shards=None).kept_through(tasks.doubled)
        for _ in range(3):
            parts = shards.map(tasks.identity)
            np.testing.assert_array_equal(np.vstack([part.X for part in parts]), 2 * X)
            np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), Y)
        assert len(list(reads.iterdir())) == 4
        assert len(files(disk)) == 4


def test_what_is_mapped_is_no_memory_of_the_process(disk):
    shards = shard_rows(*collection(), n_shards=None, n_jobs=1).kept_through(tasks.doubled)
    (part, *_) = shards.map(tasks.identity)
    assert not part.X.flags.writeable and not part.X.flags.owndata
    base = part.X
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap)


def test_the_files_go_with_the_shards(disk):
    shards = shard_rows(*collection(), n_shards=None, n_jobs=1).kept_through(tasks.doubled)
    shards.map(tasks.nothing)
    assert files(disk)
    del shards
    gc.collect()
    assert not list(disk.iterdir())


def test_the_files_go_also_when_the_process_is_killed(disk):
    script = """if True:
        import os, signal, sys
        import dask.array as da
        from skdist.sharding import shard_rows
        X = da.ones((20, 3), chunks=(5, 3))
        shards = shard_rows(X, n_shards=None, n_jobs=1).kept_through(lambda shard: shard)
        print(len(os.listdir(os.environ["DASK_TEMPORARY_DIRECTORY"])), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "DASK_TEMPORARY_DIRECTORY": str(disk)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == "1", done.stderr
    deadline = time.monotonic() + 20
    while list(disk.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(disk.iterdir())


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_nothing_is_written_where_that_is_forbidden(backend, tmp_path, disk):
    reads = tmp_path / "reads"
    reads.mkdir()
    with joblib.parallel_config(backend=backend, n_jobs=2), config_context(spill=False):
        shards = shard_rows(*collection(reads), n_shards=None).kept_through(tasks.doubled)
        for _ in range(2):
            parts = shards.map(tasks.identity)
            np.testing.assert_array_equal(np.vstack([part.X for part in parts]), 2 * X)
    assert not list(disk.iterdir())
    assert len(list(reads.iterdir())) >= 2 * 4


def test_the_folder_is_the_one_that_was_asked_for(tmp_path, disk):
    own = tmp_path / "own"
    own.mkdir()
    with config_context(spill=own):
        shards = shard_rows(*collection(), n_shards=None, n_jobs=1).kept_through(tasks.doubled)
        assert len(files(own)) == 4 and not files(disk)
    assert len(shards.map(tasks.nothing)) == 4  # the files outlive the block, not the shards
    del shards
    gc.collect()
    assert not list(own.iterdir())


def test_a_fit_is_the_same_with_and_without_a_disk(disk):
    rows, y = da.from_array(X, chunks=(6, 3)), da.from_array(Y % 2, chunks=6)
    coefs = []
    for spill in (True, False):
        with config_context(spill=spill):
            coefs.append(DistributedLogisticRegression().fit(rows, y).coef_)
    np.testing.assert_array_equal(*coefs)


def test_a_second_view_is_not_written_again(disk):
    shards = shard_rows(*collection(), n_shards=None, n_jobs=1)
    twice = shards.kept_through(tasks.doubled).kept_through(tasks.doubled)
    assert len(files(disk)) == 4
    np.testing.assert_array_equal(np.vstack([s.X for s in twice.map(tasks.identity)]), 4 * X)


def test_derived_values_are_kept_on_the_disk_too(disk):
    shards = shard_rows(*collection(), n_shards=None, n_jobs=1).kept_through(tasks.doubled)
    derived = shards.map_shards(tasks.times, 3.0, keep=True)
    assert len(files(disk)) == 8
    parts = derived.map(tasks.identity)
    np.testing.assert_array_equal(np.vstack([part.X for part in parts]), 6 * X)
    assert [part.rows for part in parts] == shards.rows


def test_without_room_partitions_are_read_again(tmp_path, disk, monkeypatch):
    reads = tmp_path / "reads"
    reads.mkdir()
    monkeypatch.setattr(store, "LEFT_FREE", 1.1)  # nothing is ever free enough
    rows = shard_rows(*collection(reads), n_shards=None, n_jobs=1)
    with pytest.warns(UserWarning, match=r"4 of 4 partitions found no room in .*spill="):
        shards = rows.kept_through(tasks.doubled)
    for _ in range(2):
        parts = shards.map(tasks.identity)
        np.testing.assert_array_equal(np.vstack([part.X for part in parts]), 2 * X)
    assert len(list(reads.iterdir())) == 12 and not files(disk)


def test_room_is_what_leaves_others_enough(tmp_path):
    disk = shutil.disk_usage(tmp_path)
    spare = int(disk.free - store.LEFT_FREE * disk.total)
    assert store.has_room(str(tmp_path), spare // 2)
    assert not store.has_room(str(tmp_path), disk.free)


@pytest.mark.skipif(not os.path.exists("/dev/shm"), reason="no folder in memory is known here")
def test_memory_that_looks_like_a_disk_is_none(monkeypatch):
    assert not store._on_disk("/dev/shm")
    monkeypatch.setattr(store, "_candidates", lambda: ["/dev/shm"])
    assert store.Store().folder() is None


def test_targets_are_looked_at_without_features(tmp_path):
    shards = shard_rows(*collection(tmp_path), n_shards=None, n_jobs=1)
    parts = of_targets(shards).map(tasks.identity)
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), Y)
    assert [part.rows for part in parts] == shards.rows


def test_unknown_lengths_are_counted_without_features(tmp_path):
    dX, dy = collection(tmp_path)
    shards = shard_rows(dX[:, :2], dy[dy >= 0], n_shards=None, n_jobs=1)
    assert list(tmp_path.iterdir()) == []
    assert shards.n_samples == 20
