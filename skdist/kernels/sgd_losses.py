# SPDX-License-Identifier: BSD-3-Clause
"""The losses of stochastic gradient descent, one row at a time.

p is the prediction w'x + b, y the target: -1 or 1 for the first five, any number for the others.
They are scikit-learn's, by name.
"""

import math

import numpy as np

from skdist.kernels.compiling import inlined

LOSSES = {
    "hinge": 0,
    "perceptron": 1,
    "squared_hinge": 2,
    "log_loss": 3,
    "modified_huber": 4,
    "squared_error": 5,
    "huber": 6,
    "epsilon_insensitive": 7,
    "squared_epsilon_insensitive": 8,
}

BLOCK = 64  # rows whose log losses are summed as the log of one product, at most 2^64


@inlined
def loss_and_slope(loss, y, p, epsilon):
    """A row's loss and its derivative by p: (a, f, dL/dp) with L = a + log f.

    Only the log loss has f other than 1, and 1 <= f <= 2: the logarithms of many rows are taken
    as one, of the product.
    """
    if loss == 3:  # log(1 + exp(-yp))
        return _log_loss(y, p)
    if loss <= 4:
        value, slope = _margin_loss(loss, y, p)
    else:
        value, slope = _residual_loss(loss, y - p, epsilon)
    return value, 1.0, slope


@inlined
def _log_loss(y, p):
    z = y * p
    e = math.exp(-abs(z))
    if z < 0.0:
        return -z, 1.0 + e, -y / (1.0 + e)
    return 0.0, 1.0 + e, -y * e / (1.0 + e)


@inlined
def _margin_loss(loss, y, p):
    """Losses of the margin z = yp."""
    z = y * p
    if loss <= 1:  # max(0, 1 - z); of the perceptron max(0, -z)
        short = (1.0 if loss == 0 else 0.0) - z
        return (short, -y) if short >= 0.0 else (0.0, 0.0)
    short = 1.0 - z
    if short <= 0.0:
        return 0.0, 0.0
    if loss == 4 and z < -1.0:  # modified Huber: linear where the margin is missed by far
        return -4.0 * z, -4.0 * y
    return short * short, -2.0 * y * short


@inlined
def _residual_loss(loss, r, epsilon):
    """Losses of the residual r = y - p."""
    if loss == 5:  # r^2 / 2
        return 0.5 * r * r, -r
    far = abs(r) - epsilon
    if loss == 6:  # Huber: r^2 / 2 up to epsilon, linear beyond
        if far <= 0.0:
            return 0.5 * r * r, -r
        return epsilon * (abs(r) - 0.5 * epsilon), -math.copysign(epsilon, r)
    if far <= 0.0:
        return 0.0, 0.0
    if loss == 7:
        return far, -math.copysign(1.0, r)
    return far * far, -2.0 * math.copysign(far, r)


NO_WEIGHT = np.empty(0)
