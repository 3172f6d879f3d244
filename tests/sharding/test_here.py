# SPDX-License-Identifier: BSD-3-Clause
"""Work that is spread over the threads of this process."""

import threading

import joblib
import pytest

from skdist.sharding import for_row_blocks, map_in_threads


@pytest.mark.parametrize("n_rows", [0, 1, 7, 100, 1001])
@pytest.mark.parametrize("n_jobs", [1, 2, None])
def test_blocks_cover_the_rows_once_and_in_order(n_rows, n_jobs):
    blocks = for_row_blocks(lambda start, stop: (start, stop), n_rows, least=10, n_jobs=n_jobs)
    assert [row for start, stop in blocks for row in range(start, stop)] == list(range(n_rows))


def test_few_rows_stay_in_one_block():
    assert for_row_blocks(lambda start, stop: (start, stop), 19, least=10, n_jobs=2) == [(0, 19)]


def test_map_in_threads_is_map():
    assert map_in_threads(pow, [2, 3, 4], [5, 2, 1], n_jobs=2) == [32, 9, 4]
    assert map_in_threads(pow, [], [], n_jobs=2) == []


@pytest.mark.skipif(joblib.cpu_count() < 2, reason="one core runs one thread")
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_calls_run_side_by_side_in_this_process_whatever_the_backend(backend):
    met = threading.Barrier(2, timeout=20)  # nobody gets through alone
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert map_in_threads(lambda i: met.wait() >= 0, range(2)) == [True, True]


def test_inside_a_nested_loop_there_is_one_thread():
    def names(_):
        return set(map_in_threads(lambda i: threading.current_thread().name, range(4)))

    found = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(names)(i) for i in range(2)
    )
    assert all(len(threads) == 1 for threads in found)
