# SPDX-License-Identifier: BSD-3-Clause
"""The same forest whatever runs it, also when workers die; fits inside other people's loops."""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
import shard_tasks as tasks
from forest_twins import (
    CLASSIFIERS,
    REGRESSORS,
    assert_same_forest,
    whole_numbers,
)
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV

from skdist.ensemble import DistributedRandomForestClassifier, DistributedRandomForestRegressor
from skdist.sharding import effective_workers

X, CLASSES, COUNTS, WEIGHT = whole_numbers(n=5003)  # more rows than the bootstrap has blocks
SHARDS = range(1, 8)
ALL = [*CLASSIFIERS, *REGRESSORS]


def new(kind, **parameters):
    return kind(**{"n_estimators": 4, "random_state": 0, "tree_method": "hist", **parameters})


def target(forest):
    return CLASSES if is_classifier(forest) else COUNTS


@pytest.fixture(scope="module")
def serial():
    """Forests grown in this thread, by class."""
    with joblib.parallel_config(n_jobs=1):
        return {kind: new(kind).fit(X, target(kind()), WEIGHT) for kind in ALL}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_law_3_the_same_forest_on_every_backend(backend, kind, serial):
    forest = new(kind, n_shards=3).fit(X, target(kind()), WEIGHT)
    assert_same_forest(forest, serial[kind])
    np.testing.assert_array_equal(forest.predict(X), serial[kind].predict(X))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("n_jobs", [1, 2, 4, -1])
def test_law_3_the_same_forest_for_any_n_jobs(kind, n_jobs, serial):
    forest = new(kind, n_jobs=n_jobs).fit(X, target(kind()), WEIGHT)
    assert_same_forest(forest, serial[kind])
    np.testing.assert_array_equal(forest.predict(X), serial[kind].predict(X))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_law_4_the_same_forest_for_any_number_of_shards(kind, serial):
    for n_shards in SHARDS:
        forest = new(kind, n_shards=n_shards).fit(X, target(kind()), WEIGHT)
        assert forest.n_shards_ == len(forest.report_.shards) == n_shards
        assert_same_forest(forest, serial[kind])


def test_law_4_bootstrapped_rows_do_not_depend_on_the_shards():
    samples = [
        new(DistributedRandomForestClassifier, n_shards=k).fit(X, CLASSES).estimators_samples_
        for k in (1, 7)
    ]
    np.testing.assert_array_equal(samples[0], samples[1])


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_law_4_the_order_of_the_rows_does_not_matter(kind):
    """Without a bootstrap, which draws rows by their number."""
    order = np.random.default_rng(0).permutation(len(X))
    y = target(kind())
    plain = new(kind, bootstrap=False).fit(X, y, WEIGHT)
    mixed = new(kind, bootstrap=False, n_shards=4).fit(X[order], y[order], WEIGHT[order])
    for a, b in zip(mixed, plain, strict=True):
        for name in ("feature", "threshold", "children_left", "n_node_samples"):
            np.testing.assert_array_equal(getattr(a.tree_, name), getattr(b.tree_, name))
        np.testing.assert_allclose(a.tree_.value, b.tree_.value, rtol=1e-12)
        np.testing.assert_allclose(a.tree_.impurity, b.tree_.impurity, rtol=1e-9, atol=1e-9)


def test_out_of_bag_scores_are_the_same_on_every_backend(backend):
    forest = new(DistributedRandomForestClassifier, n_estimators=30, oob_score=True)
    with joblib.parallel_config(n_jobs=1, backend="sequential"):
        expected = new(DistributedRandomForestClassifier, n_estimators=30, oob_score=True)
        expected.fit(X[:600], CLASSES[:600])
    forest.set_params(n_shards=3).fit(X[:600], CLASSES[:600])
    np.testing.assert_array_equal(forest.oob_decision_function_, expected.oob_decision_function_)
    assert forest.oob_score_ == expected.oob_score_


# A worker dies in the middle of a fit.


def workers_of(backend, client):
    """Process ids of the workers."""
    if backend == "loky":
        return tasks.loky_workers()
    return list(client.run(os.getpid).values())


