# SPDX-License-Identifier: BSD-3-Clause
"""The same network whatever runs it; rows of Dask collections; tools of scikit-learn."""

import os
import signal
from dataclasses import dataclass

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from network_problems import digits, network, numbers, parameters
from numpy.testing import assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdist import DistributedMLPClassifier, DistributedMLPRegressor
from skdist.sharding import shard_rows
from skdist.solvers.local_steps import Steps, local_round
from skdist.solvers.network import Adam, started

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y, X_TEST, Y_TEST = digits(np.float32)
X, Y = X[:900], Y[:900]
Z, TARGET = numbers(900)
WEIGHT = np.random.default_rng(0).random(900) + 0.5
SHARED = {"random_state": 0, "n_shards": 3, "max_iter": 3, "hidden_layer_sizes": (20,)}
MODELS = {
    "local": DistributedMLPClassifier(**SHARED, sync="local", batch_size=50, local_steps=2),
    "gradient": DistributedMLPClassifier(**SHARED, sync="gradient"),
    "sgd": DistributedMLPClassifier(**SHARED, solver="sgd", early_stopping=True),
    "lbfgs": DistributedMLPClassifier(**SHARED, solver="lbfgs"),
    "one shard": DistributedMLPClassifier(**{**SHARED, "n_shards": 1}),
    "regression": DistributedMLPRegressor(**SHARED),
}


def fit(name, **given):
    model = clone(MODELS[name]).set_params(**given)
    rows = (X, Y) if is_classifier(model) else (Z, TARGET)
    return model.fit(*rows, sample_weight=WEIGHT)


