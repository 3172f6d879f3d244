# SPDX-License-Identifier: BSD-3-Clause
"""Rows that judge the fit of the others."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sgd_problems import descend, problems, rows_of, rules
from sklearn.metrics import accuracy_score, r2_score

from skdist.sharding import shard_rows
from skdist.solvers.descent import Descent, start_at
from skdist.solvers.held_out import count_training_rows, held_out_score, training_rows

X, Y, TARGET = rows_of(3, n=600)
WEIGHT = np.random.default_rng(0).random(600)


def shards_of(y, n_shards=4, weight=WEIGHT):
    return shard_rows(X, y.astype(float), weight, n_shards=n_shards, n_jobs=1)


def told(n_classes=3, held_out=0.2, seed=0):
    return Descent(rules(), problems(n_classes), seed, held_out=held_out)


def held_rows(shards, descent):
    """Numbers of the rows held out, among all."""
    training = shards.map(training_rows, descent)
    kept = np.concatenate(
        [rows.start + own for rows, own in zip(shards.rows, training, strict=True)]
    )
    return np.setdiff1d(np.arange(shards.n_samples), kept)


@pytest.mark.parametrize("n_shards", [1, 4])
def test_the_same_share_of_each_class(n_shards):
    shards = shards_of(Y, n_shards)
    held = held_rows(shards, told())
    shares = np.bincount(Y[held]) / np.bincount(Y)
    np.testing.assert_allclose(shares, 0.2, atol=0.02)
    assert count_training_rows(shards, told()) == 600 - len(held)


def test_rows_are_drawn_by_seed_and_shard():
    shards = shards_of(Y)
    first = held_rows(shards, told())
    assert_array_equal(first, held_rows(shards, told()))
    assert len(np.intersect1d(first, held_rows(shards, told(seed=1)))) < len(first) / 2
    within = [np.sort(first[(first >= r.start) & (first < r.stop)] - r.start) for r in shards.rows]
    assert any(len(np.setxor1d(within[0], other)) for other in within[1:])


def test_nothing_is_held_out_unless_asked():
    shards = shards_of(Y)
    assert len(held_rows(shards, told(held_out=0.0))) == 0
    assert count_training_rows(shards, told(held_out=0.0)) == 600


def test_accuracy_of_each_problem():
    shards, rng = shards_of(Y), np.random.default_rng(1)
    W, b = rng.normal(size=(3, X.shape[1])), rng.normal(size=3)
    found = held_out_score(shards, told(), start_at(W, b, rules()).now)
    held = held_rows(shards, told())
    for k in range(3):
        prediction = X[held] @ W[k] + b[k] > 0
        expected = accuracy_score(Y[held] == k, prediction, sample_weight=WEIGHT[held])
        assert found[k] == pytest.approx(expected, rel=1e-12)


def test_r2_of_a_regression():
    shards, W = shards_of(TARGET), np.random.default_rng(1).normal(size=(1, X.shape[1]))
    now, descent = start_at(W, np.ones(1), rules()).now, told(0)
    held = held_rows(shards, descent)
    expected = r2_score(TARGET[held], X[held] @ W[0] + 1.0, sample_weight=WEIGHT[held])
    assert held_out_score(shards, descent, now)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("intercept", "expected"), [(2.0, 1.0), (3.0, 0.0)])
def test_r2_of_a_constant(intercept, expected):
    shards = shards_of(np.full(600, 2.0), weight=None)
    now = start_at(np.zeros((1, X.shape[1])), np.array([intercept]), rules()).now
    assert held_out_score(shards, told(0), now)[0] == expected


def test_held_out_rows_are_not_learnt_from():
    y = (Y == 1).astype(float)
    held = held_rows(shards_of(y), told(2))
    other = X.copy()
    other[held] = 1e3
    fits = [
        descend(Z, y, rules(), n_shards=4, held_out=0.2, max_iter=3, weight=WEIGHT)
        for Z in (X, other)
    ]
    assert_array_equal(fits[0].position.now.W, fits[1].position.now.W)
    assert fits[0].history[0].loss == fits[1].history[0].loss
    assert fits[0].history[0].score != fits[1].history[0].score


def test_too_few_rows_are_an_error():
    few = shard_rows(X[:4], Y[:4].astype(float), n_shards=2, n_jobs=1)
    with pytest.raises(ValueError, match="led to an empty set"):
        count_training_rows(few, told(held_out=0.1))


def test_held_out_rows_without_weight_are_an_error():
    shards = shards_of(Y)
    weight = np.ones(600)
    weight[held_rows(shards, told())] = 0.0
    with pytest.raises(ValueError, match="validation set are all zero"):
        count_training_rows(shards_of(Y, weight=weight), told())
