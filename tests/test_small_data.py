# SPDX-License-Identifier: BSD-3-Clause
"""The warning that a fit on processes or a cluster sends more than it computes."""

import time
import warnings

import joblib
import numpy as np
import pytest

import skdist
from skdist._small_data import SmallDataWarning, warn_if_too_small
from skdist.sharding import running_fit, shard_rows

pytestmark = pytest.mark.timed

X = np.random.default_rng(0).normal(size=(400, 3))
Y = (X[:, 0] > 0).astype(int)


def brief(shard):
    return shard.n_rows


def nap(shard):
    time.sleep(0.004)
    return shard.n_rows


def record_of(task, n_rounds=40):
    with running_fit() as fit:
        shards = shard_rows(X, n_shards=2)
        for _ in range(n_rounds):
            shards.map(task)
    return fit.ledger.read()


def said(record):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_if_too_small(record)
    return [str(warning.message) for warning in caught]


def test_tasks_that_are_shorter_than_their_way_are_warned_of(process_backend):
    (message,) = said(record_of(brief))
    assert "too small to gain from processes or a cluster" in message
    assert said(record_of(brief, n_rounds=5)) == []
    assert said(record_of(nap)) == []


def test_threads_are_not_warned_of():
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert said(record_of(brief)) == []


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_is_said_once_per_fit_to_whoever_called_it():
    model = skdist.DistributedLogisticRegression(
        n_shards=2, solver="gradient_descent", max_iter=60, tol=1e-12
    )
    with joblib.parallel_config(backend="loky", n_jobs=2):
        with pytest.warns(SmallDataWarning, match="A task of this fit took") as caught:
            model.fit(X, Y)
    own = [warning for warning in caught if warning.category is SmallDataWarning]
    assert len(own) == 1
    assert own[0].filename == __file__
