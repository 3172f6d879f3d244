# SPDX-License-Identifier: BSD-3-Clause
"""Nets fitted at different places become one."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from skorch import NeuralNetClassifier
from torch import nn
from torch_problems import SCORES, Normed, Perceptron, digits, made, numbers, weights

import skdist
from skdist import DistributedNeuralNetClassifier, DistributedNeuralNetRegressor
from skdist.neural_network import logit_ensemble
from skdist.neural_network._torch_state import read_state

pytestmark = pytest.mark.usefixtures("one_torch_thread")
ADAM = {**SCORES, "optimizer": torch.optim.Adam, "lr": 0.005, "batch_size": 32, "max_epochs": 3}
CUTS = [slice(0, 200), slice(200, 300), slice(300, 600)]


def nets(seeds=(0, 0, 0), module=Normed, **parameters):
    X, y = digits(600)
    settings = {**ADAM, "train_split": None, **parameters}
    starts = [made(DistributedNeuralNetClassifier, module, seed, **settings) for seed in seeds]
    for net, seed, rows in zip(starts, seeds, CUTS, strict=True):
        torch.manual_seed(seed)
        net.fit_shard(X[rows], y[rows])
    return starts


def test_the_average_is_by_rows_and_changes_nothing():
    parts = nets()
    before = [read_state(net, 1.0).mean for net in parts]
    merged = skdist.merge(parts)
    for net, mean in zip(parts, before, strict=True):
        np.testing.assert_array_equal(read_state(net, 1.0).mean, mean)
    expected = np.average([weights(net) for net in parts], axis=0, weights=[200, 100, 300])
    np.testing.assert_allclose(weights(merged), expected, atol=1e-6)
    norms = [net.module_.norm for net in parts]
    means = np.array([norm.running_mean.numpy() for norm in norms])
    variances = np.array([norm.running_var.numpy() for norm in norms])
    centre = np.average(means, axis=0, weights=[2, 1, 3])
    spread = np.average(variances + (means - centre) ** 2, axis=0, weights=[2, 1, 3])
    np.testing.assert_allclose(merged.module_.norm.running_var.numpy(), spread, rtol=1e-5)
    assert merged.n_shards_ == 3
    assert merged.report_.strategy == "merge"
    X, y = digits()
    assert merged.partial_fit(X[:600], y[:600]).score(X[600:], y[600:]) > 0.7


def test_law_1_merging_is_associative():
    a, b, c = nets()
    left = skdist.merge([skdist.merge([a, b]), c])
    right = skdist.merge([a, skdist.merge([b, c])])
    one, other = read_state(left, 1.0), read_state(right, 1.0)
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-6)
    np.testing.assert_allclose(one.variance, other.variance, rtol=1e-5)
    np.testing.assert_array_equal(one.count, other.count)


def test_one_net_merges_to_itself():
    (net, *_) = nets()
    np.testing.assert_array_equal(weights(skdist.merge([net])), weights(net))


def test_copies_of_a_merged_net_go_on_and_merge_again():
    X, y = digits(600)
    merged = skdist.merge(nets())
    torch.manual_seed(5)
    again = [
        skdist.merge([merged]).set_params(warm_start=True, verbose=0).fit_shard(X[rows], y[rows])
        for rows in CUTS
    ]
    assert skdist.merge(again).score(X, y) > merged.score(X, y)


def test_nets_that_started_from_different_parameters_are_refused():
    with pytest.raises(ValueError, match=r"did not start from the same parameters.*logit_ensemble"):
        skdist.merge(nets(seeds=(0, 1, 2)))


def test_nets_of_skorch_are_refused():
    X, y = digits(200)
    theirs = made(NeuralNetClassifier, Perceptron, **ADAM).fit(X, y)
    with pytest.raises(ValueError, match="as of skorch's own"):
        skdist.merge([theirs, theirs])


def test_nets_of_different_classes_or_kinds_or_layers_are_refused():
    X, y = digits(600)
    ours = nets(module=Perceptron)
    few = made(DistributedNeuralNetClassifier, Perceptron, **ADAM).fit_shard(X[y < 5], y[y < 5])
    with pytest.raises(ValueError, match=r"the parameter classes=\[...\]"):
        skdist.merge([ours[0], few])
    told = made(DistributedNeuralNetClassifier, Perceptron, classes=list(range(10)), **ADAM)
    told.set_params(train_split=None).fit_shard(X[y < 5], y[y < 5])
    assert skdist.merge([ours[0], told]).classes_.tolist() == list(range(10))
    numeric = made(DistributedNeuralNetRegressor, nn.Linear(6, 1), verbose=0).fit(*numbers())
    with pytest.raises(ValueError, match="one kind"):
        skdist.merge([ours[0], numeric])
    with pytest.raises(ValueError, match="merge takes rows for forests only"):
        skdist.merge(ours, X, y)


def test_logits_of_any_nets_are_averaged():
    X, y = digits()
    parts = nets(seeds=(0, 1, 2), module=Perceptron, max_epochs=15)
    both = logit_ensemble(parts)
    scores = [torch.from_numpy(net.forward(X).numpy()) for net in parts]
    expected = sum(w * s for w, s in zip((1 / 3, 1 / 6, 1 / 2), scores, strict=True))
    np.testing.assert_allclose(both.forward(X).numpy(), expected.numpy(), atol=1e-5)
    assert both.score(X[600:], y[600:]) > np.mean([net.score(X[600:], y[600:]) for net in parts])
    assert both.report_.strategy == "ensemble"


def test_of_probabilities_the_logarithms_are_averaged():
    X, _ = digits(600)
    parts = nets(seeds=(0, 1, 2), module=Perceptron, criterion=nn.NLLLoss, module__softmax=True)
    logs = [np.log(net.predict_proba(X)) for net in parts]
    expected = np.exp(np.average(logs, axis=0, weights=[2, 1, 3]))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(logit_ensemble(parts).predict_proba(X), expected, atol=1e-5)


def test_an_ensemble_takes_nets_of_skorch_and_counts_them_alike():
    X, y = digits(600)
    parts = [made(NeuralNetClassifier, Perceptron, s, **ADAM).fit(X, y) for s in (0, 1)]
    both = logit_ensemble(parts)
    expected = np.mean([net.forward(X).numpy() for net in parts], axis=0)
    np.testing.assert_allclose(both.forward(X).numpy(), expected, atol=1e-5)


def test_an_ensemble_is_of_networks_of_one_kind():
    X, y = digits(100)
    net = nets(module=Perceptron, max_epochs=1)[0]
    perceptron = skdist.DistributedMLPClassifier(5, solver="lbfgs", tol=0.1).fit(X, y)
    with pytest.raises(ValueError, match="one kind"):
        logit_ensemble([net, perceptron])
    with pytest.raises(ValueError, match="logit_ensemble got no models"):
        logit_ensemble([])
    with pytest.raises(TypeError, match="LinearRegression, which is no network"):
        logit_ensemble([LinearRegression().fit(X, y)])
