# SPDX-License-Identifier: BSD-3-Clause
"""Nets averaged over partitions unlike in labels or features: said once, with the table."""

import warnings

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch_problems import QUIET, SCORES, Conv, Named, fitted, images, numbers

import skdist
from skdist import DistributedNeuralNetClassifier, DistributedNeuralNetRegressor

pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable"),
]
ONCE = {"max_epochs": 1, "train_split": None}


def cut(*arrays):
    """Each in four partitions."""
    return tuple(da.from_array(a, chunks=(-(-len(a) // 4), *a.shape[1:])) for a in arrays)


def pictures():
    X, y = images(400)
    order = np.argsort(y, kind="stable")
    return DistributedNeuralNetClassifier, Conv, SCORES, cut(X, y), cut(X[order], y[order])


def frames():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((400, 4)).astype(np.float32), columns=list("abcd"))
    y = pd.Series(rng.integers(0, 2, 400))
    ordered = X.sort_values("a").reset_index(drop=True)
    of_y = dd.from_pandas(y, 4)
    alike, unlike = ((dd.from_pandas(x, 4), of_y) for x in (X, ordered))
    return DistributedNeuralNetClassifier, Named, SCORES, alike, unlike


def targets():
    X, y = numbers()
    order = np.argsort(y[:, 0], kind="stable")
    module = nn.Linear(X.shape[1], 1)
    return DistributedNeuralNetRegressor, module, QUIET, cut(X, y), cut(X[order], y[order])


CASES = {
    "pictures": (pictures, "in y by up to 0.[4-9]. of the class rates"),
    "frames": (frames, "in a feature by up to 0.[89]. standard deviations"),
    "targets": (targets, "in y by up to 1.* standard deviations of y"),
}


@pytest.mark.parametrize("name", CASES)
def test_averages_of_unlike_partitions_are_warned_of_once(name):
    make, said = CASES[name]
    cls, module, settings, alike, unlike = make()
    with pytest.warns(UserWarning, match=f"{said}.*sync='gradient'") as caught:
        net = cls(module, **settings, **ONCE).fit(*unlike)
    (warning,) = [w for w in caught if "differ" in str(w.message)]
    assert warning.filename == __file__
    worst = max(max(shard.skew, shard.feature_skew) for shard in net.report_.shards)
    assert worst > 0.25
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        like = fitted(cls, module, *alike, **settings, **ONCE)
        summed = fitted(cls, module, *unlike, **settings, **ONCE, sync="gradient")
    assert max(shard.feature_skew for shard in like.report_.shards) < 0.2
    assert {shard.feature_skew for shard in summed.report_.shards} == {None}


def test_the_table_is_that_of_other_estimators():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((400, 5)).astype(np.float32), np.repeat([0, 1], 200)
    module = nn.Linear(5, 2)
    with pytest.warns(UserWarning, match="differ"):
        net = fitted(DistributedNeuralNetClassifier, module, *cut(X, y), **SCORES, **ONCE)
    with pytest.warns(UserWarning, match="differ"):
        sgd = skdist.DistributedSGDClassifier(max_iter=1, tol=None).fit(*cut(X, y))
    assert net.report_.shards == sgd.report_.shards


def test_several_targets_have_no_skew_and_are_trained():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3)).astype(np.float32)
    Y = X[:, :2] + torch.ones(1).numpy()
    settings = {**QUIET, **ONCE}
    net = fitted(DistributedNeuralNetRegressor, nn.Linear(3, 2), *cut(X, Y), **settings)
    assert np.isnan([shard.skew for shard in net.report_.shards]).all()
    assert max(shard.feature_skew for shard in net.report_.shards) < 0.5
