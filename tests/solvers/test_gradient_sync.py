# SPDX-License-Identifier: BSD-3-Clause
"""Merged gradients: the run of one machine whatever the shards are."""

from dataclasses import replace

import numpy as np
import pytest
from network_problems import SerialShards, network
from numpy.testing import assert_allclose, assert_array_equal

from skdist.solvers.gradient_sync import gradient_of, gradient_pass, lbfgs
from skdist.solvers.local_steps import Steps, local_round
from skdist.solvers.network import Adam, Momentum, started

RNG = np.random.default_rng(0)
N = 500
X, Y = RNG.standard_normal((N, 5)), RNG.integers(3, size=N).astype(float)
WEIGHT = RNG.random(N) + 0.5
NET, W = network()
ORDER = RNG.permutation(N)


def steps(n_shards=1, rule=None):
    return Steps(rule or Adam(), 10, N, n_shards, N, True, seed=0)  # 50 steps a pass


def passed(n_shards, dtype=np.float64, rule=None, weight=WEIGHT, net=NET):
    weight = None if weight is None else weight.astype(dtype)
    shards = SerialShards(X.astype(dtype), Y.astype(dtype), weight, n_shards)
    state = started(W.astype(dtype), rule or Adam(), 0.01)
    return gradient_pass(shards, net, steps(n_shards, rule), state, shards.starts, ORDER)


@pytest.mark.parametrize("rule", [Adam(), Momentum()])
@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 1e-5), (np.float64, 1e-10)])
def test_law_4_the_same_parameters_after_50_steps(rule, dtype, close):
    one, _ = passed(1, dtype, rule)
    assert np.abs(one.w - W).max() > 0.01
    assert one.t == 50
    for n_shards in (2, 5):
        several, _ = passed(n_shards, dtype, rule)
        assert several.values.dtype == dtype
        assert np.abs(several.values - one.values).max() < close


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_law_2_one_shard_is_plain_descent(weight):
    merged, means = passed(1, weight=weight)
    shards = SerialShards(X, Y, weight)
    plain, sums = local_round(shards, NET, steps(), started(W, Adam(), 0.01), 0, 0, ORDER)
    assert_array_equal(merged.values, plain.values)
    assert_allclose(means.loss, sums.loss.mean, rtol=1e-12)
    assert_allclose(means.agreement, 1.0)


def test_agreement_is_one_for_like_shards_and_less_for_unlike_ones():
    twice = SerialShards(np.vstack([X, X]), np.hstack([Y, Y]), n_shards=2)
    sums = twice.map_reduce(gradient_of, NET, W, twice.starts, np.arange(2 * N))
    assert_allclose(sums.agreement, 1.0)
    order = np.argsort(Y)
    apart = SerialShards(X[order], Y[order], n_shards=3)
    sums = apart.map_reduce(gradient_of, NET, W, apart.starts, np.arange(N))
    assert sums.agreement < 0.5


def test_law_1_sums_are_associative():
    shards = SerialShards(X, Y, WEIGHT, 3)
    a, b, c = shards.map(gradient_of, NET, W, shards.starts, np.arange(100, 400))
    left, right = (a + b) + c, a + (b + c)
    assert_allclose(left.gradient, right.gradient, rtol=1e-12, atol=1e-12)
    assert_allclose(left.agreement, right.agreement)
    none = gradient_of(shards.shards[0], NET, W, shards.starts, np.arange(450, 460))
    assert none.weight == 0.0
    assert_array_equal((none + c).gradient, c.gradient)


def test_a_shard_that_diverges_is_named_and_the_state_kept():
    broken = X.copy()
    broken[400] = np.nan
    shards, state = SerialShards(broken, Y, n_shards=2), started(W, Adam(), 0.01)
    after, means = gradient_pass(shards, NET, steps(2), state, shards.starts, ORDER)
    assert means.diverged == (1,)
    assert after is state


def test_batches_without_weight_are_skipped():
    weight = np.zeros(N)
    weight[:5] = 1.0
    shards, state = SerialShards(X, Y, weight, 2), started(W, Adam(), 0.01)
    after, means = gradient_pass(shards, NET, steps(2), state, shards.starts, np.arange(N))
    assert after.t == 50
    assert np.isfinite(after.values).all()
    assert means.diverged == ()


@pytest.mark.parametrize("n_shards", [1, 3])
def test_lbfgs_finds_a_stationary_point_of_all_rows(n_shards):
    shards = SerialShards(X, Y, WEIGHT, n_shards)
    net = replace(NET, alpha=20.0)
    told = []
    result = lbfgs(shards, net, W, {"maxiter": 500, "gtol": 1e-7}, told.append)
    assert np.abs(result.jac).max() < 1e-4
    assert told[-1] <= told[0]
    one = lbfgs(SerialShards(X, Y, WEIGHT), net, W, {"maxiter": 500, "gtol": 1e-7}, told.append)
    assert_allclose(result.fun, one.fun, rtol=1e-6)
