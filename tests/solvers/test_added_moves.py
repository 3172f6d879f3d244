# SPDX-License-Identifier: BSD-3-Clause
"""Moves that agree are added, where that lowers the objective; others are averaged."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sgd_problems import containers, descend, problems, rows_of, rules

from skdist.sharding import shard_rows
from skdist.solvers.added_moves import far_enough, lengths
from skdist.solvers.descent import Descent, packed, penalty, start_at
from skdist.solvers.mean_losses import mean_losses

X, Y, TARGET = rows_of(3, n=600)
OWN = rules("squared_error", "l2")
DESCENT = Descent(OWN, problems(0), seed=0)


def least_squares():
    W, *_ = np.linalg.lstsq(X, TARGET, rcond=None)
    return W[None]


def iterate(W, own=OWN):
    return start_at(np.atleast_2d(W), np.zeros(len(np.atleast_2d(W))), own).now


def shards(n_shards=4, y=TARGET):
    return shard_rows(X, y.astype(float), n_shards=n_shards, n_jobs=1)


@pytest.mark.parametrize(
    ("m", "expected"), [(1, [1]), (2, [1, 2]), (5, [1, 2, 4, 5]), (8, [1, 2, 4, 8])]
)
def test_lengths_go_up_to_the_number_of_shards(m, expected):
    assert lengths(m).tolist() == expected


@pytest.mark.parametrize(
    ("share", "g"), [(1.0, 1.0), (0.5, 2.0), (0.25, 4.0), (0.05, 4.0), (2.0, 1.0)]
)
def test_the_length_is_what_makes_the_objective_smallest(share, g):
    """The mean move goes a `share` of the way to the optimum."""
    now, mean = iterate(0 * least_squares()), iterate(share * least_squares())
    before = packed(mean) - packed(now)
    there, found = far_enough(shards(), DESCENT, now, mean, before)
    assert found.tolist() == [g]
    assert_allclose(there.W, g * mean.W, rtol=1e-12)


def test_moves_that_turn_back_are_averaged():
    now, mean = iterate(0 * least_squares()), iterate(0.1 * least_squares())
    there, g = far_enough(shards(), DESCENT, now, mean, packed(now) - packed(mean))
    assert g.tolist() == [1.0]
    assert_array_equal(there.W, mean.W)


def test_a_first_move_is_looked_at():
    now, mean = iterate(0 * least_squares()), iterate(0.1 * least_squares())
    _, g = far_enough(shards(), DESCENT, now, mean, np.zeros_like(packed(now)))
    assert g.tolist() == [4.0]


def test_one_shard_is_left_alone():
    now, mean = iterate(0 * least_squares()), iterate(0.1 * least_squares())
    there, g = far_enough(shards(1), DESCENT, now, mean, packed(mean) - packed(now))
    assert g.tolist() == [1.0]
    assert there is mean


def test_each_problem_goes_its_own_way():
    own, descent = rules(), Descent(rules(), problems(3), seed=0)
    now = start_at(np.zeros((3, X.shape[1])), np.zeros(3), own).now
    good = descend(X, Y, own, 3, max_iter=30).position.now.W
    mean = start_at(good * [[0.1], [1.0], [0.1]], np.zeros(3), own).now
    last = packed(mean) - packed(now)
    last[2] *= -1.0
    there, g = far_enough(shards(4, Y), descent, now, mean, last)
    assert g[0] > 1.0
    assert g[1:].tolist() == [1.0, 1.0]
    assert_allclose(there.W, g[:, None] * mean.W, rtol=1e-12)


def test_weights_that_the_penalty_took_do_not_come_back():
    own = rules("squared_error", "l1")
    descent, W = Descent(own, problems(0), seed=0), least_squares()
    start, end = 0.01 * W, 0.1 * W
    start[0, 2], end[0, 2] = -0.5, 0.0
    now, mean = iterate(start, own), iterate(end, own)
    there, g = far_enough(shards(), descent, now, mean, packed(mean) - packed(now))
    assert g[0] > 1.0
    assert there.W[0, 2] == 0.0


def test_a_place_that_is_no_number_is_not_taken():
    now, mean = iterate(0 * least_squares()), iterate(1e306 * least_squares())
    there, g = far_enough(shards(), DESCENT, now, mean, 1e-300 * (packed(mean) - packed(now)))
    assert g.tolist() == [1.0]
    assert np.isfinite(there.W).all()


def test_small_steps_of_many_shards_come_as_far_as_those_of_one():
    own = rules("log_loss", "l2", "constant", eta0=2e-3)
    y = (Y == 1).astype(float)
    objective = {}
    for m in (1, 8):
        fit = descend(X, y, own, n_shards=m, max_iter=20)
        now = fit.position.now
        weighted, _ = mean_losses(
            shards(1, y), Descent(own, problems(), 0), now.W[None], now.b[None]
        )
        objective[m] = weighted[0, 0] + penalty(own, now.W)[0]
        assert (max(one.length for one in fit.history) > 1) == (m > 1)
    assert objective[8] < objective[1] * 1.02
    first = np.log(2.0)
    assert first - objective[1] > 0.05  # there was a way to go


@pytest.mark.parametrize("container", ["dense", "sparse"])
@pytest.mark.parametrize("weighted", [False, True])
def test_mean_losses(container, weighted):
    rng = np.random.default_rng(0)
    weight = rng.random(600) if weighted else None
    some = shard_rows(containers(X)[container], TARGET, weight, n_shards=3, n_jobs=1)
    W, b = rng.normal(size=(2, 1, X.shape[1])), rng.normal(size=(2, 1))
    found, plain = mean_losses(some, DESCENT, W, b)
    for g in range(2):
        loss = 0.5 * (TARGET - X @ W[g, 0] - b[g, 0]) ** 2
        assert plain[g, 0] == pytest.approx(loss.mean(), rel=1e-12)
        expected = (loss * weight).mean() if weighted else loss.mean()
        assert found[g, 0] == pytest.approx(expected, rel=1e-12)


def test_class_weights_are_in_the_weighted_loss():
    y = (Y == 1).astype(float)
    own = problems()._replace(positive_weight=np.array([3.0]))
    descent = Descent(rules("hinge"), own, 0)
    weighted, plain = mean_losses(
        shards(3, y), descent, np.zeros((1, 1, X.shape[1])), np.zeros((1, 1))
    )
    assert plain[0, 0] == 1.0
    assert weighted[0, 0] == pytest.approx(1.0 + 2.0 * y.mean())
