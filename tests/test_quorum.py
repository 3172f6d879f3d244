# SPDX-License-Identifier: BSD-3-Clause
"""Fits of which one shard is slow: early rounds go on without it, and the answer is of all rows."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import joblib
import numpy as np
import pytest
import shard_tasks as tasks
from quiet_watcher import QuietWatcher
from sklearn.base import clone, is_regressor

import skdist
from skdist._remembered import WAITED
from skdist.linear_model._one_vs_rest import OneVsRest
from skdist.losses import Poisson, SquaredHinge
from skdist.neural_network._mlp import rule_of
from skdist.sharding import running_fit, shard_rows
from skdist.solvers.huber_newton import huber_newton
from skdist.solvers.huber_problem import HuberProblem
from skdist.solvers.linear_objective import LinearObjective
from skdist.solvers.local_steps import Steps
from skdist.solvers.network import Network, started
from skdist.solvers.network_training import LocalPass, Progress, Schedule, train
from skdist.solvers.newton import newton
from skdist.solvers.prox_newton import prox_newton
from skdist.solvers.side_by_side import side_by_side

pytestmark = [
    pytest.mark.timed,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

SLOW = 1.2  # seconds
MARK = 77.0  # a target of the slow shard
QUORUM = {"deadline": 2, "quorum": 0.5}

random = np.random.default_rng(0)
X = random.normal(size=(800, 4))
Y = random.poisson(np.exp(X @ [0.5, -0.4, 0.3, 0.2])).astype(float)
Y[-1] = MARK
N_SHARDS = 5
ROWS = (X, np.minimum(Y, 5.0))
LAST = N_SHARDS - 1


def delayed(y, folder, times, seconds):
    """Wait, if these are rows of the slow shard, the first few times."""
    if (y == MARK).any() and tasks.tally(folder) <= times:
        time.sleep(seconds)


@dataclass(frozen=True)
class SlowPoisson(Poisson):
    """A loss that takes its time with one of the shards."""

    folder: str = ""

    def value_gradient_curvature(self, y, z):
        delayed(y, self.folder, 4, SLOW)
        return super().value_gradient_curvature(y, z)


class SlowRegressor(skdist.DistributedPoissonRegressor):
    folder = ""

    def _loss(self):
        return SlowPoisson(self.folder)


@dataclass(frozen=True, eq=False)
class SlowNetwork(Network):
    """A network that takes its time with one of the shards: with every batch."""

    folder: str = ""

    def targets(self, y):
        delayed(y, self.folder, 2, SLOW)
        return super().targets(y)


@pytest.fixture(params=["threads", "dask"])
def two_workers(request):
    if request.param == "dask":
        client = request.getfixturevalue("dask_client")
        return joblib.parallel_config(backend="dask", client=client)
    return joblib.parallel_config(backend="threading", n_jobs=2)


def test_newton_ends_at_the_same_certified_answer(two_workers, tmp_path):
    parameters = {"alpha": 1e-3, "n_shards": N_SHARDS, "tol": 1e-6}
    plain = skdist.DistributedPoissonRegressor(**parameters).fit(X, Y)
    with two_workers, skdist.config_context(**QUORUM):
        model = SlowRegressor(**parameters)
        model.folder = str(tmp_path)
        model.fit(X, Y)
    objective = plain.report_.extra["objective"]
    assert model.report_.certificate <= 1e-12 * objective
    assert model.report_.extra["objective"] == pytest.approx(objective, rel=1e-12)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-6, atol=1e-7)
    late = model.report_.extra["late"]
    # Others that wait behind it on the same worker may be late, too.
    assert late and all(LAST in shards and used == rows_but(shards) for _, shards, used in late)
    assert late[-1][0] < model.report_.rounds - 1
    number, shards, used = late[0]
    named = ", ".join(map(str, shards))
    told = f"Round {number} went on with {used} of 800 rows, without shards {named}."
    assert told in model.report_.why


@dataclass(frozen=True)
class SlowClass(OneVsRest):
    """One class against the rest, that takes its time with one of the shards, but not at first."""

    folder: str = ""

    def __call__(self, shard):
        if shard.index == LAST and self.folder and 3 <= tasks.tally(self.folder) <= 4:
            time.sleep(SLOW)
        return super().__call__(shard)


@pytest.mark.parametrize(("n_problems", "l1"), [(1, 1.0), (3, 0.0)])
def test_common_rounds_of_several_classes_go_on(n_problems, l1, two_workers, tmp_path):
    y = np.digitize(X @ [1.0, -1.0, 0.5, 0.0], [-0.7, 0.7]).astype(float)
    objective = LinearObjective(SquaredHinge(), 4, l2=1.0 - l1, l1=l1, penalise_intercept=True)

    def solve(_, shards):
        return (prox_newton if l1 else newton)(shards, objective, tol=1e-6)

    def solutions(folder):
        shards = shard_rows(X, y, n_shards=N_SHARDS)
        views = [SlowClass(k, folder="" if k else folder) for k in range(n_problems)]
        return side_by_side(shards, views, solve)

    expected = solutions("")
    with two_workers, skdist.config_context(**QUORUM), running_fit() as fit:
        found = solutions(str(tmp_path))
    for one, other in zip(found, expected, strict=True):
        assert one.converged
        assert one.value == pytest.approx(other.value, rel=1e-11)
        np.testing.assert_allclose(one.w, other.w, rtol=1e-4, atol=1e-5)
    assert fit.late and all(LAST in late.shards for late in fit.late)
    assert fit.late[-1].round < fit.n_rounds - 1


@dataclass(frozen=True)
class SlowView:
    """The shard itself; one of them takes its time, but not at first."""

    folder: str

    def __call__(self, shard):
        if shard.index == LAST and 5 <= tasks.tally(self.folder) <= 6:
            time.sleep(SLOW)
        return shard


def test_huber_ends_at_the_same_certified_answer(two_workers, tmp_path):
    y = X @ [1.0, -2.0, 0.5, 0.0] + np.random.default_rng(2).standard_t(2.0, len(X))
    problem, start = HuberProblem(4, len(X)), np.append(np.zeros(5), 30.0)
    expected = huber_newton(shard_rows(X, y, n_shards=N_SHARDS), problem, start, tol=1e-6)
    assert [step.round for step in expected.history] == [1, 4, 5, 6, 7]  # slow is the fifth
    with two_workers, skdist.config_context(**QUORUM), running_fit() as fit:
        slow = shard_rows(X, y, n_shards=N_SHARDS).seen_through(SlowView(str(tmp_path)))
        found = huber_newton(slow, problem, start, tol=1e-6)
    assert found.converged
    assert found.value == pytest.approx(expected.value, rel=1e-11)
    np.testing.assert_allclose(found.w, expected.w, rtol=1e-5, atol=1e-6)
    assert fit.late and all(LAST in late.shards for late in fit.late)
    assert fit.late[-1].round < fit.n_rounds - 1


def rows_but(shards):
    return 800 - 160 * len(shards)


def trained_on(shards, network, w, n_passes):
    how = Steps(rule(), 20, len(Y), N_SHARDS, 4, False, 0)
    return train(
        LocalPass(shards, network, how, None, n_passes),
        started(w, how.rule, 1e-2),
        Progress(),
        Schedule("constant", 1e-2, 0.5),
        max_iter=n_passes,
        tol=1e-4,
        n_iter_no_change=10,
        n_rows=len(Y),
    )


def rule():
    return rule_of(skdist.DistributedMLPRegressor(), N_SHARDS)


def test_networks_are_averaged_without_who_is_late(two_workers, tmp_path):
    from skdist.kernels.mlp_layers import Layers

    layers = Layers((4, 3, 1), "tanh", "identity")
    network = SlowNetwork(layers, "squared_error", 0, 1e-3, folder=str(tmp_path))
    w = 0.3 * np.random.default_rng(1).standard_normal(layers.n_parameters)
    with two_workers, skdist.config_context(**QUORUM), running_fit() as fit:
        shards = shard_rows(X, Y[:, None], n_shards=N_SHARDS)
        found = trained_on(shards, network, w, 3)
    assert fit.late and all(LAST in late.shards for late in fit.late)
    assert all((late.n_used, late.n_rows) == (rows_but(late.shards), 800) for late in fit.late)
    by_pass = {n: [r.n_late for r in found.history if r.n_pass == n] for n in (1, 2, 3)}
    assert any(by_pass[1]) and not any(by_pass[3])  # the last pass is of all
    assert np.isfinite(found.state.w).all()
    whole = [n for n in by_pass if not any(by_pass[n])]
    assert found.progress.best_loss == min(found.progress.losses[n - 1] for n in whole)


class StandingStill(QuietWatcher):
    """Stops a worker for some seconds when the first round of this name begins."""

    def __init__(self, victim, seconds, name=None):
        self.victim, self.seconds, self.name, self.timer = victim, seconds, name, None

    def begins(self, round):
        if self.timer is None and self.name in (None, round.name):
            os.kill(self.victim, signal.SIGSTOP)
            self.timer = threading.Timer(self.seconds, os.kill, (self.victim, signal.SIGCONT))
            self.timer.start()


@contextmanager
def a_worker_stands_still(client, seconds, name=None, **settings):
    """Fits inside have two workers on a cluster, one of which does nothing for a while."""
    watcher = StandingStill(next(iter(client.run(os.getpid).values())), seconds, name)
    with (
        joblib.parallel_config(backend="dask", client=client),
        skdist.config_context(**{**QUORUM, **settings}),
        running_fit([watcher]),
    ):
        yield
    watcher.timer.join()


def test_a_perceptron_tells_who_was_late(dask_client):
    """Its rows are ordinary ones."""
    model = skdist.DistributedMLPRegressor(
        hidden_layer_sizes=(4,), sync="local", n_shards=8, max_iter=8, batch_size=20, random_state=0
    )
    with a_worker_stands_still(dask_client, 3.0, "take_steps", quorum=0.3):
        model.fit(*ROWS)
    late = model.report_.extra["late"]
    assert late and late[-1][0] < model.report_.rounds - 1
    assert all(0.3 * 800 <= used < 800 for _, _, used in late)
    assert any("of 800 rows, without shards" in why for why in model.report_.why)
    assert model.report_.extra["history"][-1].n_late == 0


N_ROUNDS = 4  # of an epoch of 8 batches


def test_nets_are_averaged_without_who_is_late(tmp_path):
    import torch
    from torch_problems import Slow

    rows = np.clip(X, -3.0, 3.0).astype(np.float32)
    rows[0, 0] = 77.0  # the first row of its shard, and so in the first round of an epoch
    torch.manual_seed(0)
    net = skdist.DistributedNeuralNetRegressor(
        Slow,
        module__folder=str(tmp_path),
        module__seconds=SLOW,
        module__n_features=4,
        module__n_outputs=1,
        n_shards=N_SHARDS,
        local_steps=2,
        batch_size=20,
        max_epochs=3,
        train_split=None,
        iterator_train__shuffle=False,
        verbose=0,
    )
    threads = joblib.parallel_config(backend="threading", n_jobs=2)
    with threads, skdist.config_context(**QUORUM):
        net.fit(rows, np.minimum(Y, 5.0).astype(np.float32)[:, None])
    late = net.report_.extra["late"]
    assert late and all(used == rows_but(shards) for _, shards, used in late)
    before = net.report_.rounds - 3 * N_ROUNDS
    assert all((number - before) % N_ROUNDS < N_ROUNDS - 1 for number, _, _ in late)
    n_late = sum(len(shards) for _, shards, _ in late)
    assert sum(len(epoch["batches"]) for epoch in net.history) == 3 * N_SHARDS * 8 - 2 * n_late
    assert all(np.isfinite(epoch["train_loss"]) for epoch in net.history)


NEEDS_ALL = [
    skdist.DistributedRidge(n_shards=4),
    skdist.DistributedPoissonRegressor(n_shards=4, solver="lbfgs"),
    skdist.DistributedMLPRegressor(
        hidden_layer_sizes=(3,), n_shards=4, sync="gradient", max_iter=2, tol=10.0, random_state=0
    ),
    skdist.DistributedMLPRegressor(
        hidden_layer_sizes=(3,), n_shards=4, solver="lbfgs", random_state=0
    ),
    skdist.DistributedRandomForestRegressor(4, n_shards=4, tree_method="hist", random_state=0),
    skdist.DistributedStandardScaler(n_shards=4),
]


def said(model):
    return (model.predict if is_regressor(model) else model.transform)(X[:200])


@pytest.mark.parametrize("estimator", NEEDS_ALL, ids=lambda e: type(e).__name__)
def test_where_all_rows_are_needed_all_are_waited_for(estimator, dask_client):
    plain = clone(estimator).fit(*ROWS)
    with a_worker_stands_still(dask_client, 0.7):
        model = clone(estimator).fit(*ROWS)
    np.testing.assert_allclose(said(model), said(plain), rtol=1e-6, atol=1e-8)
    assert "late" not in model.report_.extra
    assert f"quorum=0.5: {WAITED}" in model.report_.why