def kill_after(seconds, pid):
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.timeout(180)
def test_a_killed_worker_does_not_change_the_forest(process_backend, request):
    client = request.getfixturevalue("dask_client") if process_backend == "dask" else None
    forest = new(DistributedRandomForestRegressor, n_estimators=150, n_shards=4)
    rows, y = np.tile(X, (2, 1)), np.tile(COUNTS, 2) + np.arange(2 * len(X)) % 7
    with joblib.parallel_config(backend="threading", n_jobs=2):
        expected = forest.fit(rows, y).estimators_
    forest.set_params(n_estimators=8).fit(rows, y)  # the workers are there and have compiled
    forest.set_params(n_estimators=150).fit(rows, y)
    growing = forest.report_.seconds["grow"]
    before = forest.report_.seconds["bin"]
    for share in (0.5, 0.3, 0.7, 0.2, 0.4, 0.6):  # should the moment fall between two tasks
        if not workers_of(process_backend, client):  # a kill between two tasks closed the pool
            forest.fit(rows, y)
        victim = workers_of(process_backend, client)[0]
        killer = threading.Thread(target=kill_after, args=(before + share * growing, victim))
        killer.start()
        forest.fit(rows, y)
        killer.join()
        for ours, tree in zip(forest.estimators_, expected, strict=True):
            np.testing.assert_array_equal(ours.tree_.value, tree.tree_.value)
            np.testing.assert_array_equal(ours.tree_.threshold, tree.tree_.threshold)
        if forest.report_.retries:
            return
        if client is not None:
            client.wait_for_workers(2, timeout=30)
    pytest.fail("no task was lost with its worker: nothing was shown")


# Grid search around the fit.


def search(kind, **options):
    grid = {"max_depth": [2, 6], "max_features": [1, 3]}
    some = slice(0, 300)
    forest = new(kind, n_shards=2)
    return GridSearchCV(forest, grid, cv=3, **options).fit(X[some], target(kind())[some])


def scores_of(fitted):
    return {k: np.asarray(v) for k, v in fitted.cv_results_.items() if "time" not in k}


@pytest.fixture(scope="module")
def serial_scores():
    with joblib.parallel_config(n_jobs=1):
        return scores_of(search(DistributedRandomForestClassifier, n_jobs=1))


@pytest.mark.timeout(120)
def test_grid_search_on_every_backend_has_the_serial_scores(backend, serial_scores):
    found = scores_of(search(DistributedRandomForestClassifier, n_jobs=2))
    assert found.keys() == serial_scores.keys()
    for key, expected in serial_scores.items():
        np.testing.assert_array_equal(found[key], expected, err_msg=key)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("slots", ["one_slot_client", "two_slot_client", "dask_client"])
def test_grid_search_under_dask_ends_with_the_serial_scores(slots, request, serial_scores):
    with joblib.parallel_config(backend="dask", client=request.getfixturevalue(slots)):
        found = search(DistributedRandomForestClassifier, n_jobs=-1)
    for key, expected in serial_scores.items():
        np.testing.assert_array_equal(scores_of(found)[key], expected, err_msg=key)
    assert found.best_estimator_.report_.method == "hist"


class Watched(DistributedRandomForestClassifier):
    """Scores 1 where its fit and its predictions ran in one thread, their caller's."""

    def fit(self, X, y):
        self.workers_ = effective_workers(self.n_jobs)
        before = set(threading.enumerate())
        super().fit(X, y).predict(X)
        self.threads_ = len(set(threading.enumerate()) - before)
        return self

    def score(self, X, y):
        return float(self.workers_ == 1 and self.threads_ == 0)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "tree_method"),
    [
        ("loky", "hist"),
        ("loky", "exact"),
        ("dask", "hist"),
        ("dask", "exact"),
    ],
)
def test_nested_fits_start_no_pools(name, tree_method, request):
    options = {"client": request.getfixturevalue("dask_client")} if name == "dask" else {}
    forest = Watched(n_estimators=4, n_shards=4, tree_method=tree_method)
    with joblib.parallel_config(backend=name, n_jobs=2, **options):
        search = GridSearchCV(forest, {"max_depth": [1, 2]}, cv=2, refit=False)
        scores = search.fit(X, CLASSES).cv_results_
    assert np.all(scores["mean_test_score"] == 1.0)


def test_and_the_watch_can_see_a_pool():
    forest = Watched(n_estimators=4, n_shards=4, tree_method="hist", n_jobs=3)
    assert forest.fit(X, CLASSES).score(X, CLASSES) == 0.0
