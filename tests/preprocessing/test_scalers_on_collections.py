# SPDX-License-Identifier: BSD-3-Clause
"""Scalers of Dask collections: fitted where the rows are, and transforming them there."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pytest
import sklearn.preprocessing as sk
from numpy.testing import assert_allclose, assert_array_equal
from scaler_problems import (
    FRAME,
    SCALERS,
    SPARSE,
    WEIGHT,
    D,
    N,
    X,
    assert_same,
    every_scaler,
)
from scikit_twin import theirs
from scipy.sparse import csr_matrix
from sklearn.base import clone

from skdist import (
    DistributedMaxAbsScaler,
    DistributedMinMaxScaler,
    DistributedStandardScaler,
)


@every_scaler
def test_arrays(name, place):
    there = da.from_array(X, chunks=(90, 2))
    ours, reference = clone(SCALERS[name]).fit(there), theirs(SCALERS[name]).fit(X)
    assert_same(ours, reference)
    assert (ours.n_shards_, ours.report_.rounds) == (5, 1)
    out = ours.transform(there)
    assert isinstance(out, da.Array) and out.chunks[0] == there.chunks[0]
    assert out.dtype == X.dtype and out.shape == X.shape
    assert_allclose(out.compute(), reference.transform(X), rtol=1e-12, atol=1e-12)
    assert_allclose(
        ours.inverse_transform(out).compute(),
        reference.inverse_transform(reference.transform(X)),
        rtol=1e-12,
    )


@every_scaler
def test_frames(name, place):
    there = dd.from_pandas(FRAME, npartitions=4)
    ours, reference = clone(SCALERS[name]), theirs(SCALERS[name]).fit(FRAME)
    out = ours.fit_transform(there)
    assert_same(ours, reference)
    assert list(ours.feature_names_in_) == list("abcdef")
    assert out.divisions == there.divisions and list(out.columns) == list("abcdef")
    here = out.compute()
    assert here.index.equals(FRAME.index)
    assert_allclose(here, reference.transform(FRAME), rtol=1e-12, atol=1e-12)
    back = ours.inverse_transform(out)
    assert list(back.columns) == list("abcdef")
    expected = reference.inverse_transform(reference.transform(FRAME))
    assert_allclose(back.compute(), expected, rtol=1e-12)


@every_scaler
def test_float32_stays(name):
    there = da.from_array(X.astype(np.float32), chunks=(90, -1))
    ours = clone(SCALERS[name])
    out = ours.fit_transform(there)
    assert out.dtype == out.compute().dtype == np.float32
    assert_same(ours, theirs(SCALERS[name]).fit(X.astype(np.float32)), rtol=1e-6)


@pytest.mark.parametrize("name", SPARSE)
def test_sparse_blocks_stay_sparse(name):
    values = np.nan_to_num(X) * (np.random.default_rng(2).random(X.shape) < 0.3)
    there = da.from_array(values, chunks=(100, -1)).map_blocks(csr_matrix, dtype=X.dtype)
    ours = clone(SCALERS[name])
    out = ours.fit_transform(there).compute()
    assert isinstance(out, csr_matrix)
    reference = theirs(SCALERS[name]).fit(csr_matrix(values))
    assert_same(ours, reference)
    assert_allclose(out.toarray(), reference.transform(csr_matrix(values)).toarray())


def test_sparse_blocks_are_not_centred():
    there = da.from_array(X, chunks=(100, -1)).map_blocks(csr_matrix, dtype=X.dtype)
    with pytest.raises(ValueError, match="Cannot center sparse matrices"):
        DistributedStandardScaler().fit(there)
    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        DistributedMinMaxScaler().fit(there)


@every_scaler
def test_unknown_lengths_and_empty_partitions(name):
    there = da.from_array(X, chunks=(100, -1))
    some = there[there[:, 0] > 1.5]
    none_in_some = da.concatenate([there[:100][there[:100, 0] > 99], some])
    kept = X[X[:, 0] > 1.5]
    ours = clone(SCALERS[name])
    out = ours.fit_transform(none_in_some)
    assert_same(ours, theirs(SCALERS[name]).fit(kept))
    assert_allclose(out.compute(), theirs(SCALERS[name]).fit_transform(kept), atol=1e-12)


def test_weights_of_a_collection(place):
    there, weight = da.from_array(X, chunks=(100, -1)), da.from_array(WEIGHT, chunks=100)
    ours = DistributedStandardScaler().fit(there, sample_weight=weight)
    assert_same(ours, sk.StandardScaler().fit(X, sample_weight=WEIGHT))
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        DistributedStandardScaler().fit(there, sample_weight=weight - 1)


def test_wrong_columns_are_refused_at_once():
    ours = DistributedStandardScaler().fit(FRAME)
    with pytest.raises(ValueError, match="feature names should match"):
        ours.transform(dd.from_pandas(FRAME.rename(columns={"a": "z"}), npartitions=2))
    with pytest.raises(ValueError, match="n_shards=2 was given for a Dask collection"):
        DistributedStandardScaler(n_shards=2).fit(da.ones((9, 3)))
    with pytest.raises(ValueError, match="could not convert string to float"):
        text = FRAME.assign(a="ash")
        DistributedStandardScaler().fit(dd.from_pandas(text, npartitions=2))


def test_set_output_of_collections():
    ours = DistributedMaxAbsScaler().set_output(transform="pandas")
    there = da.from_array(X, chunks=(100, -1))
    out = ours.fit_transform(there)
    assert isinstance(out, dd.DataFrame) and list(out.columns) == [f"x{j}" for j in range(D)]
    assert_array_equal(out.compute(), sk.MaxAbsScaler().fit_transform(X))
    with pytest.raises(ValueError, match="cannot be polars dataframes"):
        ours.set_output(transform="polars").transform(there)


class Counted(DistributedStandardScaler):
    """How often it was unpickled, in the process that asks."""

    arrived = 0

    def __setstate__(self, state):
        super().__setstate__(state)
        Counted.arrived += 1


def arrivals():
    return Counted.arrived


def test_a_scaler_travels_once_to_every_worker_and_rows_do_not_come_back(dask_client):
    there = da.from_array(np.tile(X, (20, 1)), chunks=(100, -1))  # 81 partitions
    with dask_client.as_current():
        ours = Counted().fit(there)
        assert ours.n_shards_ == 81
        assert 0 < ours.report_.bytes_up < 81 * 3_000  # and not the 81 * 4,800 of the rows
        before = dask_client.run(arrivals)
        found = ours.transform(there)[:N].compute()
        after = dask_client.run(arrivals)
        np.testing.assert_allclose(found, ours.transform(X), rtol=1e-12)
    for worker in after:
        assert after[worker] - before[worker] <= 2


def test_rows_are_not_gathered_even_lazily():
    def explode(block):
        raise AssertionError("computed")

    ours = DistributedStandardScaler().fit(X)
    there = da.from_array(X, chunks=(100, -1)).map_blocks(explode, dtype=X.dtype, meta=X[:0])
    for lazy in (ours.transform(there), ours.inverse_transform(there)):
        with pytest.raises(AssertionError, match="computed"):
            lazy.compute()
