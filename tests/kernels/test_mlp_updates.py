# SPDX-License-Identifier: BSD-3-Clause
"""One step of each rule against its equations written out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdist.solvers.network import Adam, Momentum, started

RNG = np.random.default_rng(0)
W, SUMS = RNG.standard_normal((2, 9))
N_WEIGHTS, ALPHA, WEIGHT, RATE = 6, 0.3, 4.0, 0.01
PENALTY = ALPHA * np.where(np.arange(9) < N_WEIGHTS, W, 0.0)


def stepped(rule, n_steps=1, dtype=np.float64):
    values = started(W.astype(dtype), rule, RATE).values
    for t in range(1, n_steps + 1):
        rule.step(values, SUMS.astype(dtype), N_WEIGHTS, ALPHA, dtype(WEIGHT), RATE, t)
    return values


def test_adam():
    w, m, v = stepped(Adam(0.8, 0.9, 1e-3))
    g = (SUMS + PENALTY) / WEIGHT
    assert_allclose(m, 0.2 * g, rtol=1e-12)
    assert_allclose(v, 0.1 * g**2, rtol=1e-12)
    rate = RATE * np.sqrt(1 - 0.9) / (1 - 0.8)
    assert_allclose(w, W - rate * m / (np.sqrt(v) + 1e-3), rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov):
    w, u = stepped(Momentum(0.7, nesterov))
    g = (SUMS + PENALTY) / WEIGHT
    assert_allclose(u, -RATE * g, rtol=1e-12)
    move = 0.7 * u - RATE * g if nesterov else u
    assert_allclose(w, W + move, rtol=1e-12)


def test_momentum_is_remembered():
    rule = Momentum(0.7, False)
    w, u = stepped(rule, 2)
    w_1, u_1 = stepped(rule, 1)
    g = (SUMS + ALPHA * np.where(np.arange(9) < N_WEIGHTS, w_1, 0.0)) / WEIGHT
    assert_allclose(u, 0.7 * u_1 - RATE * g, rtol=1e-12)
    assert_allclose(w, w_1 + u, rtol=1e-12)


@pytest.mark.parametrize("rule", [Adam(), Momentum()])
def test_float32_stays_float32(rule):
    single, double = stepped(rule, 5, np.float32), stepped(rule, 5)
    assert single.dtype == np.float32
    assert_allclose(single, double, rtol=1e-4, atol=1e-6)
