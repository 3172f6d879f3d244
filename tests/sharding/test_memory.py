# SPDX-License-Identifier: BSD-3-Clause
import os
import subprocess
import sys

import pytest

from skdist.sharding import _memory as memory
from skdist.sharding._dask import DaskExecutor
from skdist.sharding._executors import SerialExecutor

LIMITED = """
import resource
from skdist.sharding._memory import memory_limit
resource.setrlimit(resource.{kind}, (3 << 30, resource.RLIM_INFINITY))
print(memory_limit())
"""


def test_it_is_no_more_than_the_machine_has():
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 1 << 28 < memory.memory_limit() <= machine


@pytest.mark.skipif(sys.platform != "linux", reason="limits of processes are Linux's")
@pytest.mark.parametrize("kind", ["RLIMIT_DATA", "RLIMIT_AS"])
def test_limits_of_the_process_count(kind):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(kind=kind)], capture_output=True, text=True
    )
    # What is reserved and not held (buffers of BLAS, stacks) counts against the limit.
    assert 1 << 28 < int(done.stdout) < 3 << 30, done.stderr


def test_limits_of_the_container_count(tmp_path, monkeypatch):
    for name, text in [("new", "123456789\n"), ("none", "max\n")]:
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "_CGROUPS", (str(tmp_path / "none"), str(tmp_path / "lacking")))
    assert memory._of_container() == []
    monkeypatch.setattr(memory, "_CGROUPS", (str(tmp_path / "none"), str(tmp_path / "new")))
    assert memory.memory_limit() == 123456789


def test_a_task_has_the_memory_of_its_worker(dask_client):
    info = dask_client.scheduler_info(n_workers=-1)["workers"].values()
    assert memory.memory_of(DaskExecutor(2, dask_client)) == min(w["memory_limit"] for w in info)
    assert memory.memory_of(SerialExecutor()) == memory.memory_limit()
