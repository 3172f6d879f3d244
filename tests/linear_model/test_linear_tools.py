# SPDX-License-Identifier: BSD-3-Clause
"""What users put around linear models: pipelines, searches, calibration, routing, pickles."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import scikit_twin
import sklearn
import sklearn.linear_model as sk
from linear_problems import classes_problem
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.inspection import partial_dependence
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdist import (
    DistributedGammaRegressor,
    DistributedLogisticRegression,
    DistributedPoissonRegressor,
    DistributedTweedieRegressor,
)

X, Y, WEIGHT = classes_problem(3)
COUNTS = Y + 1.0
MODELS = [
    DistributedLogisticRegression(tol=1e-8),
    DistributedPoissonRegressor(tol=1e-8),
    DistributedGammaRegressor(tol=1e-8),
    DistributedTweedieRegressor(power=1.5, tol=1e-8),
]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def target(model):
    return Y if isinstance(model, sk.LogisticRegression) else COUNTS


def theirs(model):
    """scikit-learn's class with the same parameters, solved as exactly."""
    return scikit_twin.theirs(model).set_params(solver="newton-cholesky")


@every_model
def test_in_a_pipeline(model):
    both = [
        make_pipeline(StandardScaler(), m).fit(50.0 * X + 3.0, target(model))
        for m in (clone(model), theirs(model))
    ]
    assert_allclose(both[0].predict(X), both[1].predict(X), rtol=1e-5)
    assert both[0].score(50.0 * X + 3.0, target(model)) > 0.02


@every_model
def test_in_cross_validation(model):
    scores = [cross_val_score(m, X, target(model), cv=4) for m in (clone(model), theirs(model))]
    assert_allclose(scores[0], scores[1], rtol=1e-5)


@every_model
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_a_grid_search(model, n_jobs):
    strength = "C" if "C" in model.get_params() else "alpha"
    grid = {strength: [1e-3, 10.0], "n_shards": [1, 3]}
    search = GridSearchCV(clone(model), grid, cv=3, n_jobs=n_jobs).fit(X, target(model))
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)
    assert scores[0] != pytest.approx(scores[2], rel=1e-3)
    reference = GridSearchCV(theirs(model), {strength: [1e-3, 10.0]}, cv=3).fit(X, target(model))
    assert_allclose(scores[::2], reference.cv_results_["mean_test_score"], rtol=1e-5)


def test_calibrated():
    ours = CalibratedClassifierCV(clone(MODELS[0]), cv=3).fit(X, Y, WEIGHT)
    expected = CalibratedClassifierCV(theirs(MODELS[0]), cv=3).fit(X, Y, WEIGHT)
    assert_allclose(ours.predict_proba(X), expected.predict_proba(X), atol=1e-5)


def test_one_against_the_rest():
    ours = OneVsRestClassifier(clone(MODELS[0])).fit(X, Y)
    expected = OneVsRestClassifier(theirs(MODELS[0])).fit(X, Y)
    assert len(ours.estimators_) == 3
    assert_allclose(ours.predict_proba(X), expected.predict_proba(X), atol=1e-6)


def test_several_outputs_and_held_out_probabilities():
    y = np.column_stack([Y, Y > 0])
    assert MultiOutputClassifier(clone(MODELS[0])).fit(X, y).predict(X).shape == y.shape
    p = cross_val_predict(clone(MODELS[0]), X, Y, method="predict_proba", cv=3)
    assert_allclose(p.sum(axis=1), 1.0)


def test_selecting_features_by_the_l1_penalty():
    model = DistributedLogisticRegression(C=0.02, l1_ratio=1.0)
    noise = np.random.default_rng(0).normal(size=(len(X), 3))
    kept = SelectFromModel(model).fit(np.column_stack([X, noise]), Y).get_support()
    assert kept[:4].any()
    assert not kept[4:].any()


def test_set_output_around_it():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    pipeline = make_pipeline(StandardScaler(), clone(MODELS[0])).set_output(transform="pandas")
    fitted = pipeline.fit(frame, Y)[-1]
    assert_array_equal(fitted.feature_names_in_, frame.columns)
    assert_array_equal(
        pipeline.predict(frame),
        fitted.predict(
            StandardScaler().fit_transform(X)
            if False
            else pd.DataFrame(StandardScaler().fit_transform(X), columns=frame.columns)
        ),
    )


def test_frames_of_named_columns():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = clone(MODELS[0]).fit(frame, pd.Series(Y).map({0: "x", 1: "y", 2: "z"}))
    assert_array_equal(model.feature_names_in_, ["a", "b", "c", "d"])
    assert_array_equal(model.classes_, ["x", "y", "z"])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a", "c", "d"]])
    average = partial_dependence(model, frame, ["a"], grid_resolution=4)["average"]
    assert average.shape == (3, 4)


@every_model
def test_sample_weights_are_routed(model):
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(model).set_fit_request(sample_weight=True)
        routed.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        scores = cross_val_score(
            make_pipeline(scaler, routed),
            X,
            target(model),
            cv=3,
            params={"sample_weight": WEIGHT},
        )
    assert len(scores) == 3
    assert np.isfinite(scores).all()
    plain = cross_val_score(make_pipeline(StandardScaler(), model), X, target(model), cv=3)
    assert not np.allclose(scores, plain, rtol=1e-6)


@every_model
@pytest.mark.parametrize("shard", [False, True])
def test_pickling_changes_no_prediction(model, shard, tmp_path):
    new = clone(model)
    fitted = (new.fit_shard if shard else new.fit)(X, target(model))
    joblib.dump(fitted, tmp_path / "model.joblib")
    for back in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "model.joblib")):
        assert_array_equal(back.predict(X), fitted.predict(X))
        assert back.report_ == fitted.report_
        assert back.get_params() == fitted.get_params()
    assert len(pickle.dumps(fitted)) < 20_000


@every_model
def test_clones_are_unfitted(model):
    fitted = clone(model).fit(X, target(model))
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not [name for name in vars(copy) if name.endswith("_") or name.startswith("_")]
    with pytest.raises(NotFittedError):
        copy.predict(X)


@every_model
def test_refitting_forgets(model):
    fitted = clone(model).fit(X[:, :2], target(model)).fit(X, target(model))
    expected = clone(model).fit(X, target(model))
    assert_array_equal(fitted.coef_, expected.coef_)
    assert fitted.n_features_in_ == 4


def test_a_fit_inside_of_tasks():
    with joblib.parallel_config(backend="threading", n_jobs=2):
        scores = cross_val_score(clone(MODELS[0]), X, Y, cv=4)
    assert_allclose(scores, cross_val_score(clone(MODELS[0]), X, Y, cv=4), rtol=1e-12)
