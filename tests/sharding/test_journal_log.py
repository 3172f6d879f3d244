# SPDX-License-Identifier: BSD-3-Clause
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

from skdist.sharding._journal_log import MAGIC, Log, records_of, write_whole


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "rounds")


def with_three(path):
    log = Log(path)
    for k in range(3):
        log.add({"k": k}, np.full(100 * (k + 1), float(k)))
    log.close()
    return [entry.stop for entry in log.entries]


def values_in(path):
    log = Log(path)
    found = [(entry.about["k"], log.read(entry)) for entry in log.entries]
    log.close()
    return found


def numbers_in(path):
    return [k for k, _ in values_in(path)]


def test_records_are_read_again(path):
    with_three(path)
    for k, value in values_in(path):
        np.testing.assert_array_equal(value, np.full(100 * (k + 1), float(k)))
    assert [entry.about["k"] for entry in records_of(path)] == [0, 1, 2]


@pytest.mark.parametrize("lacking", [1, 50, 900, 2000])
def test_a_torn_record_is_dropped_and_written_over(path, lacking):
    stops = with_three(path)
    os.truncate(path, stops[-1] - lacking)
    log = Log(path)
    assert log.torn == stops[-1] - lacking - stops[1]
    assert len(log.entries) == 2
    log.add({"k": 9}, "new")
    log.close()
    assert values_in(path)[2] == (9, "new")


@pytest.mark.parametrize("record", [0, 1, 2])
def test_what_follows_a_corrupt_record_is_dropped_with_it(path, record):
    """Every byte counts: each of a record's, in turn, is spoilt."""
    stops = with_three(path)
    start = [len(MAGIC), *stops][record]
    with open(path, "rb") as file:
        whole = file.read()
    for position in np.linspace(start, stops[record] - 1, 25).astype(int):
        spoilt = bytearray(whole)
        spoilt[position] ^= 0x10
        write_whole(path, bytes(spoilt))
        assert numbers_in(path) == list(range(record))


@pytest.mark.parametrize("content", [b"", b"skd", b"something else altogether"])
def test_a_file_that_is_no_journal_is_begun_anew(path, content):
    write_whole(path, content)
    assert values_in(path) == []
    with_three(path)
    assert numbers_in(path) == [0, 1, 2]


def test_a_rewritten_file_has_what_was_kept(path):
    with_three(path)
    log = Log(path)
    log.rewrite(log.entries[1:2], [({"k": 7}, {"a": np.arange(3)})])
    log.add({"k": 8}, None)
    log.close()
    assert numbers_in(path) == [1, 7, 8]
    np.testing.assert_array_equal(values_in(path)[1][1]["a"], np.arange(3))
    assert os.listdir(os.path.dirname(path)) == ["rounds"]


def fill_the_disk(path):
    """In a child: files may have 20,000 bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    log = Log(path)
    log.add({"k": 0}, np.zeros(1000))
    for write in (lambda: log.add({"k": 1}, np.zeros(2000)), lambda: rewrite(log)):
        try:
            write()
        except OSError as error:
            print(error.errno)
    log.add({"k": 2}, np.ones(100))
    log.close()


def rewrite(log):
    log.rewrite(log.entries, [({"k": 3}, np.zeros(2000))])


def test_what_does_not_fit_leaves_the_file_whole(path):
    call = f"import test_journal_log as t; t.fill_the_disk({path!r})"
    done = subprocess.run(
        [sys.executable, "-c", call],
        cwd=os.path.dirname(__file__),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["27", "27"]  # EFBIG
    assert numbers_in(path) == [0, 2]
    assert os.listdir(os.path.dirname(path)) == ["rounds"]
