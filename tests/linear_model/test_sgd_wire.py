# SPDX-License-Identifier: BSD-3-Clause
"""``config_context(wire=...)``: parameters of stochastic gradient descent in fewer bytes."""

import joblib
import numpy as np
import pytest
import shard_tasks as tasks
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix

from skdist import (
    DistributedLogisticRegression,
    DistributedSGDClassifier,
    DistributedSGDRegressor,
    config_context,
)
from skdist.sharding import shard_rows
from skdist.solvers import short_messages
from skdist.solvers.owed_moves import PERIOD
from skdist.summaries import SparseMean

RNG = np.random.default_rng(0)
N, D = 4_000, 3_000
# Rows of few words of many: some words are frequent, and those say most.
WORDS = np.minimum((D * RNG.random((N, 30)) ** 3).astype(int), D - 1)
X = csr_matrix((np.ones(WORDS.size), WORDS.ravel(), np.arange(0, WORDS.size + 1, 30)), shape=(N, D))
X.sum_duplicates()
Z = X @ (RNG.normal(size=D) * (np.arange(D) < 300)) / np.sqrt(30)
TWO = (Z + 0.6 * RNG.normal(size=N) > 0).astype(int)
THREE = np.digitize(Z + 0.6 * RNG.normal(size=N), [-0.5, 0.5])
WIRES = ["exact", "float32", 0.1, 0.02]


def model(**more):
    options = {"alpha": 1e-3, "max_iter": 24, "tol": None, "n_shards": 4, "random_state": 0}
    return DistributedSGDClassifier("log_loss", **{**options, **more})


def fitted(wire, y=TWO, **more):
    with config_context(wire=wire):
        return model(**more).fit(X, y)


def test_exact_is_what_nobody_asked_for():
    assert_array_equal(model().fit(X, TWO).coef_, fitted("exact").coef_)


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
def test_float32_is_rounding(y):
    exact, rounded = fitted("exact", y, max_iter=3), fitted("float32", y, max_iter=3)
    assert not np.array_equal(exact.coef_, rounded.coef_)
    assert_allclose(rounded.coef_, exact.coef_, atol=1e-5 * np.abs(exact.coef_).max())
    assert rounded.coef_.dtype == np.float64
    # Later how far to go may be decided otherwise: two lengths that are about as good.
    long = [fitted(wire, y).report_.extra["objective"] for wire in ("exact", "float32")]
    assert_allclose(*long, rtol=0.02)
    assert "Parameters travelled in float32." in rounded.report_.why


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
def test_a_share_comes_near(y, penalty):
    """The fewer travel, the less far does the fit get in as many passes."""
    models = [fitted(wire, y, penalty=penalty) for wire in ("exact", 0.1, 0.02)]
    exact, most, few = (model.report_.extra["objective"] for model in models)
    assert exact < most < few < 1.25 * exact
    assert "a share of 0.02 of their moves" in models[-1].report_.why[-1]


@pytest.mark.parametrize("share", [0.1, 0.02])
def test_what_is_owed_is_paid(share, monkeypatch):
    """The same moves, were the rest forgotten, do not get half as far."""
    owed, at_zero = short_messages.Owed, np.log(2.0)
    kept = fitted(share).report_.extra["objective"]
    monkeypatch.setattr(short_messages, "Owed", lambda w, rest: owed(w, np.zeros_like(rest)))
    forgotten = fitted(share).report_.extra["objective"]
    assert kept < forgotten - 0.25 * (at_zero - forgotten)


@pytest.mark.parametrize("wire", ["float32", 0.02])
def test_the_same_model_everywhere(wire, backend):
    here = fitted(wire, max_iter=2 * PERIOD + 3, n_jobs=1)
    there = fitted(wire, max_iter=2 * PERIOD + 3)
    assert_allclose(there.coef_, here.coef_, rtol=1e-10, atol=1e-12)


def test_bytes(dask_client):
    moved = {}
    with joblib.parallel_config(backend="dask", client=dask_client):
        for wire in WIRES:
            report = fitted(wire).report_
            data = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes + TWO.size * 8
            moved[wire] = (report.bytes_down - data, report.bytes_up)
    passes, whole = 24, 4 * 8 * D
    assert moved["exact"][1] > passes * whole
    assert passes * whole / 2 < moved["float32"][1] < 0.6 * moved["exact"][1]
    assert moved["float32"][0] < 0.75 * moved["exact"][0]
    # Two rounds send all that is owed, the others a share, 8 bytes an entry.
    assert moved[0.02][1] < 2 * whole + passes * (0.02 * whole + 4 * 700)
    assert sum(moved[0.02]) < sum(moved[0.1]) < sum(moved["float32"]) < sum(moved["exact"])


@pytest.mark.parametrize("victim_round", [3, PERIOD + 2])
def test_a_worker_that_dies_takes_nothing_owed_along(victim_round, dask_client, tmp_path):
    """Values that shards carry are made again from the last time they were told all."""
    with joblib.parallel_config(backend="dask", client=dask_client):
        found = totals(victim_round, str(tmp_path))
    assert len(list(tmp_path.iterdir())) > 0
    with joblib.parallel_config(n_jobs=1):
        expected = totals(-1, str(tmp_path))
    assert found == expected


def totals(victim_round, folder):
    shards, carried, seen = shard_rows(np.arange(40.0)[:, None], n_shards=4), None, []
    for k in range(PERIOD + 4):
        victim = 1 if k == victim_round else -1
        carried = None if k == PERIOD else carried
        merged, carried = shards.map_reduce_carrying(
            tasks.add_to_carried, carried, float(k), victim, folder
        )
        seen.append(merged)
    return seen


def test_collections_and_those_that_are_streamed(dask_client):
    import dask.array as da

    dense = X[:, :200].toarray()
    rows, y = da.from_array(dense, chunks=(1_000, 200)), da.from_array(TWO, chunks=1_000)
    with config_context(wire=0.05):
        streamed = model(n_shards=None, max_iter=PERIOD + 2).fit(rows, y)
        with dask_client.as_current():
            there = model(n_shards=None, max_iter=PERIOD + 2).fit(rows, y)
    assert_allclose(there.coef_, streamed.coef_, rtol=1e-10, atol=1e-12)


def test_regression_averages_and_early_stopping():
    with config_context(wire=0.05):
        for more in ({"average": True}, {"early_stopping": True, "tol": 1e-3}):
            found = DistributedSGDRegressor(n_shards=3, random_state=0, **more).fit(X, Z)
            assert found.score(X, Z) > 0.5


@pytest.mark.parametrize(
    ("other", "wire"),
    [
        (DistributedLogisticRegression(), "float32"),
        (DistributedLogisticRegression(), 0.1),
    ],
)
def test_others_refuse_it(other, wire):
    with config_context(wire=wire), pytest.raises(ValueError, match="Leave wire='exact'"):
        other.fit(X, TWO)


def test_the_largest_entries():
    found = SparseMean.largest(2.0, np.array([1.0, -3.0, 0.5, 3.0, 1.0]), 3)
    assert found.index.tolist() == [0, 1, 3]  # of equals the first
    assert found.value.tolist() == [1.0, -3.0, 3.0]
    assert found.added_to(np.ones(5)).tolist() == [2.0, -2.0, 1.0, 4.0, 1.0]
