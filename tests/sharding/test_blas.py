# SPDX-License-Identifier: BSD-3-Clause
import threading

import pytest
from shard_tasks import seen_parallelism
from threadpoolctl import threadpool_info, threadpool_limits

from skdist.sharding import shard_rows
from skdist.sharding._blas import one_blas_thread


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def three_threads():
    with threadpool_limits(3, user_api="blas"):
        yield


def test_blocks_that_overlap_in_two_threads_lift_the_limit_in_the_end(three_threads):
    entered, leave = threading.Event(), threading.Event()

    def other():
        with one_blas_thread():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        assert entered.wait(10)
    assert blas_threads() == {1}  # the other block is still open
    leave.set()
    thread.join()
    assert blas_threads() == {3}


def test_the_limit_is_lifted_after_an_error(three_threads):
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert blas_threads() == {3}


def test_tasks_have_one_blas_thread(backend, three_threads):
    shards = shard_rows([[1.0]] * 4, n_shards=4)
    assert {blas for _, blas, _ in shards.map(seen_parallelism)} == {1}
    assert blas_threads() == {3}
