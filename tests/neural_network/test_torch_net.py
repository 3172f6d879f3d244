# SPDX-License-Identifier: BSD-3-Clause
"""Nets over shards: the laws, and what training comes to."""

import os

import joblib
import numpy as np
import pytest
import torch
from dask.array import from_array
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn
from torch_problems import (
    QUIET,
    SCORES,
    Exploding,
    Huberised,
    Mortal,
    Normed,
    Perceptron,
    digits,
    fitted,
    made,
    numbers,
    weights,
)

from skdist import DistributedNeuralNetClassifier, DistributedNeuralNetRegressor
from skdist.neural_network._torch_rows import place_rows
from skdist.neural_network._torch_start import start_training
from skdist.neural_network._torch_training import OUTER_RATE
from skdist.solvers.diverged import Diverged

pytestmark = pytest.mark.usefixtures("one_torch_thread")
ADAM = {**SCORES, "optimizer": torch.optim.Adam, "lr": 0.005, "batch_size": 32, "max_epochs": 2}


def test_one_shard_is_skorch():
    X, y = digits(400)
    one = fitted(DistributedNeuralNetClassifier, Normed, X, y, **ADAM)
    theirs = fitted(NeuralNetClassifier, Normed, X, y, **ADAM)
    np.testing.assert_array_equal(weights(one), weights(theirs))
    assert one.history[:, "valid_loss"] == theirs.history[:, "valid_loss"]
    assert (one.n_shards_, one.report_.strategy, one.report_.exact) == (1, "local", True)


def test_one_shard_is_skorch_for_numbers():
    X, y = numbers()
    given = {**QUIET, "module__n_features": 6, "module__n_outputs": 1}
    one = fitted(DistributedNeuralNetRegressor, Perceptron, X, y, **given)
    theirs = fitted(NeuralNetRegressor, Perceptron, X, y, **given)
    np.testing.assert_array_equal(weights(one), weights(theirs))


@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_one_shard_that_is_sent_its_orders_takes_the_steps_of_skorch(sync):
    X, y = digits(256)
    settings = {**ADAM, "train_split": None, "max_epochs": 1}
    theirs = fitted(NeuralNetClassifier, Perceptron, X, y, **settings)
    net = made(
        DistributedNeuralNetClassifier, Perceptron, **settings, sync=sync, local_steps="auto"
    )
    one_epoch_over(net.initialize(), X, y, 1)
    np.testing.assert_allclose(weights(net), weights(theirs), atol=1e-7)


def one_epoch_over(net, X, y, n_shards):
    """An epoch on the machinery of several shards; what came of it."""
    net.history.new_epoch()
    training = start_training(net, net.get_dataset(X, y), {}, n_shards)
    training.places = np.column_stack([np.zeros(len(X), int), np.arange(len(X))])
    training.shards = start_in_order(net, X, y, n_shards)
    training.epoch(net.get_iterator(net.get_dataset(X, y), training=True), {})
    return training


