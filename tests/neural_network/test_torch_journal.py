# SPDX-License-Identifier: BSD-3-Clause
"""Nets under a journal: an epoch's end in place of its rounds, where nobody sees its batches."""

import contextlib

import numpy as np
import pytest
import torch
from journal_problems import CLASS, Rounds, X, model_of, torch_net
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler
from torch.optim import LBFGS, Adam
from torch.optim.lr_scheduler import StepLR
from torch_problems import Normed

import skdist
from skdist.neural_network._torch_rounds import sees_batches
from skdist.sharding import _loop, running_fit
from skdist.sharding._journal_log import records_of


class Counting(Callback):
    """Sees the net at every batch."""

    def __init__(self):
        self.sums = []

    def on_batch_end(self, net, **kwargs):
        self.sums.append(float(next(net.module_.parameters()).detach().sum()))


def net(sync="gradient", **more):
    parameters = {
        "callbacks": [
            ("early", EarlyStopping(patience=3)),
            ("slower", LRScheduler(StepLR, step_size=2)),
            ("clipped", GradientNormClipping(1.0)),
        ],
        "optimizer": Adam,
        "sync": sync,
    }
    return torch_net(**parameters, **more)


def fitted(make, folder=None, last=None):
    """The net, and the rounds that were run; interrupted before one of them."""

    def interrupt():
        raise KeyboardInterrupt

    watcher = Rounds(last, interrupt)
    torch.manual_seed(0)
    model = make()
    with skdist.config_context(journal=folder), running_fit([watcher]):
        model.fit(X.astype(np.float32), CLASS.astype(np.int64))
    return model, watcher.numbers


def losses(model):
    return [(row["train_loss"], row["valid_loss"]) for row in model.history]


def alone():
    """skorch's own loop; steps draw."""
    return net("local", module=Normed, module__n_hidden=16, n_shards=1)


@pytest.mark.parametrize(
    "make",
    [net, lambda: net("local"), lambda: net("local", outer="nesterov")],
    ids=["gradients", "averages", "outer steps"],
)
def test_schedules_moments_and_history_are_those_of_an_undisturbed_fit(make, tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)
    plain, rounds = fitted(make)
    fitted(make, tmp_path, rounds[-1])
    again, left = fitted(make, tmp_path)
    assert left[-1] == rounds[-1] and len(left) <= 3
    assert model_of(again) == model_of(plain)
    assert losses(again) == losses(plain)
    assert again.optimizer_.param_groups[0]["lr"] == plain.optimizer_.param_groups[0]["lr"]
    assert len(again.report_.extra["history"]) == len(plain.report_.extra["history"])


class Third(Callback):
    """Interrupts the fit when its third epoch begins."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


def test_a_net_of_one_shard_goes_on_after_the_epoch_it_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)
    plain, _ = fitted(alone)
    met = []
    step = torch.nn.BatchNorm1d.forward
    monkeypatch.setattr(
        torch.nn.BatchNorm1d, "forward", lambda self, X: met.append(self.training) or step(self, X)
    )
    stopping = monkeypatch.context()
    with stopping as patch:
        patch.setattr(EarlyStopping, "on_epoch_begin", Third.on_epoch_begin)
        fitted(alone, tmp_path)
    n_met, before = sum(met), len(met)
    again, _ = fitted(alone, tmp_path)
    assert sum(met[before:]) == n_met > 0  # two epochs each
    assert model_of(again) == model_of(plain)
    assert losses(again) == losses(plain)


def sizes(folder):
    """Bytes of the states in a journal."""
    (kept,) = skdist.journals(folder)
    entries = records_of(f"{kept.folder}/rounds")
    return [entry.stop - entry.start for entry in entries if entry.about["kind"] == "state"]


@pytest.mark.parametrize("make", [lambda: net("local"), alone], ids=["shards", "one shard"])
def test_epochs_of_the_past_are_kept_without_moments(make, tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)
    fitted(make, tmp_path)
    *past, last = sizes(tmp_path)
    assert len(past) == 3 and all(size < 0.8 * last for size in past)


def test_nothing_but_losses_is_kept_of_epochs_that_nobody_looks_at(tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)

    def unseen():
        slower = ("slower", LRScheduler(StepLR, step_size=2))
        return torch_net(sync="local", callbacks=[slower], optimizer=Adam, train_split=None)

    plain, rounds = fitted(unseen)
    fitted(unseen, tmp_path, rounds[-1])
    *past, last = sizes(tmp_path)
    assert len(past) == 2 and all(size < 0.5 * last for size in past)
    again, left = fitted(unseen, tmp_path)
    assert model_of(again) == model_of(plain) and left[-1] == rounds[-1]
    assert [row["train_loss"] for row in again.history] == [
        row["train_loss"] for row in plain.history
    ]


def test_training_in_parts_is_found_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)

    def trained():
        torch.manual_seed(0)
        model = net("local")
        with skdist.config_context(journal=tmp_path):
            for _ in range(2):
                model.partial_fit(X.astype(np.float32), CLASS.astype(np.int64))
        return model

    first, again = trained(), trained()
    assert model_of(again) == model_of(first)
    assert len(skdist.journals(tmp_path)) == 2
    assert "0 were computed" in again.report_.why[-1]


def test_who_sees_batches_is_shown_the_net_at_each(tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)

    def make():
        return torch_net(sync="gradient", callbacks=[("counts", Counting())])

    plain, rounds = fitted(make)
    fitted(make, tmp_path, rounds[-1])
    (kept,) = skdist.journals(tmp_path)
    assert kept.rounds == len(rounds) - 1
    again, left = fitted(make, tmp_path)
    assert left[-1:] == rounds[-1:]
    seen = [dict(one.callbacks_)["counts"].sums for one in (plain, again)]
    assert seen[0] == seen[1]


def test_what_an_optimiser_keeps_elsewhere_is_found_again_by_its_rounds(tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)

    def make():
        return torch_net(sync="gradient", optimizer=LBFGS, optimizer__max_iter=2)

    plain, rounds = fitted(make)
    with contextlib.suppress(KeyboardInterrupt):
        fitted(make, tmp_path, rounds[-1])
    again, left = fitted(make, tmp_path)
    assert left[-1:] == rounds[-1:]
    assert model_of(again) == model_of(plain)


def test_skorchs_own_callbacks_see_no_batches():
    model = net()
    model.initialize()
    assert not sees_batches(model)
    model = torch_net(callbacks=[("counts", Counting())])
    model.initialize()
    assert sees_batches(model)
