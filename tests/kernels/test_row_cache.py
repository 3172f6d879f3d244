# SPDX-License-Identifier: BSD-3-Clause
"""The memory of kernel rows: who stays, who goes, and sums of rows."""

import pickle

import numpy as np
import pytest

from skdist.kernels.row_cache import CHUNK, RowCache, add_rows


def put(cache, ids):
    """Ask for rows and remember those that were not there; returns the ids that were."""
    ids = np.asarray(ids)
    slots = cache.find(ids)
    new = ids[slots < 0]
    places = cache.claim(new)
    for one, place in zip(new, places, strict=True):
        if place >= 0:
            cache.rows[place] = one
    return ids[slots >= 0].tolist()


def test_what_was_put_is_found():
    cache = RowCache(10, 3, 4)
    assert put(cache, [7, 2]) == []
    assert put(cache, [2, 5, 7]) == [2, 7]
    np.testing.assert_array_equal(cache.rows[cache.find(np.array([5, 2, 7]))][:, 1], [5, 2, 7])


def test_who_was_asked_for_longest_ago_goes():
    cache = RowCache(10, 3, 3)
    put(cache, [1])
    put(cache, [2])
    put(cache, [3])
    put(cache, [1])
    put(cache, [4])
    assert put(cache, [1, 3, 4]) == [1, 3, 4]
    assert put(cache, [2]) == []


def test_who_is_asked_for_now_stays():
    cache = RowCache(10, 3, 3)
    put(cache, [0, 1, 2])
    assert put(cache, [0, 1, 5, 6]) == [0, 1]
    assert put(cache, [0, 1, 5]) == [0, 1, 5]
    assert (cache.find(np.array([6])) == -1).all()


@pytest.mark.parametrize("n_slots", [0, 1])
def test_more_rows_than_room(n_slots):
    cache = RowCache(10, 3, n_slots)
    assert put(cache, [1, 2, 3]) == []
    assert put(cache, [1, 2, 3]) == [1, 2, 3][:n_slots]


def test_a_copy_remembers_nothing():
    cache = RowCache(10, 3, 4)
    put(cache, [1, 2])
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.n_slots == 0 and put(copy, [1]) == [] and len(pickle.dumps(cache)) < 200


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 5, CHUNK + 7])
@pytest.mark.parametrize("p", [0, 1, 4, 11])
def test_sums_of_rows(dtype, n, p):
    rng = np.random.default_rng(0)
    rows, which, weight = rng.normal(size=(20, n)).astype(dtype), rng.integers(0, 20, p), None
    weight = rng.normal(size=p)
    out = np.ones(n)
    add_rows(out, rows, which, weight)
    np.testing.assert_allclose(out, 1.0 + weight @ rows[which].astype(np.float64), atol=1e-13)
