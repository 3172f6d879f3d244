# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import shard_tasks as tasks

from skdist.sharding import replicate


def test_every_item_is_a_task_that_sees_the_value(backend):
    value = np.arange(4.0)
    got = replicate(value).map(tasks.power, [1, 2, 3], 2)
    np.testing.assert_array_equal(got, [value, value * 4, value * 9])


def test_no_items(backend):
    assert replicate(3).map(tasks.power, []) == []


def test_the_value_travels_once(process_backend):
    replicated = replicate(np.zeros(100_000))
    placed = replicated.cost.bytes_down
    replicated.map(tasks.item_and_size, range(10))
    replicated.map(tasks.item_and_size, range(10))
    assert placed >= 800_000
    assert replicated.cost.bytes_down - placed < 50_000


def test_large_items_arrive(backend):
    items = [np.full(400_000, k) for k in range(5)]
    got = replicate(2).map(tasks.power, items, 1)
    for k, value in enumerate(got):
        np.testing.assert_array_equal(value, items[k] * 2)


def test_an_error_names_the_item(backend):
    with pytest.raises(TypeError) as caught:
        replicate(2).map(tasks.power, [1, 2, "x", 4], 2)
    assert caught.value.__notes__ == ["while fitting item 2 of 4"]
