# SPDX-License-Identifier: BSD-3-Clause
"""Nets and bad input: skorch's error, or one of ours, or a working net; nothing half-fitted."""

from dataclasses import replace

import joblib
import numpy as np
import pytest
import skorch
import torch
from bad_input import FLAWS_OF_X, FLAWS_OF_Y, SHARDS, Case, data_of, n_rows, outcome
from torch import nn
from torch_problems import AnyColumns

import skdist
from skdist.solvers.diverged import Diverged

PARAMETERS = {
    "max_epochs": 2,
    "batch_size": 4,
    "train_split": None,
    "verbose": 0,
    "lr": 1e-3,
    "device": "cpu",
}
KINDS = {
    "classifier": {"criterion": nn.CrossEntropyLoss, "module__n_outputs": 2},
    "regressor": {"criterion": nn.MSELoss},
}
NETS = {
    "classifier": (skdist.DistributedNeuralNetClassifier, skorch.NeuralNetClassifier),
    "regressor": (skdist.DistributedNeuralNetRegressor, skorch.NeuralNetRegressor),
}
CASES = [
    *(Case(X=flaw) for flaw in FLAWS_OF_X),
    *(Case(y=flaw) for flaw in FLAWS_OF_Y),
    *(Case(shards=size) for size in SHARDS),
    *(Case(X="one row", shards=size) for size in SHARDS),
]


def made(cls, kind, **parameters):
    torch.manual_seed(0)
    return cls(AnyColumns, **{**PARAMETERS, **KINDS[kind], **parameters})


def as_torch(y, kind):
    """Targets as a net takes them, where they are numbers."""
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "fiu":
        return y
    return y.astype(np.int64) if kind == "classifier" and np.isfinite(y).all() else y[..., None]


def unchanged(now, before):
    return list(now) == list(before) and all(now[key] is before[key] for key in now)


def is_finite(answer):
    return bool(np.isfinite(answer.value).all())


def flaw(kind, case, sync):
    """What is wrong with what a fit came to, if anything."""
    ours, theirs = NETS[kind]
    X, y, _, n_shards = data_of(case)
    y = as_torch(y, kind)
    twin, net = made(theirs, kind), made(ours, kind, n_shards=n_shards, sync=sync)
    before = dict(vars(net))
    plain, mine = outcome(twin.fit, X, y), outcome(net.fit, X, y)
    if mine.works:
        said, expected = outcome(net.predict, X), outcome(twin.predict, X)
        if not said.works:
            return None if type(said.error) is type(expected.error) else repr(said.error)
        if len(said.value) != n_rows(X):
            return "predictions of other rows"
        return (
            None
            if is_finite(said) or not (expected.works and is_finite(expected))
            else "no numbers"
        )
    if isinstance(mine.error, Diverged):  # it leaves the last good parameters, on purpose
        finite = all(torch.isfinite(p).all() for p in net.module_.parameters())
        return None if finite else "parameters that are no numbers"
    if not unchanged(vars(net), before):
        return "half-fitted"
    proper = isinstance(mine.error, ValueError | TypeError) and str(mine.error)
    if not proper and type(mine.error) is not type(plain.error):
        return repr(mine.error)
    more_shards_than_rows = n_shards is not None and n_shards > n_rows(X)
    return None if not plain.works or more_shards_than_rows else repr(mine.error)


@pytest.mark.parametrize(("kind", "sync"), [("classifier", "local"), ("regressor", "gradient")])
@pytest.mark.filterwarnings("ignore")
def test_every_flaw(kind, sync):
    cases = [replace(case, classify=kind == "classifier") for case in CASES]
    with joblib.parallel_config(backend="threading", n_jobs=2):
        found = {case: flaw(kind, case, sync) for case in cases}
    assert {case: why for case, why in found.items() if why is not None} == {}


@pytest.mark.filterwarnings("ignore")
def test_a_net_that_was_fitted_stays_as_it_was():
    X, y, _, _ = data_of(Case())
    net = made(skdist.DistributedNeuralNetRegressor, "regressor", n_shards=2).fit(X, y[:, None])
    before, said = dict(vars(net)), net.predict(X)
    for bad in (X[:5], np.full(X.shape, "a"), X[:, 0]):
        with pytest.raises((ValueError, TypeError, RuntimeError, IndexError)):
            net.fit(bad, y[:, None])
        assert unchanged(vars(net), before)
    np.testing.assert_array_equal(net.predict(X), said)
