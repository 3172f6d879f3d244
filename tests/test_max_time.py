# SPDX-License-Identifier: BSD-3-Clause
"""A budget of seconds: the model so far, and a warning that it is that."""

import time
import warnings

import joblib
import journal_problems
import numpy as np
import pytest
from journal_problems import PROBLEMS, Rounds, fitted, model_of
from sklearn.exceptions import ConvergenceWarning

import skdist
from skdist.sharding import replicate, running_fit

pytestmark = pytest.mark.timed

NO_TIME = 1e-6
# One round of sums, coordinate descent on them in the driver, or tasks that solve all: no loop of
# rounds that could end early.
IN_ONE_GO = {
    "ridge",
    "ridge classifier",
    "least squares",
    "elastic net",
    "lasso",
    "forest in place",
    "forest of shards",
    "svc",
    "svr",
    "nu svc",
    "nu svr",
    "one class",
}


def rounds_of(name, **settings):
    """The fitted estimator, how many rounds it took, and what was said of its time."""
    watcher = Rounds()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        # One after the other: what runs already when time is up may end nevertheless.
        with (
            joblib.parallel_config(n_jobs=1),
            skdist.config_context(**settings),
            running_fit([watcher]),
        ):
            model = fitted(name)
    told = [w for w in said if "max_time" in str(w.message)]
    assert all(w.category is ConvergenceWarning for w in told)
    return model, len(watcher.numbers), told


@pytest.mark.parametrize("name", set(PROBLEMS) - IN_ONE_GO)
def test_without_time_the_model_is_what_there_is(name):
    model, n_rounds, told = rounds_of(name, max_time=NO_TIME)
    _, all_rounds, never = rounds_of(name)
    assert not never
    assert len(told) == 1
    assert "max_time=1e-06 seconds were over" in model.report_.why[-1]
    assert n_rounds < all_rounds or "forest" in name or "trees" in name
    assert np.isfinite(model.predict(journal_problems.X.astype(np.float32))).all()


@pytest.mark.parametrize("name", IN_ONE_GO)
def test_what_is_done_in_one_go_is_done(name):
    model, _, told = rounds_of(name, max_time=NO_TIME)
    assert not told
    assert model_of(model) == model_of(rounds_of(name)[0])


def test_a_forest_has_the_trees_that_are_done():
    model, _, _ = rounds_of("forest", max_time=NO_TIME)
    whole, _, _ = rounds_of("forest")
    assert len(model.estimators_) == 1
    assert len(whole.estimators_) == 12
    X = journal_problems.X
    first = whole.estimators_[0]
    np.testing.assert_array_equal(model.estimators_[0].predict(X), first.predict(X))
    assert model.estimators_[0].random_state == first.random_state


def test_with_time_enough_nothing_changes():
    model, n_rounds, told = rounds_of("logistic by lbfgs", max_time=60)
    assert not told
    assert n_rounds == rounds_of("logistic by lbfgs")[1]
    assert model_of(model) == model_of(fitted("logistic by lbfgs"))


def test_a_fit_that_ran_out_of_time_goes_on_with_more(tmp_path):
    rounds_of("tweedie", max_time=NO_TIME, journal=tmp_path)
    (kept,) = skdist.journals(tmp_path)
    assert not kept.finished
    model, n_rounds, told = rounds_of("tweedie", journal=tmp_path)
    assert not told
    assert model_of(model) == model_of(fitted("tweedie"))
    assert n_rounds == rounds_of("tweedie")[1] - kept.rounds


def slowly(value, item):
    time.sleep(0.05)
    return value * item


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_items_for_which_there_is_no_time_are_left_out(backend):
    with (
        joblib.parallel_config(backend=backend, n_jobs=2),
        running_fit(max_time=0.3) as fit,
    ):
        shared = replicate(2)
        shared.map(slowly, [1, 1])  # workers are there
        fit.stops_at = time.monotonic() + 0.3
        found = shared.map_in_time(slowly, range(100))
    assert found == [2 * item for item in range(len(found))]
    assert 1 <= len(found) < 60
