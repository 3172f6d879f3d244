# SPDX-License-Identifier: BSD-3-Clause
"""Gradients of networks against differences of their losses; Fisher row by row."""

import numpy as np
import pytest
from network_problems import network
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from scipy.sparse import csr_matrix

from skdist.kernels.mlp_inputs import inputs_of
from skdist.kernels.mlp_layers import Layers
from skdist.kernels.mlp_passes import backward, forward, penalty, room_for, square_sums

RNG = np.random.default_rng(0)
X = RNG.standard_normal((7, 5))
WEIGHT = RNG.random(7) + 0.5
TARGETS = {
    ("log_loss", "softmax"): RNG.permutation(7)[:, None] % 3 == np.arange(3),
    ("log_loss", "logistic"): RNG.random((7, 3)) > 0.5,
    ("squared_error", "identity"): RNG.standard_normal((7, 3)),
    ("poisson", "exp"): RNG.random((7, 3)) + 0.1,
}
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]


def gradient(net, w, rows=slice(None), weight=None, y=None, X=X):
    room = room_for(net.layers, w, X[rows].shape[0])
    own = inputs_of(X[rows])
    forward(net.layers, room, own)
    backward(net.layers, room, own, y[rows], None if weight is None else weight[rows])
    return room.gradient


def test_layers_are_views_in_scikit_learns_order():
    layers = Layers((3, 2, 1), "relu", "identity")
    flat = np.arange(11.0)
    weights, biases = layers.weights(flat), layers.biases(flat)
    assert_array_equal(weights[0], [[0, 1], [2, 3], [4, 5]])
    assert_array_equal(weights[1], [[6], [7]])
    assert_array_equal(np.concatenate(biases), [8, 9, 10])
    assert_array_equal(layers.pack(weights, biases), flat)
    weights[1][0] = 99.0
    assert flat[6] == 99.0


@pytest.mark.parametrize(("loss", "output"), TARGETS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_gradient_is_that_of_the_loss(loss, output, activation, weight):
    net, w = network((5, 4, 3, 3), activation, output, loss, alpha=0.0)
    y = TARGETS[loss, output]
    total = len(X) if weight is None else weight.sum()

    def value(w):
        room = room_for(net.layers, w, len(X))
        # a mean over the outputs of squared errors, whose gradient scikit-learn takes of the sum
        return net.loss_of(y, forward(net.layers, room, inputs_of(X)), weight) * (
            3 if loss == "squared_error" else 1
        )

    found = gradient(net, w, weight=weight, y=y) / total
    assert_allclose(found, approx_fprime(w, value, 1e-7), atol=1e-5)


def test_sparse_rows_have_the_same_gradient():
    net, w = network()
    y = TARGETS["log_loss", "softmax"]
    dense = gradient(net, w, y=y)
    assert_allclose(gradient(net, w, y=y, X=csr_matrix(X)), dense, rtol=1e-12)


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_fewer_rows_than_the_room_has(kind):
    net, w = network()
    y = TARGETS["log_loss", "softmax"]
    room = room_for(net.layers, w, 7)
    for rows in (np.arange(7), np.array([4, 2, 0])):
        picked = inputs_of(kind(X), rows, room.rows)
        forward(net.layers, room, picked)
        backward(net.layers, room, picked, y[rows], None)
        assert_allclose(room.gradient, gradient(net, w, rows, y=y), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_everything_stays_in_the_dtype_of_the_parameters(dtype):
    net, w = network()
    room = room_for(net.layers, w.astype(dtype), 7)
    rows = inputs_of(X.astype(dtype))
    assert forward(net.layers, room, rows).dtype == dtype
    backward(net.layers, room, rows, TARGETS["log_loss", "softmax"], None)
    assert room.gradient.dtype == dtype


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("sparse", [False, True])
def test_square_sums_are_squares_row_by_row(weight, sparse):
    net, w = network((5, 4, 3, 3))
    y = TARGETS["log_loss", "softmax"]
    rows = inputs_of(csr_matrix(X) if sparse else X)
    found = square_sums(net.layers, room_for(net.layers, w, 7), rows, y, weight)
    each = [np.square(gradient(net, w, [i], y=y)) for i in range(7)]
    expected = np.average(each, axis=0, weights=weight) * (7 if weight is None else weight.sum())
    assert_allclose(found, expected, rtol=1e-10)


def test_the_penalty_is_of_weights_alone():
    net, w = network()
    room = room_for(net.layers, w, 1)
    assert_allclose(penalty(room, 0.5), 0.25 * np.square(w[: net.layers.n_weights]).sum())
