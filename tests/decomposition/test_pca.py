# SPDX-License-Identifier: BSD-3-Clause
"""PCA by merged products is scikit-learn's, of any container, whatever the shards."""

import pickle

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.base import clone
from sklearn.decomposition import PCA

from skdist import DistributedPCA, merge

N, D = 305, 6
RNG = np.random.default_rng(0)
X = (RNG.normal(size=(N, D)) * [9, 7, 5, 3, 2, 1]) @ np.linalg.qr(RNG.normal(size=(D, D)))[0] + 4
NAMES = (
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "noise_variance_",
    "n_components_",
    "n_samples_",
    "n_features_in_",
)
OPTIONS = {
    "all": {},
    "three": {"n_components": 3},
    "share": {"n_components": 0.9},
    "mle": {"n_components": "mle"},
    "white": {"n_components": 2, "whiten": True},
    "none": {"n_components": 0},
    "covariance": {"svd_solver": "covariance_eigh", "n_components": 4},
}
every_option = pytest.mark.parametrize("name", OPTIONS)


def both(name, **options):
    return DistributedPCA(**OPTIONS[name], **options), PCA(**OPTIONS[name])


def assert_same(ours, reference, rtol=1e-10):
    for name in NAMES:
        found, expected = getattr(ours, name), getattr(reference, name)
        assert np.asarray(found).dtype == np.asarray(expected).dtype, name
        assert_allclose(found, expected, rtol=rtol, atol=rtol, err_msg=name)
    assert list(ours.get_feature_names_out()) == list(reference.get_feature_names_out())


@every_option
@pytest.mark.parametrize("n_shards", [1, 3])
def test_attributes_are_scikit_learns(name, n_shards):
    ours, reference = both(name, n_shards=n_shards)
    found = ours.fit_transform(X)
    assert_same(ours, reference.fit(X))
    assert ours.report_.strategy == "sums" and ours.report_.rounds == 1
    assert_allclose(found, reference.transform(X), rtol=1e-9, atol=1e-9)
    if name != "none":
        assert_allclose(
            ours.inverse_transform(found), reference.inverse_transform(found), atol=1e-9
        )
        assert_allclose(ours.score(X), reference.score(X))


@pytest.mark.parametrize(
    "make",
    [np.asfortranarray, lambda X: X.astype(np.float32), lambda X: X.astype(int), pd.DataFrame],
    ids=["Fortran", "float32", "ints", "frame"],
)
def test_containers(make):
    values = make(X)
    ours, reference = both("three", n_shards=4)
    rtol = 1e-4 if getattr(values, "dtype", 0) == np.float32 else 1e-10
    assert_same(ours.fit(values), reference.fit(values), rtol)
    assert ours.transform(values).dtype == reference.transform(values).dtype


@pytest.mark.parametrize("make", [csr_array, csc_array])
def test_sparse_rows(make):
    values = make(np.where(RNG.random(X.shape) < 0.5, 0.0, X))
    ours, reference = both("covariance", n_shards=4)
    assert_same(ours.fit(values), reference.fit(values))
    assert ours.report_.strategy == "sums"


def test_a_large_mean_keeps_its_digits():
    exact = PCA(svd_solver="full").fit(X - X.mean(axis=0))
    found = DistributedPCA(n_shards=5).fit(X + 1e7)
    assert_allclose(found.explained_variance_, exact.explained_variance_, rtol=1e-8)


@pytest.mark.parametrize("solver", ["full", "arpack", "randomized"])
def test_other_solvers_are_scikit_learns_own_fit(solver):
    options = {"n_components": 3, "svd_solver": solver, "random_state": 0}
    ours, reference = DistributedPCA(**options, n_shards=3), PCA(**options)
    assert_array_equal(ours.fit_transform(X), reference.fit_transform(X))
    assert ours.report_.strategy == "local" and ours.n_shards_ == 1
    assert_array_equal(ours.fit(X).components_, reference.fit(X).components_)


def test_auto_is_scikit_learns():
    wide = RNG.normal(size=(40, 30))
    ours, reference = DistributedPCA(n_shards=2), PCA()
    assert_array_equal(ours.fit(wide).components_, reference.fit(wide).components_)
    assert ours.report_.strategy == "local"
    sparse = csr_array(np.where(X > 0, X, 0.0))
    ours, reference = DistributedPCA(2, random_state=0), PCA(2, random_state=0)
    assert_array_equal(ours.fit(sparse).components_, reference.fit(sparse).components_)


def test_small_data_is_scikit_learns_own_fit():
    ours = DistributedPCA(3)
    assert_array_equal(ours.fit_transform(X), PCA(3).fit_transform(X))
    assert ours.report_.strategy == "local"


