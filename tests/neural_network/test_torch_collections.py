# SPDX-License-Identifier: BSD-3-Clause
"""Nets and Dask collections: partitions are trained where they are, and predicted when asked."""

from functools import cache

import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn
from torch_problems import (
    QUIET,
    SCORES,
    Conv,
    Lazy,
    Named,
    Perceptron,
    digits,
    fitted,
    images,
    made,
    numbers,
)

import skdist
from skdist import DistributedNeuralNetClassifier, DistributedNeuralNetRegressor

pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    # Columns of a frame, as skorch hands them to torch.
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable"),
]
ADAM = {
    **SCORES, "optimizer": torch.optim.Adam, "lr": 0.01, "batch_size": 32, "max_epochs": 8,
    "train_split": None,
}  # fmt: skip


def named_rows():
    """A frame of four columns, and two classes that a line parts."""
    X = np.random.default_rng(0).standard_normal((400, 4)).astype(np.float32)
    labels = np.array(["left", "right"])[(X @ [1.0, -2.0, 0.5, 0.0] > 0).astype(int)]
    return pd.DataFrame(X, columns=list("abcd"), index=np.arange(400) * 2), labels


@cache
def cases():
    """A net, its rows in memory, and the same rows as collections."""
    classify, (X, y) = DistributedNeuralNetClassifier, digits(400)
    pictures, (frame, labels) = images(400)[0], named_rows()
    numeric, values = numbers()
    codes = (labels == "right").astype(int)
    regress = {**QUIET, "lr": 0.1, "max_epochs": 8, "train_split": None}
    return {
        "array": (
            classify, Perceptron, ADAM, (X, y),
            (da.from_array(X, chunks=(100, 32)), da.from_array(y, chunks=100)),
        ),
        "images": (
            classify, Conv, ADAM, (pictures, y),
            (da.from_array(pictures, chunks=(100, 1, 8, 4)), da.from_array(y, chunks=100)),
        ),
        "frame": (
            classify, Named, ADAM, (frame, codes),
            (dd.from_pandas(frame, 4), dd.from_pandas(pd.Series(codes, frame.index), 4)),
        ),
        "numbers": (
            DistributedNeuralNetRegressor, nn.Linear(6, 1), regress, (numeric, values),
            (da.from_array(numeric, chunks=(100, 3)), da.from_array(values, chunks=(100, 1))),
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def alone():
    """Nets of the rows in memory, each fitted once."""

    @cache
    def of_one_shard(name):
        cls, module, settings, here, _ = cases()[name]
        return fitted(cls, module, *here, **settings, n_shards=1)

    return of_one_shard


# Which kind of collection it is matters on the way to the shards, and threads take them all.
@pytest.mark.parametrize(
    ("name", "sync", "where"),
    [
        *((name, sync, "threading") for name in cases() for sync in ("local", "gradient")),
        *(("frame", sync, "dask") for sync in ("local", "gradient")),
        ("array", "local", "dask"),
        ("images", "gradient", "dask"),
        ("numbers", "local", "dask"),
    ],
)
def test_partitions_are_trained_where_they_are(request, alone, name, sync, where):
    """Merged gradients are those of rows in memory; averages learn as much."""
    cls, module, settings, here, there = cases()[name]
    place = {"backend": where}
    if where == "dask":
        place["client"] = request.getfixturevalue("dask_client")
    with joblib.parallel_config(**place):
        net = fitted(cls, module, *there, **settings, sync=sync)
    assert net.n_shards_ == 4
    one = alone(name)
    assert net.score(*here) > one.score(*here) - 0.08
    if sync == "gradient":
        np.testing.assert_allclose(net.forward(here[0]), one.forward(here[0]), atol=2e-3)


@pytest.mark.parametrize("name", cases())
def test_predictions_of_collections_are_lazy_and_the_same(dask_client, name):
    cls, module, settings, (X, y), there = cases()[name]
    net = fitted(cls, module, X, y, **{**settings, "max_epochs": 2})
    for method in ("predict", "predict_proba") if name != "numbers" else ("predict",):
        expected, found = getattr(net, method)(X), getattr(net, method)(there[0])
        assert dask.is_dask_collection(found)
        assert found.npartitions == 4
        values = found.compute()
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
        assert np.asarray(values).dtype == expected.dtype
        if name == "frame":
            assert values.index.equals(X.index)
    assert net.score(*there) == pytest.approx(net.score(X, y), abs=1e-6)


def test_methods_that_skorch_lacks_are_lacking():
    net = made(DistributedNeuralNetClassifier, Perceptron, **ADAM)
    assert not hasattr(net, "decision_function")
    assert not hasattr(net, "predict_log_proba")


def test_a_net_that_is_not_fitted_says_so_before_anything_is_computed():
    rows = cases()["array"][-1][0]
    with pytest.raises(NotFittedError):
        made(DistributedNeuralNetClassifier, Perceptron, **ADAM).predict(rows)


# Lazy layers.


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_lazy_layers_are_shaped_before_shards_start(sync):
    X, y = digits(300)
    nets = []
    for backend in ("threading", "loky"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            net = fitted(DistributedNeuralNetClassifier, Lazy, X, y, **ADAM, sync=sync, n_shards=2)
        nets.append(net)
    np.testing.assert_array_equal(*(net.forward(X).numpy() for net in nets))
    assert nets[0].score(X, y) > 0.8
    assert nets[0].module_.hidden.in_features == 64


def test_lazy_layers_are_shaped_by_rows_of_a_partition():
    X, y = digits(400)
    rows = da.from_array(X, chunks=(100, 64)), da.from_array(y, chunks=100)
    net = fitted(DistributedNeuralNetClassifier, Lazy, *rows, **ADAM)
    assert net.score(X, y) > 0.8


def test_how_nets_of_lazy_layers_started_is_known_of_several_shards_alone():
    X, y = digits(200)
    settings = {**ADAM, "max_epochs": 1}
    net, *several = [
        fitted(DistributedNeuralNetClassifier, Lazy, X, y, **settings, n_shards=m)
        for m in (1, 2, 2)
    ]
    assert skdist.merge(several).n_shards_ == 4
    with pytest.raises(ValueError, match="of which that is not known"):
        skdist.merge([net, net])
