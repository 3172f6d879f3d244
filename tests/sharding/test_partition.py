# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from skdist.sharding import shard_rows
from skdist.sharding._partition import row_ranges

X = np.arange(60.0).reshape(20, 3)


def _memmap(tmp_path):
    path = tmp_path / "X.bin"
    X.tofile(path)
    return np.memmap(path, dtype=X.dtype, mode="r", shape=X.shape)


CONTAINERS = {
    "numpy": lambda tmp_path: X,
    "fortran": lambda tmp_path: np.asfortranarray(X),
    "list": lambda tmp_path: X.tolist(),
    "memmap": _memmap,
    "csr_matrix": lambda tmp_path: sp.csr_matrix(X),
    "csr_array": lambda tmp_path: sp.csr_array(X),
    "csc_matrix": lambda tmp_path: sp.csc_matrix(X),
    "csc_array": lambda tmp_path: sp.csc_array(X),
    "pandas": lambda tmp_path: pd.DataFrame(X),
    "polars": lambda tmp_path: pl.from_numpy(X),
    "pyarrow": lambda tmp_path: pa.Table.from_pandas(pd.DataFrame(X)),
}


def dense(shard):
    """Rows as an array, and the name of the container they came in."""
    rows = shard.X.toarray() if sp.issparse(shard.X) else np.asarray(shard.X)
    return rows, type(shard.X).__name__, shard.y, shard.sample_weight


@given(n=st.integers(1, 500), k=st.integers(1, 40), align=st.integers(1, 16))
def test_ranges_tile_the_rows_at_multiples_of_align(n, k, align):
    if k > max(n // align, 1):
        with pytest.raises(ValueError, match="n_shards"):
            row_ranges(n, k, align)
        return
    ranges = row_ranges(n, k, align)
    assert [i for r in ranges for i in r] == list(range(n))
    assert len(ranges) == k
    assert all(r.start % align == 0 for r in ranges)
    lengths = [len(r) for r in ranges]
    assert min(lengths) > 0
    assert max(lengths) - min(lengths) <= align


@given(n=st.integers(1, 200), data=st.data())
def test_ranges_are_those_of_array_split(n, data):
    k = data.draw(st.integers(1, n))
    expected = [len(part) for part in np.array_split(np.arange(n), k)]
    assert [len(r) for r in row_ranges(n, k)] == expected


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_arrive_whole_on_every_backend(container, backend, tmp_path):
    y, weight = np.arange(20), np.linspace(0, 1, 20)
    given_X = CONTAINERS[container](tmp_path)
    shards = shard_rows(given_X, y, weight, n_shards=3)
    parts = shards.map(dense)
    np.testing.assert_array_equal(np.vstack([part[0] for part in parts]), X)
    np.testing.assert_array_equal(np.concatenate([part[2] for part in parts]), y)
    np.testing.assert_array_equal(np.concatenate([part[3] for part in parts]), weight)
    kind = "ndarray" if container in {"list", "memmap"} else type(given_X).__name__
    assert {part[1] for part in parts} == {kind}


@pytest.mark.parametrize("column", [pd.Series, pl.Series, pa.array, list])
def test_y_in_any_container(column):
    y = np.arange(20)
    parts = shard_rows(X, column(y), n_shards=4, n_jobs=1).map(dense)
    np.testing.assert_array_equal(np.concatenate([part[2] for part in parts]), y)


def test_cutting_an_array_or_csr_copies_nothing():
    matrix = sp.csr_matrix(X)
    for given_X, memory in ((X, X), (matrix, matrix.data)):
        for shard in shard_rows(given_X, n_shards=3, n_jobs=1)._pieces:
            part = shard.X.data if sp.issparse(shard.X) else shard.X
            assert np.shares_memory(part, memory)


def test_shards_are_read_only_and_the_users_data_is_not():
    mine = X.copy()
    (shard,) = shard_rows(mine, n_shards=1, n_jobs=1)._pieces
    with pytest.raises(ValueError, match="read-only"):
        shard.X[0, 0] = 1
    mine[0, 0] = 1


@pytest.mark.parametrize("n_shards", [0, -1, 21])
def test_impossible_number_of_shards(n_shards):
    with pytest.raises(ValueError, match="n_shards"):
        shard_rows(X, n_shards=n_shards, n_jobs=1)


def test_lengths_that_differ_are_named():
    with pytest.raises(ValueError, match="20 rows but sample_weight has 19"):
        shard_rows(X, None, np.ones(19), n_shards=2, n_jobs=1)


@pytest.mark.parametrize("wrong", [sp.coo_matrix(X), pl.LazyFrame({"a": [1]}), "rows", {"a": [1]}])
def test_a_container_that_cannot_be_cut_is_refused(wrong):
    with pytest.raises(TypeError, match="cannot be cut into shards"):
        shard_rows(wrong, n_shards=1, n_jobs=1)
