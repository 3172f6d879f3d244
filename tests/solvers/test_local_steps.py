# SPDX-License-Identifier: BSD-3-Clause
"""Local steps and their averages: laws of the sums, and what a round comes to."""

import time
from dataclasses import replace

import numpy as np
import pytest
from network_problems import SerialShards, network
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix

from skdist.solvers.local_steps import (
    FEWEST_ROWS,
    LONGEST,
    Steps,
    StepSums,
    local_round,
    measured_steps_between_rounds,
    steps_between_rounds,
    take_steps,
)
from skdist.solvers.network import Adam, Momentum, started
from skdist.summaries import WeightedMean

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((60, 5)), RNG.integers(3, size=60).astype(float)
WEIGHT = RNG.random(60) + 0.5
NET, W = network()


def steps(n_shards=1, batch_size=10, local_steps=100, rule=None, shuffle=True):
    return Steps(rule or Adam(), batch_size, len(Y), n_shards, local_steps, shuffle, seed=7)


def run(shards, how, state, first=0, n_pass=0, order=None):
    return local_round(shards, NET, how, state, n_pass, first, order)


@pytest.mark.parametrize("rule", [Adam(), Momentum(0.9), Momentum(0.9, False)])
def test_law_5_a_pass_in_one_round_or_in_several(rule):
    shards, state = SerialShards(X, Y, WEIGHT), started(W, rule, 0.01)
    whole, _ = run(shards, steps(rule=rule), state)
    short = steps(rule=rule, local_steps=2)
    for first in (0, 2, 4):
        state, _ = run(shards, short, state, first)
    assert_array_equal(state.values, whole.values)
    assert state.t == whole.t == 6


def test_law_2_one_shard_is_plain_descent():
    state = started(W, Adam(), 0.01)
    order = np.arange(len(Y))
    found, sums = run(SerialShards(X, Y), steps(batch_size=60), state, order=order)
    by_hand = started(W, Adam(), 0.01).values
    shard = SerialShards(X, Y).shards[0]
    room = NET.room(shard, by_hand[0], 60)
    from skdist.solvers.local_steps import batch_gradient

    loss, total = batch_gradient(NET, room, shard, order)
    Adam().step(by_hand, room.gradient, NET.layers.n_weights, NET.alpha, total, 0.01, 1)
    assert_array_equal(found.values, by_hand)
    half = NET.alpha / 2 * np.square(W[: NET.layers.n_weights]).sum() / 60
    assert_allclose(sums.loss.mean, loss + half)


def test_moments_are_averaged_with_the_parameters_by_weight():
    shards, state = SerialShards(X, Y, WEIGHT, n_shards=3), started(W, Adam(), 0.01)
    how = steps(3, local_steps=2)
    after, sums = run(shards, how, state)
    each = [take_steps(shard, NET, how, state, 0, 0, 2, None) for shard in shards.shards]
    weight = [shard.sample_weight.sum() for shard in shards.shards]
    expected = np.average([one.place.mean for one in each], axis=0, weights=weight)
    assert after.values.shape == (3, len(W))
    assert_allclose(after.values, expected, rtol=1e-12)
    assert np.abs(after.values[2]).max() > 0
    moves = [np.square(one.place.mean[0] - W).sum() for one in each]
    assert_allclose(sums.motion.mean, np.average(moves, weights=weight))


def test_nothing_that_was_sent_is_changed():
    state = started(W, Adam(), 0.01)
    before = state.values.copy()
    run(SerialShards(X, Y, n_shards=2), steps(2), state)
    assert_array_equal(state.values, before)


def test_rows_without_weight_are_no_rows():
    weight = np.where(np.arange(60) < 40, 1.0, 0.0)
    how = replace(steps(3, local_steps=1), shuffle=False)
    state = started(W, Adam(), 0.01)
    shards = SerialShards(X, Y, weight, 3)
    after, _ = run(shards, how, state)
    two = [take_steps(s, NET, how, state, 0, 0, 1, None).place.mean for s in shards.shards[:2]]
    assert_allclose(after.values, np.mean(two, axis=0), rtol=1e-12)


