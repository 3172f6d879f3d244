# SPDX-License-Identifier: BSD-3-Clause
"""Models of several shards: their quality, their parameters, their report; fit_shard and merge."""

import warnings
from dataclasses import asdict

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sgd_problems import containers, rows_of
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

import skdist
from skdist import DistributedSGDClassifier, DistributedSGDRegressor

X, Y, TARGET = rows_of(n=1200)
Z4, Y4, _ = rows_of(4, n=1200)


def classifier(n_shards=3, **parameters):
    parameters = {"loss": "log_loss", "max_iter": 10, "tol": None, "random_state": 0, **parameters}
    return DistributedSGDClassifier(n_shards=n_shards, **parameters)


def regressor(n_shards=3, **parameters):
    parameters = {"max_iter": 10, "tol": None, "random_state": 0, "eta0": 0.1, **parameters}
    return DistributedSGDRegressor(n_shards=n_shards, **parameters)


def log_loss_objective(model, X, y):
    z = model.decision_function(X) * np.where(y == model.classes_[1], 1.0, -1.0)
    return np.logaddexp(0.0, -z).mean() + model.alpha / 2 * np.square(model.coef_).sum()


# Quality.


@pytest.fixture(scope="module")
def many_rows():
    X, y = make_classification(40_000, 12, n_informative=6, flip_y=0.1, random_state=0)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


@pytest.mark.parametrize("order", ["as they come", "by label", "by turns"])
def test_the_objective_is_as_low_as_scikit_learns(many_rows, order):
    X, y = many_rows
    rows = np.argsort(y, kind="stable")
    if order == "as they come":
        rows = np.arange(len(y))
    elif order == "by turns":  # every other row of one class, as far as they go
        rows = np.ravel([np.flatnonzero(y == 0)[:19_000], np.flatnonzero(y == 1)[:19_000]], "F")
    X, y = X[rows], y[rows]
    parameters = {"loss": "log_loss", "max_iter": 20, "tol": None, "random_state": 0}
    ours = DistributedSGDClassifier(**parameters).fit(X, y)
    theirs = SGDClassifier(**parameters).fit(X, y)
    assert ours.n_shards_ == 2
    assert ours.report_.extra["gap"] < 1e-3
    assert log_loss_objective(ours, X, y) <= 1.001 * log_loss_objective(theirs, X, y)


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_small_steps_come_as_far_as_scikit_learns(many_rows, learning_rate):
    X, y = many_rows
    parameters = {"loss": "log_loss", "learning_rate": learning_rate, "eta0": 1e-3, "tol": None}
    parameters |= {"max_iter": 10, "random_state": 0}
    ours = DistributedSGDClassifier(n_shards=4, **parameters).fit(X, y)
    theirs = SGDClassifier(**parameters).fit(X, y)
    assert log_loss_objective(ours, X, y) <= 1.01 * log_loss_objective(theirs, X, y)


def test_sparse_rows(many_rows):
    X, y = many_rows
    ours = classifier(2, fit_intercept=False).fit(X, y)
    sparse = classifier(2, fit_intercept=False).fit(csr_matrix(X), y)
    assert_allclose(sparse.coef_, ours.coef_, rtol=1e-3, atol=1e-3)


# Parameters.


@pytest.mark.parametrize("loss", sorted(SGDClassifier.loss_functions))
@pytest.mark.parametrize("penalty", [None, "l1", "l2", "elasticnet"])
@pytest.mark.parametrize("schedule", ["optimal", "invscaling", "constant", "adaptive"])
def test_every_loss_is_learnt(loss, penalty, schedule):
    model = classifier(3, loss=loss, penalty=penalty, learning_rate=schedule, alpha=1e-3)
    model.set_params(eta0=0.5 if schedule == "invscaling" else 0.02, max_iter=20)
    assert model.fit(X, Y).score(X, Y) > 0.85
    assert model.report_.strategy == "average"


@pytest.mark.parametrize("loss", sorted(SGDRegressor.loss_functions))
@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_every_loss_of_regression_is_learnt(loss, penalty):
    model = regressor(3, loss=loss, penalty=penalty, max_iter=40).fit(X, TARGET)
    assert model.score(X, TARGET) > 0.8
    assert model.coef_.shape == (6,)
    assert model.intercept_.shape == (1,)


