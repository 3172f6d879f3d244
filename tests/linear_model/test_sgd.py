# SPDX-License-Identifier: BSD-3-Clause
"""One shard is scikit-learn bit for bit; and what holds for any number of shards."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sgd_problems import REGRESSION_LOSSES, containers, named, rows_of, settings
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdist import DistributedSGDClassifier, DistributedSGDRegressor
from skdist._rows import few_shards
from skdist.kernels.sgd_losses import LOSSES

X, Y, TARGET = rows_of()
WEIGHT = np.random.default_rng(0).random(len(Y))
FITTED = (
    "coef_",
    "intercept_",
    "n_iter_",
    "t_",
    "classes_",
    "_standard_coef",
    "_standard_intercept",
    "_average_coef",
    "_average_intercept",
)


def quietly(call, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return call(*args, **kwargs)


def assert_same(ours, theirs):
    for name in FITTED:
        assert (name in vars(ours)) == (name in vars(theirs)), name
        if name in vars(theirs):
            a, b = getattr(ours, name), getattr(theirs, name)
            assert_array_equal(a, b, err_msg=name)
            assert np.asarray(a).dtype == np.asarray(b).dtype, name


def both(parameters, X, y, regression=False, **more):
    """Our estimator and scikit-learn's, fitted alike."""
    kinds = (DistributedSGDClassifier, SGDClassifier)
    if regression:
        kinds = (DistributedSGDRegressor, SGDRegressor)
    parameters = {"random_state": 0, "max_iter": 6, **parameters}
    return [quietly(kind(**parameters).fit, X, y, **more) for kind in kinds]


# One shard: bit for bit.


@pytest.mark.parametrize("container", ["dense", "sparse"])
@pytest.mark.parametrize("setting", list(settings(LOSSES, averages=(False, 7))), ids=named)
def test_law_2_classifier(setting, container):
    assert_same(*both(setting, containers(X)[container], Y))


