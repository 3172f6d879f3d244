# SPDX-License-Identifier: BSD-3-Clause
"""What a plan says, held against what then happened: within a factor of 2."""

import dataclasses

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import Ridge

import skdist
from skdist._report_text import in_bytes
from skdist.preprocessing import (
    DistributedOneHotEncoder,
    DistributedOrdinalEncoder,
)

N, D = 24_000, 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, D))
Z = X @ RNG.normal(size=D) / np.sqrt(D)
TWO = (Z + 0.5 * RNG.normal(size=N) > 0).astype(int)
THREE = np.digitize(Z, [-0.5, 0.5])
NUMBERS = Z + RNG.normal(size=N)
COUNTS = RNG.poisson(np.exp(0.3 * Z)).astype(float) + 0.1

FITS = {
    "logistic": (skdist.DistributedLogisticRegression(), TWO),
    "multinomial": (skdist.DistributedLogisticRegression(), THREE),
    "lbfgs": (skdist.DistributedLogisticRegression(solver="lbfgs"), TWO),
    "newton_cg": (skdist.DistributedLogisticRegression(solver="newton_cg"), TWO),
    "l1": (skdist.DistributedLogisticRegression(l1_ratio=1.0, C=0.1), TWO),
    "LinearSVC": (skdist.DistributedLinearSVC(), TWO),
    "Poisson": (skdist.DistributedPoissonRegressor(), COUNTS),
    "Huber": (skdist.DistributedHuberRegressor(), NUMBERS),
    "ridge": (skdist.DistributedRidge(), NUMBERS),
    "ridge by gradients": (skdist.DistributedRidge(solver="sparse_cg"), NUMBERS),
    "ridge of classes": (skdist.DistributedRidgeClassifier(), THREE),
    "least squares": (skdist.DistributedLinearRegression(), NUMBERS),
    "lasso": (skdist.DistributedLasso(0.01), NUMBERS),
    "SGD": (
        skdist.DistributedSGDClassifier(n_shards=3, max_iter=4, tol=None, random_state=0),
        TWO,
    ),
    "replicated forest": (
        skdist.DistributedRandomForestClassifier(6, tree_method="hist", random_state=0),
        TWO,
    ),
    "histograms": (
        skdist.DistributedRandomForestClassifier(6, strategy="histogram", random_state=0),
        TWO,
    ),
    "forest in place": (
        skdist.DistributedRandomForestClassifier(6, strategy="shard", random_state=0),
        TWO,
    ),
    "MLP": (
        skdist.DistributedMLPClassifier(9, n_shards=2, max_iter=2, tol=0.0, random_state=0),
        TWO,
    ),
    "gradients": (
        skdist.DistributedMLPClassifier(
            9, n_shards=2, sync="gradient", batch_size=3000, max_iter=2, tol=0.0, random_state=0
        ),
        TWO,
    ),
    "SVC": (skdist.DistributedSVC(), TWO),
    "SVC of three": (skdist.DistributedSVC(), THREE),
    "scaler": (skdist.DistributedStandardScaler(), None),
    "PCA": (skdist.DistributedPCA(3), None),
    "imputer": (skdist.DistributedSimpleImputer(), None),
    "ranges": (skdist.DistributedMinMaxScaler(), None),
    "elastic net": (skdist.DistributedElasticNet(0.01), NUMBERS),
    "Gamma": (skdist.DistributedGammaRegressor(), COUNTS),
    "hinge": (skdist.DistributedLinearSVC(loss="hinge"), TWO),
    "SGD of numbers": (
        skdist.DistributedSGDRegressor(
            n_shards=3, max_iter=4, tol=None, average=True, random_state=0
        ),
        NUMBERS,
    ),
    "trees of numbers": (
        skdist.DistributedExtraTreesRegressor(6, tree_method="hist", max_depth=6, random_state=0),
        NUMBERS,
    ),
    "MLP of numbers": (
        skdist.DistributedMLPRegressor(
            hidden_layer_sizes=9, n_shards=2, max_iter=2, tol=0.0, random_state=0
        ),
        NUMBERS,
    ),
    "SVR": (skdist.DistributedSVR(), NUMBERS),
    "one class": (skdist.DistributedOneClassSVM(), None),
}
FIXED = {"ridge", "least squares", "lasso", "ridge of classes"}
# Rows of which a kernel machine is fitted in a second.
FEW = {"SVC": 4_000, "SVC of three": 4_000, "SVR": 3_000, "one class": 4_000}


