# SPDX-License-Identifier: BSD-3-Clause
"""Merged scores are those of all rows; Fisher's information too."""

import numpy as np
import pytest
from network_problems import SerialShards, network
from numpy.testing import assert_allclose
from sklearn.metrics import accuracy_score, r2_score

from skdist.solvers.fisher import fisher_sums
from skdist.solvers.network import outputs_of
from skdist.solvers.network_score import Residuals, accuracy, r_squared, residuals_of

RNG = np.random.default_rng(0)
X, WEIGHT = RNG.standard_normal((50, 5)), RNG.random(50)


@pytest.mark.parametrize("n_shards", [1, 3])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_accuracy(n_shards, weight, output):
    net, w = network((5, 4, 3), output=output)
    y, decided = RNG.integers(3, size=50).astype(float), outputs_of(net, w, X)
    decided = decided.argmax(axis=1)
    if output == "logistic":  # several labels
        decided = outputs_of(net, w, X) > 0.5
        y = np.where(np.arange(50)[:, None] % 3 > 0, decided, RNG.random((50, 3)) > 0.5)
    found = accuracy(SerialShards(X, y, weight, n_shards), net, w)
    assert_allclose(found, accuracy_score(y, decided, sample_weight=weight))


@pytest.mark.parametrize("n_shards", [1, 3])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_r_squared(n_shards, weight, n_outputs):
    net, w = network((5, 4, n_outputs), output="identity", loss="squared_error")
    y = 1e3 + RNG.standard_normal((50, n_outputs))
    y = y[:, 0] if n_outputs == 1 else y
    found = r_squared(SerialShards(X, y, weight, n_shards), net, w)
    expected = r2_score(y, outputs_of(net, w, X), sample_weight=weight)
    assert_allclose(found, expected, rtol=1e-9)


def test_constant_targets():
    zero, one = np.zeros(1), np.ones(1)
    assert Residuals(1.0, zero, zero, zero).r_squared == 1.0
    assert Residuals(1.0, zero, zero, one).r_squared == 0.0


def test_law_1_residuals_are_associative_with_an_identity():
    net, w = network((5, 4, 1), output="identity", loss="squared_error")
    a, b, c = SerialShards(X, X[:, 0], WEIGHT, 3).map(residuals_of, net, w)
    assert_allclose(((a + b) + c).squares, (a + (b + c)).squares, rtol=1e-12)
    empty = SerialShards(X[:0], X[:0, 0], WEIGHT[:0]).map(residuals_of, net, w)[0]
    assert empty.weight == 0.0
    assert empty + a is a
    assert a + empty is a


def test_outputs_that_are_no_numbers_have_no_score():
    net, w = network()
    y = np.zeros(50)
    assert np.isnan(accuracy(SerialShards(X, y), net, np.full_like(w, np.nan)))
    net, w = network((5, 4, 1), output="identity", loss="squared_error")
    assert np.isnan(r_squared(SerialShards(X, y), net, np.full_like(w, np.nan)))


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_fisher_is_a_sum_over_shards(weight):
    net, w = network()
    y = RNG.integers(3, size=50).astype(float)
    one = fisher_sums(SerialShards(X, y, weight), net, w)
    assert_allclose(fisher_sums(SerialShards(X, y, weight, 4), net, w), one, rtol=1e-10)
    assert one.min() >= 0
    assert one.max() > 0
