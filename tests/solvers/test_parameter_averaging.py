# SPDX-License-Identifier: BSD-3-Clause
"""One shard is scikit-learn's descent; rounds, averages and histories of several."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from sgd_problems import (
    REGRESSION_LOSSES,
    containers,
    descend,
    named,
    problems,
    rows_of,
    rules,
    settings,
)
from sklearn.linear_model import SGDClassifier, SGDRegressor

from skdist.kernels.sgd_losses import LOSSES
from skdist.sharding import shard_rows
from skdist.solvers.descent import Descent, Position, packed, penalty, start_at
from skdist.solvers.parameter_averaging import parameter_averaging
from skdist.solvers.pass_sums import run_passes

X, Y, TARGET = rows_of()
ALL, NOT_EMPTY = np.arange(len(X)), np.flatnonzero(np.abs(X).sum(axis=1))
LIKE = {"alpha": 0.01, "eta0": 2.0**-4, "shuffle": False, "max_iter": 4, "tol": None}


def fitted(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


def same_as(theirs, fit, *, rtol=1e-8):
    now, average = fit.position.now, fit.position.average.mean
    W, b = now.W, now.b
    if theirs.average:
        W, b = average[:, :-1], average[:, -1]
    scale = np.abs(theirs.coef_).max()
    assert_allclose(W, np.atleast_2d(theirs.coef_), rtol=rtol, atol=rtol * scale)
    assert_allclose(b, theirs.intercept_, rtol=rtol, atol=rtol * scale)


@pytest.mark.parametrize("container", ["dense", "sparse"])
@pytest.mark.parametrize("setting", list(settings(LOSSES)), ids=named)
def test_one_shard_is_scikit_learns_classifier(setting, container):
    rows = NOT_EMPTY if setting["loss"] == "perceptron" else ALL  # an empty one is near its kink
    Z, y = containers(X[rows])[container] / 3.0, Y[rows]  # small steps: large ones magnify rounding
    theirs = fitted(SGDClassifier(**setting, **LIKE), Z, y)
    own = rules(**setting, sparse=issparse(Z))
    same_as(theirs, descend(Z, y, own, run=0))


@pytest.mark.parametrize("container", ["dense", "sparse"])
@pytest.mark.parametrize(
    "setting",
    list(settings(REGRESSION_LOSSES, passive_aggressive="epsilon_insensitive")),
    ids=named,
)
def test_one_shard_is_scikit_learns_regressor(setting, container):
    Z = containers(X)[container] / 3.0
    theirs = fitted(SGDRegressor(**setting, power_t=0.5, **LIKE), Z, TARGET)
    own = rules(**setting, sparse=issparse(Z))
    same_as(theirs, descend(Z, TARGET, own, 0, run=0))


@pytest.mark.parametrize("average", [1, 300])
@pytest.mark.parametrize("container", ["dense", "sparse"])
@pytest.mark.parametrize("penalty", [None, "l2"])
@pytest.mark.parametrize("schedule", ["optimal", "constant", "invscaling", "pa1", "pa2"])
def test_the_mean_of_the_iterates_is_scikit_learns(average, container, penalty, schedule):
    Z, y = containers(X[NOT_EMPTY])[container], Y[NOT_EMPTY]  # scikit-learn's pa1 counts no others
    setting = {"loss": "hinge", "penalty": penalty, "learning_rate": schedule, "average": average}
    own = rules(**setting, sparse=issparse(Z))
    same_as(fitted(SGDClassifier(**setting, **LIKE), Z, y), descend(Z, y, own, run=0))


def test_one_against_the_rest_is_one_pass_for_all():
    Z, y, _ = rows_of(4)
    theirs = fitted(SGDClassifier(loss="log_loss", **LIKE), Z, y)
    same_as(theirs, descend(Z, y, rules(), 4, run=0))


def test_weights_and_class_weights_are_scikit_learns():
    weight = np.random.default_rng(0).random(len(Y))
    theirs = SGDClassifier(loss="log_loss", class_weight={0: 0.5, 1: 3.0}, **LIKE)
    theirs.fit(X, Y, sample_weight=weight)
    shards = shard_rows(X, Y.astype(float), weight, n_shards=1, n_jobs=1)
    own = problems()._replace(positive_weight=np.array([3.0]), negative_weight=np.array([0.5]))
    descent = Descent(rules(), own, seed=0, run=0)
    start = start_at(np.zeros((1, X.shape[1])), np.zeros(1), rules())
    fit = parameter_averaging(shards, descent, start, max_iter=4, tol=None, n_iter_no_change=5)
    same_as(theirs, fit)


@pytest.mark.parametrize("schedule", ["constant", "optimal", "adaptive", "invscaling"])
def test_one_shard_stops_where_scikit_learn_does(schedule):
    """The penalty is that at the end of the pass here and that on the way there."""
    like = {**LIKE, "max_iter": 500, "tol": 1e-4, "penalty": None, "eta0": 0.5}
    theirs = fitted(SGDClassifier(loss="hinge", learning_rate=schedule, **like), X, Y)
    own = rules("hinge", None, schedule, eta0=0.5)
    fit = descend(X, Y, own, run=0, max_iter=500, tol=1e-4)
    assert fit.n_iter == theirs.n_iter_ < 500
    same_as(theirs, fit, rtol=1e-6)


# Several shards.


@pytest.mark.parametrize(
    "setting",
    [{}, {"penalty": "elasticnet"}, {"average": 1}, {"learning_rate": "adaptive"}],
    ids=str,
)
@pytest.mark.parametrize("container", ["dense", "sparse"])
def test_law_5_rounds_of_one_pass_are_one_round_of_passes(setting, container):
    own, Z = rules(**setting), containers(X)[container]
    rounds = descend(Z, Y, own, max_iter=6, run=4)
    at_once = descend(Z, Y, own, max_iter=6, run=4, passes=6)
    assert len(rounds.history) == 6
    assert len(at_once.history) == 1
    for a, b in zip(rounds.position.now, at_once.position.now, strict=True):
        assert_array_equal(a, b)
    assert_array_equal(rounds.position.average.mean, at_once.position.average.mean)
    assert rounds.position.t == at_once.position.t == 1 + 6 * len(Y)


def test_state_is_carried_from_fit_to_fit():
    own = rules(penalty="l1", average=1)
    half = descend(X, Y, own, max_iter=3, run=0)
    whole, rest = (
        descend(X, Y, own, max_iter=6, run=0),
        descend(X, Y, own, max_iter=3, run=0, start=half.position),
    )
    for a, b in zip(whole.position.now, rest.position.now, strict=True):
        assert_array_equal(a, b)
    assert_allclose(whole.position.average.mean, rest.position.average.mean, rtol=1e-12)


def shards_apart(n_shards, own, weight=None):
    """The iterates of a round's shards, each run by itself."""
    shards = shard_rows(X, Y.astype(float), weight, n_shards=n_shards, n_jobs=1)
    descent, start = (
        Descent(own, problems(), 0),
        start_at(np.zeros((1, X.shape[1])), np.zeros(1), own),
    )
    return shards.map(run_passes, descent, start, 0, 1, len(Y))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_round_is_the_mean_by_weight(weighted):
    weight = np.arange(len(Y)) / 100.0 if weighted else None
    own = rules()
    apart = shards_apart(3, own, weight)
    weights = np.array([one.iterate.weight for one in apart])
    expected = [len(Y) / 3] * 3 if not weighted else weight.reshape(3, -1).sum(axis=1)
    assert_allclose(weights, expected)
    mean = np.average([one.iterate.mean for one in apart], axis=0, weights=weights)
    fit = descend(X, Y, own, weight=weight, n_shards=3, max_iter=1)
    assert_allclose(packed(fit.position.now), mean, rtol=1e-12)