def rows_of(name):
    n = FEW.get(name, N)
    y = FITS[name][1]
    return X[:n], None if y is None else y[:n]


def within_a_factor_of_2(predicted, actual):
    return actual / 2 <= predicted <= 2 * actual


@pytest.fixture
def fitted(request):
    """(plan, fitted estimator) of a family, where joblib is told."""

    def fit(name, **rows):
        model = FITS[name][0]
        plan = skdist.plan(model, *rows_of(name))
        return plan, model.fit(*rows_of(name))

    return fit


def load():
    """What the first fit of a process loads; compiling, too, may take more than all of a fit."""
    skdist.DistributedRandomForestClassifier(2, n_jobs=1).fit(X[:200], TWO[:200])


@pytest.fixture(scope="module")
def young_workers(cluster_of_two):
    """Workers remember the most that they ever held: here, no more than these tests'."""
    cluster_of_two.close()


@pytest.fixture
def loaded_cluster(young_workers, dask_client):
    dask_client.run(load)
    return dask_client


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FITS)
def test_on_a_cluster(name, fitted, loaded_cluster):
    with joblib.parallel_config(backend="dask", client=loaded_cluster):
        plan, model = fitted(name)
    report = model.report_
    check_decisions(plan, model, name)
    assert plan.place.kind == "cluster" and plan.place.processes == 2
    rounds = report.rounds
    moved = report.bytes_down + report.bytes_up
    assert within_a_factor_of_2(plan.bytes_down(rounds), report.bytes_down)
    assert within_a_factor_of_2(plan.bytes_up(rounds) + 4_000, report.bytes_up + 4_000)
    assert plan.bytes_moved[0] / 2 <= moved <= 2 * plan.bytes_moved[1]
    workers = [held for who, held in report.memory.items() if who != "driver"]
    if workers:
        assert within_a_factor_of_2(plan.worker_memory, max(workers))
    assert within_a_factor_of_2(plan.driver_memory, report.memory["driver"])
    assert plan.fits


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "name", ["logistic", "ridge", "SGD", "replicated forest", "MLP", "SVC of three", "scaler"]
)
def test_on_threads(name, fitted):
    with joblib.parallel_config(backend="threading", n_jobs=2):
        plan, model = fitted(name)
    check_decisions(plan, model, name)
    assert plan.place.kind == "threads" and plan.place.workers == 2
    assert plan.bytes_moved == (0, 0) == (model.report_.bytes_down, model.report_.bytes_up)
    assert within_a_factor_of_2(plan.driver_memory, model.report_.memory["driver"])


@pytest.mark.parametrize(
    "transformer",
    [
        skdist.DistributedPCA(),
        skdist.DistributedSimpleImputer(),
        skdist.DistributedOneHotEncoder(),
        skdist.DistributedOrdinalEncoder(n_shards=3),
    ],
    ids=lambda transformer: type(transformer).__name__,
)
def test_transformers(transformer):
    rows = np.floor(X)
    plan = skdist.plan(transformer, rows)
    check_decisions(plan, transformer.fit(rows), "")


def check_decisions(plan, model, name):
    assert plan.n_shards == model.n_shards_
    assert plan.method == model.report_.method
    assert plan.strategy == model.report_.strategy
    few, many = plan.rounds
    assert few <= model.report_.rounds <= many
    if name in FIXED and not plan.shape.is_collection:
        assert many <= 2 * few