def start_in_order(net, X, y, n_shards):
    """Shards of rows that were not dealt."""
    return place_rows(net, net.get_dataset(X, y), None, n_shards, 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
def test_law_4_merged_gradients_do_not_depend_on_the_shards(dtype, tolerance):
    X, y = digits(800, dtype)
    settings = {**ADAM, "batch_size": 32, "max_epochs": 2, "train_split": None}
    settings["module__dtype"] = getattr(torch, dtype)
    theirs = weights(fitted(NeuralNetClassifier, Perceptron, X, y, **settings))
    for n_shards in (1, 2, 5):
        net = fitted(
            DistributedNeuralNetClassifier, Perceptron, X, y, n_shards=n_shards, sync="gradient",
            **settings,
        )  # fmt: skip
        np.testing.assert_allclose(weights(net), theirs, rtol=0, atol=tolerance)
    assert net.report_.extra["history"][-1].n_steps == 1
    assert (net.report_.exact, net.report_.rounds, net.report_.strategy) == (True, 50, "gradient")


CRITERIA = {
    "weights of classes": {"criterion__weight": torch.arange(1.0, 11.0, dtype=torch.float64)},
    "a class left out": {"criterion__ignore_index": 3},
    "a sum": {"criterion__reduction": "sum", "lr": 1e-4},
    "smoothed labels": {"criterion__label_smoothing": 0.1},
    "probabilities": {"criterion": nn.NLLLoss, "module__softmax": True},
}


@pytest.mark.parametrize("name", CRITERIA)
def test_merged_gradients_are_those_of_the_criterion(name):
    X, y = digits(300, "float64")
    settings = {**SCORES, "lr": 0.05, "max_epochs": 2, "train_split": None, "batch_size": 50}
    settings |= {"module__dtype": torch.float64, **CRITERIA[name]}
    theirs = fitted(NeuralNetClassifier, Perceptron, X, y, **settings)
    ours = fitted(
        DistributedNeuralNetClassifier, Perceptron, X, y, n_shards=3, sync="gradient", **settings
    )
    np.testing.assert_allclose(weights(ours), weights(theirs), atol=1e-10)


def test_lbfgs_on_merged_gradients_and_not_on_averages():
    X, y = digits(200, "float64")
    settings = {**SCORES, "optimizer": torch.optim.LBFGS, "lr": 0.5, "max_epochs": 2}
    settings |= {"batch_size": -1, "train_split": None, "module__dtype": torch.float64}
    theirs = fitted(NeuralNetClassifier, Perceptron, X, y, **settings)
    ours = fitted(
        DistributedNeuralNetClassifier, Perceptron, X, y, n_shards=2, sync="gradient", **settings
    )
    np.testing.assert_allclose(weights(ours), weights(theirs), atol=1e-8)
    with pytest.raises(TypeError, match=r"LBFGS remembers .*Take sync='gradient'"):
        fitted(DistributedNeuralNetClassifier, Perceptron, X, y, n_shards=2, **settings)


MODES = {"local": {"sync": "local", "local_steps": 3}, "gradient": {"sync": "gradient"}}
_models: dict = {}


@pytest.mark.parametrize("mode", MODES)
def test_law_3_the_same_net_everywhere(backend, mode):
    """Dropout and batch normalisation included."""
    X, y = digits(240)
    net = fitted(
        DistributedNeuralNetClassifier, Normed, X, y, n_shards=2, train_split=None,
        **ADAM, **MODES[mode],
    )  # fmt: skip
    state = {key: value.numpy() for key, value in net.module_.state_dict().items()}
    expected = _models.setdefault(mode, state)
    for key, value in state.items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-6, atol=1e-7, err_msg=key)
    assert (net.report_.bytes_up > 0) == (backend in {"loky", "dask"})


def test_law_3_the_same_net_when_a_worker_dies(process_backend, tmp_path):
    X, y = digits(240)
    given = {**ADAM, "n_shards": 2, "local_steps": 2, "train_split": None, "max_epochs": 1}
    mortal = {"module__driver": os.getpid(), "module__folder": str(tmp_path)}
    net = fitted(DistributedNeuralNetClassifier, Mortal, X, y, **mortal, **given)
    with joblib.parallel_config(n_jobs=1):
        alive = fitted(DistributedNeuralNetClassifier, Perceptron, X, y, **given)
    np.testing.assert_allclose(weights(net), weights(alive), rtol=1e-6, atol=1e-7)
    assert net.report_.retries > 0


def test_local_steps_are_as_good_as_one_machine_at_equal_epochs():
    X, y = digits()
    settings = {**ADAM, "lr": 0.002, "max_epochs": 15, "train_split": None, "module__n_hidden": 64}
    rows, held_out = slice(1_400), slice(1_400, None)
    one, several = (
        fitted(
            DistributedNeuralNetClassifier, Perceptron, X[rows], y[rows], n_shards=m, **settings
        ).score(X[held_out], y[held_out])
        for m in (1, 4)
    )
    assert one > 0.94
    assert several >= one - 0.01


def test_law_5_rounds_of_few_steps_are_one_round_of_all_on_one_shard():
    X, y = digits(256)
    nets = []
    for local_steps in (2, 8):
        net = made(
            DistributedNeuralNetClassifier, Normed, **{**ADAM, "train_split": None},
            module__dropout=0.0, local_steps=local_steps,
        ).initialize()  # fmt: skip
        training = one_epoch_over(net, X, y, 1)
        assert len(training.rounds) == 8 // local_steps
        nets.append(net)
    few, all_at_once = (net.module_.state_dict() for net in nets)
    for key, value in few.items():
        np.testing.assert_array_equal(value.numpy(), all_at_once[key].numpy(), err_msg=key)
    memories = [net.optimizer_.state_dict()["state"] for net in nets]
    for ours, theirs in zip(*(memory.values() for memory in memories), strict=True):
        assert float(ours["step"]) == float(theirs["step"]) == 8.0
        np.testing.assert_array_equal(ours["exp_avg_sq"].numpy(), theirs["exp_avg_sq"].numpy())


