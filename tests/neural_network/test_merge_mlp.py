# SPDX-License-Identifier: BSD-3-Clause
"""Networks that started alike become their mean; any become an ensemble of one network."""

import numpy as np
import pytest
from network_problems import digits, numbers, parameters
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

import skdist
from skdist import DistributedMLPClassifier, DistributedMLPRegressor
from skdist.neural_network import logit_ensemble

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y, X_TEST, Y_TEST = digits()
PIECES = np.split(np.arange(1400), [300, 800])


def net(**given):
    return DistributedMLPClassifier(
        **{"random_state": 0, "max_iter": 15, "learning_rate_init": 5e-3, **given}
    )


def shards(fisher=False, **given):
    return [net(**given).fit_shard(X[p], Y[p], fisher=fisher) for p in PIECES]


def test_the_mean_by_the_weight_of_rows():
    models = shards()
    merged = skdist.merge(models)
    expected = np.average([parameters(m) for m in models], axis=0, weights=[300, 500, 600])
    assert_allclose(parameters(merged), expected, rtol=1e-12)
    assert merged.score(X_TEST, Y_TEST) > 0.85
    assert (merged.n_shards_, merged.t_) == (3, 15 * 1400)
    assert (merged.report_.strategy, merged.report_.exact) == ("merge", False)


@pytest.mark.parametrize("fisher", [False, True])
def test_law_1_merging_is_associative_and_changes_nothing(fisher):
    a, b, c = shards(fisher)
    before = [parameters(m).copy() for m in (a, b, c)]
    flat = skdist.merge([a, b, c])
    left = skdist.merge([skdist.merge([a, b]), c])
    right = skdist.merge([a, skdist.merge([b, c])])
    for other in (left, right, skdist.merge([c, a, b])):
        assert_allclose(parameters(other), parameters(flat), rtol=1e-8, atol=1e-10)
    for model, was in zip((a, b, c), before, strict=True):
        assert_array_equal(parameters(model), was)
    assert_allclose(parameters(skdist.merge([a])), parameters(a), rtol=1e-12)


def test_fishers_information_weighs_each_parameter():
    models = shards(fisher=True)
    merged = skdist.merge(models)
    weights = [m._fisher + 1e-8 * len(p) for m, p in zip(models, PIECES, strict=True)]
    expected = np.average([parameters(m) for m in models], axis=0, weights=weights)
    assert_allclose(parameters(merged), expected, rtol=1e-10)
    assert "Fisher" in merged.report_.why[0]
    plain = skdist.merge([models[0], *shards()[1:]])
    assert "weight of rows" in plain.report_.why[0]


def test_a_merged_network_goes_on():
    merged = skdist.merge(shards())
    before = merged.score(X_TEST, Y_TEST)
    moments = merged._kept_state
    assert moments.t == max(15 * 3, 15 * 2)
    for _ in range(10):
        merged.partial_fit(X, Y)
    assert merged.score(X_TEST, Y_TEST) > before
    warm = skdist.merge(shards()).set_params(warm_start=True)
    assert warm.fit(X, Y).score(X_TEST, Y_TEST) > before


def test_rounds_by_hand_from_copies_of_one_model():
    model = net(warm_start=True, max_iter=3).fit(X[:100], Y[:100])
    for _ in range(5):
        copies = [clone(model) for _ in PIECES]
        for copy in copies:
            vars(copy).update(vars(model))
        model = skdist.merge([c.fit_shard(X[p], Y[p]) for c, p in zip(copies, PIECES, strict=True)])
    assert model.score(X_TEST, Y_TEST) > 0.9


def test_rounds_by_hand_of_shards_that_lack_classes():
    rows = np.argsort(Y, kind="stable")
    pieces = [rows[::2][:500], rows[1::2][200:], rows[-400:]]  # the last has 7 to 9 only
    model = net(warm_start=True, max_iter=5).fit_shard(X[:300], Y[:300], classes=range(10))
    for _ in range(4):
        copies = [clone(model) for _ in pieces]
        for copy in copies:
            vars(copy).update(vars(model))
        model = skdist.merge(
            [
                c.fit_shard(X[p], Y[p], classes=range(10))
                for c, p in zip(copies, pieces, strict=True)
            ]
        )
    assert model.classes_.tolist() == list(range(10))
    assert model.score(X_TEST, Y_TEST) > 0.8
    with pytest.raises(ValueError, match="lacks"):
        model.fit_shard(X, Y, classes=range(9))
    with pytest.raises(ValueError, match="was given with warm_start"):
        model.fit_shard(X, Y, classes=range(11))


