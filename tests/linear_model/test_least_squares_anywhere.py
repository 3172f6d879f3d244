# SPDX-License-Identifier: BSD-3-Clause
"""The same least squares whatever runs them, of any container, and inside scikit-learn's tools."""

import pickle

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
import sklearn.linear_model as sk
from least_squares_problems import assert_same_fit, rows_and_targets
from scikit_twin import theirs
from scipy.sparse import csc_array, csr_array, random_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdist import (
    DistributedElasticNet,
    DistributedLasso,
    DistributedLinearRegression,
    DistributedRidge,
    DistributedRidgeClassifier,
)

X, Y, WEIGHT = rows_and_targets(2, n=403)
LABELS = np.array(["ash", "birch", "cedar"])[np.digitize(Y[:, 0], np.quantile(Y[:, 0], [0.3, 0.7]))]
COLLINEAR = np.column_stack([X, X[:, 0] - X[:, 1]])
MODELS = {
    "least squares": (DistributedLinearRegression(n_shards=3), X, Y),
    "tsqr": (DistributedLinearRegression(n_shards=3), COLLINEAR, Y),
    "ridge": (DistributedRidge([0.1, 3.0], n_shards=3), X, Y),
    "gradients": (DistributedRidge(solver="sparse_cg", tol=1e-10, n_shards=3), csr_array(X), Y),
    "classes": (DistributedRidgeClassifier(n_shards=3), X, LABELS),
    "lasso": (DistributedLasso(0.1, n_shards=3), X, Y),
}


def fit(name, **parameters):
    model, rows, y = MODELS[name]
    return clone(model).set_params(**parameters).fit(rows, y, WEIGHT)


@pytest.fixture(scope="module")
def serial():
    """Coefficients found in this thread, by name."""
    with joblib.parallel_config(n_jobs=1):
        return {name: fit(name).coef_ for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_law_3_the_same_model_on_every_backend(backend, name, serial):
    coef = fit(name).coef_
    if backend == "dask":
        np.testing.assert_allclose(coef, serial[name], rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_array_equal(coef, serial[name])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n_jobs", [1, 2, 4, -1])
def test_law_3_the_same_model_for_any_n_jobs(name, n_jobs, serial):
    np.testing.assert_array_equal(fit(name, n_jobs=n_jobs).coef_, serial[name])


def test_wide_rows_are_merged_on_the_workers(backend):
    rows = random_array((90, 600), density=0.05, rng=np.random.default_rng(0)).tocsr()
    y = rows[:, :5].sum(axis=1)
    ours = DistributedRidge(0.5, n_shards=5).fit(rows, y)
    assert_same_fit(ours, sk.Ridge(0.5).fit(rows.toarray(), y))


def test_what_travelled_is_reported(process_backend):
    report = fit("ridge").report_
    assert report.bytes_down > X.nbytes
    assert 3 * 8 * (6 * 6 + 6 * 2) < report.bytes_up < 10_000
    assert set(report.seconds) == {"prepare", "solve"}


# Containers.


@pytest.mark.parametrize(
    "container",
    [
        pd.DataFrame,
        pl.DataFrame,
        csc_array,
        np.asfortranarray,
        np.ndarray.tolist,
        lambda rows: pa.table({f"x{j}": column for j, column in enumerate(rows.T)}),
    ],
    ids=["pandas", "polars", "csc", "fortran", "list", "arrow"],
)
def test_containers(container):
    for model, y in ((DistributedRidge(), Y), (DistributedRidgeClassifier(), LABELS)):
        whole = clone(model).fit(X, y, WEIGHT)
        assert_same_fit(clone(model).fit(container(X), y, WEIGHT), whole, rtol=1e-12)


def test_a_frame_of_targets():
    frame = pd.DataFrame(Y, columns=["a", "b"])
    assert_same_fit(DistributedRidge().fit(X, frame), DistributedRidge().fit(X, Y))


NAMES = [f"x{j}" for j in range(X.shape[1])]


def collections(kind, y):
    """X, y and weights in partitions of 150 rows."""
    if kind == "arrays":
        chunks = (150, -1) if y.ndim == 2 else 150
        rows = da.from_array(X, chunks=(150, 4)), da.from_array(y, chunks=chunks)
        return *rows, da.from_array(WEIGHT, chunks=150)
    frame = pd.DataFrame(X, columns=NAMES).assign(y=y, weight=WEIGHT)
    whole = dd.from_pandas(frame, npartitions=3)
    return whole[NAMES], whole["y"], whole["weight"]


@pytest.mark.parametrize("kind", ["arrays", "frames"])
@pytest.mark.parametrize("name", ["least squares", "ridge", "gradients", "classes", "lasso"])
def test_dask_collections(place, kind, name):
    model, y = clone(MODELS[name][0]), MODELS[name][2]
    if kind == "frames" and y.ndim == 2:
        y = y[:, 0]
    if name == "ridge":
        model.set_params(alpha=0.7)
    expected = clone(model).fit(X, y, WEIGHT)
    model.set_params(n_shards=None)
    model.fit(*collections(kind, y))
    assert_same_fit(model, expected, rtol=1e-8)
    assert model.n_shards_ == 3 and vars(model).get("rank_") == vars(expected).get("rank_")
    if kind == "frames":
        assert list(model.feature_names_in_) == NAMES
    there, here = model.predict(collections(kind, y)[0]).compute(), expected.predict(X)
    if name == "classes":
        np.testing.assert_array_equal(there, here)
    else:
        np.testing.assert_allclose(there, here, rtol=1e-6)


def test_what_needs_all_rows_takes_no_collection():
    dX, dy, _ = collections("arrays", Y[:, 0])
    with pytest.raises(TypeError, match="solver='sag' is scikit-learn's own fit"):
        DistributedRidge(solver="sag").fit(dX, dy)
    with pytest.raises(TypeError, match=r"precompute is a matrix\. That needs all rows"):
        DistributedLasso(precompute=X.T @ X).fit(dX, dy)


# scikit-learn's tools.

REGRESSORS = [
    DistributedElasticNet(0.01),
    DistributedLasso(0.01),
    DistributedLinearRegression(),
    DistributedRidge(),
]
EVERY = [*REGRESSORS, DistributedRidgeClassifier()]


def targets(model):
    return LABELS if hasattr(model, "decision_function") else Y[:, 0]


@pytest.mark.parametrize("model", EVERY)
def test_grid_search_in_a_pipeline(model):
    def search(model):
        pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), model)
        name = pipeline.steps[-1][0]
        grid = {f"{name}__fit_intercept": [True, False]}
        frame = pd.DataFrame(X, columns=NAMES)
        return GridSearchCV(pipeline, grid, cv=3).fit(frame, targets(model))

    ours, reference = search(model), search(theirs(model))
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], reference.cv_results_["mean_test_score"], rtol=1e-3
    )
    assert ours.best_params_.popitem()[1] == reference.best_params_.popitem()[1]
    assert list(ours.best_estimator_[-1].feature_names_in_) == NAMES