def test_steps_are_numbered_over_all_shards():
    """The last step of a pass has the size that it has on one machine."""
    own = rules("squared_error", None, alpha=0.1)
    first = np.zeros((2, 1))
    first[:, 0] = 1.0  # one row a shard: one step each
    fit = descend(first, [1.0, 1.0], own, 0, n_shards=2, max_iter=3, run=0)
    assert fit.position.t == 7.0


def test_the_agreement_of_the_moves():
    twice = np.concatenate([X, X])
    fit = descend(twice, np.concatenate([Y, Y]), rules(), n_shards=2, run=0)
    assert_allclose([one.agreement for one in fit.history], 1.0)
    apart = shards_apart(4, rules())
    moves = np.array([one.iterate.mean[0, : X.shape[1] + 1] for one in apart])
    expected = np.square(moves.mean(axis=0)).sum() / np.square(moves).sum(axis=1).mean()
    fit = descend(X, Y, rules(), n_shards=4, max_iter=1)
    assert fit.history[0].agreement == pytest.approx(expected, rel=1e-9)
    assert 0.25 < fit.history[0].agreement < 1.0


def test_the_history_tells_loss_and_objective():
    fit = descend(X, Y, rules(), n_shards=2, max_iter=5)
    assert [one.n_passes for one in fit.history] == [1, 2, 3, 4, 5]
    last = fit.history[-1]
    W = fit.position.now.W
    assert last.objective == pytest.approx(last.loss + penalty(rules(), W)[0])
    assert penalty(rules(), W)[0] == pytest.approx(0.01 / 2 * (W**2).sum())
    assert last.loss == fit.losses.mean() < fit.history[0].loss


