# SPDX-License-Identifier: BSD-3-Clause
"""`partial_fit` that fails, and a warm `fit`: the net is what it was before, to the last tensor."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler
from torch import nn
from torch_problems import SCORES, Normed, Perceptron, digits, made, weights

from skdist import DistributedNeuralNetClassifier
from skdist.solvers.diverged import Diverged

pytestmark = pytest.mark.usefixtures("one_torch_thread")
ADAM = {
    **SCORES,
    "optimizer": torch.optim.Adam,
    "lr": 0.005,
    "batch_size": 32,
    "max_epochs": 2,
    "train_split": None,
}
MODES = {
    "alone": {"n_shards": 1},
    "local": {"n_shards": 2, "local_steps": 1},
    "gradient": {"n_shards": 2, "sync": "gradient"},
}
every_mode = pytest.mark.parametrize("mode", MODES)
X, Y = digits(300)


class Counting(nn.Module):
    """Normalised, and counts its calls where no tensor does; its loss is no number for 1e9."""

    def __init__(self):
        super().__init__()
        self.inner, self.scale = Normed(), nn.Buffer(torch.ones(()).expand(3))
        self.n_calls, self.seen = 0, [0]

    def forward(self, X):
        self.n_calls, self.seen[0] = self.n_calls + 1, self.seen[0] + 1
        return self.inner(X) + torch.where(X.max() > 1e8, torch.nan, 0.0)


class Lazy(nn.Module):
    """Shaped by its first rows."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LazyLinear(10)

    def forward(self, X):
        return self.layer(X) + torch.where(X.max() > 1e8, torch.nan, 0.0)


class Freezes(Callback):
    """Freezes a layer when an epoch is over, and fails."""

    def on_epoch_end(self, net, **kwargs):
        net.module_.inner.hidden.requires_grad_(False)
        raise OSError("no room on the disk")


class Remembers(Callback):
    """A list of what it met."""

    def initialize(self):
        self.losses_ = []
        return self

    def on_epoch_end(self, net, **kwargs):
        self.losses_.append(net.history[-1, "train_loss"])


def net_of(mode, module=Counting, **parameters):
    return made(DistributedNeuralNetClassifier, module, **{**ADAM, **MODES[mode], **parameters})


def exploding():
    """Rows of which the last batches have no loss."""
    rows = X.copy()
    rows[290:] = 1e9
    return rows


BAD = {
    "a loss that is no number": (exploding(), Y, Diverged),
    "too few targets": (X, Y[:-7], ValueError),
    "other columns": (X[:, :5], Y, RuntimeError),
    "an unknown class": (X, np.where(np.arange(300) == 299, 10, Y), (IndexError, RuntimeError)),
    "words": (np.full((300, 64), "a"), Y, TypeError),
}


def contents(net):
    """All that training changes."""
    tensors = {name: t.clone() for name, t in net.module_.state_dict().items()}
    memory = [
        {key: torch.as_tensor(value).clone() for key, value in state.items()}
        for state in net.optimizer_.state.values()
    ]
    groups = [
        {k: v for k, v in group.items() if k != "params"} for group in net.optimizer_.param_groups
    ]
    learns = [p.requires_grad for p in net.module_.parameters()]
    return tensors, memory, groups, learns, net.module_.training


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def assert_unchanged_by(fail, net):
    said, shape = net.predict_proba(X[:50]), [len(line["batches"]) for line in net.history]
    before, there, history = dict(vars(net)), contents(net), [dict(line) for line in net.history]
    calls, seen = net.module_.n_calls, list(net.module_.seen)
    fail()
    assert list(vars(net)) == list(before)
    assert all(vars(net)[name] is value for name, value in before.items())
    assert net.module_.n_calls == calls and net.module_.seen == seen
    assert same(contents(net), there)
    assert [dict(line) for line in net.history] == history
    assert [len(line["batches"]) for line in net.history] == shape
    np.testing.assert_array_equal(net.predict_proba(X[:50]), said)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("flaw", BAD)
@every_mode
def test_partial_fit_that_fails_changes_nothing(mode, flaw):
    rows, labels, error = BAD[flaw]
    net = net_of(mode).fit(X, Y)

    def fail():
        with pytest.raises(error):
            net.partial_fit(rows, labels)

    assert_unchanged_by(fail, net)
    twin = net_of(mode).fit(X, Y)
    for one in (net, twin):
        torch.manual_seed(1)
        one.partial_fit(X, Y)
    np.testing.assert_array_equal(weights(net), weights(twin))
    assert len(net.history) == 4


@every_mode
def test_a_warm_fit_that_fails_changes_nothing(mode):
    net = net_of(mode, warm_start=True).fit(X, Y)

    def fail():
        with pytest.raises(RuntimeError):
            net.fit(X[:, :5], Y)

    assert_unchanged_by(fail, net)


@every_mode
def test_a_warm_fit_that_diverged_keeps_what_it_has(mode):
    net = net_of(mode, warm_start=True, iterator_train__shuffle=False).fit(X, Y)
    before = weights(net)
    with pytest.raises(Diverged):
        net.fit(exploding(), Y)
    assert np.isfinite(weights(net)).all() and not np.array_equal(weights(net), before)


@every_mode
def test_callbacks_are_what_they_were(mode):
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    callbacks = [("met", Remembers()), ("rate", schedule)]
    net = net_of(mode, callbacks=callbacks).fit(X, Y)
    met = dict(net.callbacks_)["met"]
    before, losses, rate = dict(vars(met)), list(met.losses_), net.optimizer_.param_groups[0]["lr"]
    net.callbacks_.append(("freezes", Freezes()))
    with pytest.raises(OSError, match="no room"):
        net.partial_fit(X, Y)
    assert vars(met) == before and met.losses_ == losses and len(losses) == 2
    assert net.optimizer_.param_groups[0]["lr"] == rate and len(net.history) == 2


@every_mode
def test_what_a_callback_froze_learns_again(mode):
    net = net_of(mode).fit(X, Y)
    net.callbacks_.append(("freezes", Freezes()))
    with pytest.raises(OSError, match="no room"):
        net.partial_fit(X, Y)
    assert all(p.requires_grad for p in net.module_.parameters())


@every_mode
def test_the_first_partial_fit_leaves_no_net(mode):
    net = net_of(mode)
    before = dict(vars(net))
    with pytest.raises(Diverged):
        net.partial_fit(exploding(), Y)
    assert vars(net) == before and not net.initialized_


@every_mode
def test_lazy_layers_have_no_shape_again(mode):
    net = net_of(mode, Lazy).initialize()
    with pytest.raises(Diverged):
        net.partial_fit(exploding(), Y)
    assert nn.parameter.is_lazy(net.module_.layer.weight)
    assert net.optimizer_.param_groups[0]["params"][0] is net.module_.layer.weight
    net.partial_fit(X[:, :9], Y)
    assert net.module_.layer.weight.shape == (10, 9)


@every_mode
def test_who_is_interrupted_keeps_the_net(mode):
    class Interrupts(Callback):
        """In the second epoch."""

        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    net = net_of(mode, Perceptron, callbacks=[Interrupts()], max_epochs=5).initialize()
    before = weights(net)
    assert net.partial_fit(X, Y) is net
    assert len(net.history) == 2 and not np.array_equal(weights(net), before)