def test_running_statistics_are_those_of_all_rows():
    """Shards of unlike rows: the variance between them counts, which a mean would lose."""
    X = np.concatenate([np.full((64, 1), -3.0), np.full((64, 1), 3.0)]).astype("float32")
    X += np.random.default_rng(0).normal(size=X.shape).astype("float32")
    y = X.copy()
    module = nn.Sequential(nn.BatchNorm1d(1, momentum=None), nn.Linear(1, 1))
    net = made(
        DistributedNeuralNetRegressor, module, lr=0.0, batch_size=64, train_split=None, verbose=0,
        local_steps=1,
    ).initialize()  # fmt: skip
    net.history.new_epoch()
    training = start_training(net, net.get_dataset(X, y), {}, 2)
    training.places = np.column_stack([np.repeat([0, 1], 64), np.tile(np.arange(64), 2)])
    training.shards = start_in_order(net, X, y, 2)
    training.epoch(net.get_iterator(net.get_dataset(X, y), training=True), {})
    norm = net.module_[0]
    np.testing.assert_allclose(norm.running_mean.numpy(), X.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), X.var(axis=0), rtol=0.02)
    assert int(norm.num_batches_tracked) == 1


def test_nesterov_goes_farther_along_the_average():
    X, y = digits(256)
    settings = {**ADAM, "max_epochs": 1, "n_shards": 2, "local_steps": 99, "train_split": None}
    start = weights(made(DistributedNeuralNetClassifier, Perceptron, **settings).initialize())
    average, nesterov = (
        weights(fitted(DistributedNeuralNetClassifier, Perceptron, X, y, outer=outer, **settings))
        for outer in ("average", "nesterov")
    )
    np.testing.assert_allclose(
        nesterov - start, OUTER_RATE * (1 + 0.9) * (average - start), atol=1e-6
    )


def test_steps_are_as_long_as_there_are_shards_unless_told():
    X, y = digits(256)
    settings = {**SCORES, "lr": 0.01, "batch_size": 128, "max_epochs": 1, "train_split": None}
    settings |= {"n_shards": 2, "local_steps": 1}
    start = weights(made(DistributedNeuralNetClassifier, Perceptron, **settings).initialize())
    auto, plain = (
        weights(fitted(DistributedNeuralNetClassifier, Perceptron, X, y, **settings, rate_factor=f))
        for f in ("auto", 1.0)
    )
    np.testing.assert_allclose(auto - start, 2 * (plain - start), atol=1e-6)


def test_the_report_tells_rounds_steps_losses_and_agreement():
    X, y = digits(400)
    net = fitted(
        DistributedNeuralNetClassifier, Perceptron, X, y, n_shards=2, train_split=None, **ADAM
    )
    report, extra = net.report_, net.report_.extra
    assert (report.strategy, report.exact, net.n_shards_) == ("average", False, 2)
    assert extra["local_steps"] == 1  # a quarter of an epoch of seven steps at most
    assert extra["rate_factor"] == 2.0
    assert len(extra["history"]) == 14
    assert all(0.5 - 1e-6 <= line.agreement <= 1 + 1e-6 for line in extra["history"])
    assert extra["history"][-1].loss < extra["history"][0].loss
    assert set(extra["measured"]) == {"round_seconds", "step_seconds", "local_steps"}
    assert [len(rows.rows) for rows in report.shards] == [200, 200]
    assert len(net.history[-1]["batches"]) == net.history[-1]["train_batch_count"] == 14


def test_local_steps_by_the_clock_change_nothing_else():
    """The net is that of the H that was measured, whatever it was, running statistics included."""
    X, y = digits(600)
    settings = {**ADAM, "n_shards": 3, "train_split": None}
    cls = DistributedNeuralNetClassifier
    measured = fitted(cls, Normed, X, y, **settings, local_steps="measured")
    h = measured.report_.extra["local_steps"]
    assert "as was measured" in measured.report_.why[0]
    told = fitted(cls, Normed, X, y, **settings, local_steps=h)
    np.testing.assert_array_equal(weights(measured), weights(told))
    np.testing.assert_array_equal(measured.predict_proba(X), told.predict_proba(X))


@pytest.mark.parametrize("settings", [{"n_shards": 1}, {"n_shards": 3, "sync": "gradient"}])
def test_a_loss_that_is_no_number_leaves_the_parameters_before_it(settings):
    X, y = digits(300)
    X = X.copy()
    X[290] = 1e9  # in the last batch, on the last shard
    given = {**ADAM, "iterator_train__shuffle": False, "train_split": None, **settings}
    net = made(DistributedNeuralNetClassifier, Exploding, **given)
    which = {1: "shard 0 of 1", 3: "round 10 .epoch 1., on shard 2 of 3"}[settings["n_shards"]]
    with pytest.raises(Diverged, match=f"{which}.*Nothing of it is kept"):
        net.fit(X, y)
    good = made(DistributedNeuralNetClassifier, Exploding, **{**given, "max_epochs": 1})
    good.fit(X[:288], y[:288])
    np.testing.assert_allclose(weights(net), weights(good), atol=1e-5)


