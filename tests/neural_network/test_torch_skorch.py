# SPDX-License-Identifier: BSD-3-Clause
"""What skorch offers goes on working where the rows are on several shards."""

import pickle
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    LRScheduler,
)
from skorch.helper import SliceDict, predefined_split
from torch import nn
from torch_problems import (
    SCORES,
    Items,
    Normed,
    Perceptron,
    TwoInputs,
    digits,
    fitted,
    made,
    reversed_columns,
    weights,
)

from skdist import DistributedNeuralNetClassifier

pytestmark = pytest.mark.usefixtures("one_torch_thread")
ADAM = {**SCORES, "optimizer": torch.optim.Adam, "lr": 0.005, "batch_size": 32, "max_epochs": 3}
MODES = {
    "local": {"n_shards": 2, "local_steps": 2},
    "gradient": {"n_shards": 2, "sync": "gradient"},
}
every_mode = pytest.mark.parametrize("mode", MODES)


def net_of(mode, module=Perceptron, **parameters):
    return made(DistributedNeuralNetClassifier, module, **{**ADAM, **MODES[mode], **parameters})


@every_mode
def test_clone_get_params_set_params_and_pickle(mode):
    X, y = digits(300)
    net = net_of(mode).set_params(module__n_hidden=12, optimizer__weight_decay=0.01, lr=0.01)
    other = clone(net)
    assert other.get_params()["n_shards"] == 2
    assert other.get_params()["module__n_hidden"] == 12
    net.fit(X, y)
    assert net.module_.hidden.out_features == 12
    assert set(clone(net).get_params(deep=False)) == set(other.get_params(deep=False))
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    assert again.report_.extra == net.report_.extra
    assert again.history == net.history


@pytest.mark.parametrize("use_safetensors", [False, True])
def test_parameters_are_saved_and_loaded(use_safetensors, tmp_path):
    X, y = digits(300)
    net = net_of("local", Normed).fit(X, y)
    files = {"f_params": str(tmp_path / "params"), "f_history": str(tmp_path / "history.json")}
    if not use_safetensors:
        files["f_optimizer"] = str(tmp_path / "optimizer")
    net.save_params(use_safetensors=use_safetensors, **files)
    again = net_of("local", Normed, seed=1).initialize()
    again.load_params(use_safetensors=use_safetensors, **files)
    np.testing.assert_array_equal(
        again.predict(
            X,
        ),
        net.predict(X),
    )
    assert again.history[-1, "train_loss"] == net.history[-1, "train_loss"]
    again.partial_fit(X, y)
    assert len(again.history) == 6


@every_mode
def test_pipeline_and_grid_search(mode):
    X, y = digits(300)
    pipeline = make_pipeline(StandardScaler(), net_of(mode, max_epochs=8))
    grid = {"neuralnet__lr": [1e-5, 0.01]}
    pipeline.steps[-1] = ("neuralnet", pipeline.steps[-1][1])
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=1).fit(X, y)
    assert search.best_params_ == {"neuralnet__lr": 0.01}
    assert search.score(X, y) > 0.8


@every_mode
def test_epochs_are_validated_and_stop_early(mode):
    X, y = digits(400)
    stop = EarlyStopping(patience=2, threshold=10.0)  # nothing is better by so much
    net = net_of(mode, callbacks=[stop], max_epochs=50).fit(X, y)
    assert len(net.history) == 3
    assert all(0.0 <= score <= 1.0 for score in net.history[:, "valid_acc"])
    assert net.history[-1, "valid_loss"] > 0


@every_mode
def test_partial_fit_and_warm_start_go_on(mode):
    X, y = digits(300)
    cold = net_of(mode).fit(X, y)
    first = cold.history[-1, "train_loss"]
    cold.partial_fit(X, y)
    assert len(cold.history) == 6
    assert cold.history[-1, "train_loss"] < first
    steps = {float(memory["step"]) for memory in cold.optimizer_.state.values()}
    assert steps == {6 * (4 if mode == "local" else 8)}
    warm = net_of(mode, warm_start=True).fit(X, y).fit(X, y)
    assert warm.history[-1, "train_loss"] < first
    again = cold.fit(X, y)
    assert len(again.history) == 3


@every_mode
def test_schedulers_and_checkpoints(mode, tmp_path):
    X, y = digits(300)
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    by_batch = LRScheduler("StepLR", step_size=8, gamma=0.5, step_every="batch")
    best = Checkpoint(dirname=str(tmp_path), monitor="valid_loss_best", f_pickle="net.pkl")
    for callback in (schedule, by_batch):
        net = net_of(mode, callbacks=[callback, best], lr=0.008).fit(X, y)
        rate = net.optimizer_.param_groups[0]["lr"]
        assert rate == pytest.approx(0.008 * 0.5**3)
    loaded = pickle.loads((tmp_path / "net.pkl").read_bytes())
    assert loaded.predict(X).shape == (300,)