def test_what_scikit_learn_refuses():
    with pytest.raises(ValueError, match=r"n_components=7 must be between 0 and .*=6"):
        DistributedPCA(7, n_shards=2).fit(X)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        DistributedPCA(n_shards=2).fit(np.where(X > 20, np.nan, X))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        DistributedPCA(n_shards=2).fit(np.where(X > 20, np.inf, X))
    with pytest.raises(ValueError, match="svd_solver"):
        DistributedPCA(svd_solver="best").fit(X)
    with pytest.raises(ValueError, match="only supported if n_samples >= n_features"):
        DistributedPCA("mle", svd_solver="covariance_eigh", n_shards=2).fit(X[:4])


@pytest.mark.parametrize("solver", ["auto", "covariance_eigh", "full"])
def test_merging_is_one_fit(solver):
    parts = [X[:1], X[1:100], X[100:103], X[103:]]
    whole = PCA(svd_solver=solver).fit(X)
    a, b, c, d = models = [DistributedPCA(svd_solver=solver).fit_shard(part) for part in parts]
    before = list(map(pickle.dumps, map(vars, models)))
    for merged in (merge(models), merge([a, merge([b, c]), d]), merge([merge([d, c, b]), a])):
        assert_same(merged, whole)
    assert list(map(pickle.dumps, map(vars, models))) == before
    with pytest.raises(ValueError, match="Model 1 kept no sums"):
        merge([a, whole])
    with pytest.raises(ValueError, match="svd_solver='arpack' has no sums"):
        DistributedPCA(2, svd_solver="arpack").fit_shard(X)


@every_option
def test_arrays(name, place):
    there = da.from_array(X, chunks=(80, 4))
    ours, reference = both(name)
    out = ours.fit_transform(there)
    assert_same(ours, reference.fit(X))
    assert out.shape == (N, ours.n_components_) and out.chunks[0] == there.chunks[0]
    assert_allclose(out.compute(), reference.transform(X), rtol=1e-9, atol=1e-9)
    if name == "three":
        back = ours.inverse_transform(out).compute()
        assert_allclose(back, reference.inverse_transform(reference.transform(X)), atol=1e-9)
        assert_allclose(ours.score(there), reference.score(X))
        assert_allclose(ours.score_samples(there).compute(), reference.score_samples(X))


def test_full_of_a_collection_squares_nothing(place):
    values = np.column_stack([X, X @ np.ones(D) + 1e-7 * RNG.normal(size=N)])
    ours = DistributedPCA(svd_solver="full").fit(da.from_array(values, chunks=(80, -1)))
    reference = PCA(svd_solver="full").fit(values)
    assert_allclose(ours.explained_variance_, reference.explained_variance_, rtol=1e-6)
    assert reference.explained_variance_[-1] < 1e-14


def test_frames():
    here = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(N) * 2)
    ours, reference = both("three")
    out = ours.fit_transform(dd.from_pandas(here, npartitions=3))
    assert_same(ours, reference.fit(here))
    found = out.compute()
    assert list(found.columns) == ["pca0", "pca1", "pca2"] and found.index.equals(here.index)
    assert_allclose(found, reference.transform(here), rtol=1e-9, atol=1e-9)


def test_few_rows_and_sparse_blocks():
    few = RNG.normal(size=(4, D))
    ours = DistributedPCA().fit(da.from_array(few, chunks=(2, -1)))
    reference = PCA(svd_solver="covariance_eigh").fit(few)
    assert_allclose(ours.explained_variance_, reference.explained_variance_, atol=1e-12)
    there = da.from_array(X, chunks=(80, -1)).map_blocks(csr_matrix, dtype=X.dtype)
    ours, reference = both("covariance")
    assert_same(ours.fit(there), reference.fit(X))


@pytest.mark.parametrize("solver", ["arpack", "randomized"])
def test_truncated_solvers_refuse_collections(solver):
    with pytest.raises(TypeError, match=f"svd_solver='{solver}' has no sums that merge"):
        DistributedPCA(2, svd_solver=solver).fit(da.from_array(X))
    with pytest.raises(TypeError, match="compute\\(\\) X"):
        DistributedPCA(2, svd_solver=solver).fit_transform(da.from_array(X))


@pytest.mark.parametrize("d", [3, 600])
def test_law_3_the_same_axes_on_every_backend(backend, d):
    values = np.random.default_rng(1).normal(size=(40, d))
    ours = DistributedPCA(n_shards=4, svd_solver="covariance_eigh")
    alone = clone(ours).set_params(n_jobs=1)
    assert_allclose(ours.fit(values).mean_, alone.fit(values).mean_, rtol=1e-13)
    assert_allclose(ours.explained_variance_, alone.explained_variance_, atol=1e-12)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(container):
    ours, reference = both("three", n_shards=2)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    found = ours.set_output(transform=container).fit_transform(frame)
    expected = reference.set_output(transform=container).fit_transform(frame)
    assert type(found) is type(expected) and list(found.columns) == list(expected.columns)