@pytest.mark.parametrize(
    "setting",
    list(settings(REGRESSION_LOSSES, (False, True), passive_aggressive="epsilon_insensitive")),
    ids=named,
)
def test_law_2_regressor(setting):
    assert_same(*both(setting, X, TARGET, regression=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", ["dense", "sparse"])
@pytest.mark.parametrize("loss", ["log_loss", "modified_huber", "hinge"])
@pytest.mark.parametrize("average", [False, True, 10**6])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_law_2_several_classes(dtype, container, loss, average, early_stopping):
    Z, y, _ = rows_of(4)
    labels = np.array(["a", "b", "c", "d"])[y]
    parameters = {"loss": loss, "average": average, "early_stopping": early_stopping}
    weight = {"sample_weight": 1.0 + y}
    ours, theirs = both(parameters, containers(Z.astype(dtype))[container], labels, **weight)
    assert_same(ours, theirs)
    assert ours.coef_.dtype == dtype
    assert_array_equal(ours.predict(Z), theirs.predict(Z))
    if loss != "hinge":
        assert_array_equal(ours.predict_proba(Z), theirs.predict_proba(Z))
    if loss == "log_loss":
        assert_array_equal(ours.predict_log_proba(Z), theirs.predict_log_proba(Z))


@pytest.mark.parametrize(
    "parameters",
    [
        {"class_weight": "balanced"},
        {"class_weight": {0: 2.0, 1: 0.5}},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"shuffle": False},
        {"fit_intercept": False},
        {"tol": 1e-4, "n_iter_no_change": 2, "max_iter": 300},
        {"tol": None},
        {"learning_rate": "adaptive", "eta0": 0.1, "max_iter": 200},
        {"alpha": 0.0, "learning_rate": "constant"},
    ],
    ids=str,
)
def test_law_2_other_parameters(parameters):
    state = parameters.get("random_state")
    if state is not None:  # each draws from its own
        ours = quietly(
            DistributedSGDClassifier(
                max_iter=6, random_state=pickle.loads(pickle.dumps(state))
            ).fit,
            X,
            Y,
        )
        theirs = quietly(SGDClassifier(max_iter=6, random_state=state).fit, X, Y)
    else:
        ours, theirs = both(parameters, X, Y, sample_weight=WEIGHT)
    assert_same(ours, theirs)


@pytest.mark.parametrize("average", [False, 1, 500])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_law_2_partial_fit(average, n_classes):
    Z, y, _ = rows_of(n_classes)
    ours = DistributedSGDClassifier(random_state=0, average=average)
    theirs = SGDClassifier(random_state=0, average=average)
    for rows in (slice(0, 100), slice(100, 180), slice(180, None)):
        for model in (ours, theirs):
            model.partial_fit(Z[rows], y[rows], np.unique(y), sample_weight=WEIGHT[rows])
        assert_same(ours, theirs)


@pytest.mark.parametrize("average", [False, 1, 500])
def test_law_2_partial_fit_of_a_regressor(average):
    ours = DistributedSGDRegressor(random_state=0, average=average)
    theirs = SGDRegressor(random_state=0, average=average)
    for rows in (slice(0, 100), slice(100, None)):
        for model in (ours, theirs):
            model.partial_fit(X[rows], TARGET[rows])
        assert_same(ours, theirs)


@pytest.mark.parametrize("average", [False, True])
def test_law_2_warm_start_and_given_starts(average):
    parameters = {"random_state": 0, "max_iter": 3, "warm_start": True, "average": average}
    ours, theirs = DistributedSGDClassifier(**parameters), SGDClassifier(**parameters)
    coef, intercept = np.ones((1, X.shape[1])), np.ones(1)
    for how in ({"coef_init": coef, "intercept_init": intercept}, {}, {}):
        for model in (ours, theirs):
            quietly(model.fit, X, Y, **{k: v.copy() for k, v in how.items()})
        assert_same(ours, theirs)
    quietly(DistributedSGDClassifier(**parameters).fit, X, Y, coef, intercept)
    assert_array_equal(coef, 1.0)  # scikit-learn's loop writes into what it is given
    assert_array_equal(intercept, 1.0)


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
@pytest.mark.parametrize("name", ["serial", "threading", "loky"])
def test_law_2_wherever_it_runs(n_jobs, name):
    Z, y, _ = rows_of(3, n=2500)  # enough for threads
    theirs = quietly(SGDClassifier(random_state=0, max_iter=4).fit, Z, y)
    backend = {"n_jobs": 1} if name == "serial" else {"backend": name, "n_jobs": 2}
    with joblib.parallel_config(**backend):
        ours = DistributedSGDClassifier(random_state=0, max_iter=4, n_jobs=n_jobs)
        assert_same(quietly(ours.fit, Z, y), theirs)


def test_the_report_of_one_shard():
    model = quietly(DistributedSGDClassifier(max_iter=3).fit, X, Y)
    assert model.n_shards_ == 1
    assert (model.report_.strategy, model.report_.exact) == ("local", True)
    assert "scikit-learn" in model.report_.why[0]
    assert model.report_.extra["history"] == ()


def test_how_many_shards():
    expected = {0: 1, 24_575: 1, 24_576: 2, 131_071: 2, 131_072: 4, 10**7: 4}
    assert {n: few_shards(n) for n in expected} == expected


# Any number of shards.

ANY = pytest.mark.parametrize("n_shards", [None, 3])


@ANY
def test_fitted_models_are_pickled_cloned_and_made_sparse(n_shards):
    model = quietly(
        DistributedSGDClassifier(penalty="l1", alpha=0.05, n_shards=n_shards, random_state=0).fit,
        X,
        Y,
    )
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.decision_function(X), model.decision_function(X))
    assert "coef_" not in vars(clone(model))
    dense = model.decision_function(X)
    assert_array_equal(model.sparsify().predict(X), np.where(dense > 0, 1, 0))
    assert_array_equal(model.densify().decision_function(X), dense)


@ANY
def test_in_a_pipeline_and_a_grid_search(n_shards):
    model = DistributedSGDClassifier(loss="log_loss", random_state=0, n_shards=n_shards)
    pipeline = make_pipeline(StandardScaler(), model)
    grid = {"distributedsgdclassifier__alpha": [1e-3, 1e-2]}
    search = quietly(GridSearchCV(pipeline, grid, cv=3).fit, X, Y)
    assert search.best_score_ > 0.8
    frame = pd.DataFrame(X, columns=list("abcdef"))
    fitted = quietly(clone(model).fit, frame, Y)
    assert list(fitted.feature_names_in_) == list("abcdef")


@ANY
def test_calibrated(n_shards):
    model = DistributedSGDClassifier(random_state=0, n_shards=n_shards)
    with pytest.raises(AttributeError, match="predict_proba"):
        model.predict_proba  # noqa: B018 - of the hinge loss there is none
    calibrated = quietly(CalibratedClassifierCV(model, cv=3).fit, X, Y, sample_weight=WEIGHT)
    p = calibrated.predict_proba(X)
    assert ((p[:, 1] > 0.5) == Y).mean() > 0.85


