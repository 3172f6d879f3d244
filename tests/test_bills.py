# SPDX-License-Identifier: BSD-3-Clause
"""Every estimator has a bill, on threads, processes and a Dask cluster."""

import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdist

N, D = 600, 6
RNG = np.random.default_rng(0)
X = np.abs(RNG.normal(size=(N, D)))
Z = X @ RNG.normal(size=D)
NUMBERS = np.abs(Z) + 0.1
CLASSES = (np.median(Z) < Z).astype(int)
TEXTS = RNG.choice(["ash", "birch", "cedar"], size=(N, 2)).astype(object)

SETTINGS = {
    "DistributedColumnTransformer": {
        "transformers": [("numbers", skdist.DistributedStandardScaler(n_shards=3), [0, 1])]
    },
    "DistributedLinearSVC": {"dual": False},
    "DistributedMLPClassifier": {"hidden_layer_sizes": 4, "max_iter": 3, "n_shards": 2},
    "DistributedMLPRegressor": {"hidden_layer_sizes": 4, "max_iter": 3, "n_shards": 2},
    "DistributedSGDClassifier": {"max_iter": 5, "n_shards": 3},
    "DistributedSGDRegressor": {"max_iter": 5, "n_shards": 3},
}
FORESTS = {"n_estimators": 4, "tree_method": "hist", "strategy": "histogram", "n_shards": 3}
NETS = {"DistributedNeuralNetClassifier", "DistributedNeuralNetRegressor"}
NAMES = sorted(name for name in skdist.__all__ if name.startswith("Distributed"))
NAMES.remove("DistributedRandomForest")  # another name


def net(name):
    outputs, loss = (
        (2, torch.nn.CrossEntropyLoss) if "Classifier" in name else (1, torch.nn.MSELoss)
    )
    return getattr(skdist, name)(
        torch.nn.Linear(D, outputs), criterion=loss, max_epochs=2, train_split=None, verbose=0,
        n_shards=2,
    )  # fmt: skip


def estimator(name):
    if name in NETS:
        return net(name)
    model = getattr(skdist, name)(**SETTINGS.get(name, {}))
    known = model.get_params(deep=False)
    more = FORESTS if "tree_method" in known else {"n_shards": 3}
    more = {key: value for key, value in more.items() if key in known and name not in SETTINGS}
    return model.set_params(**more)


def rows_of(name):
    if name in NETS:
        y = CLASSES if "Classifier" in name else NUMBERS[:, None].astype(np.float32)
        return X.astype(np.float32), y
    if name.endswith("Encoder"):
        return TEXTS, None
    model = getattr(skdist, name)
    if is_classifier(model(**SETTINGS.get(name, {}))):
        return X, CLASSES
    return X, NUMBERS if is_regressor(model(**SETTINGS.get(name, {}))) else None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["threading", "loky", "dask"])
def test_bill(name, where, request):
    model, rows = estimator(name), rows_of(name)
    told = {"n_jobs": 2}
    if where == "dask":
        told = {"client": request.getfixturevalue("dask_client")}
    with warnings.catch_warnings(), joblib.parallel_config(backend=where, **told):
        warnings.simplefilter("ignore")  # of few rows and few passes
        report = model.fit(*rows).report_
    assert report.rounds > 0, report
    assert report.n_tasks >= report.rounds >= 1
    assert report.compute > 0 and report.waiting >= 0 and report.transfer >= 0
    assert report.compute + report.transfer > 0
    assert set(report.memory) >= {"driver"} and min(report.memory.values()) > 1 << 20
    workers = set(report.memory) - {"driver"}
    if where == "threading":
        assert (report.bytes_down, report.bytes_up) == (0, 0) and not workers
    elif (
        name != "DistributedColumnTransformer"
    ):  # joblib sends its columns to where parts are fitted
        data = sum(part.nbytes for part in rows if part is not None and part.dtype != object)
        assert report.bytes_down > data / 8 and report.bytes_up > 0
        assert workers
    assert str(report)


def test_the_bill_of_columns_is_that_of_the_parts():
    parts = [
        (
            "filled",
            make_pipeline(skdist.DistributedSimpleImputer(), skdist.DistributedPCA(1)),
            [0, 1],
        ),
        ("scaled", skdist.DistributedStandardScaler(), [2, 3]),
        ("as they are", "passthrough", [4]),
        ("others", StandardScaler(), [5]),
    ]
    model = skdist.DistributedColumnTransformer(parts).fit(X)
    report = model.report_
    names = ["filled.distributedsimpleimputer", "filled.distributedpca", "scaled"]
    assert list(report.extra) == list(report.seconds) == names
    assert report.rounds == sum(part.rounds for part in report.extra.values())
    assert report.n_tasks == sum(part.n_tasks for part in report.extra.values())
    assert report.memory["driver"] == max(p.memory["driver"] for p in report.extra.values())


def test_without_parts_of_skdist_there_is_no_bill():
    model = skdist.DistributedColumnTransformer([("scaled", StandardScaler(), [2, 3])]).fit(X)
    with pytest.raises(AttributeError, match="there is no bill"):
        model.report_  # noqa: B018
