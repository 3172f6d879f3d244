# SPDX-License-Identifier: BSD-3-Clause
"""Few entries of moves travel and the rest is owed: what is sent and owed is all there was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from network_problems import SerialShards, network
from numpy.testing import assert_allclose, assert_array_equal

from skdist.solvers import owed_moves
from skdist.solvers.gradient_sync import gradient_of, gradient_pass
from skdist.solvers.local_steps import Steps, local_round
from skdist.solvers.network import Adam, Momentum, started
from skdist.solvers.owed_gradients import owing_step
from skdist.solvers.owed_moves import PERIOD, Memory, Owed, Told, owed_before
from skdist.solvers.owed_steps import owing_round
from skdist.summaries import SparseMean

RNG = np.random.default_rng(0)
N = 500
X, Y = RNG.standard_normal((N, 5)), RNG.integers(3, size=N).astype(float)
WEIGHT = RNG.random(N) + 0.5
NET, W = network()
ORDER = RNG.permutation(N)


def steps(share=0.2, n_shards=3, rule=None, local_steps=4):
    rule = rule or Adam()
    return Steps(rule, 20, N, n_shards, local_steps, True, seed=7, share=share)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_what_is_sent_and_what_is_owed_are_the_whole_move(dtype, data):
    width = 8 * np.dtype(dtype).itemsize
    move = data.draw(arrays(dtype, 7, elements=st.floats(-1e6, 1e6, width=width)))
    among, k = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 7))
    sent, owed = Told(None, None, k, among).sent(2.0, np.zeros(7, dtype), move)
    assert_array_equal(sent.added_to(owed), move)  # to the last bit
    assert len(sent.index) == min(k, among) and np.all(sent.index < among)
    rest = np.delete(move[:among], sent.index)
    assert not len(rest) or np.abs(rest).max() <= np.abs(move[sent.index]).min()


def test_all_is_sent_as_the_place_itself():
    place = np.array([1e-12, 3.0])
    sent, owed = Told(None, None, None, 2).sent(2.0, np.array([0.3, 1.0]), place)
    assert_array_equal(sent.mean, place)
    assert_array_equal(owed, 0.0)


def test_a_shard_without_weight_owes_all():
    sent, owed = Told(None, None, 1, 2).sent(0.0, np.zeros(2), np.array([1.0, 2.0]))
    assert sent.weight == 0.0 and owed.tolist() == [1.0, 2.0]


def test_shards_are_told_all_or_what_changed():
    w, memory, told = np.arange(10.0), Memory(), []
    for number in range(2 * PERIOD):
        told.append(memory.tell(w, 0.25, is_last=number == PERIOD + 3, among=8))
        memory = memory.after(told[-1], SparseMean.empty(), ["kept"])
        assert memory.begins == (told[-1].k is None) == (memory.carried is None)
    begins = [number for number, one in enumerate(told) if one.whole is not None]
    ends = [number for number, one in enumerate(told) if one.k is None]
    assert ends == [PERIOD - 1, PERIOD + 3] and begins == [0, PERIOD, PERIOD + 4]
    assert {one.k for one in told} == {2, None}


def test_a_shard_goes_on_from_its_own_place():
    move = SparseMean(1.0, np.array([1]), np.array([0.5], np.float32))
    before = owed_before(Owed(np.ones(3), np.arange(3.0)), Told(None, move, 1, 3))
    assert before.w.tolist() == [1.0, 1.5, 1.0] and before.rest.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", [Adam(), Momentum()])
def test_if_all_is_sent_in_every_round_it_is_the_plain_average(rule, dtype, monkeypatch):
    monkeypatch.setattr(owed_moves, "PERIOD", 1)
    shards = SerialShards(X.astype(dtype), Y.astype(dtype), WEIGHT.astype(dtype), 3)
    owing = plain = started(W.astype(dtype), rule, 0.01)
    memory = Memory()
    for first in range(0, 8, 4):
        where = (0, first)
        owing, _, memory = owing_round(shards, NET, steps(rule=rule), owing, *where, memory, False)
        plain, _ = local_round(shards, NET, steps(rule=rule), plain, *where, None)
    assert_array_equal(owing.values, plain.values)
    assert owing.t == plain.t


@pytest.mark.parametrize("period", [1, PERIOD])
def test_if_all_entries_are_sent_gradients_are_the_merged_ones(period, monkeypatch):
    monkeypatch.setattr(owed_moves, "PERIOD", period)
    shards, rule = SerialShards(X, Y, WEIGHT, 3), Momentum()
    how, state = steps(1.0, rule=rule), started(W, rule, 0.1)
    plain, expected = gradient_pass(shards, NET, how, state, shards.starts, ORDER)
    owing, found = gradient_pass(shards, NET, how, state, shards.starts, ORDER, owing_step)
    assert np.abs(plain.w - W).max() > 0.01
    # Entries travel in float32; what that leaves out is owed.
    assert_allclose(owing.values, plain.values, rtol=1e-6, atol=1e-7)
    assert_allclose(found.loss, expected.loss, rtol=1e-6)
    assert_allclose(found.agreement, expected.agreement, rtol=1e-6)


def test_gradients_that_were_sent_and_those_owed_are_all_there_were():
    """At a step size of 0 gradients do not depend on what was sent."""
    shards, rule = SerialShards(X, Y, WEIGHT, 3), Momentum(0.0)
    state, memory, sent, there = started(W, rule, 0.0), Memory(), 0.0, 0.0
    for first in range(0, (PERIOD - 2) * 20, 20):
        batch = ORDER[first : first + (20 if first else 7)]  # batches of unlike sizes
        values, sums, memory = owing_step(
            shards, NET, steps(0.1, rule=rule), state, shards.starts, batch, memory, False
        )
        assert_array_equal(values[0], W)
        sent = sent + sums.gradient / len(batch)
        merged = shards.map_reduce(gradient_of, NET, W, shards.starts, batch)
        there = there + merged.gradient / len(batch)
    owed = np.mean([own.rest for own in memory.carried], axis=0)
    assert np.abs(owed).max() > 0.01
    assert_allclose(sent + owed, there, rtol=1e-6, atol=1e-7)


def test_shards_know_the_parameters_that_the_driver_has():
    """They are told of few entries, and take the momentum's steps themselves."""
    shards, rule = SerialShards(X.astype(np.float32), Y.astype(np.float32), None, 3), Momentum()
    state, memory = started(W.astype(np.float32), rule, 0.1), Memory()
    known = []
    for first in range(0, (PERIOD - 1) * 20, 20):
        batch = ORDER[first : first + 20]
        known.append(state.values)
        values, _, memory = owing_step(
            shards, NET, steps(0.1, rule=rule), state, shards.starts, batch, memory, False
        )
        for own in memory.carried:
            assert_array_equal(own.w, known[-1].ravel())
        state = type(state)(values, state.t + 1, state.rate)
    assert np.abs(known[-1][0] - W).max() > 0.01


def test_what_is_owed_is_sent_where_a_batch_has_no_weight():
    weight = WEIGHT.copy()
    weight[ORDER[20:40]] = 0.0
    shards, rule = SerialShards(X, Y, weight, 3), Momentum(0.0)
    state, memory = started(W, rule, 0.1), Memory()
    for first in (0, 20):
        batch = ORDER[first : first + 20]
        before, owed = state.w, memory.carried
        values, sums, memory = owing_step(
            shards, NET, steps(0.1, rule=rule), state, shards.starts, batch, memory, first == 20
        )
        state = type(state)(values, state.t + 1, state.rate)
    assert sums.weight == 0.0
    mean = np.mean([own.rest for own in owed], axis=0)
    decay = np.zeros_like(W)
    decay[: NET.layers.n_weights] = NET.alpha / 20 * before[: NET.layers.n_weights]
    assert_allclose(state.w, before - 0.1 * (mean + decay), rtol=1e-6)
