# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's whole suite of checks: no failure that skorch's own nets do not have."""

import warnings
from functools import lru_cache

import pytest
import torch
from sklearn.utils.estimator_checks import estimator_checks_generator
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch import nn
from torch_problems import AnyColumns

from skdist import DistributedNeuralNetClassifier, DistributedNeuralNetRegressor

pytestmark = pytest.mark.usefixtures("one_torch_thread")
QUICK = {"max_epochs": 2, "verbose": 0, "train_split": None}
KINDS = {
    "classifier": (
        NeuralNetClassifier,
        DistributedNeuralNetClassifier,
        {"module__n_outputs": 3, "criterion": nn.CrossEntropyLoss, **QUICK},
    ),
    "regressor": (NeuralNetRegressor, DistributedNeuralNetRegressor, QUICK),
}
MODES = {
    "one shard": {},
    "local": {"n_shards": 2},
    "gradient": {"n_shards": 2, "sync": "gradient"},
}


def failures(net):
    """Names of the checks that a net fails, and why."""
    found = {}
    for estimator, check in estimator_checks_generator(net, legacy=True):
        torch.manual_seed(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(estimator)
        except Exception as failure:  # SkipTest too: what skorch's net is checked for, ours is
            found[f"{check.func.__name__} {check.keywords}"] = repr(failure)
    return found


@lru_cache
def failures_of_skorch(kind):
    cls, _, settings = KINDS[kind]
    return failures(cls(AnyColumns, **settings))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_scikit_learns_checks(kind, mode):
    _, cls, settings = KINDS[kind]
    found = failures(cls(AnyColumns, **settings, **MODES[mode]))
    assert {name: why for name, why in found.items() if name not in failures_of_skorch(kind)} == {}


def test_skorchs_own_nets_pass_most_checks():
    """What is asked of ours is not nothing."""
    cls, _, settings = KINDS["classifier"]
    n_checks = len(list(estimator_checks_generator(cls(AnyColumns, **settings), legacy=True)))
    assert n_checks - len(failures_of_skorch("classifier")) > 25
