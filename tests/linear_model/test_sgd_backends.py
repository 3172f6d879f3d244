# SPDX-License-Identifier: BSD-3-Clause
"""The same SGD model whatever runs it, also when workers die; rows of Dask collections."""

import os

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sgd_problems import MortalDescent, containers, problems, rows_of, rules
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV

from skdist import DistributedSGDClassifier, DistributedSGDRegressor
from skdist._skew import TOO_SKEWED
from skdist.sharding import shard_rows
from skdist.solvers.descent import Descent, start_at
from skdist.solvers.parameter_averaging import parameter_averaging

X, Y, TARGET = rows_of(3, n=1203)
WEIGHT = 0.5 + np.random.default_rng(0).random(len(Y))
SHARED = {"random_state": 0, "max_iter": 5, "tol": None, "n_shards": 3}
MODELS = {
    "log_loss": DistributedSGDClassifier(loss="log_loss", **SHARED),
    "l1": DistributedSGDClassifier(penalty="l1", alpha=1e-3, **SHARED),
    "average": DistributedSGDClassifier(average=700, **SHARED),
    "early": DistributedSGDClassifier(early_stopping=True, **{**SHARED, "max_iter": 30}),
    "small": DistributedSGDClassifier(learning_rate="constant", eta0=1e-3, **SHARED),
    "regression": DistributedSGDRegressor(**SHARED),
}
NAMES = [f"x{j}" for j in range(X.shape[1])]


def fit(name, container="dense", **parameters):
    model = clone(MODELS[name]).set_params(**parameters)
    y = Y if is_classifier(model) else TARGET
    return model.fit(containers(X)[container], y, sample_weight=WEIGHT)


def assert_same(model, other):
    assert_array_equal(model.coef_, other.coef_)
    assert_array_equal(model.intercept_, other.intercept_)
    assert model.n_iter_ == other.n_iter_
    assert model.report_.extra["history"] == other.report_.extra["history"]


@pytest.fixture(scope="module")
def serial():
    """Models fitted in this thread, by name and container."""
    with joblib.parallel_config(n_jobs=1):
        return {(n, c): fit(n, c) for n in MODELS for c in ("dense", "sparse")}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("container", ["dense", "sparse"])
def test_law_3_the_same_model_on_every_backend(backend, name, container, serial):
    assert_same(fit(name, container), serial[name, container])


@pytest.mark.parametrize("n_jobs", [1, 2, 4, -1])
def test_law_3_the_same_model_for_any_n_jobs(n_jobs, serial):
    for name in MODELS:
        assert_same(fit(name, n_jobs=n_jobs), serial[name, "dense"])


def test_law_3_the_same_passes_on_every_backend(backend):
    model = DistributedSGDClassifier(random_state=0, n_shards=3, average=True)
    with joblib.parallel_config(n_jobs=1, backend="sequential"):
        expected = clone(model).partial_fit(X, Y, range(3)).partial_fit(X, Y)
    model.partial_fit(X, Y, range(3)).partial_fit(X, Y)
    assert_array_equal(model.coef_, expected.coef_)
    assert_array_equal(model._standard_coef, expected._standard_coef)


def test_what_travelled_is_reported(process_backend):
    report = fit("log_loss").report_
    d, n_classes, m = X.shape[1], 3, 3
    assert report.bytes_down > X.nbytes
    assert report.bytes_up > 5 * m * n_classes * d * 8
    assert report.bytes_up < report.rounds * m * (n_classes * (d + 10) * 8 + 4_000)


@pytest.mark.timeout(120)
def test_a_killed_worker_does_not_change_the_model(process_backend, tmp_path):
    start = start_at(np.zeros((3, X.shape[1])), np.zeros(3), rules())
    descent = MortalDescent(rules(), problems(3), 0, folder=str(tmp_path), driver=os.getpid())
    how = {"max_iter": 4, "tol": None, "n_iter_no_change": 5}
    shards = shard_rows(X, Y.astype(float), WEIGHT, n_shards=3)
    fit = parameter_averaging(shards, descent, start, **how)
    assert len(os.listdir(tmp_path)) > 3
    assert shards.cost.retries >= 1
    serial = shard_rows(X, Y.astype(float), WEIGHT, n_shards=3, n_jobs=1)
    expected = parameter_averaging(serial, Descent(rules(), problems(3), 0), start, **how)
    assert_array_equal(fit.position.now.W, expected.position.now.W)
    assert fit.history == expected.history