def test_sparse_rows():
    state = started(W, Adam(), 0.01)
    dense, _ = run(SerialShards(X, Y), steps(), state)
    sparse, _ = run(SerialShards(csr_matrix(X), Y), steps(), state)
    assert_allclose(sparse.values, dense.values, rtol=1e-9, atol=1e-12)


def test_the_order_depends_on_pass_and_shard_alone():
    state, how = started(W, Adam(), 0.01), steps(2)
    shards = SerialShards(X, Y, n_shards=2)
    a, b = (run(shards, how, state, n_pass=n)[0].values for n in (0, 0))
    c = run(shards, how, state, n_pass=1)[0].values
    assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-6


def test_a_shard_that_diverges_is_named():
    broken = X.copy()
    broken[50] = np.nan
    how = steps(3)
    _, sums = run(SerialShards(broken, Y, n_shards=3), how, started(W, Adam(), 0.01))
    assert sums.diverged == (2,)


def test_law_1_sums_are_associative_and_empty_shards_the_identity():
    how, state = steps(3), started(W, Adam(), 0.01)
    a, b, c = SerialShards(X, Y, WEIGHT, 3).map(take_steps, NET, how, state, 0, 0, 2, None)
    left, right = (a + b) + c, a + (b + c)
    assert_allclose(left.place.mean, right.place.mean, rtol=1e-12)
    assert_allclose(left.loss.mean, right.loss.mean, rtol=1e-12)
    nothing = StepSums(*[WeightedMean.empty()] * 3)
    assert (a + nothing).place.mean is a.place.mean
    empty = SerialShards(X[:0], Y[:0]).map(take_steps, NET, how, state, 0, 0, 2, None)[0]
    assert empty.place.weight == 0.0
    assert_array_equal((a + empty).place.mean, a.place.mean)


def test_steps_are_longer_where_a_pass_has_fewer():
    for m in (1, 2, 8):
        how = replace(steps(m), n_rows=100_000, batch_size=200)
        assert (how.longer, how.total_batch) == (m, 200 * m)
    many = replace(how, n_shards=32)
    assert (many.longer, many.total_batch, many.batch_of(100_000 // 32)) == (8, 1600, 50)
    most = replace(how, n_shards=500)
    assert (most.longer, most.total_batch) == (LONGEST, 500 * FEWEST_ROWS)
    few = replace(how, n_rows=300, n_shards=2)
    assert (few.longer, few.total_batch, few.per_pass) == (1.5, 300, 1)


def test_h_grows_where_rounds_are_dear_beside_steps():
    assert steps_between_rounds(10_000_000, 200, 1_000, True) == 19
    assert steps_between_rounds(10_000_000, 2_000, 1_000, True) == 2
    assert steps_between_rounds(1_000, 200, 1_000, True) == 769
    assert steps_between_rounds(1_000, 200, 100, True) == 100
    assert steps_between_rounds(1_000, 200, 100, False) == 25
    assert steps_between_rounds(1_000, 200, 1, False) == 1


class FarShards(SerialShards):
    """Shards that it takes a second to reach."""

    def map_reduce(self, function, *broadcast):
        time.sleep(1.0)
        return super().map_reduce(function, *broadcast)


def test_h_by_the_clock_grows_with_what_rounds_take():
    rows = np.tile(X, (200, 1)), np.tile(Y, 200)
    how = replace(steps(2, batch_size=1), n_rows=12_000)  # 6,000 steps, of microseconds each
    h = measured_steps_between_rounds(FarShards(*rows, n_shards=2), NET, how, W, True)
    assert h > 500
    near = measured_steps_between_rounds(SerialShards(*rows, n_shards=2), NET, how, W, True)
    assert near < h
