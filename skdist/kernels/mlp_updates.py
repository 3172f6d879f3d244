# SPDX-License-Identifier: BSD-3-Clause
"""One step of Adam, or of gradient descent with momentum, over a flat vector of parameters.

The gradient comes as a sum over rows. The penalty, the division by the rows' weight, the moments
and the move are one sweep over memory. Every operation is rounded as scikit-learn's arrays round
it, so that one shard takes scikit-learn's steps to the bit.
"""

import numpy as np

from skdist.kernels.compiling import entry, inlined


@inlined
def _adam(i, g, w, m, v, beta_1, rest_1, beta_2, rest_2, epsilon, rate):
    m[i] = beta_1 * m[i] + rest_1 * g
    v[i] = beta_2 * v[i] + rest_2 * (g * g)
    w[i] = w[i] + (-rate * m[i]) / (np.sqrt(v[i]) + epsilon)


@entry()
def adam_step(
    w, m, v, sums, n_weights, alpha, weight, beta_1, rest_1, beta_2, rest_2, epsilon, rate
):
    """``m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - rate m / (sqrt(v) + eps)``.

    Parameters
    ----------
    w, m, v : (D,) float32 or float64; changed.
    sums : (D,) of that dtype; ``g = (sums + alpha w) / weight``, intercepts without penalty
    n_weights : int, the first of the parameters, which are penalised
    alpha, beta_1, rest_1, beta_2, rest_2, epsilon : scalars of that dtype; rest = 1 - beta
    weight : scalar of that dtype or float64
    rate : float64 or of that dtype, the step size with Adam's correction of the moments' bias
    """
    kind = w.dtype.type
    for i in range(n_weights):
        g = kind((sums[i] + alpha * w[i]) / weight)
        _adam(i, g, w, m, v, beta_1, rest_1, beta_2, rest_2, epsilon, rate)
    for i in range(n_weights, len(w)):
        _adam(i, kind(sums[i] / weight), w, m, v, beta_1, rest_1, beta_2, rest_2, epsilon, rate)


@inlined
def _momentum(i, g, w, u, momentum, nesterov, rate):
    u[i] = momentum * u[i] - rate * g
    w[i] = w[i] + (momentum * u[i] - rate * g if nesterov else u[i])


@entry()
def momentum_step(w, u, sums, n_weights, alpha, weight, momentum, nesterov, rate):
    """``u <- momentum u - rate g,  w <- w + u``; Nesterov's ``w <- w + momentum u - rate g``.

    Parameters
    ----------
    w, u : (D,) float32 or float64; changed.
    sums, n_weights, alpha, weight : as of `adam_step`
    momentum, rate : scalars of that dtype
    nesterov : bool
    """
    kind = w.dtype.type
    for i in range(n_weights):
        g = kind((sums[i] + alpha * w[i]) / weight)
        _momentum(i, g, w, u, momentum, nesterov, rate)
    for i in range(n_weights, len(w)):
        _momentum(i, kind(sums[i] / weight), w, u, momentum, nesterov, rate)
