# SPDX-License-Identifier: BSD-3-Clause
"""Imputers by merged sums are scikit-learn's, of any container, whatever the shards."""

import pickle

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array, csr_matrix
from sklearn.base import clone
from sklearn.impute import SimpleImputer

from skdist import DistributedSimpleImputer, merge

N, D = 211, 5


def rows():
    """Numbers with ties; the last column has no holes."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(N, D)) * [1, 10, 1, 1e3, 1], 1)
    X[:, :4][rng.random((N, 4)) < 0.2] = np.nan
    return X


X = rows()
TEXTS = pd.DataFrame(
    {
        "tree": np.random.default_rng(1).choice(np.array(["ash", "oak", None], object), N),
        "size": np.random.default_rng(2).choice(np.array(["s", "m", "l", None], object), N),
    }
)
STRATEGIES = ("mean", "median", "most_frequent", "constant")
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def both(n_shards=4, **options):
    return DistributedSimpleImputer(n_shards=n_shards, **options), SimpleImputer(**options)


def assert_same(ours, reference, rtol=1e-12):
    a, b = ours.statistics_, reference.statistics_
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.dtype == object:
        assert list(map(str, a)) == list(map(str, b))
    else:
        assert_allclose(a, b, rtol=rtol)
    assert (ours.indicator_ is None) == (reference.indicator_ is None)
    if reference.indicator_ is not None:
        assert_array_equal(ours.indicator_.features_, reference.indicator_.features_)
    assert list(ours.get_feature_names_out()) == list(reference.get_feature_names_out())


@every_strategy
@pytest.mark.parametrize("n_shards", [1, 7])
@pytest.mark.parametrize("indicate", [False, True])
def test_statistics_are_scikit_learns(strategy, n_shards, indicate):
    ours, reference = both(n_shards, strategy=strategy, add_indicator=indicate)
    assert_same(ours.fit(X), reference.fit(X))
    assert_allclose(ours.transform(X), reference.transform(X), rtol=1e-12)
    if indicate:
        assert_array_equal(ours.inverse_transform(ours.transform(X)), X)


@every_strategy
@pytest.mark.parametrize(
    ("make", "missing"),
    [
        (lambda X: np.nan_to_num(X, nan=-1).astype(int), -1),
        (lambda X: np.nan_to_num(X, nan=0), 0),
        (lambda X: X.astype(np.float32), np.nan),
        (lambda X: np.asfortranarray(X), np.nan),
        (lambda X: pd.DataFrame(X, columns=list("abcde")), np.nan),
        (lambda X: pd.DataFrame(np.round(X)).astype("Int64"), pd.NA),
    ],
    ids=["ints", "zeros", "float32", "Fortran", "frame", "nullable"],
)
def test_containers_and_what_is_missing(strategy, make, missing):
    values = make(X)
    ours, reference = both(strategy=strategy, missing_values=missing)
    rtol = 1e-5 if getattr(values, "dtype", 0) == np.float32 else 1e-12
    assert_same(ours.fit(values), reference.fit(values), rtol)
    found, expected = ours.transform(values), reference.transform(values)
    assert found.dtype == expected.dtype
    assert_allclose(found.astype(float), expected.astype(float), rtol=rtol)


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
@pytest.mark.parametrize("missing", [np.nan, None, "ash"])
def test_texts(strategy, missing):
    values = TEXTS.to_numpy(object, na_value="nothing" if missing == "ash" else missing)
    for options in ({}, {"add_indicator": True}):
        ours, reference = both(strategy=strategy, missing_values=missing, **options)
        assert_same(ours.fit(values), reference.fit(values))
        assert ours.transform(values).tolist() == reference.transform(values).tolist()


def test_objects_of_several_kinds():
    values = np.array([[10], [9], ["a"], [9], [10], [None]], object)
    ours, reference = both(3, strategy="most_frequent", missing_values=None)
    assert ours.fit(values).statistics_[0] == reference.fit(values).statistics_[0] == 9


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values:UserWarning")
@every_strategy
@pytest.mark.parametrize("keep", [False, True])
def test_a_column_without_values(strategy, keep):
    values = X.copy()
    values[:, 1] = np.nan
    values[:100, 2] = np.nan
    ours, reference = both(strategy=strategy, keep_empty_features=keep, add_indicator=True)
    assert_same(ours.fit(values), reference.fit(values))
    assert_allclose(ours.transform(values), reference.transform(values))


@pytest.mark.parametrize("n", [1, 2, 5_000])
def test_medians_are_exact(n):
    rng = np.random.default_rng(n)
    values = rng.standard_cauchy((n, 3)) * [1, 1e300, 1e-300]
    values[:, 1] = np.where(np.isfinite(values[:, 1]), values[:, 1], 0.0)
    values[rng.random(values.shape) < 0.3] = np.nan
    values[0] = [1.0, -0.0, 5e-324]
    ours, reference = both(min(n, 7), strategy="median")
    assert_array_equal(ours.fit(values).statistics_, reference.fit(values).statistics_)
    assert ours.report_.rounds <= 4


def test_what_scikit_learn_refuses():
    ours = DistributedSimpleImputer(n_shards=2)
    with pytest.raises(ValueError, match="Cannot use mean strategy with non-numeric data"):
        ours.fit(TEXTS)
    with pytest.raises(ValueError, match="contains infinity"):
        ours.fit(np.where(np.isnan(X), np.inf, X))
    with pytest.raises(ValueError, match="contains NaN"):
        clone(ours).set_params(missing_values=-1).fit(X)
    with pytest.raises(ValueError, match="cannot be cast to the input data"):
        DistributedSimpleImputer(strategy="constant", fill_value="x", n_shards=2).fit(X)


def test_what_has_no_sums_is_scikit_learns_own_fit():
    ours, reference = both(strategy=np.max)
    assert_same(ours.fit(X), reference.fit(X))
    assert ours.report_.strategy == "local"
    with pytest.raises(ValueError, match="fit_shard keeps sums that can be merged, but strategy"):
        ours.fit_shard(X)
    with pytest.raises(TypeError, match="strategy is a function of all values"):
        DistributedSimpleImputer(strategy=np.max).fit(da.from_array(X))
    sparse = csc_array(np.nan_to_num(X))
    ours, reference = both()
    assert_same(ours.fit(sparse), reference.fit(sparse))
    blocks = da.from_array(X, chunks=(100, -1)).map_blocks(csr_matrix, dtype=X.dtype)
    with pytest.raises(TypeError, match="sparse rows are imputed by scikit-learn's own fit"):
        DistributedSimpleImputer().fit(blocks)


@every_strategy
def test_small_data_is_scikit_learns_own_fit(strategy):
    ours, reference = both(None, strategy=strategy)
    assert_same(ours.fit(X), reference.fit(X), rtol=0)
    assert (ours.report_.strategy, ours.n_shards_) == ("local", 1)


@every_strategy
def test_merging_is_one_fit(strategy):
    parts = [X[:1], X[1:50], X[50:53], X[53:]]
    whole = SimpleImputer(strategy=strategy, add_indicator=True, keep_empty_features=True).fit(X)
    blank = DistributedSimpleImputer(
        strategy=strategy, add_indicator=True, keep_empty_features=True
    )
    a, b, c, d = models = [clone(blank).fit_shard(part) for part in parts]
    before = list(map(pickle.dumps, map(vars, models)))
    for merged in (merge(models), merge([a, merge([b, c]), d]), merge([merge([d, c, b]), a])):
        assert_same(merged, whole)
        assert_allclose(merged.transform(X), whole.transform(X), rtol=1e-12)
    assert list(map(pickle.dumps, map(vars, models))) == before
    with pytest.raises(ValueError, match="Model 1 kept no sums"):
        merge([a, whole])


# Dask collections.


@every_strategy
def test_arrays(strategy, place):
    there = da.from_array(X, chunks=(50, 2))
    ours, reference = both(None, strategy=strategy, add_indicator=True)
    out = ours.fit_transform(there)
    assert_same(ours, reference.fit(X))
    assert ours.n_shards_ == 5 and ours.report_.strategy == "sums"
    expected = reference.transform(X)
    assert out.shape == expected.shape and out.dtype == expected.dtype
    assert_allclose(out.compute(), expected, rtol=1e-12)
    assert_array_equal(ours.inverse_transform(out).compute(), X)


@every_strategy
def test_frames_of_numbers(strategy, place):
    here = pd.DataFrame(X, columns=list("abcde"), index=np.arange(N) * 3)
    there = dd.from_pandas(here, npartitions=3)
    ours, reference = both(None, strategy=strategy, add_indicator=True)
    out = ours.fit_transform(there)
    assert_same(ours, reference.fit(here))
    found = out.compute()
    assert list(out.columns) == list(reference.get_feature_names_out())
    assert found.index.equals(here.index) and out.divisions == there.divisions
    assert_allclose(found.to_numpy(), reference.transform(here), rtol=1e-12)


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
def test_frames_of_texts(strategy, place):
    here = TEXTS.assign(kind=pd.Categorical(TEXTS["size"]))
    there = dd.from_pandas(here, npartitions=3)
    ours, reference = both(None, strategy=strategy)
    out = ours.fit_transform(there)
    plain = here.astype(object).where(here.notna(), np.nan)
    assert_same(ours, reference.fit(plain))
    assert out.compute().to_numpy().tolist() == reference.transform(plain).tolist()
    with pytest.raises(ValueError, match="Cannot use mean strategy with non-numeric data"):
        DistributedSimpleImputer().fit(there)


def test_unknown_lengths_and_empty_partitions():
    there = da.from_array(X, chunks=(50, -1))
    some = da.concatenate([there[:50][there[:50, 4] > 99], there[there[:, 4] > 0]])
    kept = X[X[:, 4] > 0]
    for strategy in STRATEGIES:
        ours, reference = both(None, strategy=strategy)
        out = ours.fit_transform(some)
        assert_same(ours, reference.fit(kept))
        assert_allclose(out.compute(), reference.transform(kept), rtol=1e-12)


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_law_3_the_same_imputer_on_every_backend(backend, strategy):
    ours, _ = both(strategy=strategy)
    alone = clone(ours).set_params(n_jobs=1)
    assert_array_equal(ours.fit(X).statistics_, alone.fit(X).statistics_)


def test_nothing_happens_to_x():
    before = X.copy()
    for strategy in STRATEGIES:
        both(strategy=strategy, copy=False)[0].fit(before)
    assert_array_equal(before, X)
