# SPDX-License-Identifier: BSD-3-Clause
"""Steps of one shard: which of torch's kernels takes them."""

from importlib import import_module

import joblib
import numpy as np
import pytest
import torch
from torch_problems import SCORES, Perceptron, digits, made

from skdist import DistributedNeuralNetClassifier
from skdist.neural_network._torch_steps import FUSED, _may_fuse

X, Y = digits()


def fitted(**parameters):
    with joblib.parallel_config(backend="threading", n_jobs=1):
        return made(
            DistributedNeuralNetClassifier, Perceptron, n_shards=2, local_steps=3, lr=0.01,
            max_epochs=2, train_split=None, **{**SCORES, **parameters},
        ).fit(X[:400], Y[:400])  # fmt: skip


@pytest.fixture
def n_fused(monkeypatch):
    """How many steps were taken by torch's fused kernel, so far."""
    home = import_module("torch.optim.adam")
    plainly, calls = home._fused_adam, []
    monkeypatch.setattr(home, "_fused_adam", lambda *a, **k: (calls.append(1), plainly(*a, **k)))
    return lambda: len(calls)


@pytest.mark.parametrize("optimizer", sorted(FUSED, key=lambda kind: kind.__name__))
def test_shards_take_fused_steps_to_the_net_of_looped_ones(optimizer, n_fused):
    looped = fitted(optimizer=optimizer, optimizer__fused=False)
    assert n_fused() == 0
    fused = fitted(optimizer=optimizer)
    assert n_fused() > 0
    for key, values in looped.module_.state_dict().items():
        np.testing.assert_allclose(fused.module_.state_dict()[key], values, atol=2e-5)


def test_what_the_user_says_of_kernels_is_done(n_fused):
    fitted(optimizer=torch.optim.Adam, optimizer__foreach=True)
    assert n_fused() == 0


@pytest.mark.parametrize(
    "parameters, expected",
    [
        ({}, True),
        ({"fused": False}, False),
        ({"foreach": True}, None),
        ({"foreach": False}, None),
        ({"differentiable": True}, None),
    ],
)
def test_a_step_is_fused_where_the_choice_is_torchs(parameters, expected):
    (group,) = torch.optim.Adam([torch.zeros(3)], **parameters).param_groups
    assert _may_fuse(group) is expected


def test_complex_parameters_are_looped_over():
    (group,) = torch.optim.Adam([torch.zeros(3, dtype=torch.complex64)]).param_groups
    assert _may_fuse(group) is None