TOO_LARGE = {"loss": "squared_error", "eta0": 1e150, "learning_rate": "constant"}
BAD = [
    ({}, {"X": np.full_like(X, np.nan)}, "NaN"),
    ({}, {"y": np.zeros(len(Y))}, "number of classes has to be greater than one"),
    ({}, {"y": Y[1:]}, "inconsistent numbers of samples"),
    ({}, {"y": np.linspace(0, 1, len(Y))}, "Unknown label type|continuous"),
    ({"loss": "no_loss"}, {}, "The 'loss' parameter"),
    ({"n_shards": 0}, {}, "The 'n_shards' parameter"),
    ({"n_jobs": 1.5}, {}, "The 'n_jobs' parameter"),
    ({"alpha": 0.0, "learning_rate": "optimal"}, {}, "alpha must be > 0"),
    ({"learning_rate": "pa1", "loss": "log_loss"}, {}, "only works with loss"),
    ({"penalty": "elasticnet", "l1_ratio": None}, {}, "l1_ratio must be set"),
    ({}, {"coef_init": np.zeros((1, 99))}, "does not match dataset"),
    ({}, {"intercept_init": np.zeros(5)}, "does not match dataset"),
    ({"class_weight": {7: 1.0}}, {}, "not in class_weight"),
    ({}, {"sample_weight": np.zeros(len(Y))}, "zero|0 for all rows"),
    (TOO_LARGE, {"X": X * 1e150}, "overflow"),
]


@ANY
@pytest.mark.parametrize(("parameters", "data", "message"), BAD, ids=lambda v: str(v)[:40])
def test_what_is_refused_leaves_the_estimator_as_it_was(n_shards, parameters, data, message):
    model = DistributedSGDClassifier(max_iter=3, tol=None, random_state=0, n_shards=n_shards)
    model.fit(X, Y)
    coef = model.coef_.copy()
    before = dict(vars(model))
    model.set_params(**parameters)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(**{"X": X, "y": Y, **data})
    model.set_params(**{name: before[name] for name in parameters})
    assert vars(model).keys() == before.keys()
    for name, value in before.items():
        assert vars(model)[name] is value
    assert_array_equal(model.coef_, coef)


@ANY
def test_a_pass_that_fails_leaves_the_parameters_as_they_were(n_shards):
    model = DistributedSGDRegressor(average=1, n_shards=n_shards, random_state=0)
    model.partial_fit(X, TARGET).partial_fit(X, TARGET)
    kept = {name: np.copy(vars(model)[name]) for name in FITTED if name in vars(model)}
    model.set_params(**TOO_LARGE)
    with pytest.raises(ValueError, match="overflow"):
        model.partial_fit(X * 1e150, TARGET)
    for name, value in kept.items():
        assert_array_equal(vars(model)[name], value, err_msg=name)


@ANY
def test_other_features_are_refused(n_shards):
    model = DistributedSGDClassifier(n_shards=n_shards).partial_fit(X, Y, [0, 1])
    with pytest.raises(ValueError, match="X has 5 features, but"):
        model.partial_fit(X[:, :5], Y)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, Y, [0, 1, 2])
    with pytest.raises(ValueError, match="classes must be passed"):
        DistributedSGDClassifier(n_shards=n_shards).partial_fit(X, Y)


@ANY
def test_what_a_first_pass_refuses(n_shards):
    for parameters, message in (
        ({"class_weight": "balanced"}, "not supported for partial_fit"),
        ({"early_stopping": True}, "early_stopping should be False"),
    ):
        model = DistributedSGDClassifier(n_shards=n_shards, **parameters)
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, Y, [0, 1])
        assert "coef_" not in vars(model)


@ANY
def test_warnings_at_the_end_of_a_fit(n_shards):
    model = DistributedSGDClassifier(max_iter=2, n_shards=n_shards)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration"):
        model.fit(X, Y)
    old = DistributedSGDClassifier(max_iter=2, tol=None, power_t=-0.5, n_shards=n_shards)
    with pytest.warns(FutureWarning, match="Negative values for `power_t`"):
        old.fit(X, Y)


@ANY
def test_verbose_speaks(n_shards, capfd):
    quietly(DistributedSGDClassifier(max_iter=2, verbose=1, n_shards=n_shards).fit, X, Y)
    out, _ = capfd.readouterr()
    assert ("-- Epoch 2" if n_shards is None else "Round(n_passes=2") in out