def test_networks_of_regression():
    Z, y = numbers()
    fits = [
        DistributedMLPRegressor(random_state=0, max_iter=60).fit_shard(Z[i::2], y[i::2], fisher=f)
        for i, f in ((0, True), (1, True))
    ]
    assert skdist.merge(fits).score(Z, y) > 0.5


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (net(random_state=1), "averaging them is meaningless"),
        (MLPClassifier(max_iter=2), "of scikit-learn's own"),
        (net(hidden_layer_sizes=(50,)), "averaging them is meaningless"),
        (net(hidden_layer_sizes=(50, 50)), "number of layers"),
        (net(activation="tanh"), "activation "),
    ],
)
def test_what_cannot_be_averaged(other, message):
    fitted = clone(other).fit(X[:200], Y[:200])
    with pytest.raises(ValueError, match=message):
        skdist.merge([net().fit(X[:200], Y[:200]), fitted])


def test_what_does_not_fit_together():
    one = net().fit(X[:200], Y[:200])
    with pytest.raises(ValueError, match=r"fit_shard\(X, y, classes"):
        skdist.merge([one, net().fit(X[:200], Y[:200] % 9)])
    with pytest.raises(ValueError, match=r"number of features.*: 64 and 63"):
        skdist.merge([one, net().fit(X[:200, 1:], Y[:200])])
    with pytest.raises(ValueError, match="one kind"):
        skdist.merge([one, DistributedMLPRegressor().fit(X[:200], Y[:200])])
    with pytest.raises(ValueError, match="takes rows for forests only"):
        skdist.merge([one, one], X, Y)
    with pytest.raises(ValueError, match="no models"):
        logit_ensemble([])


@pytest.mark.parametrize("layers", [(), (20,), (20, 10)])
@pytest.mark.parametrize("labels", [10, 2])
def test_the_ensemble_averages_logits(layers, labels):
    y = Y % labels
    fits = [
        net(hidden_layer_sizes=[n + i for n in layers], random_state=i).fit(X[p], y[p])
        for i, p in enumerate(PIECES)
    ]
    ensemble = logit_ensemble(fits)
    logits = [np.log(np.clip(m.predict_proba(X_TEST), 1e-300, None)) for m in fits]
    mean = np.average(logits, axis=0, weights=[300, 500, 600])
    expected = np.exp(mean - mean.max(axis=1)[:, None])
    expected /= expected.sum(axis=1)[:, None]
    assert_allclose(ensemble.predict_proba(X_TEST), expected, atol=1e-9)
    ensemble_score = ensemble.score(X_TEST, Y_TEST % labels)
    goes_on = ensemble.set_params(warm_start=True).fit(X, y)
    assert goes_on.score(X_TEST, Y_TEST % labels) > ensemble_score


def test_the_ensemble_takes_scikit_learns_networks():
    fits = [MLPClassifier((20,), max_iter=30, learning_rate_init=5e-3).fit(X[:700], Y[:700]),
            net(hidden_layer_sizes=(30,)).fit(X[700:], Y[700:])]  # fmt: skip
    ensemble = logit_ensemble(fits)
    assert type(ensemble) is DistributedMLPClassifier
    assert ensemble.hidden_layer_sizes == (50,)
    assert ensemble.score(X_TEST, Y_TEST) > 0.8


def test_the_ensemble_of_regression_averages_predictions():
    Z, y = numbers()
    fits = [
        MLPRegressor(hidden_layer_sizes=(9,), max_iter=50, random_state=s).fit(Z, y)
        for s in range(3)
    ]
    ensemble = logit_ensemble(fits)
    assert type(ensemble) is DistributedMLPRegressor
    assert_allclose(ensemble.predict(Z), np.mean([m.predict(Z) for m in fits], axis=0))
