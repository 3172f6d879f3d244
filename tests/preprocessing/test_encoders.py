# SPDX-License-Identifier: BSD-3-Clause
"""Encoders by merged counts are scikit-learn's, of any container, whatever the shards."""

import pickle

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing as sk
from numpy.testing import assert_array_equal
from scikit_twin import theirs
from scipy.sparse import csr_array, issparse
from sklearn.base import clone

from skdist import DistributedOneHotEncoder, DistributedOrdinalEncoder, merge

N = 301


def frame():
    """Texts, some missing; numbers, some missing; categories in no order, one never there."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "tree": rng.choice(
                np.array(["ash", "oak", "elm", "yew", None], object),
                N,
                p=[0.5, 0.3, 0.1, 0.05, 0.05],
            ),
            "n": rng.integers(0, 5, N),
            "x": rng.choice([1.5, 2.5, np.nan], N),
            "c": pd.Categorical(rng.choice(["u", "v"], N), categories=["v", "u", "w"]),
            "k": pd.Categorical(rng.choice([3, 1, None], N), categories=[3, 1]),
        },
        index=np.arange(N) * 2,
    )


FRAME = frame()
OBJECTS = FRAME.assign(tree=FRAME.tree.astype(object))
ENCODERS = {
    "one-hot": DistributedOneHotEncoder(),
    "dense": DistributedOneHotEncoder(sparse_output=False, dtype=np.float32),
    "first": DistributedOneHotEncoder(drop="first", handle_unknown="ignore"),
    "rare": DistributedOneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist"),
    "few": DistributedOneHotEncoder(max_categories=2),
    "ordinal": DistributedOrdinalEncoder(),
    "known": DistributedOrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    "share": DistributedOrdinalEncoder(min_frequency=0.1, encoded_missing_value=-2),
}
every_encoder = pytest.mark.parametrize("name", ENCODERS)


def assert_same(ours, reference):
    for a, b in zip(ours.categories_, reference.categories_, strict=True):
        assert a.dtype == b.dtype
        assert list(map(repr, a.tolist())) == list(map(repr, b.tolist()))
    assert hasattr(ours, "infrequent_categories_") == hasattr(reference, "infrequent_categories_")
    if hasattr(reference, "infrequent_categories_"):
        assert str(ours.infrequent_categories_) == str(reference.infrequent_categories_)
    assert str(vars(ours).get("drop_idx_")) == str(vars(reference).get("drop_idx_"))
    assert list(ours.get_feature_names_out()) == list(reference.get_feature_names_out())
    assert ours.n_features_in_ == reference.n_features_in_


def dense(values):
    return values.toarray() if issparse(values) else np.asarray(values)


def fit(name, X, n_shards=4):
    return clone(ENCODERS[name]).set_params(n_shards=n_shards).fit(X)


@every_encoder
@pytest.mark.parametrize("n_shards", [1, 3])
@pytest.mark.parametrize("X", [FRAME, OBJECTS], ids=["texts", "objects"])
def test_of_frames(name, n_shards, X):
    ours, reference = fit(name, X, n_shards), theirs(ENCODERS[name]).fit(X)
    assert_same(ours, reference)
    found, expected = ours.transform(X), reference.transform(X)
    assert type(found) is type(expected) and found.dtype == expected.dtype
    assert_array_equal(dense(found), dense(expected))
    assert ours.report_.strategy == "sums" and ours.report_.rounds == 1


@pytest.mark.parametrize("name", ["one-hot", "rare", "known"])
@pytest.mark.parametrize(
    "kind", [int, float, str, object, "list of texts", np.uint8, bool], ids=str
)
def test_of_arrays(name, kind):
    values = np.random.default_rng(1).integers(0, 6, (N, 3))
    X = values.astype(str).tolist() if kind == "list of texts" else values.astype(kind)
    ours, reference = fit(name, X), theirs(ENCODERS[name]).fit(X)
    assert_same(ours, reference)
    assert_array_equal(dense(ours.transform(X)), dense(reference.transform(X)))
    assert_array_equal(
        ours.inverse_transform(ours.transform(X)),
        reference.inverse_transform(reference.transform(X)),
    )


def test_longer_texts_of_a_later_shard():
    X = np.array([["a"], ["b"], ["a long one"], ["c"]])
    assert_same(fit("ordinal", X, 4), sk.OrdinalEncoder().fit(X))


def test_given_categories():
    given = [["oak", "ash", "birch"], [5, 6, 7]]
    X = np.array([["oak", 5], ["ash", 6], ["oak", 5], ["oak", 7]], object)
    for options in ({}, {"min_frequency": 2, "handle_unknown": "infrequent_if_exist"}):
        ours = DistributedOneHotEncoder(categories=given, n_shards=2, **options).fit(X)
        assert_same(ours, sk.OneHotEncoder(categories=given, **options).fit(X))
    with pytest.raises(
        ValueError, match=r"Found unknown categories \['elm'\] in column 0 during fit"
    ):
        DistributedOneHotEncoder(categories=[["oak"]], n_shards=2).fit([["oak"], ["elm"]])
    with pytest.raises(ValueError, match="Shape mismatch: if categories is an array"):
        DistributedOneHotEncoder(categories=[["oak"]], n_shards=2).fit(X)


def test_what_scikit_learn_refuses():
    mixed = np.array([["a"], [1], ["b"]], object)
    with pytest.raises(TypeError, match="must be uniformly strings or numbers"):
        fit("ordinal", mixed, 3)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        fit("one-hot", csr_array(np.eye(4)), 2)
    with pytest.raises(ValueError, match="infinity"):
        fit("one-hot", np.array([[np.inf], [1.0]]), 2)
    with pytest.raises(ValueError, match="not found in the training"):
        DistributedOneHotEncoder(drop=["elm"], n_shards=2).fit([["oak"], ["ash"]])
    with pytest.raises(ValueError, match="already used for encoding"):
        DistributedOrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=0, n_shards=2
        ).fit([["oak"], ["ash"]])


@every_encoder
def test_small_data_is_scikit_learns_own_fit(name):
    ours = clone(ENCODERS[name]).fit(FRAME)
    assert (ours.report_.strategy, ours.n_shards_) == ("local", 1)
    assert_same(ours, theirs(ENCODERS[name]).fit(FRAME))


@every_encoder
def test_merging_is_one_fit(name):
    parts = [FRAME[:1], FRAME[1:150], FRAME[150:]]
    # "drop" and the missing values of the whole are not what the parts alone would say.
    whole = theirs(ENCODERS[name]).fit(FRAME)
    a, b, c = models = [clone(ENCODERS[name]).fit_shard(part) for part in parts]
    before = list(map(pickle.dumps, map(vars, models)))
    for merged in (merge(models), merge([a, merge([b, c])]), merge([merge([c, b]), a])):
        assert type(merged) is type(a) and merged.report_.exact
        assert_same(merged, whole)
        assert_array_equal(dense(merged.transform(FRAME)), dense(whole.transform(FRAME)))
        assert list(merged.feature_names_in_) == list(FRAME.columns)
    assert list(map(pickle.dumps, map(vars, models))) == before
    with pytest.raises(ValueError, match="Model 1 kept no sums that could be merged"):
        merge([a, clone(ENCODERS[name]).fit(FRAME)])


# Dask collections.


@every_encoder
def test_dask_frames(name, place):
    there = dd.from_pandas(FRAME, npartitions=4)
    reference, ours = theirs(ENCODERS[name]).fit(FRAME), clone(ENCODERS[name])
    out = ours.fit_transform(there)
    assert_same(ours, reference)
    assert out.divisions == there.divisions
    here = out.compute()
    assert list(out.columns) == list(here.columns) == list(reference.get_feature_names_out())
    assert here.index.equals(FRAME.index)
    assert out.dtypes.tolist() == here.dtypes.tolist()
    assert_array_equal(here.to_numpy(), dense(reference.transform(FRAME)))
    sparse = getattr(ours, "sparse_output", False)
    assert all(isinstance(kind, pd.SparseDtype) == sparse for kind in here.dtypes)


@pytest.mark.parametrize("convert", [True, False])
def test_texts_that_are_missing_are_nan(convert):
    with dask.config.set({"dataframe.convert-string": convert}):
        there = dd.from_pandas(OBJECTS[["tree"]], npartitions=3)
        ours = DistributedOrdinalEncoder().fit(there)
        assert ours.categories_[0].tolist()[:4] == ["ash", "elm", "oak", "yew"]
        codes = ours.transform(there).compute().to_numpy()
    assert_array_equal(np.isnan(codes[:, 0]), OBJECTS.tree.isna())


@pytest.mark.parametrize("name", ["one-hot", "dense", "ordinal"])
@pytest.mark.parametrize("kind", [int, str, object])
def test_dask_arrays(name, kind, place):
    X = np.random.default_rng(1).integers(0, 6, (N, 3)).astype(kind)
    there = da.from_array(X, chunks=(90, 2))
    ours, reference = clone(ENCODERS[name]), theirs(ENCODERS[name]).fit(X)
    out = ours.fit_transform(there)
    assert_same(ours, reference)
    expected = reference.transform(X)
    assert out.shape == expected.shape and out.dtype == expected.dtype
    assert out.chunks[0] == there.chunks[0]
    assert issparse(out.blocks[0, 0].compute()) == issparse(expected)
    assert_array_equal(dense(out.compute()), dense(expected))
    back = ours.inverse_transform(out)
    assert back.dtype == reference.inverse_transform(expected).dtype
    assert_array_equal(back.compute(), X)


def test_a_partition_that_lacks_categories_and_one_without_rows():
    there = dd.from_pandas(FRAME.sort_values("n"), npartitions=4, sort=False)
    some = there[there.n > 2]
    reference = sk.OneHotEncoder().fit(FRAME[FRAME.n > 2].sort_values("n"))
    ours = DistributedOneHotEncoder()
    out = ours.fit_transform(some).compute()
    assert_same(ours, reference)
    assert_array_equal(out.sum(axis=1), 5.0)


def test_inverse_of_what_is_unknown():
    ours = DistributedOrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    ours.fit(np.array([[1], [2], [3]]))
    codes = np.array([[0.0], [-1.0], [2.0]])
    back = ours.inverse_transform(da.from_array(codes, chunks=1))
    assert back.dtype == object
    assert back.compute().tolist() == [[1], [None], [3]]
    assert codes.tolist() == [[0.0], [-1.0], [2.0]]


def test_an_unknown_category_is_found_when_it_is_computed():
    ours = DistributedOneHotEncoder().fit(FRAME[["tree"]])
    out = ours.transform(dd.from_pandas(FRAME[["tree"]].fillna("fir"), npartitions=2))
    with pytest.raises(ValueError, match=r"Found unknown categories \['fir'\] in column 0"):
        out.compute()
    with pytest.raises(ValueError, match="feature names should match"):
        ours.transform(dd.from_pandas(FRAME[["n"]], npartitions=2))


@pytest.mark.parametrize("name", ["rare", "ordinal"])
def test_law_3_the_same_encoder_on_every_backend(backend, name):
    assert_same(fit(name, FRAME), theirs(ENCODERS[name]).fit(FRAME))


def test_set_output():
    ours = DistributedOneHotEncoder(sparse_output=False, n_shards=2).set_output(transform="pandas")
    expected = sk.OneHotEncoder(sparse_output=False).set_output(transform="pandas")
    pd.testing.assert_frame_equal(ours.fit_transform(FRAME), expected.fit_transform(FRAME))
    there = dd.from_pandas(FRAME, npartitions=2)
    pd.testing.assert_frame_equal(
        ours.set_params(n_shards=None).fit_transform(there).compute(), expected.fit_transform(FRAME)
    )


def test_encoders_of_other_categories_do_not_merge():
    """Not even where they print alike."""
    long = np.arange(3_000)
    other = np.delete(np.arange(3_001), 1_500)
    a, b = (
        DistributedOrdinalEncoder(categories=[known]).fit_shard([[1], [2]])
        for known in (long, other)
    )
    with pytest.raises(ValueError, match="categories of model 0 and model 1 differ"):
        merge([a, b])
    assert_array_equal(merge([a, a]).categories_[0], long)
