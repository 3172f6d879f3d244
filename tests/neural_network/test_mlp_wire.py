# SPDX-License-Identifier: BSD-3-Clause
"""``config_context(wire="float32")``: parameters of perceptrons in half the bytes."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdist import DistributedMLPClassifier, config_context

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2_000, 20))
Y = (X[:, 0] * X[:, 1] + 0.3 * RNG.normal(size=len(X)) > 0).astype(int)
CHANGED_NOTHING = "wire='float32' changed nothing: "

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(wire="float32", rows=X, **more):
    options = {"max_iter": 3, "n_shards": 2, "sync": "local", "random_state": 0}
    model = DistributedMLPClassifier(100, **{**options, **more})
    with config_context(wire=wire):
        return model.fit(rows, Y)


def apart(a, b):
    return max(np.abs(u - v).max() for u, v in zip(a.coefs_, b.coefs_, strict=True))


@pytest.mark.parametrize("sync", ["local", "gradient"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_float32_is_rounding(sync, solver):
    exact, rounded = (fitted(wire, sync=sync, solver=solver) for wire in ("exact", "float32"))
    assert 0 < apart(exact, rounded) < 1e-3
    assert rounded.coefs_[0].dtype == np.float64
    assert "Parameters travelled in float32." in rounded.report_.why
    assert_allclose(rounded.loss_, exact.loss_, rtol=1e-4)


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_half_the_bytes_and_the_same_model(sync, dask_client):
    here = fitted(sync=sync, batch_size=500)
    with joblib.parallel_config(backend="dask", client=dask_client):
        there = fitted(sync=sync, batch_size=500)
        exact = fitted("exact", sync=sync, batch_size=500)
    assert apart(here, there) < 1e-6
    assert there.report_.bytes_up < 0.6 * exact.report_.bytes_up


@pytest.mark.parametrize(
    ("because", "more"),
    [
        ("rows in float32", {"rows": X.astype(np.float32)}),
        ("one shard", {"n_shards": 1}),
        ("L-BFGS", {"solver": "lbfgs", "sync": "gradient"}),
    ],
)
def test_what_it_does_not_change_is_said(because, more):
    exact, rounded = (fitted(wire, **more) for wire in ("exact", "float32"))
    assert any(why.startswith(CHANGED_NOTHING + because) for why in rounded.report_.why)
    for a, b in zip(exact.coefs_, rounded.coefs_, strict=True):
        assert_array_equal(a, b)
    assert not any("wire" in why for why in exact.report_.why)
