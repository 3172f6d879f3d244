# SPDX-License-Identifier: BSD-3-Clause
"""A share as ``config_context(wire=...)`` of perceptrons: top-k with error feedback."""

import os
import signal
from dataclasses import dataclass

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdist import (
    DistributedMLPClassifier,
    DistributedMLPRegressor,
    DistributedNeuralNetClassifier,
    config_context,
)
from skdist.neural_network import _mlp
from skdist.solvers import owed_gradients, owed_moves, owed_steps
from skdist.solvers.network import Momentum
from skdist.solvers.owed_moves import PERIOD

RNG = np.random.default_rng(0)
N, D = 3_000, 30
X = RNG.normal(size=(N, D))
Y = (X[:, 0] * X[:, 1] + 0.3 * RNG.normal(size=N) > 0).astype(int)
N_PARAMETERS = D * 50 + 50 + 50 + 1

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

HOW = {
    "moves": {"sync": "local", "batch_size": 25, "local_steps": 5, "learning_rate_init": 3e-3},
    "gradients": {"sync": "gradient", "solver": "sgd", "learning_rate_init": 0.3},
}


def model(how, **more):
    options = {"max_iter": 6, "n_shards": 4, "random_state": 0, "tol": 0.0}
    return DistributedMLPClassifier(50, **{**options, **HOW[how], **more})


def fitted(how, wire, rows=X, **more):
    with config_context(wire=wire):
        return model(how, **more).fit(rows, Y)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_share_comes_near(how, dtype):
    """The fewer travel, the farther from what all of them come to."""
    exact, most, few = (fitted(how, wire, X.astype(dtype)) for wire in ("exact", 0.3, 0.05))
    n_rounds = len(exact.report_.extra["history"]) if how == "moves" else 6 * 15
    assert n_rounds > 2 * PERIOD
    assert few.coefs_[0].dtype == dtype
    at_start = exact.loss_curve_[0]
    assert few.loss_ < exact.loss_ + 0.2 * (at_start - exact.loss_)
    assert abs(most.loss_ - exact.loss_) < 0.05 * (at_start - exact.loss_)
    assert not few.report_.exact
    (why,) = (why for why in few.report_.why if "a share of 0.05" in why)
    assert f"every {PERIOD}th round" in why
    assert ("Moments stayed" in why) == (how == "moves")


def test_nearly_all_gradients_are_the_merged_ones():
    exact, all_of_them = (fitted("gradients", wire) for wire in ("exact", 1 - 1e-9))
    for a, b in zip(exact.coefs_, all_of_them.coefs_, strict=True):
        assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(("how", "room"), [("moves", owed_steps), ("gradients", owed_gradients)])
def test_what_is_owed_is_paid(how, room, monkeypatch):
    """Were the rest forgotten, the same shares would not get half as far."""
    owed, gains = room.Owed, []
    monkeypatch.setattr(owed_moves, "PERIOD", 1_000)
    for keep in (1.0, 0.0):
        monkeypatch.setattr(room, "Owed", lambda w, rest, keep=keep: owed(w, keep * rest))
        losses = fitted(how, 0.01).loss_curve_
        gains.append(losses[0] - losses[-1])
    assert gains[1] < 0.5 * gains[0]


@pytest.mark.parametrize("how", HOW)
def test_the_same_model_everywhere(how, backend):
    here, there = fitted(how, 0.02, n_jobs=1), fitted(how, 0.02)
    for a, b in zip(here.coefs_, there.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("how", HOW)
def test_bytes(how, dask_client):
    with joblib.parallel_config(backend="dask", client=dask_client):
        exact, few = (fitted(how, wire).report_ for wire in ("exact", 0.02))
    n_rounds = 6 * 15 if how == "gradients" else len(exact.extra["history"])
    assert exact.rounds == few.rounds
    whole = 4 * 8 * N_PARAMETERS * (3 if how == "moves" else 1)  # of a round, up
    n_whole = -(-n_rounds // PERIOD)
    assert exact.bytes_up > 0.9 * n_rounds * whole / (2 if how == "moves" else 1)  # merged there
    share = 4 * 8 * 0.02 * N_PARAMETERS
    assert few.bytes_up < n_whole * whole + n_rounds * (share + 4 * 1_500)
    assert few.bytes_up < 0.4 * exact.bytes_up
    assert few.bytes_down < 0.75 * exact.bytes_down


@dataclass(frozen=True)
class Mortal(Momentum):
    """Momentum that kills the process that takes step `when`, once, unless that is the driver."""

    folder: str = ""
    driver: int = 0
    when: int = 0

    def step(self, values, sums, n_weights, alpha, weight, rate, t):
        mark = os.path.join(self.folder, "died")
        if t == self.when and os.getpid() != self.driver and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        super().step(values, sums, n_weights, alpha, weight, rate, t)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("when", [11, 9 * PERIOD - 3])
def test_a_worker_that_dies_takes_nothing_owed_along(
    how, when, process_backend, tmp_path, monkeypatch
):
    expected = fitted(how, 0.02, solver="sgd", n_jobs=1, max_iter=10)
    mortal = Mortal(0.9, True, str(tmp_path), os.getpid(), when)
    monkeypatch.setattr(_mlp, "rule_of", lambda mlp, n_shards: mortal)
    found = fitted(how, 0.02, solver="sgd", max_iter=10)
    assert (tmp_path / "died").exists()
    for a, b in zip(expected.coefs_, found.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_where_it_is_auto_shards_step_by_themselves():
    found = fitted("moves", 0.1, sync="auto", batch_size=200, local_steps="auto")
    assert found.report_.extra["sync"] == "local"


def test_one_shard_has_nobody_to_send_to():
    exact, few = (fitted("moves", wire, n_shards=1) for wire in ("exact", 0.1))
    assert_array_equal(exact.coefs_[0], few.coefs_[0])
    assert "wire=0.1 changed nothing: one shard averages with nobody." in few.report_.why


@pytest.mark.parametrize(
    ("more", "why", "then"),
    [
        ({"solver": "lbfgs"}, "L-BFGS needs exact gradients", "Take solver='adam'"),
        ({"solver": "adam", "sync": "gradient"}, "not linear in the gradients", "sync='local'"),
    ],
)
def test_what_cannot_hold_is_refused(more, why, then):
    regressor = DistributedMLPRegressor(hidden_layer_sizes=5, n_shards=2, **more)
    with config_context(wire=0.1), pytest.raises(ValueError, match=f"{why}.*[.] .*{then}"):
        regressor.fit(X, X[:, 0])
    assert "coefs_" not in vars(regressor)


def test_nets_refuse_it():
    import torch

    net = DistributedNeuralNetClassifier(torch.nn.Linear(D, 2))
    for wire in ("float32", 0.1):
        with config_context(wire=wire), pytest.raises(ValueError, match="in float32 as they are"):
            net.fit(X.astype(np.float32), Y)


def test_training_goes_on():
    with config_context(wire=0.05):
        classifier = model("moves")
        for _ in range(3):
            classifier.partial_fit(X, Y, classes=[0, 1])
        stopped = fitted("moves", 0.05, early_stopping=True, max_iter=30)
    assert classifier.loss_curve_[2] < classifier.loss_curve_[0]
    assert stopped.score(X, Y) > 0.7
