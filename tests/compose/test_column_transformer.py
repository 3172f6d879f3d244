# SPDX-License-Identifier: BSD-3-Clause
"""Transformers of some columns each: scikit-learn's results, of Dask collections lazily."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdist import (
    DistributedColumnTransformer,
    DistributedMaxAbsScaler,
    DistributedMinMaxScaler,
    DistributedOneHotEncoder,
    DistributedPCA,
    DistributedSimpleImputer,
    DistributedStandardScaler,
)

N = 203
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "tree": RNG.choice(["ash", "oak", "elm"], N),
        "a": RNG.normal(size=N),
        "site": pd.Categorical(RNG.choice(["n", "s"], N)),
        "b": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(5, 2, N)),
        "c": RNG.normal(size=N),
        "d": np.where(RNG.random(N) < 0.95, 0.0, 1.0),
    },
    index=np.arange(N) * 2,
)
THERE = dd.from_pandas(FRAME, npartitions=4)
NUMBERS = make_pipeline(DistributedSimpleImputer(add_indicator=True), DistributedStandardScaler())
OPTIONS = {
    "sparse": [("one-hot", DistributedOneHotEncoder(), ["tree", "site"])],
    "mixed": [
        ("one-hot", DistributedOneHotEncoder(), ["tree", "site"]),
        ("numbers", NUMBERS, ["a", "b"]),
        ("left out", "drop", ["c"]),
        ("as they are", "passthrough", ["d"]),
    ],
    "dense": [
        ("one-hot", DistributedOneHotEncoder(sparse_output=False), ["site", "tree"]),
        ("numbers", DistributedMinMaxScaler(), slice("a", "a")),
        ("none", DistributedStandardScaler(), []),
        ("mask", DistributedMaxAbsScaler(), [False] * 4 + [True, True]),
    ],
    "selected": [
        ("numbers", NUMBERS, make_column_selector(dtype_include=np.number)),
        ("categories", DistributedOneHotEncoder(), make_column_selector(pattern="site|tree")),
    ],
}
every_option = pytest.mark.parametrize("name", OPTIONS)


def both(name, **parameters):
    transformers = [(label, t, columns) for label, t, columns in OPTIONS[name]]
    return (
        DistributedColumnTransformer(transformers, **parameters),
        ColumnTransformer(transformers, **parameters),
    )


def dense(values):
    return values.toarray() if issparse(values) else np.asarray(values)


@every_option
@pytest.mark.parametrize("threshold", [0, 0.3, 1.0])
def test_in_memory_it_is_scikit_learns(name, threshold):
    ours, reference = both(name, sparse_threshold=threshold)
    found, expected = ours.fit_transform(FRAME), reference.fit_transform(FRAME)
    assert type(found) is type(expected)
    assert_array_equal(dense(found), dense(expected))
    assert_array_equal(dense(ours.fit(FRAME).transform(FRAME)), dense(expected))


@every_option
@pytest.mark.parametrize("threshold", [0, 0.6])
def test_of_a_dask_dataframe(name, threshold, place):
    ours, reference = both(name, sparse_threshold=threshold)
    out, expected = ours.fit_transform(THERE), reference.fit_transform(FRAME)
    names = list(reference.get_feature_names_out())
    assert list(ours.get_feature_names_out()) == list(out.columns) == names
    assert ours.sparse_output_ == reference.sparse_output_ == issparse(expected)
    assert ours.output_indices_ == reference.output_indices_
    assert list(ours.feature_names_in_) == list(FRAME.columns)
    assert out.divisions == THERE.divisions
    here = out.compute()
    assert here.index.equals(FRAME.index) and out.dtypes.equals(here.dtypes)
    assert all(isinstance(kind, pd.SparseDtype) == issparse(expected) for kind in here.dtypes)
    assert_allclose(here.to_numpy(), dense(expected), rtol=1e-12, atol=1e-12)
    assert_allclose(dense(ours.transform(FRAME)), dense(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("remainder", ["drop", "passthrough", DistributedMaxAbsScaler()])
def test_the_remainder(remainder):
    there, here = (F[["a", "b", "c"]] for F in (THERE, FRAME))
    one = [("one", DistributedStandardScaler(), ["b"])]
    weights = {"one": 10.0}
    ours, reference = (
        cls(one, remainder=remainder, transformer_weights=weights)
        for cls in (DistributedColumnTransformer, ColumnTransformer)
    )
    out = ours.fit_transform(there)
    assert_allclose(out.compute(), reference.fit_transform(here), rtol=1e-12, atol=1e-12)
    assert list(out.columns) == list(reference.get_feature_names_out())


def test_of_a_dask_array():
    X = RNG.normal(size=(N, 4))
    X[:, 3] = RNG.integers(0, 3, N)
    transformers = [
        ("axes", DistributedPCA(2), [0, 1, 2]),
        ("category", DistributedOneHotEncoder(), [3]),
    ]
    for threshold in (0, 0.9):
        ours = DistributedColumnTransformer(transformers, sparse_threshold=threshold)
        reference = ColumnTransformer(transformers, sparse_threshold=threshold)
        there = da.from_array(X, chunks=(50, 2))
        out, expected = ours.fit_transform(there), reference.fit_transform(X)
        assert out.shape == expected.shape and out.dtype == expected.dtype
        assert out.chunks[0] == there.chunks[0]
        assert issparse(out.blocks[0, 0].compute()) == issparse(expected) == (threshold > 0)
        assert_allclose(dense(out.compute()), dense(expected), atol=1e-10)
        some = there[there[:, 3] > 0]
        assert_allclose(
            dense(ours.transform(some).compute()), dense(expected)[X[:, 3] > 0], atol=1e-9
        )


def test_set_output_keeps_the_dtypes_of_columns():
    ours, reference = both("mixed", verbose_feature_names_out=False)
    for one in (ours, reference):
        encoder = OPTIONS["mixed"][0][1]
        one.set_params(**{"one-hot": clone(encoder).set_params(sparse_output=False, dtype=np.int8)})
        one.set_output(transform="pandas")
    out = ours.fit_transform(THERE)
    expected = reference.fit_transform(FRAME)
    assert out.dtypes.equals(expected.dtypes)
    pd.testing.assert_frame_equal(out.compute(), expected)


def test_columns_by_name_at_transform():
    ours, reference = both("dense")
    ours.fit(THERE), reference.fit(FRAME)
    mixed = FRAME[list(FRAME.columns)[::-1]].assign(more=1.0)
    out = ours.transform(dd.from_pandas(mixed, npartitions=2))
    assert_allclose(out.compute(), reference.transform(FRAME))
    with pytest.raises(ValueError, match=r"columns are missing: \{'a'\}"):
        ours.transform(THERE.drop(columns="a"))
    with pytest.raises(NotFittedError):
        clone(ours).transform(THERE)


def test_what_would_gather_is_refused():
    for transformer in (
        StandardScaler(),
        OneHotEncoder(),
        make_pipeline(DistributedSimpleImputer(), StandardScaler()),
    ):
        ours = DistributedColumnTransformer([("numbers", transformer, ["a"])])
        with pytest.raises(TypeError, match="in the transformer of 'numbers', would gather"):
            ours.fit(THERE)
        assert not hasattr(ours, "n_features_in_")
    ours = DistributedColumnTransformer([("a", DistributedMaxAbsScaler(), "a")])
    with pytest.raises(ValueError, match="a single name, which selects a series"):
        ours.fit(THERE)


def test_what_scikit_learn_refuses():
    with pytest.raises(TypeError, match="All estimators should implement fit"):
        DistributedColumnTransformer([("a", "no", ["a"])]).fit(THERE)
    with pytest.raises(ValueError, match="not unique"):
        DistributedColumnTransformer([("a", NUMBERS, ["a"]), ("a", NUMBERS, ["b"])]).fit(THERE)
    with pytest.raises(ValueError, match="Some column names are not columns of the dataframe"):
        DistributedColumnTransformer([("a", NUMBERS, ["z"])]).fit(THERE)
    with pytest.raises(ValueError, match="sparse_threshold"):
        DistributedColumnTransformer([("a", NUMBERS, ["a"])], sparse_threshold=2).fit(THERE)
    with sklearn.config_context(enable_metadata_routing=True):
        ours = DistributedColumnTransformer([("a", SimpleImputer(), ["a"])])
        with pytest.raises(ValueError, match=r"\['sample_weight'\] were passed"):
            ours.fit(THERE, sample_weight=1)