def test_partitions_are_the_shards_and_are_not_sent():
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(D)]).assign(y=TWO)
    rows = dd.from_pandas(frame, npartitions=7)
    model = skdist.DistributedLogisticRegression()
    plan = skdist.plan(model, rows.drop(columns="y"), rows["y"])
    assert plan.shape.n_samples == N and plan.shape.n_classes == 2
    assert plan.n_shards == 7 == model.fit(rows.drop(columns="y"), rows["y"]).n_shards_
    assert "streamed" in str(plan) and "in 7 partitions" in str(plan)


def test_partitions_on_a_cluster(dask_client):
    with dask_client.as_current():
        dX, dy = da.from_array(X, chunks=(3_000, D)), da.from_array(TWO, chunks=3_000)
        model = skdist.DistributedRidgeClassifier()
        plan = skdist.plan(model, dX, dy)
        report = model.fit(dX, dy).report_
    assert plan.place.kind == "cluster" and plan.n_shards == 8
    # Partitions are there: no more is sent than what tasks are told, in a few kB.
    assert plan.bytes_down(report.rounds) < 50_000 and report.bytes_down < 50_000
    assert within_a_factor_of_2(plan.bytes_up(report.rounds), report.bytes_up)
    assert plan.rounds[0] <= report.rounds <= plan.rounds[1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["logistic", "SGD", "histograms", "MLP", "ridge"])
def test_streamed_collections(name):
    rows, y = da.from_array(X, chunks=(4_000, D)), da.from_array(FITS[name][1], chunks=4_000)
    model = clone(FITS[name][0]).set_params(n_shards=None)
    plan = skdist.plan(model, rows, y)
    check_decisions(plan, model.fit(rows, y), name)
    assert plan.bytes_moved == (0, 0)
    assert within_a_factor_of_2(plan.driver_memory, model.report_.memory["driver"])


@pytest.mark.parametrize("how", [{"local_steps": 2}])
def test_nets(how, dask_client):
    net = skdist.DistributedNeuralNetClassifier(
        torch.nn.Sequential(torch.nn.Linear(D, 3)), criterion=torch.nn.CrossEntropyLoss,
        max_epochs=2, batch_size=400, n_shards=2, train_split=None, verbose=0, **how,
    )  # fmt: skip
    rows, y = X[:4_000].astype(np.float32), THREE[:4_000]
    with joblib.parallel_config(backend="dask", client=dask_client):
        plan, report = skdist.plan(net, rows, y), net.fit(rows, y).report_
    assert plan.n_shards == net.n_shards_ and plan.strategy == report.strategy
    assert plan.rounds[0] <= report.rounds <= plan.rounds[1]
    # Of a net this small nearly all that moves are rows and code.
    moved = report.bytes_down + report.bytes_up
    assert plan.bytes_moved[0] / 2 <= moved <= 2 * plan.bytes_moved[1] + 400_000


