# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import functools

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
import shard_tasks as tasks

from skdist.sharding import shard_rows

X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.arange(20)
CUTS = [range(6), range(6, 12), range(12, 18), range(18, 20)]


@pytest.fixture(params=["streamed", "streamed on loky", "on the cluster"])
def place(request):
    """Where partitions are computed."""
    with contextlib.ExitStack() as stack:
        if request.param == "on the cluster":
            stack.enter_context(request.getfixturevalue("dask_client").as_current())
        else:
            name = "loky" if request.param.endswith("loky") else "threading"
            stack.enter_context(joblib.parallel_config(backend=name, n_jobs=2))
        yield request.param


def arrays():
    return da.from_array(X, chunks=(6, 2)), da.from_array(Y, chunks=6)


def check(shards, X, y, rows):
    """The shards hold these rows, cut like this."""
    parts = shards.map(tasks.identity)
    assert shards.rows == rows == [part.rows for part in parts]
    np.testing.assert_array_equal(np.vstack([np.asarray(part.X) for part in parts]), X)
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), y)
    assert [part.index for part in parts] == list(range(len(rows)))
    assert shards.n_samples == len(X)


def test_partitions_of_an_array_are_the_shards(place):
    dX, dy = arrays()
    shards = shard_rows(dX, dy, dy * 0.5, n_shards=None)
    check(shards, X, Y, CUTS)
    weights = np.concatenate([s.sample_weight for s in shards.map(tasks.identity)])
    np.testing.assert_array_equal(weights, Y * 0.5)


def test_unknown_chunks_are_counted_where_they_are(place):
    dX, dy = arrays()
    keep = dX[:, 0] > 0
    mask = X[:, 0] > 0
    lengths = [int(mask[r.start : r.stop].sum()) for r in CUTS]
    stops = np.cumsum(lengths).tolist()
    rows = [range(stop - n, stop) for stop, n in zip(stops, lengths, strict=True)]
    check(shard_rows(dX[keep], dy[keep], n_shards=None), X[mask], Y[mask], rows)


def test_a_partition_may_be_empty(place):
    dX, dy = arrays()
    keep = dy >= 6
    rows = [range(0), range(6), range(6, 12), range(12, 14)]
    check(shard_rows(dX[keep], dy[keep], n_shards=None), X[6:], Y[6:], rows)


def test_partitions_of_a_dataframe_stay_dataframes(place):
    frame = pd.DataFrame(X, columns=list("abc")).assign(y=Y)
    ddf = dd.from_pandas(frame, npartitions=3)
    shards = shard_rows(ddf[["a", "b", "c"]], ddf["y"], n_shards=None)
    check(shards, X, Y, [range(7), range(7, 14), range(14, 20)])
    assert all(isinstance(s.X, pd.DataFrame) for s in shards.map(tasks.identity))


def test_same_bits_as_the_array_cut_here(place):
    dX, dy = arrays()
    shards = shard_rows(dX, dy, n_shards=None)
    serial = [np.ascontiguousarray(X[r.start : r.stop]) for r in CUTS]
    g = [part.T @ part for part in serial]
    expected = (g[0] + g[1]) + (g[2] + g[3])
    np.testing.assert_allclose(shards.map_reduce(tasks.gram), expected, rtol=1e-13)
    derived = shards.map_shards(tasks.times, 2.0)
    np.testing.assert_allclose(derived.map_reduce(tasks.gram), 4 * expected, rtol=1e-13)


def test_partitions_are_computed_once_on_the_cluster(dask_client, tmp_path):
    with dask_client.as_current():
        dX = arrays()[0].rechunk((6, 3)).map_blocks(tasks.tallied, str(tmp_path), dtype=float)
        shards = shard_rows(dX, n_shards=None)
        for _ in range(3):
            shards.map(tasks.nothing)
        assert len(list(tmp_path.iterdir())) == 4
        assert shards.cost.bytes_down < 30_000


def test_a_collection_on_a_cluster_of_one_slot(one_slot_client):
    with one_slot_client.as_current():
        check(shard_rows(*arrays(), n_shards=None), X, Y, CUTS)


def test_partitions_lost_with_a_worker_come_back(dask_client, tmp_path):
    with dask_client.as_current():
        shards = shard_rows(*arrays(), n_shards=None)
        expected = shards.map_reduce(tasks.gram)
        got = shards.map_reduce(tasks.die_first_time, 1, str(tmp_path))
    np.testing.assert_array_equal(got, expected)


def test_streamed_partitions_are_dropped_and_computed_again(tmp_path):
    dX = arrays()[0].rechunk((6, 3)).map_blocks(tasks.tallied, str(tmp_path), dtype=float)
    shards = shard_rows(dX, n_shards=None, n_jobs=1)
    assert list(tmp_path.iterdir()) == []
    for n_rounds in (1, 2):
        shards.map(tasks.nothing)
        assert len(list(tmp_path.iterdir())) == 4 * n_rounds


def test_a_view_is_taken_once_and_kept(place, tmp_path):
    dX, dy = arrays()
    view = functools.partial(tasks.doubled_and_tallied, folder=str(tmp_path))
    shards = shard_rows(dX, dy, n_shards=None).kept_through(view)
    check(shards, 2 * X, Y, CUTS)
    check(shards, 2 * X, Y, CUTS)
    assert len(list(tmp_path.iterdir())) == 4


def test_n_shards_belongs_to_the_partitions():
    with pytest.raises(ValueError, match="n_shards=2 was given for a Dask collection"):
        shard_rows(arrays()[0], n_shards=2)


def test_local_rows_need_n_shards():
    with pytest.raises(ValueError, match="n_shards=None"):
        shard_rows(X, n_shards=None)


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_mixed_containers_are_refused_and_both_named(name):
    dX, dy = arrays()
    with pytest.raises(TypeError, match=rf"X is a dask.Array but {name} is a numpy.ndarray"):
        shard_rows(dX, **{name: Y}, n_shards=None)
    with pytest.raises(TypeError, match=rf"X is a numpy.ndarray but {name} is a dask.Array"):
        shard_rows(X, **{name: dy}, n_shards=2)


def test_known_chunks_that_differ_are_refused_at_once():
    with pytest.raises(ValueError, match=r"X is cut into 4 .* y into\s+4 of \[5, 5, 5, 5\]"):
        shard_rows(arrays()[0], da.from_array(Y, chunks=5), n_shards=None)


def test_unknown_chunks_that_differ_are_refused_with_the_partition(place):
    dX, dy = arrays()
    with pytest.raises(ValueError, match=r"Partition \d of X has \d rows but that of y has 6"):
        shard_rows(dX[dX[:, 0] > 0], dy, n_shards=None).map(tasks.nothing)


def test_no_rows_at_all(place):
    dX, _ = arrays()
    with pytest.raises(ValueError, match="no rows"):
        shard_rows(dX[dX[:, 0] > 100], n_shards=None)


@pytest.mark.parametrize("where", ["streamed", "on the cluster"])
def test_partitions_that_nobody_can_hold_are_refused_before_they_are_read(where, request):
    rows = da.zeros((3 * 10**12, 2), chunks=(10**12, 2))
    client = request.getfixturevalue("dask_client") if where == "on the cluster" else None
    who = "the largest worker" if client else "this process"
    with client.as_current() if client else contextlib.nullcontext():
        with pytest.raises(MemoryError, match=rf"8,000,000,000,000 bytes even.*{who} may use"):
            shard_rows(rows, n_shards=None)