def test_local_steps_that_diverge_name_the_round_and_keep_the_average():
    X, y = digits(300)
    X = X.copy()
    X[123] = 1e9
    net = made(
        DistributedNeuralNetClassifier, Exploding, n_shards=3, local_steps=1, train_split=None,
        **ADAM,
    )  # fmt: skip
    with pytest.raises(Diverged, match=r"in round \d+ \(epoch 1\), on shard \d of 3"):
        net.fit(X, y)
    assert np.isfinite(weights(net)).all()
    assert net.report_.extra["history"] is not None
    assert np.isfinite(net.predict_proba(X[:5])).all()


def test_a_loss_of_our_own():
    X, y = numbers()
    net = fitted(
        DistributedNeuralNetRegressor, Perceptron, X, y, criterion=Huberised, criterion__width=0.5,
        optimizer=torch.optim.Adam, lr=0.02, max_epochs=20, n_shards=2, module__n_features=6,
        module__n_outputs=1, **QUIET,
    )  # fmt: skip
    assert net.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"sync": "global"},
            "The 'sync' parameter of DistributedNeuralNet",
        ),
        ({"outer": "adam"}, "The 'outer' parameter"),
        ({"local_steps": 0}, "The 'local_steps' parameter"),
        ({"rate_factor": 0}, "The 'rate_factor' parameter"),
        ({"n_shards": 0}, "The 'n_shards' parameter"),
        ({"sync": "gradient", "local_steps": 4}, "contradict each other"),
        ({"n_shards": 500}, "n_shards=500 is more than there are rows to train on, n_samples=80"),
    ],
)
def test_errors_say_what_is_allowed(given, message):
    X, y = digits(100)
    with pytest.raises(ValueError, match=message):
        made(DistributedNeuralNetClassifier, Perceptron, **ADAM, **given).fit(X, y)


def collection(X, y, n_parts=4):
    size = -(-len(X) // n_parts)
    return from_array(X, chunks=(size, X.shape[1])), from_array(y, chunks=size)


@pytest.mark.parametrize("where", ["dask", "threading"])
def test_partitions_of_a_collection_are_the_shards(where, request):
    """On the cluster and streamed; merged gradients are those of rows in memory."""
    X, y = digits(400, "float64")
    parameters = {**ADAM, "train_split": None, "module__dtype": torch.float64, "sync": "gradient"}
    theirs = fitted(NeuralNetClassifier, Perceptron, X, y, **{**ADAM, "train_split": None,
        "module__dtype": torch.float64})  # fmt: skip
    where = {"backend": where}
    if where["backend"] == "dask":
        where["client"] = request.getfixturevalue("dask_client")
    with joblib.parallel_config(**where):
        net = fitted(DistributedNeuralNetClassifier, Perceptron, *collection(X, y), **parameters)
    np.testing.assert_allclose(weights(net), weights(theirs), atol=1e-10)
    assert net.n_shards_ == 4
    assert net.classes_.tolist() == list(range(10))


def test_shards_sorted_by_label_do_nearly_as_well_at_160_rounds():
    """Moments are averaged too: without that, shards of unlike rows pull apart."""
    X, y = digits()
    first = np.argsort(y[:1_400], kind="stable")
    settings = {**ADAM, "lr": 0.001, "max_epochs": 16, "module__n_hidden": 64, "local_steps": 3}
    held_out = Dataset(X[1_400:], y[1_400:])
    rows = collection(X[first], y[first], 4)
    with pytest.warns(UserWarning, match="Shuffle the rows first"):
        net = fitted(
            DistributedNeuralNetClassifier, Perceptron, *rows, **settings,
            train_split=predefined_split(held_out),
        )  # fmt: skip
    one = fitted(
        NeuralNetClassifier, Perceptron, X[:1_400], y[:1_400], **{**ADAM, "max_epochs": 16},
        module__n_hidden=64, train_split=predefined_split(held_out),
    )  # fmt: skip
    assert len(net.report_.extra["history"]) <= 160
    assert net.history[-1, "valid_acc"] > one.history[-1, "valid_acc"] - 0.06


def test_a_collection_is_not_gathered():
    X, y = digits(400)
    rows = collection(X, y)
    net = made(DistributedNeuralNetClassifier, Perceptron, **ADAM)
    with pytest.raises(ValueError, match=r"have to split a Dask collection.*predefined_split"):
        net.fit(*rows)
    net.set_params(train_split=None).fit(*rows)
    with pytest.raises(TypeError, match="X is a Dask collection"):
        net.forward(rows[0])
    with pytest.raises(ValueError, match="n_shards=2 was given for a Dask collection"):
        net.set_params(n_shards=2).fit(*rows)
