# SPDX-License-Identifier: BSD-3-Clause
"""Forests mind the memory there is."""

import dask.array as da
import joblib
import numpy as np
import pytest

from skdist import DistributedRandomForestRegressor
from skdist.ensemble._binned_fit import choose_strategy
from skdist.kernels.node_split import GINI, SQUARED_ERROR, Rules
from skdist.kernels.tree_memory import memory_bytes, new_memory
from skdist.sharding import shard_rows, tasks_beside

N_BYTES = 1_000 * (20 + 16)


def test_binned_rows_are_everywhere_while_a_quarter_of_the_memory_holds_them():
    assert choose_strategy("auto", 1_000, 20, 4 * N_BYTES, 0, 4 * N_BYTES)[0] == "replicate"
    assert choose_strategy("auto", 1_000, 20, 4 * N_BYTES - 4, 0, 4 * N_BYTES)[0] == "histogram"


def test_and_half_of_it_also_the_trees_that_grow_there():
    assert choose_strategy("auto", 1_000, 20, 4 * N_BYTES, N_BYTES, 4 * N_BYTES)[0] == "replicate"
    strategy, why = choose_strategy("auto", 1_000, 20, 4 * N_BYTES, N_BYTES + 1, 4 * N_BYTES)
    assert strategy == "histogram" and f"{N_BYTES + 1:,} bytes in which trees" in why


def test_what_is_taken_already_is_not_there():
    assert choose_strategy("auto", 1_000, 20, 1 << 30, N_BYTES, 4 * N_BYTES)[0] == "replicate"
    assert choose_strategy("auto", 1_000, 20, 1 << 30, N_BYTES, 4 * N_BYTES - 2)[0] == "histogram"


def test_what_cannot_fit_is_refused_before_it_begins():
    assert choose_strategy("replicate", 1_000, 20, 36_000, 0, 1 << 30)[0] == "replicate"
    with pytest.raises(MemoryError, match=r"36,000 bytes at every worker; there are 35,999\. Take"):
        choose_strategy("replicate", 1_000, 20, 35_999, 0, 1 << 30)
    assert choose_strategy("histogram", 1_000, 20, 35_999, 0, 1 << 30)[0] == "histogram"


@pytest.mark.parametrize("n_classes", [0, 2, 7])
@pytest.mark.parametrize("max_depth", [3, 30])
def test_memory_that_is_asked_for_is_what_is_counted(n_classes, max_depth):
    rules = Rules(
        criterion=GINI if n_classes else SQUARED_ERROR,
        n_classes=n_classes,
        balanced=False,
        random_splits=False,
        max_features=5,
        max_depth=max_depth,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        min_decrease=0.0,
    )
    memory = new_memory(50_000, 10, rules)
    parts = (memory.draws, *memory.sample, *memory.spare, *memory.table)
    assert sum(part.nbytes for part in parts) == memory_bytes(50_000, n_classes, max_depth)


def test_flat_trees_reserve_room_for_the_nodes_they_may_have():
    assert memory_bytes(10_000_000, 2, 8) == 28 * 10_000_000 + 42 * 511


def test_tasks_that_share_a_process(dask_client):
    X = np.zeros((10, 2))
    assert tasks_beside(shard_rows(X, n_shards=2, n_jobs=3)) == 3
    with joblib.parallel_config(backend="dask", client=dask_client):
        assert tasks_beside(shard_rows(X, n_shards=2)) == 1


def test_copies_that_cannot_fit_are_refused_before_rows_are_read():
    def fail(block):
        raise AssertionError("rows were read")

    X = da.zeros((10**12, 2), chunks=(10**9, 2)).map_blocks(
        fail, dtype=float, meta=np.zeros((0, 0))
    )
    y = da.zeros(10**12, chunks=10**9)
    forest = DistributedRandomForestRegressor(2, strategy="replicate")
    with pytest.raises(MemoryError, match="strategy='replicate' was asked for"):
        forest.fit(X, y)
