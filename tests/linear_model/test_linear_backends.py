# SPDX-License-Identifier: BSD-3-Clause
"""The same linear model whatever runs it, also when workers die; rows of Dask collections."""

import os

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from linear_problems import MortalPoisson, classes_problem
from numpy.testing import assert_allclose, assert_array_equal

from skdist import DistributedLogisticRegression, DistributedPoissonRegressor

X, Y, WEIGHT = classes_problem(3, n=1203)
MODELS = {
    "newton": DistributedLogisticRegression(n_shards=3),
    "newton_cg": DistributedLogisticRegression(n_shards=3, solver="newton_cg"),
    "lbfgs": DistributedLogisticRegression(n_shards=3, solver="lbfgs"),
    "prox_newton": DistributedLogisticRegression(n_shards=3, l1_ratio=0.5, C=0.1),
    "poisson": DistributedPoissonRegressor(n_shards=3, alpha=0.01),
}


def fit(name, **parameters):
    return MODELS[name].set_params(**parameters).fit(X, Y, WEIGHT)


@pytest.fixture(scope="module")
def serial():
    """Coefficients found in this thread, by name."""
    with joblib.parallel_config(n_jobs=1):
        return {name: fit(name).coef_ for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_law_3_the_same_model_on_every_backend(backend, name, serial):
    coef = fit(name).coef_
    if backend == "dask":
        assert_allclose(coef, serial[name], rtol=1e-9)
    else:
        assert_array_equal(coef, serial[name])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n_jobs", [1, 2, 4, -1])
def test_law_3_the_same_model_for_any_n_jobs(name, n_jobs, serial):
    coef = fit(name, n_jobs=n_jobs).coef_
    MODELS[name].set_params(n_jobs=None)
    assert_array_equal(coef, serial[name])


def test_what_travelled_is_reported(process_backend):
    report = fit("newton").report_
    P = 15
    assert report.bytes_down > X.nbytes
    assert report.bytes_up > 3 * 8 * P * report.rounds / 2
    assert report.bytes_up < 3 * report.rounds * 8 * (1 + P + P * P)


# Rows of Dask collections.


NAMES = [f"x{j}" for j in range(X.shape[1])]


def collections(kind):
    """X, y and weights in partitions of 400 rows."""
    labels = np.array(["ash", "birch", "cedar"])[Y]
    if kind == "arrays":
        return (
            da.from_array(X, chunks=(400, 2)),
            da.from_array(labels, chunks=400),
            da.from_array(WEIGHT, chunks=400),
        )
    frame = pd.DataFrame(X, columns=NAMES).assign(y=labels, weight=WEIGHT)
    whole = dd.from_pandas(frame, npartitions=3)
    return whole[NAMES], whole["y"], whole["weight"]


@pytest.mark.parametrize("kind", ["arrays", "frames"])
@pytest.mark.parametrize("parameters", [{}, {"class_weight": "balanced", "l1_ratio": 0.5}])
def test_dask_collections(place, kind, parameters):
    dX, dy, dweight = collections(kind)
    model = DistributedLogisticRegression(tol=1e-8, **parameters)
    expected = model.fit(X, np.array(["ash", "birch", "cedar"])[Y], WEIGHT)
    coef, intercept = expected.coef_, expected.intercept_
    model.fit(dX, dy, dweight)
    assert_allclose(model.coef_, coef, rtol=1e-6, atol=1e-7)
    assert_allclose(model.intercept_, intercept, rtol=1e-6, atol=1e-7)
    assert list(model.classes_) == ["ash", "birch", "cedar"]
    assert model.n_shards_ >= 3
    if kind == "frames":
        assert list(model.feature_names_in_) == NAMES
    assert (model.predict(dX).compute() == model.predict(dX.compute())).all()
    assert_allclose(model.predict_proba(dX).compute(), model.predict_proba(dX.compute()))


def test_a_regression_of_dask_collections(place):
    dX, _, dweight = collections("arrays")
    model = DistributedPoissonRegressor(tol=1e-8)
    coef = model.fit(X, Y, WEIGHT).coef_
    model.fit(dX, da.from_array(Y, chunks=400), dweight)
    assert_allclose(model.coef_, coef, rtol=1e-6)
    assert_allclose(model.predict(dX).compute(), model.predict(X))
    with pytest.raises(ValueError, match="out of the valid range of the loss 'HalfPoissonLoss'"):
        model.fit(dX, da.from_array(Y - 1, chunks=400))


def test_scikit_learns_own_fit_takes_no_collection():
    dX, dy, _ = collections("arrays")
    with pytest.raises(TypeError, match="solver='saga' is scikit-learn's own fit"):
        DistributedLogisticRegression(solver="saga").fit(dX, dy)


# A worker dies in the middle of a fit.


class MortalRegressor(DistributedPoissonRegressor):
    """Its loss kills the process that evaluates it for the third time, once."""

    folder = ""

    def _loss(self):
        return MortalPoisson(str(self.folder), os.getpid())


@pytest.mark.timeout(120)
def test_a_killed_worker_does_not_change_the_model(process_backend, tmp_path):
    parameters = {"n_shards": 3, "alpha": 0.01}
    with joblib.parallel_config(n_jobs=1):
        expected = DistributedPoissonRegressor(**parameters).fit(X, Y, WEIGHT)
    model = MortalRegressor(**parameters)
    model.folder = tmp_path
    model.fit(X, Y, WEIGHT)
    assert len(os.listdir(tmp_path)) >= 3
    assert model.report_.retries >= 1
    assert_allclose(model.coef_, expected.coef_, rtol=1e-12)
    assert model.intercept_ == pytest.approx(expected.intercept_, rel=1e-12)


def test_a_fit_that_fails_on_a_worker_leaves_nothing(process_backend):
    model = DistributedPoissonRegressor(n_shards=3)
    model._loss = None
    before = vars(model).copy()
    with pytest.raises(TypeError):
        model.fit(X, Y)
    assert vars(model) == before
