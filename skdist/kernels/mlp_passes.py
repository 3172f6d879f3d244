# SPDX-License-Identifier: BSD-3-Clause
"""Forward and backward through a multilayer perceptron, in place, into buffers that are reused.

    forward    a_l = f(a_(l-1) W_l + b_l)
    backward   d_L = s (a_L - y),    d_(l-1) = (d_l W_l') f'(a_(l-1)),
               dF/dW_l = a_(l-1)' d_l,    dF/db_l = 1' d_l

for the losses whose link is the output's: log loss of logistic and softmax, squared error of the
identity, Poisson of exp. s are the weights of the rows. Almost all of the time is that of the two
(backward, three) matrix products per layer: 6 n D operations for n rows and D parameters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from skdist.kernels.mlp_inputs import DenseInputs, Inputs
from skdist.kernels.mlp_layers import Array, Layers, aligned_empty


class Room(NamedTuple):
    """Buffers for up to n rows; see :func:`room_for`."""

    weights: list[Array]  # views into the parameters
    biases: list[Array]
    gradient: Array  # (D,), sums over rows
    weight_sums: list[Array]  # views into it
    bias_sums: list[Array]
    values: list[Array]  # a_1, ..., a_L, (n, units[l])
    deltas: list[Array]  # d_1, ..., d_L, (n, units[l])
    rows: Array  # (n, d), for rows that are picked; (0, d) for sparse rows


def room_for(layers: Layers, w: Array, n_rows: int, picks_dense: bool = True) -> Room:
    """Buffers for passes of at most `n_rows` rows at the parameters w, (D,), which are not copied.

    Parameters
    ----------
    layers : Layers
    w : ndarray of shape (D,), float32 or float64; read through views, so it may change meanwhile.
    n_rows : int
    picks_dense : bool
        Whether rows of a dense array will be picked.
    """
    gradient = aligned_empty(w.shape, w.dtype)
    return Room(
        layers.weights(w),
        layers.biases(w),
        gradient,
        layers.weights(gradient),
        layers.biases(gradient),
        [aligned_empty((n_rows, width), w.dtype) for width in layers.units[1:]],
        [aligned_empty((n_rows, width), w.dtype) for width in layers.units[1:]],
        aligned_empty((n_rows * picks_dense, layers.units[0]), w.dtype),
    )


def forward(layers: Layers, room: Room, X: Inputs) -> Array:
    """The outputs a_L of the rows X, (n, units[-1]): a view into the room."""
    n, last = X.n_rows, len(room.weights) - 1
    for layer, (W, b) in enumerate(zip(room.weights, room.biases, strict=True)):
        values = room.values[layer][:n]
        _below(room, layer, X).times(W, values)
        values += b
        ACTIVATIONS[layers.output if layer == last else layers.activation](values)
    return values


def backward(layers: Layers, room: Room, X: Inputs, y: Array, weight: Array | None) -> None:
    """Sums over the rows of the gradients of their losses, into `room.gradient`.

    Parameters
    ----------
    layers : Layers
    room : Room
        As the forward pass over X has left it.
    X : Inputs
        n rows
    y : (n, units[-1]) of bool or of the parameters' dtype
    weight : (n,) or None
    """
    n, last = X.n_rows, len(room.weights) - 1
    np.subtract(room.values[last][:n], y, out=room.deltas[last][:n])
    if weight is not None:
        room.deltas[last][:n] *= weight[:, None]
    _lower_deltas(layers, room, n)
    for layer in range(last, -1, -1):
        delta = room.deltas[layer][:n]
        _below(room, layer, X).transposed_times(delta, room.weight_sums[layer])
        np.sum(delta, axis=0, out=room.bias_sums[layer])


def _below(room: Room, layer: int, X: Inputs) -> Inputs:
    """What a layer is given: the rows, or the values of the layer before it."""
    return X if layer == 0 else DenseInputs(room.values[layer - 1][: X.n_rows])


def _lower_deltas(layers: Layers, room: Room, n: int) -> None:
    """d_(L-1), ..., d_1 of n rows, from d_L."""
    for layer in range(len(room.weights) - 1, 0, -1):
        delta = room.deltas[layer - 1][:n]
        np.matmul(room.deltas[layer][:n], room.weights[layer].T, out=delta)
        DERIVATIVES[layers.activation](room.values[layer - 1][:n], delta)


def square_sums(layers: Layers, room: Room, X: Inputs, y: Array, weight: Array | None) -> Array:
    """Sums over the rows of the squared gradients of their losses, (D,): n times Fisher's diagonal.

    For one row the gradient of W_l is an outer product, so that squares sum to a product too::

        sum_i (a_i d_i')^2 = (a^2)' (d^2)
    """
    n, last = X.n_rows, len(room.weights) - 1
    np.subtract(forward(layers, room, X), y, out=room.deltas[last][:n])
    if weight is not None:
        room.deltas[last][:n] *= np.sqrt(weight)[:, None]
    _lower_deltas(layers, room, n)
    squares = np.zeros_like(room.gradient)
    weight_sums, bias_sums = layers.weights(squares), layers.biases(squares)
    for layer, deltas in enumerate(room.deltas):
        square = np.square(deltas[:n])
        _below(room, layer, X).squared().transposed_times(square, weight_sums[layer])
        np.sum(square, axis=0, out=bias_sums[layer])
    return squares


def penalty(room: Room, alpha: float) -> Any:
    """``alpha / 2 sum_l |W_l|^2``."""
    squares: Any = 0
    for W in room.weights:
        flat = W.ravel()
        squares += np.dot(flat, flat)
    return (0.5 * alpha) * squares


# Losses: the mean over the rows by weight, summed over outputs (of squared errors, the mean).


def _squared_error(y: Array, a: Array, weight: Array | None) -> Any:
    return 0.5 * np.average((y - a) ** 2, weights=weight, axis=0).mean()


def _poisson(y: Array, a: Array, weight: Array | None) -> Any:
    return np.average(xlogy(y, y / a) - y + a, weights=weight, axis=0).sum()


def _inside(a: Array) -> Array:
    epsilon = np.finfo(a.dtype).eps
    return np.clip(a, epsilon, 1 - epsilon)


def _log_loss(y: Array, a: Array, weight: Array | None) -> Any:
    return -np.average(xlogy(y, _inside(a)), weights=weight, axis=0).sum()


def _binary_log_loss(y: Array, a: Array, weight: Array | None) -> Any:
    a = _inside(a)
    return -np.average(xlogy(y, a) + xlogy(1 - y, 1 - a), weights=weight, axis=0).sum()


LOSSES = {
    ("squared_error", "identity"): _squared_error,
    ("poisson", "exp"): _poisson,
    ("log_loss", "softmax"): _log_loss,
    ("log_loss", "logistic"): _binary_log_loss,
}


# Activations in place, and their derivatives, which need only the value that was activated.


def _identity(z: Array) -> None:
    pass


def _logistic(z: Array) -> None:
    expit(z, out=z)


def _tanh(z: Array) -> None:
    np.tanh(z, out=z)


def _relu(z: Array) -> None:
    np.maximum(z, 0, out=z)


def _exp(z: Array) -> None:
    np.exp(z, out=z)


def _softmax(z: Array) -> None:
    z -= z.max(axis=1)[:, None]
    np.exp(z, out=z)
    z /= z.sum(axis=1)[:, None]


def _times_logistic(a: Array, delta: Array) -> None:
    delta *= a
    delta *= 1 - a


def _times_tanh(a: Array, delta: Array) -> None:
    delta *= 1 - a**2


def _times_relu(a: Array, delta: Array) -> None:
    np.multiply(delta, a != 0, out=delta)  # no branch for each entry, as a mask to write by has


def _times_one(a: Array, delta: Array) -> None:
    pass


ACTIVATIONS = {
    "identity": _identity,
    "logistic": _logistic,
    "tanh": _tanh,
    "relu": _relu,
    "softmax": _softmax,
    "exp": _exp,
}
DERIVATIVES = {
    "identity": _times_one,
    "logistic": _times_logistic,
    "tanh": _times_tanh,
    "relu": _times_relu,
}