@pytest.fixture(scope="module")
def serial():
    """Models fitted in this thread, by name."""
    with joblib.parallel_config(n_jobs=1):
        return {name: fit(name) for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_law_3_the_same_model_on_every_backend(backend, name, serial):
    model = fit(name)
    assert_array_equal(parameters(model), parameters(serial[name]))
    assert model.report_.extra["history"] == serial[name].report_.extra["history"]


@pytest.mark.parametrize("n_jobs", [2, 4, -1])
def test_law_3_the_same_model_for_any_n_jobs(n_jobs, serial):
    for name in MODELS:
        assert_array_equal(parameters(fit(name, n_jobs=n_jobs)), parameters(serial[name]))


def test_what_travelled_is_reported(process_backend):
    report = fit("local").report_
    size, n_rounds, m = 64 * 20 + 20 + 20 * 10 + 10, 3 * 3, 3
    assert len(report.extra["history"]) == n_rounds
    moved = 3 * size * 4 * m * n_rounds  # parameters and moments
    assert moved < report.bytes_up < 1.2 * moved + 20_000 * n_rounds
    assert moved < report.bytes_down - X.nbytes < 1.2 * moved + 40_000 * (n_rounds + 5)


@dataclass(frozen=True)
class MortalAdam(Adam):
    """Adam that kills the process it first runs in, unless that is the driver."""

    folder: str = ""
    driver: int = 0

    def step(self, values, *rest):
        mark = os.path.join(self.folder, "died")
        if os.getpid() != self.driver and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        super().step(values, *rest)


@pytest.mark.timeout(120)
def test_a_killed_worker_does_not_change_the_model(process_backend, tmp_path):
    net, w = network((5, 4, 1), output="identity", loss="squared_error")
    plain, mortal = Adam(), MortalAdam(folder=str(tmp_path), driver=os.getpid())
    found = []
    for rule, n_jobs in ((plain, 1), (mortal, None)):
        shards = shard_rows(Z, TARGET, WEIGHT, n_shards=3, n_jobs=n_jobs)
        state = started(w, rule, 0.01)
        steps = Steps(rule, 50, len(TARGET), 3, 3, True, seed=0)
        for n_pass in range(2):
            state, _ = local_round(shards, net, steps, state, n_pass, 0, None)
        found.append(state.values)
    assert shards.cost.retries >= 1
    assert_array_equal(*found)


def test_tools_of_scikit_learn():
    pipe = make_pipeline(StandardScaler(), clone(MODELS["local"]).set_params(max_iter=20))
    search = GridSearchCV(pipe, {"distributedmlpclassifier__alpha": [1e-4, 1e-2]}, cv=2, n_jobs=2)
    assert search.fit(X, Y).score(X_TEST, Y_TEST) > 0.85


# Rows of Dask collections.


def collections(kind, y=Y, X=X, chunks=300):
    """X, y and weights in partitions."""
    if kind == "array":
        return tuple(da.from_array(a, chunks=(chunks, *a.shape[1:])) for a in (X, y, WEIGHT))
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = pd.DataFrame(X, columns=names).assign(y=y, weight=WEIGHT)
    frame = dd.from_pandas(frame, chunksize=chunks, sort=False)
    return frame[names], frame["y"], frame["weight"]


@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_partitions_are_the_shards(place, kind, early_stopping):
    data, y, weight = collections(kind, np.array([f"digit {k}" for k in Y], object))
    how = {"random_state": 0, "max_iter": 6, "learning_rate_init": 1e-2}
    model = DistributedMLPClassifier(**how, early_stopping=early_stopping)
    model.fit(data, y, sample_weight=weight)
    assert model.n_shards_ == 3
    assert [len(shard.rows) for shard in model.report_.shards] == [300, 300, 300]
    assert model.t_ == model.n_iter_ * (810 if early_stopping else 900)
    rows = X_TEST if kind == "array" else pd.DataFrame(X_TEST, columns=model.feature_names_in_)
    assert (model.predict(rows) == [f"digit {k}" for k in Y_TEST]).mean() > 0.8
    assert model.coefs_[0].dtype == np.float32


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_merged_gradients_of_partitions_are_those_of_one_machine(place, solver):
    data, y, weight = collections("array")
    how = {"random_state": 0, "max_iter": 2, "sync": "gradient", "solver": solver}
    model = DistributedMLPClassifier(**how).fit(data, y, sample_weight=weight)
    here = DistributedMLPClassifier(**how, n_shards=3).fit(X, Y, WEIGHT.astype(np.float32))
    np.testing.assert_allclose(parameters(model), parameters(here), atol=1e-5)


def test_passes_over_collections(place):
    data, y, _ = collections("array")
    model = DistributedMLPClassifier(random_state=0, learning_rate_init=1e-2)
    for _ in range(5):
        model.partial_fit(data, y, classes=range(10))
    assert model.t_ == 5 * 900
    assert model.score(X_TEST, Y_TEST) > 0.8
    with pytest.raises(ValueError, match="32 features"):
        model.partial_fit(data[:, :32], y)


def test_regression_and_two_classes_of_collections():
    data, y, weight = collections("array", TARGET, Z)
    how = {"random_state": 0, "max_iter": 20, "batch_size": 50, "learning_rate_init": 5e-3}
    model = DistributedMLPRegressor(**how).fit(data, y, sample_weight=weight)
    assert model.score(Z, TARGET) > 0.7
    two = DistributedMLPClassifier(**how).fit(data, (y > 0).astype(int))
    assert two.score(Z, (TARGET > 0).astype(int)) > 0.85
    assert two.n_outputs_ == 1


def test_unlike_partitions_are_warned_of():
    order = np.argsort(Y, kind="stable")
    data, y, _ = collections("array", Y[order], X[order])
    with pytest.warns(UserWarning, match="Shuffle the rows first"):
        DistributedMLPClassifier(max_iter=2).fit(data, y)
    DistributedMLPClassifier(max_iter=2, sync="gradient").fit(data, y)  # is not averaged


def test_partitions_and_n_shards_exclude_each_other():
    data, y, _ = collections("array")
    with pytest.raises(ValueError, match="partitions are the shards"):
        DistributedMLPClassifier(n_shards=2).fit(data, y)
