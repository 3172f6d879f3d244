# SPDX-License-Identifier: BSD-3-Clause
"""What a fit moves on a cluster: at most 1.05 x data once + R x (state + summary) x workers.

State is what a round's shards are told, summary what is made of their answers; both are measured,
round by round, where the rounds are asked for. What is held against them is the bill, `report_`.
"""

from functools import partialmethod

import dask.array as da
import joblib
import numpy as np
import pytest
from sklearn.base import clone

import skdist
from skdist.preprocessing import DistributedStandardScaler
from skdist.sharding import Replicated, ShardedDataset
from skdist.sharding._cost import nbytes

WORKERS = 2
N, D = 24_000, 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, D))
Z = X @ RNG.normal(size=D) / np.sqrt(D)
TWO = (Z + 0.5 * RNG.normal(size=N) > 0).astype(float)
NUMBERS = Z + RNG.normal(size=N)
FEW = 3_000  # rows, of a kernel machine

FITS = {
    "ridge": (skdist.DistributedRidge(), NUMBERS),
    "newton": (skdist.DistributedLogisticRegression(), TWO),
    "lbfgs": (skdist.DistributedLogisticRegression(solver="lbfgs"), TWO),
    "newton_cg": (skdist.DistributedLogisticRegression(solver="newton_cg"), TWO),
    "LinearSVC": (skdist.DistributedLinearSVC(), TWO),
    "hinge": (skdist.DistributedLinearSVC(loss="hinge"), TWO),
    "Huber": (skdist.DistributedHuberRegressor(), NUMBERS),
    "lasso": (skdist.DistributedLasso(0.01), NUMBERS),
    "SGD": (skdist.DistributedSGDClassifier(n_shards=4, random_state=0), TWO),
    "histograms": (
        skdist.DistributedRandomForestClassifier(
            4, strategy="histogram", n_shards=4, random_state=0
        ),
        TWO,
    ),
    "replicated forest": (
        skdist.DistributedRandomForestClassifier(4, tree_method="hist", random_state=0),
        TWO,
    ),
    "forest in place": (
        skdist.DistributedRandomForestClassifier(4, strategy="shard", random_state=0),
        TWO,
    ),
    "MLP": (
        skdist.DistributedMLPClassifier(16, n_shards=2, max_iter=3, random_state=0),
        TWO,
    ),
    "gradients": (
        skdist.DistributedMLPClassifier(
            16, n_shards=2, sync="gradient", batch_size=2_000, max_iter=3, random_state=0
        ),
        TWO,
    ),
    "SVC": (skdist.DistributedSVC(), TWO),
    "scaler": (DistributedStandardScaler(), None),
}  # fmt: skip


@pytest.fixture
def moved(monkeypatch):
    """State and summary of each round, as they are asked for and given."""
    rounds = []

    def watched(method, shards, function, *args, **options):
        result = method(shards, function, *args, **options)
        # What stays with the workers is no summary.
        summary = 0 if type(result) is ShardedDataset else nbytes(result)
        rounds.append((nbytes(args), summary))
        return result

    for cls, names in (
        (ShardedDataset, ("map", "map_reduce", "map_tree_reduce", "map_shards", "group_reduce")),
        (Replicated, ("map",)),
    ):
        for name in names:
            monkeypatch.setattr(cls, name, partialmethod(around(watched, getattr(cls, name))))
    return rounds


def around(watched, method):
    return lambda self, *args, **options: watched(method, self, *args, **options)


def allowed(data, rounds):
    return 1.05 * data + WORKERS * sum(state + summary for state, summary in rounds)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FITS)
def test_bytes_moved(name, dask_client, moved):
    model, y = FITS[name]
    n = FEW if name == "SVC" else N
    rows = X[:n], None if y is None else y[:n]
    with joblib.parallel_config(backend="dask", client=dask_client):
        report = model.fit(*rows).report_
    data = sum(a.nbytes for a in rows if a is not None)
    bill = report.bytes_down + report.bytes_up
    assert report.rounds >= len(moved) > 0
    assert data / 8 < bill <= allowed(data, moved)


@pytest.mark.parametrize("n_shards", [2, 5, 16, 48])
def test_more_shards_than_workers_move_no_more(n_shards, dask_client, moved):
    """Of 48 shards a worker has 24, and merges their Hessians: 58 kB each."""
    rows = RNG.normal(size=(12_000, 120))
    y = (rows[:, 0] + RNG.normal(size=len(rows)) > 0).astype(float)
    model = skdist.DistributedLogisticRegression(n_shards=n_shards)
    with joblib.parallel_config(backend="dask", client=dask_client):
        report = model.fit(rows, y).report_
    data = rows.nbytes + y.nbytes
    assert report.rounds >= 5
    assert data < report.bytes_down + report.bytes_up <= allowed(data, moved)


def test_partitions_that_are_there_do_not_move(dask_client, moved):
    """Of a collection the data itself is no part of the bill."""
    rows, y = da.from_array(X, chunks=(3_000, D)), da.from_array(TWO, chunks=3_000)
    with dask_client.as_current():
        report = skdist.DistributedLogisticRegression().fit(rows, y).report_
    bill = report.bytes_down + report.bytes_up
    assert bill <= allowed(0.05 * X.nbytes / 1.05, moved)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FITS)
def test_tasks_run_where_the_partitions_are(name, dask_client):
    """Also of a cluster that joblib was not told of, trees of replicated rows among them."""
    model, y = FITS[name]
    model, n = clone(model), 2_000
    if "n_shards" in model.get_params():
        model.set_params(n_shards=None)
    columns = [None if a is None else da.from_array(a[:n], chunks=500) for a in (X, y)]
    with dask_client.as_current():
        report = model.fit(*columns).report_
    workers = {task.worker for task in report.tasks}
    assert workers and workers <= set(dask_client.scheduler_info()["workers"])
