# SPDX-License-Identifier: BSD-3-Clause
"""Fits inside other people's parallel loops: no pools of their own, no deadlock."""

import joblib
import numpy as np
import pytest
from shard_tasks import weighted_sum
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV

from skdist.sharding import effective_workers, shard_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
y = X @ RNG.normal(size=4) + RNG.normal(size=120)


def normal_equations(shard, alpha):
    """X'X and X'y of a shard, its part of the penalty included."""
    penalty = alpha / shard.n_shards * np.eye(shard.X.shape[1])
    return np.hstack([shard.X.T @ shard.X + penalty, (shard.X.T @ shard.y)[:, None]])


class Ridge(RegressorMixin, BaseEstimator):
    """A small distributed estimator: one round, merged normal equations."""

    def __init__(self, alpha=1.0, n_jobs=None):
        self.alpha = alpha
        self.n_jobs = n_jobs

    def fit(self, X, y):
        self.workers_ = effective_workers(self.n_jobs)
        shards = shard_rows(X, y, n_shards=4, n_jobs=self.n_jobs)
        merged = shards.map_reduce(normal_equations, self.alpha)
        self.coef_ = np.linalg.solve(merged[:, :-1], merged[:, -1])
        return self

    def predict(self, X):
        return X @ self.coef_


class Watched(Ridge):
    """Scores 1 where its fit had no pool of its own."""

    def score(self, X, y):
        return float(self.workers_ == 1)


def search(estimator=None, **options):
    grid = {"alpha": [0.1, 1.0, 10.0]}
    return GridSearchCV(estimator or Ridge(), grid, cv=3, **options).fit(X, y)


@pytest.fixture(scope="module")
def serial_results():
    return results_of(search(n_jobs=1))


def results_of(fitted):
    """``cv_results_`` without the clock."""
    return {k: np.asarray(v) for k, v in fitted.cv_results_.items() if "time" not in k}


def assert_same(results, expected):
    assert results.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(results[key], expected[key], err_msg=key)


def test_the_model_is_the_same_on_every_backend(backend):
    expected = Ridge(n_jobs=1).fit(X, y)
    np.testing.assert_array_equal(Ridge().fit(X, y).coef_, expected.coef_)
    np.testing.assert_array_equal(Ridge(n_jobs=3).fit(X, y).coef_, expected.coef_)


@pytest.mark.timeout(60)
def test_grid_search_on_every_backend_finds_the_serial_results(backend, serial_results):
    assert_same(results_of(search(n_jobs=2)), serial_results)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("slots", ["one_slot_client", "two_slot_client", "dask_client"])
def test_grid_search_under_dask_does_not_deadlock(slots, request, serial_results):
    with joblib.parallel_config(backend="dask", client=request.getfixturevalue(slots)):
        assert_same(results_of(search(n_jobs=-1)), serial_results)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("slots", ["one_slot_client", "two_slot_client", "dask_client"])
def test_a_fit_that_was_submitted_to_a_worker_does_not_wait_for_slots(slots, request):
    client = request.getfixturevalue(slots)
    futures = client.map(fit_under_dask, range(4), pure=False)
    expected = Ridge(n_jobs=1).fit(X, y).coef_
    for coef, workers in client.gather(futures):
        np.testing.assert_array_equal(coef, expected)
        assert workers == 1


def fit_under_dask(_):
    """What a user's own task may do: a fit, told to use the cluster it runs on."""
    with joblib.parallel_config(backend="dask"):
        fitted = Ridge().fit(X, y)
    return fitted.coef_, fitted.workers_


@pytest.mark.parametrize("name", ["loky", "threading", "dask"])
def test_nested_fits_start_no_pools(name, request):
    options = {"client": request.getfixturevalue("dask_client")} if name == "dask" else {}
    with joblib.parallel_config(backend=name, n_jobs=2, **options):
        scores = search(Watched(), refit=False).cv_results_
    assert np.all(scores["mean_test_score"] == 1.0)


def test_a_forked_child_has_pools_of_its_own():
    expected = shard_rows(X, n_shards=4, n_jobs=2).map_reduce(weighted_sum).total
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        totals = joblib.Parallel()(joblib.delayed(total_with_threads)() for _ in range(2))
    for total in totals:
        np.testing.assert_array_equal(total, expected)


def total_with_threads():
    return shard_rows(X, n_shards=4, n_jobs=2).map_reduce(weighted_sum).total
