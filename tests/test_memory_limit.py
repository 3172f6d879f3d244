# SPDX-License-Identifier: BSD-3-Clause
"""A process that may not hold a fifth of its rows fits them all, without a cluster."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "limited_fit.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts so on Linux")


def run(family, mebibytes):
    return subprocess.run(
        [sys.executable, str(PROGRAM), family, str(mebibytes)],
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.parametrize(
    ("family", "mebibytes"),
    [
        ("ridge", 32),
        *(
            pytest.param(family, 64, marks=pytest.mark.long)
            for family in ("logistic", "SGD", "forest", "MLP", "ridge")
        ),
    ],
)
def test_five_times_the_memory_is_fitted(family, mebibytes):
    done = run(family, mebibytes)
    assert done.returncode == 0, done.stderr
    n_shards, n_blocks, added = map(int, done.stdout.split())
    assert n_shards == n_blocks >= 5 * mebibytes * 2**20 // (8 * 20 * 10_000)
    assert added < mebibytes


def test_the_limit_is_one():
    done = run("gathering", 32)
    assert done.returncode != 0 and "MemoryError" in done.stderr
