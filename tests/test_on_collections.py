# SPDX-License-Identifier: BSD-3-Clause
"""Predictions for Dask collections are collections: lazy, cut alike, and the same numbers."""

import warnings

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

import skdist

RNG = np.random.default_rng(0)
N = 300
X = RNG.normal(size=(N, 4))
LABELS = np.array(["ash", "birch", "cedar"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
NUMBERS = X @ [1.0, -1.0, 0.5, 0.0] + RNG.normal(size=N)
WEIGHT = RNG.integers(1, 4, N).astype(float)
NAMES = list("abcd")
FRAME = pd.DataFrame(X, columns=NAMES, index=np.arange(N) * 3)

CLASSIFIERS = [
    skdist.DistributedExtraTreesClassifier(5, random_state=0),
    skdist.DistributedLinearSVC(),
    skdist.DistributedLogisticRegression(),
    skdist.DistributedMLPClassifier(5, solver="lbfgs", random_state=0, tol=0.1),
    skdist.DistributedNuSVC(nu=0.3),
    skdist.DistributedRandomForest(5, random_state=0),
    skdist.DistributedRidgeClassifier(),
    skdist.DistributedSGDClassifier(max_iter=5, tol=None, random_state=0),
    skdist.DistributedSGDClassifier("log_loss", max_iter=5, tol=None, random_state=0),
    skdist.DistributedSVC(),
]
REGRESSORS = [
    skdist.DistributedElasticNet(0.1),
    skdist.DistributedExtraTreesRegressor(5, random_state=0),
    skdist.DistributedHuberRegressor(),
    skdist.DistributedLinearRegression(),
    skdist.DistributedMLPRegressor(hidden_layer_sizes=5, solver="lbfgs", random_state=0, tol=0.1),
    skdist.DistributedRandomForestRegressor(5, random_state=0),
    skdist.DistributedRidge(),
    skdist.DistributedSGDRegressor(max_iter=5, tol=None, random_state=0),
    skdist.DistributedSVR(),
    skdist.DistributedTweedieRegressor(),
]
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def target(model):
    return LABELS if hasattr(model, "classes_") or model in CLASSIFIERS else NUMBERS


def methods_of(model):
    return [name for name in METHODS if hasattr(model, name)]


def compare(found, expected):
    """BLAS may round a row in another way where it stands among others."""
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    else:
        np.testing.assert_array_equal(found, expected)


every_model = pytest.mark.parametrize("model", [*CLASSIFIERS, *REGRESSORS])


@every_model
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # of log(0)
def test_arrays(model):
    model.fit(X, target(model), sample_weight=WEIGHT)
    there = da.from_array(X, chunks=(90, 2))
    for name in methods_of(model):
        expected, found = getattr(model, name)(X), getattr(model, name)(there)
        assert isinstance(found, da.Array)
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        assert found.chunks[0] == there.chunks[0]
        compare(found.compute(), expected)


@every_model
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_frames(model):
    model.fit(FRAME, target(model))
    there = dd.from_pandas(FRAME, npartitions=4)
    for name in methods_of(model):
        expected, found = getattr(model, name)(FRAME), getattr(model, name)(there)
        assert found.divisions == there.divisions
        here = found.compute()
        assert here.index.equals(FRAME.index)
        compare(here, expected)
        if here.ndim == 2:
            assert list(found.columns) == list(here.columns) == list(model.classes_)
        elif name != "predict":
            assert here.dtype == found.dtype == expected.dtype


@every_model
def test_score(model):
    y = target(model)
    model.fit(X, y, sample_weight=WEIGHT)
    there, labels, weight = (da.from_array(a, chunks=100) for a in (X, y, WEIGHT))
    there = there.rechunk((100, -1))
    np.testing.assert_allclose(model.score(there, labels), model.score(X, y))
    np.testing.assert_allclose(
        model.score(there, labels, weight), model.score(X, y, WEIGHT), rtol=1e-9
    )


def test_sparse_blocks():
    model = skdist.DistributedLogisticRegression().fit(csr_matrix(X), LABELS)
    there = da.from_array(X, chunks=(100, -1)).map_blocks(csr_matrix, dtype=X.dtype)
    found = model.predict_proba(there)
    np.testing.assert_array_equal(found.compute(), model.predict_proba(csr_matrix(X)))


def test_blocks_without_rows_and_of_unknown_length():
    model = skdist.DistributedRandomForest(5, random_state=0).fit(X, LABELS)
    there = da.from_array(X, chunks=(100, -1))
    some = there[there[:, 0] > 1.5]
    kept = X[X[:, 0] > 1.5]
    np.testing.assert_array_equal(model.predict(some).compute(), model.predict(kept))
    none = there[there[:, 0] > 100.0]
    assert model.predict_proba(none).compute().shape == (0, 3)
    named = skdist.DistributedRidge().fit(FRAME, NUMBERS)
    frame = dd.from_pandas(FRAME, npartitions=3)
    assert len(named.predict(frame[frame.a > 100.0]).compute()) == 0


def test_nothing_is_computed_before_it_is_asked_for():
    model = skdist.DistributedRidge().fit(X, NUMBERS)

    def explode(block):
        raise AssertionError("computed")

    there = da.from_array(X, chunks=(100, -1)).map_blocks(explode, dtype=X.dtype, meta=X[:0])
    lazy = model.predict(there)
    with pytest.raises(AssertionError, match="computed"):
        lazy.compute()


def test_the_wrong_columns_are_refused_at_once():
    model = skdist.DistributedRidge().fit(FRAME, NUMBERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="X has 3 features"):
            model.predict(da.ones((9, 3), chunks=3))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(dd.from_pandas(FRAME.rename(columns={"a": "z"}), npartitions=2))
    with pytest.raises(ValueError, match="Expected 2D array, got 1D"):
        model.predict(da.ones(9, chunks=3))
    with pytest.raises(TypeError, match="which has no columns"):
        model.predict(dd.from_pandas(FRAME.a, npartitions=2))
    with pytest.raises(NotFittedError):
        skdist.DistributedRidge().predict(da.ones((9, 3), chunks=3))


class Counted(skdist.DistributedRidge):
    """How often it was unpickled, in the process that asks."""

    arrived = 0

    def __setstate__(self, state):
        super().__setstate__(state)
        Counted.arrived += 1


def arrivals():
    return Counted.arrived


def test_a_model_travels_once_to_every_worker(dask_client):
    model = Counted().fit(X, NUMBERS)
    before = dask_client.run(arrivals)
    there = da.from_array(np.tile(X, (20, 1)), chunks=(100, -1))  # 60 partitions
    lazy = model.predict(there)
    with dask_client.as_current():
        np.testing.assert_array_equal(lazy.compute()[:N], model.predict(X))
    after = dask_client.run(arrivals)
    for worker in after:
        assert 1 <= after[worker] - before[worker] <= 2


def test_texts_have_the_dtype_that_the_collection_says():
    frame = pd.DataFrame({"a": np.tile([0.0, 1.0], 20), "y": np.tile(["no", "yes"], 20)})
    rows = dd.from_pandas(frame, npartitions=2)
    labels = skdist.DistributedLogisticRegression().fit(rows[["a"]], rows["y"]).predict(rows[["a"]])
    assert labels.dtype == labels.compute().dtype == object
    filled = skdist.DistributedSimpleImputer(strategy="most_frequent").fit(rows[["y"]])
    filled = filled.transform(rows[["y"]])
    assert filled.dtypes.tolist() == filled.compute().dtypes.tolist() == [object]