WIDE = RNG.normal(size=(3_000, 400))
SIDES = (WIDE[:, :40].sum(axis=1) > 0).astype(int)
SHORTENED = {
    "SGD": skdist.DistributedSGDClassifier(n_shards=3, max_iter=20, tol=None, random_state=0),
    "taken to 0": skdist.DistributedSGDClassifier(
        n_shards=3, max_iter=6, tol=None, penalty="l1", random_state=0
    ),
    "places": skdist.DistributedMLPClassifier(
        20, n_shards=3, max_iter=9, tol=0.0, solver="sgd", local_steps=2, random_state=0
    ),
    "gradients": skdist.DistributedMLPClassifier(
        20, n_shards=3, max_iter=3, tol=0.0, solver="sgd", sync="gradient", random_state=0
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("wire", ["exact", "float32", 0.2, 0.01])
@pytest.mark.parametrize("name", SHORTENED)
@pytest.mark.parametrize("where", ["dask", "loky"])
def test_what_travels_shortened(where, name, wire, request):
    client = {"client": request.getfixturevalue("dask_client")} if where == "dask" else {}
    with joblib.parallel_config(backend=where, n_jobs=2, **client):
        with skdist.config_context(wire=wire):
            plan = skdist.plan(SHORTENED[name], WIDE, SIDES)
            report = SHORTENED[name].fit(WIDE, SIDES).report_
    assert plan.strategy == report.strategy and plan.n_shards == 3
    few, many = plan.rounds
    assert few <= report.rounds <= many
    rows = plan.sketch.data
    if where == "dask":
        assert within_a_factor_of_2(plan.bytes_down(report.rounds) - rows, report.bytes_down - rows)
    else:  # a pool's processes are told once what all tasks of a round are told
        assert within_a_factor_of_2(plan.bytes_down(report.rounds), report.bytes_down)
    assert within_a_factor_of_2(plan.bytes_up(report.rounds), report.bytes_up)


@pytest.mark.parametrize(
    ("model", "wire", "told"),
    [
        (skdist.DistributedRidge(), "float32", "sends none of the parameters"),
        (SHORTENED["gradients"].__class__(solver="lbfgs"), 0.1, "needs exact gradients"),
    ],
)
def test_what_a_fit_would_refuse_is_refused(model, wire, told):
    with skdist.config_context(wire=wire):
        for attempt in (skdist.plan, lambda *args: args[0].fit(*args[1:])):
            with pytest.raises(ValueError, match=told):
                attempt(model, WIDE, SIDES)


def test_what_does_not_fit_is_told_up_front():
    plan = skdist.plan(skdist.DistributedLogisticRegression(solver="newton", n_jobs=1), X, TWO)
    assert plan.fits
    small = dataclasses.replace(plan.place, memory=1 << 20, driver_memory=1 << 20)
    poor = dataclasses.replace(plan, place=small)
    assert not poor.fits
    assert "does not fit into memory" in str(poor)


def test_hessians_that_do_not_fit():
    wide = np.zeros((4, 300_000), np.float32)
    model = skdist.DistributedLogisticRegression(solver="newton", n_shards=1, n_jobs=1)
    assert not skdist.plan(model, wide, [0, 1, 0, 1]).fits
    assert skdist.plan(model.set_params(solver="auto"), wide, [0, 1, 0, 1]).fits


def test_small_rows_are_scikit_learns():
    plan = skdist.plan(skdist.DistributedRandomForestClassifier(5), X[:100], TWO[:100])
    assert (plan.method, plan.strategy, plan.rounds) == ("exact", "local", (0, 0))
    assert "scikit-learn's own fit" in str(plan)


@pytest.mark.parametrize("kind", [DistributedOneHotEncoder, DistributedOrdinalEncoder])
def test_encoders(kind, dask_client):
    rows = np.repeat(np.array(["ash", "oak", "elm"], object), 20_000).reshape(-1, 2)
    model = kind(n_shards=4)
    with joblib.parallel_config(backend="dask", client=dask_client):
        plan, report = skdist.plan(model, rows), model.fit(rows).report_
    assert (plan.n_shards, plan.method) == (4, report.method)
    assert plan.rounds[0] <= report.rounds <= plan.rounds[1]


def test_nothing_is_changed():
    model = skdist.DistributedMLPClassifier(3)
    before = dict(vars(model))
    skdist.plan(model, X, TWO)
    assert vars(model) == before


def test_others_are_refused():
    with pytest.raises(TypeError, match="Ridge, which is no estimator of skdist"):
        skdist.plan(Ridge(), X, NUMBERS)


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(0, "0 bytes"), (1_500, "1.5 kB"), (2.5e9, "2.5 GB"), (3e15, "3e+03 TB")]
)
def test_sizes_are_read_easily(n_bytes, text):
    assert in_bytes(n_bytes) == text


def test_it_reads_well():
    text = str(skdist.plan(skdist.DistributedRidge(n_jobs=2), X, NUMBERS))
    assert text.startswith("DistributedRidge: moments, sums\n")
    for word in ("rows", "where", "shards", "rounds", "moves", "memory", "why", "so"):
        assert f"\n  {word} " in text
    assert "threads share memory" in text
