# SPDX-License-Identifier: BSD-3-Clause
"""Scalers by merged moments and ranges are scikit-learn's, whatever the container and shards."""

import copy
import pickle

import dask.array as da
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import sklearn.preprocessing as sk
from numpy.testing import assert_allclose, assert_array_equal
from scaler_problems import (
    ATTRIBUTES,
    FRAME,
    SCALERS,
    SPARSE,
    WEIGHT,
    X,
    assert_same,
    every_scaler,
    fit,
    rows,
)
from scikit_twin import theirs
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.base import clone

from skdist import (
    DistributedMaxAbsScaler,
    DistributedMinMaxScaler,
    DistributedStandardScaler,
    merge,
)


@every_scaler
@pytest.mark.parametrize("n_shards", [1, 2, 41])
@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_attributes_are_scikit_learns(name, n_shards, holes):
    values = rows(holes)
    assert_same(fit(name, values, n_shards), theirs(SCALERS[name]).fit(values))


@every_scaler
@pytest.mark.parametrize(
    "make",
    [
        np.asfortranarray,
        lambda X: X.astype(np.float32),
        lambda X: X[::2, ::-1],
        lambda X: np.nan_to_num(X).astype(int),
        lambda X: pd.DataFrame(X, columns=list("abcdef")),
        lambda X: pl.DataFrame(X, schema=list("abcdef")),
        lambda X: X.tolist(),
    ],
)
def test_containers_in_memory(name, make):
    values = make(X)
    ours, reference = fit(name, values), theirs(SCALERS[name]).fit(values)
    assert_same(ours, reference, rtol=1e-6 if getattr(values, "dtype", 0) == np.float32 else 1e-12)
    found, expected = ours.transform(values), reference.transform(values)
    assert type(found) is type(expected) and found.dtype == expected.dtype
    rtol = 1e-5 if found.dtype == np.float32 else 1e-12
    assert_allclose(found, expected, rtol=rtol, atol=rtol)
    back = reference.inverse_transform(expected)
    assert_allclose(ours.inverse_transform(found), back, rtol=rtol, atol=1e3 * rtol)
    assert list(vars(ours).get("feature_names_in_", ())) == list(
        vars(reference).get("feature_names_in_", ())
    )


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("make", [csr_array, csc_array, csr_matrix])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_sparse_rows(name, make, weight):
    values = make(np.where(np.random.default_rng(2).random(X.shape) < 0.7, 0.0, X))
    options = {"sample_weight": weight} if name != "greatest" else {}
    ours, reference = fit(name, values, **options), theirs(SCALERS[name]).fit(values, **options)
    assert_same(ours, reference)
    assert_allclose(ours.transform(values).toarray(), reference.transform(values).toarray())


@pytest.mark.parametrize("name", ["standard", "centred", "scaled"])
@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_weights(name, holes):
    values = rows(holes)
    ours = fit(name, values, sample_weight=WEIGHT)
    assert_same(ours, theirs(SCALERS[name]).fit(values, sample_weight=WEIGHT))
    twice = np.repeat(values, WEIGHT.astype(int), axis=0)
    again = fit(name, twice)  # law 6
    assert_allclose(ours.mean_, again.mean_, rtol=1e-12)
    if name != "centred":
        assert_allclose(ours.var_, again.var_, rtol=1e-12, atol=1e-25)


@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@every_scaler
def test_a_column_without_values(name):
    values = X.copy()
    values[:, 2] = np.nan
    assert_same(fit(name, values), theirs(SCALERS[name]).fit(values))


@every_scaler
def test_a_shard_may_lack_the_values_of_a_column(name):
    values = X.copy()
    values[:200, 2] = np.nan
    assert_same(fit(name, values, 4), theirs(SCALERS[name]).fit(values))


def test_a_large_mean_and_a_small_spread_keep_their_digits():
    rng = np.random.default_rng(3)
    values = 1e9 + np.round(rng.normal(size=(1_000, 2)), 3)
    exact = np.var((values - 1e9).astype(np.longdouble), axis=0)
    found = DistributedStandardScaler(n_shards=5).fit(values[np.argsort(values[:, 0])])
    assert_allclose(found.var_, exact.astype(float), rtol=1e-12)


@every_scaler
def test_infinite_values_are_refused_and_nothing_changes(name):
    values = X.copy()
    values[-1, 1] = np.inf
    ours = fit(name, X)
    before = pickle.dumps(vars(ours))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        ours.fit(values)
    assert pickle.dumps(vars(ours)) == before
    with pytest.raises(ValueError, match="Input X contains infinity"):
        clone(SCALERS[name]).fit(da.from_array(values, chunks=(100, -1)))


def test_what_scikit_learn_refuses():
    with pytest.raises(TypeError, match="MinMaxScaler does not support sparse input"):
        DistributedMinMaxScaler(n_shards=2).fit(csr_array(X))
    with pytest.raises(ValueError, match="Cannot center sparse matrices"):
        DistributedStandardScaler(n_shards=2).fit(csr_array(X))
    with pytest.raises(ValueError, match="Minimum of desired feature range"):
        DistributedMinMaxScaler((1, 0), n_shards=2).fit(X)
    with pytest.raises(ValueError, match="n_shards"):
        DistributedMinMaxScaler(n_shards=0).fit(X)
    with pytest.raises(ValueError, match="n_shards=500 was given for 403 rows"):
        DistributedMaxAbsScaler(n_shards=500).fit(X)