@every_mode
def test_gradients_are_clipped_where_they_are(mode):
    X, y = digits(300)
    settings = {"optimizer": torch.optim.SGD, "lr": 1.0, "max_epochs": 1, "rate_factor": 1.0}
    start = weights(net_of(mode, **settings).initialize())
    clip = GradientNormClipping(1e-3)
    moved = weights(net_of(mode, callbacks=[clip], **settings).fit(X, y)) - start
    free = weights(net_of(mode, **settings).fit(X, y)) - start
    assert np.linalg.norm(moved) < 8.5e-3  # of eight steps, or four
    assert np.linalg.norm(free) > 0.1


@every_mode
def test_frozen_parameters_stay(mode):
    X, y = digits(300)
    net = net_of(mode, callbacks=[Freezer("hidden.*")])
    start = [p.detach().clone() for p in net.initialize().module_.parameters()]
    net.partial_fit(X, y)
    after = list(net.module_.parameters())
    assert all(torch.equal(a, b) for a, b in zip(after[:2], start[:2], strict=True))
    assert not torch.equal(after[2], start[2])


class Seen(Callback):
    """Remembers what it is told of training batches."""

    def initialize(self):
        self.labels_, self.shapes_ = [], set()
        return self

    def on_batch_end(self, net, batch=None, training=False, y_pred=None, loss=None, **kwargs):
        if training:
            self.labels_.extend(batch[1].tolist())
            self.shapes_.add((tuple(batch[0].shape[1:]), tuple(y_pred.shape[1:]), loss.ndim))


@every_mode
def test_callbacks_of_batches_see_every_row_and_its_prediction(mode):
    X, y = digits(300)
    training = EpochScoring("accuracy", lower_is_better=False, on_train=True, name="train_acc")
    net = net_of(mode, callbacks=[("seen", Seen()), training], train_split=None).fit(X, y)
    seen = dict(net.callbacks_)["seen"]
    assert sorted(seen.labels_) == sorted([*y.tolist()] * 3)
    assert seen.shapes_ == {((64,), (10,), 0)}
    assert net.history[-1, "train_acc"] > net.history[0, "train_acc"]


GROUPS = [("hidden*", {"lr": 0.0, "weight_decay": 0.0})]


@every_mode
def test_groups_of_parameters_have_their_own_settings(mode):
    X, y = digits(300)
    net = net_of(mode, optimizer__param_groups=GROUPS)
    start = [p.detach().clone() for p in net.initialize().module_.parameters()]
    net.partial_fit(X, y)
    after = list(net.module_.parameters())
    assert torch.equal(after[0], start[0])
    assert not torch.equal(after[2], start[2])


def containers():
    X, y = digits(200)
    halves = {"left": X[:, :32], "right": X[:, 32:]}
    return {
        "tensors": (torch.from_numpy(X), torch.from_numpy(y), Perceptron, {}),
        "a data set": (Items(X, y), None, Perceptron, {"train_split": None, "classes": range(10)}),
        "a split of our own": (X, y, Perceptron, {"train_split": predefined_split(Items(X, y))}),
        "a dictionary": (halves, y, TwoInputs, {}),
        "a SliceDict": (SliceDict(**halves), y, TwoInputs, {}),
        "another order of columns": (
            X, y, Perceptron, {"iterator_train__collate_fn": reversed_columns},
        ),
        "labels in a series": (X, pd.Series(y), Perceptron, {}),
    }  # fmt: skip


@every_mode
@pytest.mark.parametrize("name", containers())
def test_rows_come_in_what_skorch_takes(mode, name):
    """Batches are those of skorch: with merged gradients, so is the net."""
    X, y, module, parameters = containers()[name]
    settings = {**ADAM, **parameters}
    theirs = fitted(NeuralNetClassifier, module, X, y, **settings)
    ours = net_of(mode, module, **parameters).fit(X, y)
    if mode == "gradient":
        np.testing.assert_allclose(weights(ours), weights(theirs), atol=1e-5)
    assert ours.history[-1, "train_loss"] < ours.history[0, "train_loss"]


def test_an_iterator_without_numbered_rows_is_refused():
    X, y = digits(100)
    net = net_of("local", iterator_train__batch_size=None, train_split=None)
    with pytest.raises(TypeError, match="has no batch_sampler"):
        net.fit(X, y)


def test_a_module_that_is_an_object_is_copied_for_every_shard():
    X, y = digits(300)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    net = net_of("local", module).fit(X, y)
    assert net.module_ is module
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"]


def test_uneven_shards_and_ragged_batches_meet_every_row_once():
    X, y = digits(101)
    net = net_of("local", n_shards=3, train_split=None, max_epochs=1, batch_size=16).fit(X, y)
    sizes = [batch["train_batch_size"] for batch in net.history[0]["batches"]]
    assert sum(sizes) == 101
    assert sorted(set(sizes)) == [1, 2, 16]
    dropped = net_of(
        "local", n_shards=3, train_split=None, max_epochs=1, batch_size=16,
        iterator_train__drop_last=True,
    ).fit(X, y)  # fmt: skip
    assert {batch["train_batch_size"] for batch in dropped.history[0]["batches"]} == {16}


def test_saving_to_a_buffer():
    X, y = digits(100)
    net, buffer = net_of("gradient").fit(X, y), BytesIO()
    net.save_params(f_params=buffer)
    buffer.seek(0)
    again = net_of("gradient", seed=3).initialize()
    again.load_params(f_params=buffer)
    np.testing.assert_array_equal(weights(again), weights(net))