@pytest.mark.parametrize("model", EVERY)
def test_weights_are_routed(model):
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(model).set_fit_request(sample_weight=True)
        routed = routed.set_score_request(sample_weight=True)
        search = GridSearchCV(routed, {"fit_intercept": [True]}, cv=3)
        search.fit(X, targets(model), sample_weight=WEIGHT + 0.1)
    alone = clone(model).fit(X, targets(model), WEIGHT + 0.1)
    assert_same_fit(search.best_estimator_, alone)


@pytest.mark.parametrize("model", EVERY)
def test_pickle_and_clone(model):
    fitted = clone(model).fit(X, targets(model))
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.report_ == fitted.report_
    assert clone(fitted).get_params() == model.get_params()


def test_around_classifiers():
    y = LABELS == "ash"
    for wrap in (CalibratedClassifierCV, OneVsRestClassifier):
        ours = wrap(DistributedRidgeClassifier()).fit(X, y)
        reference = wrap(sk.RidgeClassifier()).fit(X, y)
        np.testing.assert_array_equal(ours.predict(X), reference.predict(X))


def test_around_regressors():
    y = np.exp(Y[:, 0] / 10)
    wrapped = TransformedTargetRegressor(DistributedRidge(), func=np.log, inverse_func=np.exp)
    reference = TransformedTargetRegressor(sk.Ridge(), func=np.log, inverse_func=np.exp)
    np.testing.assert_allclose(wrapped.fit(X, y).predict(X), reference.fit(X, y).predict(X))
    scores = cross_val_score(DistributedLinearRegression(), X, y, n_jobs=2)
    np.testing.assert_allclose(scores, cross_val_score(sk.LinearRegression(), X, y))


@pytest.mark.parametrize("model", EVERY)
def test_a_fit_that_fails_on_a_worker_leaves_nothing(process_backend, model):
    own = clone(model).set_params(n_shards=2)
    bad = [X, np.where(np.arange(403) == 400, np.nan, 1.0)]
    with pytest.raises(ValueError):
        own.fit(da.from_array(bad[0], chunks=(150, -1)), da.from_array(bad[1], chunks=150))
    assert not hasattr(own, "coef_") and not hasattr(own, "n_features_in_")