@pytest.mark.parametrize("container", ["dense", "sparse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("average", [False, True])
def test_several_classes(container, dtype, average):
    labels = np.array(["a", "b", "c", "d"])[Y4]
    Z = containers(Z4.astype(dtype))[container]
    model = classifier(3, average=average).fit(Z, labels)
    assert model.coef_.shape == (4, 6)
    assert model.intercept_.shape == (4,)
    assert model.coef_.dtype == model.intercept_.dtype == dtype
    assert model.score(Z, labels) > 0.8
    assert model.t_ == 1 + 10 * len(labels)
    p = model.predict_proba(Z)
    assert_allclose(p.sum(axis=1), 1.0, rtol=1e-5)


def test_class_weights_move_the_boundary():
    plain, heavy = (classifier(class_weight=w).fit(X, Y) for w in (None, {0: 1.0, 1: 20.0}))
    assert (heavy.predict(X) == 1).mean() > (plain.predict(X) == 1).mean() + 0.05
    rows = np.flatnonzero((Y == 0) | (np.arange(len(Y)) % 8 == 0))  # few of class 1
    few = {w: classifier(class_weight=w).fit(X[rows], Y[rows]) for w in (None, "balanced")}
    recall = {w: few[w].predict(X[Y == 1]).mean() for w in few}
    assert recall["balanced"] > recall[None]


def test_balanced_is_the_same_as_its_weights():
    counts = np.bincount(Y4)
    weights = dict(enumerate(len(Y4) / (4 * counts)))
    balanced = classifier(class_weight="balanced").fit(Z4, Y4, sample_weight=1.0 + Y4)
    assert_array_equal(
        balanced.coef_, classifier(class_weight=weights).fit(Z4, Y4, sample_weight=1.0 + Y4).coef_
    )


def test_rows_without_weight_are_not_learnt_from():
    weight = np.where(np.arange(len(Y)) < 1000, 1.0, 0.0)
    wrong = np.where(weight > 0, Y, 1 - Y)
    model = classifier(penalty=None, learning_rate="constant").fit(X, wrong, sample_weight=weight)
    assert model.score(X, Y) > 0.9


def test_seeds_and_shards_make_the_model():
    first = classifier().fit(X, Y).coef_
    assert_array_equal(classifier().fit(X, Y).coef_, first)
    assert (classifier(random_state=1).fit(X, Y).coef_ != first).any()
    assert (classifier(n_shards=4).fit(X, Y).coef_ != first).any()
    unshuffled = classifier(shuffle=False, random_state=None)
    assert_array_equal(unshuffled.fit(X, Y).coef_, unshuffled.fit(X, Y).coef_)


def test_early_stopping_watches_the_rows_held_out():
    model = classifier(early_stopping=True, max_iter=200, tol=1e-3, n_iter_no_change=3).fit(X, Y)
    history = model.report_.extra["history"]
    assert model.n_iter_ == len(history) < 200
    scores = np.array([one.score for one in history])
    assert (scores[-3:] < scores[:-3].max() + 1e-3).all()
    assert model.t_ == 1 + model.n_iter_ * len(Y)
    regression = regressor(early_stopping=True, max_iter=200, tol=1e-3).fit(X, TARGET)
    assert 0.5 < regression.report_.extra["history"][-1].score <= 1.0


def test_the_average_is_that_of_the_iterates():
    plain, average = classifier().fit(X, Y), classifier(average=True).fit(X, Y)
    assert_array_equal(average._standard_coef, plain.coef_.ravel())
    assert_array_equal(average.coef_.ravel(), average._average_coef)
    late = classifier(average=10**7).fit(X, Y)
    assert_array_equal(late.coef_, plain.coef_)
    from_step = classifier(average=9 * len(Y)).fit(X, Y)  # those of the last pass
    far, near = (np.linalg.norm(m.coef_ - plain.coef_) for m in (average, from_step))
    assert near < far


def test_warm_start_goes_on():
    short = classifier(max_iter=1, warm_start=True, learning_rate="constant").fit(X, Y)
    loss = short.report_.extra["history"][0].loss
    assert short.fit(X, Y).report_.extra["history"][0].loss < loss
    assert short.t_ == 1 + len(Y)
    given = classifier(max_iter=1, learning_rate="constant", eta0=1e-9)
    given.fit(X, Y, coef_init=np.full((1, 6), 2.0), intercept_init=[3.0])
    assert_allclose(given.coef_, 2.0, rtol=1e-6)
    assert_allclose(given.intercept_, 3.0, rtol=1e-6)


@pytest.mark.parametrize("average", [False, 1, 3000])
def test_passes_go_on_where_the_last_one_ended(average):
    model = classifier(average=average)
    for k in range(4):
        model.partial_fit(X, Y, [0, 1])
        assert model.t_ == 1 + (k + 1) * len(Y)
        assert model.n_iter_ == 1
    assert model.score(X, Y) > 0.9
    # the same passes, their steps numbered alike, but for the orders of the rows
    whole = classifier(average=average, max_iter=4).fit(X, Y)
    assert np.corrcoef(model.coef_[0], whole.coef_[0])[0, 1] > 0.99
    if average == 1:
        assert not np.array_equal(model._standard_coef, model._average_coef)


def test_passes_of_one_shard_and_of_several_take_turns():
    model = classifier(average=1)
    for n_shards in (3, 1, 2, 1):
        model.set_params(n_shards=n_shards).partial_fit(Z4, Y4, np.arange(4))
    assert model.t_ == 1 + 4 * len(Y4)
    assert model.score(Z4, Y4) > 0.8
    regression = regressor(average=True)
    for n_shards in (1, 3, 1):
        regression.set_params(n_shards=n_shards).partial_fit(X, TARGET)
    assert regression.score(X, TARGET) > 0.5


@pytest.mark.parametrize("n_shards", [1, 3])
def test_passes_over_rows_that_lack_classes(n_shards):
    model = classifier(n_shards)
    for label in (2, 0):
        model.partial_fit(Z4[Y4 == label], Y4[Y4 == label], np.arange(4))
        assert (model.predict(Z4) == label).mean() > 0.9
    assert model.coef_.shape == (4, 6)


def test_sparse_coefficients_are_no_start():
    model = classifier(penalty="l1").partial_fit(X, Y, [0, 1]).sparsify()
    with pytest.raises(ValueError, match="call densify"):
        model.partial_fit(X, Y)


# The report.


def test_the_report_of_several_shards():
    model = classifier().fit(X, Y)
    report = model.report_
    assert model.n_shards_ == len(report.shards) == 3
    assert (report.method, report.strategy, report.exact) == ("sgd", "average", False)
    assert "another number of shards" in report.why[0]
    history = report.extra["history"]
    assert [one.n_passes for one in history] == list(range(1, 11))
    assert all(0.0 < one.agreement <= 1.0 + 1e-9 for one in history)
    assert report.rounds >= 10
    assert report.extra["objective"] == pytest.approx(log_loss_objective(model, X, Y), rel=1e-9)
    assert set(asdict(history[0])) == {
        "n_passes",
        "loss",
        "objective",
        "agreement",
        "length",
        "score",
    }


def test_the_objective_counts_weights():
    weight = 1.0 + Y
    model = classifier(class_weight={0: 3.0, 1: 1.0}).fit(X, Y, sample_weight=weight)
    z = model.decision_function(X) * np.where(Y == 1, 1.0, -1.0)
    losses = weight * np.where(Y == 0, 3.0, 1.0) * np.logaddexp(0.0, -z)
    expected = losses.mean() + model.alpha / 2 * np.square(model.coef_).sum()
    assert model.report_.extra["objective"] == pytest.approx(expected, rel=1e-9)


def test_more_shards_than_rows_are_refused():
    with pytest.raises(ValueError, match="n_shards=9 was given for 5 rows"):
        classifier(n_shards=9).fit(X[:5], [0, 1, 0, 1, 0])


def test_a_row_a_shard():
    assert np.isfinite(classifier(n_shards=30).fit(X[:30], Y[:30]).coef_).all()


# fit_shard and merge.


def pieces(y, n=3):
    return np.array_split(np.arange(len(y)), n)


@pytest.mark.parametrize("n_shards", [None, 2])
def test_models_of_places_become_one(n_shards):
    models = [
        classifier(n_shards, random_state=k).fit_shard(X[own], Y[own])
        for k, own in enumerate(pieces(Y))
    ]
    merged = skdist.merge(models)
    assert type(merged) is DistributedSGDClassifier
    assert_allclose(merged.coef_, np.mean([m.coef_ for m in models], axis=0), rtol=1e-12)
    assert merged.score(X, Y) > 0.9
    assert not merged.report_.exact
    assert merged.t_ == 1 + 10 * len(Y)


def test_merging_is_by_steps_and_associative():
    a = classifier(max_iter=5).fit_shard(X[:900], Y[:900])
    b = classifier(max_iter=10).fit_shard(X[900:], Y[900:])
    c = classifier(max_iter=2, n_shards=1).fit_shard(X[:600], Y[:600])
    merged = skdist.merge([a, b, c])
    steps = np.array([4500.0, 3000.0, 1200.0])
    expected = np.average([a.coef_, b.coef_, c.coef_], axis=0, weights=steps)
    assert_allclose(merged.coef_, expected, rtol=1e-12)
    stepwise = skdist.merge([skdist.merge([a, b]), c])
    assert_allclose(stepwise.coef_, merged.coef_, rtol=1e-12)
    assert stepwise.t_ == merged.t_ == 1 + steps.sum()


def test_merged_regressors():
    models = [regressor().fit_shard(X[own], TARGET[own]) for own in pieces(TARGET)]
    merged = skdist.merge(models)
    assert merged.coef_.shape == (6,)
    assert merged.score(X, TARGET) > 0.8


def test_classes_of_places_are_united():
    """Binary and many, each class from those that know it."""
    few = Y4 < 2
    a = classifier().fit_shard(Z4[few], Y4[few])
    b = classifier().fit_shard(Z4[~few], Y4[~few])
    c = classifier().fit_shard(Z4, Y4)
    merged = skdist.merge([a, b, c])
    assert_array_equal(merged.classes_, np.arange(4))
    assert merged.score(Z4, Y4) > 0.5
    n, m = a.t_ - 1, c.t_ - 1
    assert_allclose(merged.coef_[1], (n * a.coef_[0] + m * c.coef_[1]) / (n + m), rtol=1e-12)
    assert_allclose(merged.coef_[0], (m * c.coef_[0] - n * a.coef_[0]) / (n + m), rtol=1e-12)


@pytest.mark.parametrize("n_shards", [None, 2])
def test_classes_that_a_place_lacks(n_shards):
    own = Y4 == 2
    alone = classifier(n_shards).fit_shard(Z4[own], Y4[own], classes=[0, 1, 2, 3])
    assert alone.coef_.shape == (4, 6)
    assert (alone.predict(Z4[own]) == 2).all()
    models = [
        classifier(n_shards, random_state=k).fit_shard(Z4[own], Y4[own], classes=np.arange(4))
        for k, own in enumerate(pieces(Y4))
    ]
    assert skdist.merge(models).score(Z4, Y4) > 0.8
    with pytest.raises(ValueError, match="lacks"):
        classifier(n_shards).fit_shard(Z4, Y4, classes=[0, 1])
    with pytest.raises(ValueError, match="needs rows of all classes"):
        balanced = classifier(n_shards, class_weight="balanced")
        balanced.fit_shard(Z4[own], Y4[own], classes=np.arange(4))


def test_merged_models_go_on_learning_and_change_nobody():
    models = [
        classifier(1, average=True, random_state=k).fit_shard(X[own], Y[own])
        for k, own in enumerate(pieces(Y))
    ]
    before = [m.coef_.copy() for m in models]
    merged = skdist.merge(models)
    start = merged.coef_.copy()
    merged.partial_fit(X, Y)
    assert (merged.coef_ != start).any()
    assert merged.t_ == 1 + 11 * len(Y)
    for model, coef in zip(models, before, strict=True):
        assert_array_equal(model.coef_, coef)


def test_models_of_scikit_learn_are_merged_too():
    models = [
        SGDClassifier(loss="log_loss", random_state=k, max_iter=10, tol=None).fit(X[own], Y[own])
        for k, own in enumerate(pieces(Y))
    ]
    merged = skdist.merge(models)
    assert type(merged) is DistributedSGDClassifier
    assert "each the same" in merged.report_.why[0]
    assert merged.score(X, Y) > 0.9


# scikit-learn's checks of several shards.

LACKING = dict.fromkeys(
    (f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")),
    "a weight is a factor of a step; scikit-learn's class does not pass it either",
)
LACKING["check_fit2d_1sample"] = "it says that one row cannot be cut into two shards"


@parametrize_with_checks(
    [DistributedSGDClassifier(loss="log_loss", n_shards=2), DistributedSGDRegressor(n_shards=2)],
    expected_failed_checks=lambda estimator: LACKING,
)
def test_scikit_learns_checks_of_two_shards(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)