@pytest.mark.timeout(120)
def test_grid_search_on_every_backend_has_the_serial_scores(backend):
    grid = {"alpha": [1e-4, 1e-2]}

    def scores():
        search = GridSearchCV(clone(MODELS["log_loss"]), grid, cv=3, n_jobs=2)
        return search.fit(X, Y).cv_results_["mean_test_score"]

    found = scores()
    with joblib.parallel_config(n_jobs=1, backend="sequential"):
        assert_array_equal(found, scores())


# Rows of Dask collections.


def collections(kind, y=Y, X=X):
    """X, y and weights in partitions of 401 rows."""
    if kind == "array":
        return tuple(da.from_array(a, chunks=(401, *a.shape[1:])) for a in (X, y, WEIGHT))
    frame = pd.DataFrame(X, columns=NAMES).assign(y=y, weight=WEIGHT)
    frame = dd.from_pandas(frame, chunksize=401, sort=False)
    return frame[NAMES], frame["y"], frame["weight"]


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_partitions_are_the_shards(place, kind):
    data, y, weight = collections(kind)
    model = DistributedSGDClassifier(loss="log_loss", random_state=0, max_iter=8, tol=None)
    model.fit(data, y, sample_weight=weight)
    assert model.n_shards_ == 3
    assert [len(shard.rows) for shard in model.report_.shards] == [401, 401, 401]
    rows = pd.DataFrame(X, columns=NAMES) if kind == "frame" else X
    assert model.score(rows, Y) > 0.8
    assert list(getattr(model, "feature_names_in_", NAMES)) == NAMES


def test_passes_over_collections(place):
    data, y, weight = collections("array")
    model = DistributedSGDClassifier(random_state=0)
    for _ in range(5):
        model.partial_fit(data, y, range(3), sample_weight=weight)
    assert model.t_ == 1 + 5 * len(Y)
    assert model.score(X, Y) > 0.8
    regression = DistributedSGDRegressor(random_state=0, max_iter=20, tol=None, eta0=0.1)
    data, y, weight = collections("array", TARGET)
    assert regression.fit(data, y, sample_weight=weight).score(X, TARGET) > 0.8


def test_one_partition_is_one_shard(place):
    whole = DistributedSGDClassifier(random_state=0, max_iter=8, tol=None)
    whole.fit(da.from_array(X, chunks=-1), da.from_array(Y, chunks=-1))
    assert whole.n_shards_ == 1
    assert whole.report_.exact
    assert whole.score(X, Y) > 0.8


def test_unlike_partitions_are_warned_of():
    order = np.argsort(Y, kind="stable")
    data, y, _ = collections("array", Y[order], X[order])
    model = DistributedSGDClassifier(loss="log_loss", random_state=0, max_iter=8, tol=None)
    with pytest.warns(UserWarning, match="Shuffle the rows over the partitions"):
        model.fit(data, y)
    skewed = model.report_
    assert max(shard.skew for shard in skewed.shards) > TOO_SKEWED
    mixed = clone(model).fit(*collections("array")[:2]).report_
    assert skewed.extra["gap"] > 0.1 > mixed.extra["gap"]
    order = np.argsort(TARGET)
    data, y, _ = collections("array", TARGET[order], X[order])
    with pytest.warns(UserWarning, match="standard deviations of y"):
        DistributedSGDRegressor(max_iter=2, tol=None).fit(data, y)


def test_collections_are_not_gathered():
    data, y, _ = collections("array")
    model = DistributedSGDClassifier(max_iter=2, tol=None).fit(data, y)
    for method in (model.predict, model.decision_function):
        assert_array_equal(method(data).compute(), method(X))
    regression = DistributedSGDRegressor(max_iter=2, tol=None).fit(X, TARGET)
    assert_array_equal(regression.predict(data).compute(), regression.predict(X))
    with pytest.raises(ValueError, match="partitions are the shards"):
        DistributedSGDClassifier(n_shards=2).fit(data, y)