def test_negative_weights_are_scikit_learns():
    weight = WEIGHT - 0.5
    ours = DistributedStandardScaler(n_shards=3).fit(X, sample_weight=weight)
    assert_same(ours, sk.StandardScaler().fit(X, sample_weight=weight))
    assert ours.report_.strategy == "local"


@every_scaler
def test_small_data_is_scikit_learns_own_fit(name):
    ours = clone(SCALERS[name]).fit(X)
    assert (ours.report_.strategy, ours.n_shards_) == ("local", 1)
    reference = theirs(SCALERS[name]).fit(X)
    for attribute in ATTRIBUTES[type(reference).__name__]:
        assert_array_equal(getattr(ours, attribute), getattr(reference, attribute))


@every_scaler
def test_large_data_is_not(name):
    values = np.random.default_rng(0).normal(size=(70_000, 4))
    ours = clone(SCALERS[name]).fit(values)
    assert (ours.report_.strategy, ours.n_shards_, ours.report_.rounds) == ("sums", 4, 1)
    assert sum(shard.weight for shard in ours.report_.shards) == 70_000
    assert_same(ours, theirs(SCALERS[name]).fit(values))


@every_scaler
def test_partial_fit_goes_on(name):
    first = fit(name, X[:200]).partial_fit(X[200:])
    assert_same(first, theirs(SCALERS[name]).partial_fit(X[:200]).partial_fit(X[200:]))
    assert_same(first.fit(X), theirs(SCALERS[name]).fit(X))
    with pytest.raises(TypeError, match="partial_fit goes on with rows that are in memory"):
        first.partial_fit(da.from_array(X, chunks=100))


@every_scaler
def test_merging_is_one_fit(name):
    parts = [X[:1], X[1:50], X[50:53], X[53:]]
    whole = theirs(SCALERS[name]).fit(X)
    a, b, c, d = models = [clone(SCALERS[name]).fit_shard(part) for part in parts]
    before = list(map(pickle.dumps, map(vars, models)))
    for merged in (merge(models), merge([a, merge([b, c]), d]), merge([merge([d, c, b]), a])):
        assert type(merged) is type(a)
        assert_same(merged, whole)
        assert merged.report_.exact
        assert merged.get_params() == a.get_params()
    assert list(map(pickle.dumps, map(vars, models))) == before
    assert_same(merge([a, theirs(SCALERS[name]).fit(X[1:])]), whole)
    assert_same(merge([a.partial_fit(X[1:50]), c, d]), whole)


def test_what_does_not_merge():
    a = DistributedMinMaxScaler().fit(X)
    with pytest.raises(ValueError, match="Merge models of one kind"):
        merge([a, DistributedMaxAbsScaler().fit(X)])
    with pytest.raises(ValueError, match="feature_range of model 0 and model 1 differ"):
        merge([a, DistributedMinMaxScaler((0, 2)).fit(X)])
    with pytest.raises(ValueError, match="number of features of model 0 and model 1 differ"):
        merge([a, DistributedMinMaxScaler().fit(X[:, :2])])
    with pytest.raises(ValueError, match="Leave X and y out"):
        merge([a, a], X, WEIGHT)


# scikit-learn's ways.


@pytest.mark.parametrize("container", ["pandas", "polars"])
@every_scaler
def test_set_output(name, container):
    ours = fit(name, FRAME).set_output(transform=container)
    reference = theirs(SCALERS[name]).fit(FRAME).set_output(transform=container)
    found, expected = ours.transform(FRAME), reference.transform(FRAME)
    assert type(found) is type(expected)
    assert list(found.columns) == list(expected.columns)
    assert_allclose(found.to_numpy(), expected.to_numpy(), rtol=1e-12, atol=1e-12)
    assert type(ours.fit_transform(FRAME)) is type(expected)


@every_scaler
def test_copy_false_transforms_in_place(name):
    ours, values = fit(name, X).set_params(copy=False), X.copy()
    out = ours.transform(values)
    assert out is values or name == "neither"
    before = X.copy()
    fit(name, before).transform(before)
    assert_array_equal(before, X)
    fit(name, before).set_params(copy=False).fit(before)
    assert_array_equal(before, X)


def test_copy_of_one_transform():
    values = X.copy()
    ours = fit("standard", values)
    assert ours.transform(values, copy=False) is values
    assert_allclose(ours.inverse_transform(values, copy=False), X, rtol=1e-9)


def test_weights_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = DistributedStandardScaler(n_shards=2).set_fit_request(sample_weight=True)
        assert scaler.get_metadata_routing().fit.requests["sample_weight"] is True
        assert "sample_weight" not in DistributedMinMaxScaler().get_metadata_routing().fit.requests


@pytest.mark.parametrize("name", ["standard", "range"])
def test_law_3_the_same_scaler_on_every_backend(backend, name):
    ours, values = fit(name, X, 4), X
    reference = clone(SCALERS[name]).set_params(n_shards=4, n_jobs=1).fit(values)
    for attribute in ATTRIBUTES[type(theirs(SCALERS[name])).__name__]:
        assert_array_equal(getattr(ours, attribute), getattr(reference, attribute))


@every_scaler
def test_a_fitted_scaler_is_a_value(name):
    ours = fit(name, X)
    for other in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert_array_equal(other.transform(X), ours.transform(X))