def test_shards_may_be_empty_or_of_one_row():
    own = rules()
    shards = shard_rows(X, Y.astype(float), n_shards=len(Y) // 4, n_jobs=1)
    lone = shard_rows(X[:5], Y[:5].astype(float), n_shards=5, n_jobs=1)
    descent = Descent(own, problems(), 0)
    start = start_at(np.zeros((1, X.shape[1])), np.zeros(1), own)
    for some in (shards, lone):
        fit = parameter_averaging(some, descent, start, max_iter=3, tol=None, n_iter_no_change=5)
        assert np.isfinite(fit.position.now.W).all()
    # as a partition of a collection may be
    empty = replace(some._pieces[0], X=X[:0], y=np.empty(0), rows=range(0))
    sums = run_passes(empty, descent, start, 0, 1, 5)
    assert sums.iterate.weight == sums.loss.weight == sums.average.weight == 0.0
    both = sums + run_passes(some._pieces[1], descent, start, 0, 1, 5)
    assert_array_equal(both.iterate.mean, (both + sums).iterate.mean)


def test_problems_stop_one_by_one():
    Z, y, _ = rows_of(3)
    Z = np.column_stack([Z, 10.0 * (y == 1)])  # one class is told apart at once
    fit = descend(Z, y, rules("hinge", None, "constant"), 3, max_iter=200, tol=1e-3, n_shards=2)
    short = descend(Z, y, rules("hinge", None, "constant"), 3, max_iter=12, n_shards=2)
    assert 12 < fit.n_iter < 200
    assert len(fit.position.active) == 0
    assert_array_equal(fit.position.now.W[1][:-1] == short.position.now.W[1][:-1], True)
    assert (fit.position.now.W[0] != short.position.now.W[0]).any()


def test_parameters_that_overflow_are_an_error():
    with pytest.raises(ValueError, match="Floating-point under-/overflow occurred at epoch #1"):
        descend(X * 1e200, TARGET, rules("squared_error", None), 0, n_shards=2)


def test_adaptive_steps_get_smaller_for_all_shards():
    own = rules("hinge", "l2", "adaptive", eta0=1.0)
    fit = descend(X, Y, own, n_shards=3, max_iter=300, tol=1e-3)
    assert fit.n_iter < 300
    assert fit.position.now.eta[0] <= 1e-6


def test_start_and_position_are_not_written_to():
    own = rules(penalty="elasticnet", average=1)
    start = start_at(np.ones((1, X.shape[1])), np.ones(1), own)
    before = [a.copy() for a in start.now]
    descend(X, Y, own, n_shards=2, start=start)
    assert isinstance(start, Position)
    for a, b in zip(start.now, before, strict=True):
        assert_array_equal(a, b)
