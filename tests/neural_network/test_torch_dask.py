# SPDX-License-Identifier: BSD-3-Clause
"""Nets on two Dask worker processes, from fit to grid search."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch_problems import (
    QUIET,
    SCORES,
    Conv,
    Huberised,
    Normed,
    Perceptron,
    digits,
    images,
    made,
    numbers,
)

from skdist import DistributedNeuralNetClassifier, DistributedNeuralNetRegressor

pytestmark = pytest.mark.usefixtures("one_torch_thread")

ADAM = {"optimizer": torch.optim.Adam, "lr": 0.004, "batch_size": 32, "n_shards": 2}
REGRESSION = {
    "criterion": Huberised,
    "criterion__width": 0.5,
    "module__n_features": 6,
    "module__n_outputs": 1,
    **QUIET,
}


def as_images(X):
    return X.reshape(-1, 1, 8, 8)


def cases():
    """Class, module, rows, parameters, steps before it in a pipeline, and a score to reach."""
    to_images = FunctionTransformer(as_images)
    classifier = DistributedNeuralNetClassifier
    return {
        "a convolutional net": (classifier, Conv, images(600), SCORES, to_images, 0.8),
        "normalisation and dropout": (classifier, Normed, digits(600), SCORES, None, 0.85),
        "a loss of our own": (
            DistributedNeuralNetRegressor, Perceptron, numbers(), REGRESSION, None, 0.8,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("sync", ["local", "gradient"])
@pytest.mark.parametrize("name", cases())
def test_trained_saved_and_loaded(dask_client, name, sync, tmp_path):
    cls, module, (X, y), parameters, _, least = cases()[name]
    settings = {**parameters, **ADAM, "sync": sync, "max_epochs": 12}
    if sync == "gradient":  # rounds take longer than steps: fewer of them, which are longer
        settings |= {"lr": 0.012, "max_epochs": 6}
    with joblib.parallel_config(backend="dask", client=dask_client):
        net = made(cls, module, **settings).fit(X, y)
    assert net.report_.bytes_up > 0
    assert net.score(X, y) > least
    net.save_params(f_params=tmp_path / "params.safetensors", use_safetensors=True)
    again = made(cls, module, seed=1, **settings).initialize()
    again.load_params(f_params=tmp_path / "params.safetensors", use_safetensors=True)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


@pytest.mark.parametrize("name", cases())
def test_in_a_pipeline_and_in_a_grid_search(dask_client, name):
    cls, module, (X, y), parameters, before, _ = cases()[name]
    X, y = X[:300], y[:300]
    net = made(cls, module, **{**parameters, **ADAM, "max_epochs": 4})
    pipeline = make_pipeline(before or StandardScaler(), net)
    grid = {f"{type(net).__name__.lower()}__lr": [1e-6, 0.01]}
    with joblib.parallel_config(backend="dask", client=dask_client):
        pipeline.fit(X, y)
        search = GridSearchCV(pipeline, grid, cv=2, n_jobs=1).fit(X, y)
    assert list(search.best_params_.values()) == [0.01]
    assert pipeline[-1].n_shards_ == search.best_estimator_[-1].n_shards_ == 2
    assert search.best_estimator_[-1].report_.bytes_up > 0


def test_bytes_are_parameters_and_moments_once_in_a_round(dask_client):
    """Local steps: 12 D bytes up per shard and round; merged gradients: 4 D per shard and step."""
    X, y = digits(256)
    settings = {**SCORES, **ADAM, "train_split": None, "max_epochs": 2, "batch_size": 32}
    sizes = {}
    with joblib.parallel_config(backend="dask", client=dask_client):
        for sync, rounds in (("local", 2), ("gradient", 16)):
            steps = {"local_steps": 4} if sync == "local" else {}
            net = made(DistributedNeuralNetClassifier, Perceptron, sync=sync, **settings, **steps)
            report = net.fit(X, y).report_
            n = sum(p.numel() for p in net.module_.parameters())
            up = 2 * rounds * n * (12 if sync == "local" else 4)
            assert up < report.bytes_up < 2.0 * up  # names, too
            sizes[sync] = report.bytes_up
    assert sizes["local"] < 0.5 * sizes["gradient"]
