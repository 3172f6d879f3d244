# SPDX-License-Identifier: BSD-3-Clause
"""The optimum does not depend on how rows were cut; and data that have no good one."""

import warnings

import numpy as np
import pytest
from linear_problems import best, classes_problem
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skdist import DistributedLogisticRegression

TIGHT = 1e-8


def fitted(X, y, weight=None, **parameters):
    return DistributedLogisticRegression(**{"tol": TIGHT, **parameters}).fit(X, y, weight)


def assert_same(model, coef, intercept, rtol=1e-6):
    scale = np.abs(coef).max()
    assert_allclose(model.coef_, coef, rtol=0, atol=rtol * scale)
    assert_allclose(model.intercept_, intercept, rtol=0, atol=rtol * max(scale, 1.0))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("penalty", [{"C": 0.5}, {"C": 0.2, "l1_ratio": 1.0}], ids=["l2", "l1"])
def test_law_4_any_number_of_shards(n_classes, penalty):
    X, y, _ = classes_problem(n_classes)
    expected = best(n_classes, "l1" if "l1_ratio" in penalty else "l2")
    for n_shards in (1, 2, 3, 5, 8, 13, 21, 40):
        model = fitted(X, y, n_shards=n_shards, **penalty)
        assert model.n_shards_ == len(model.report_.shards) == n_shards
        assert_same(model, *expected)


@pytest.mark.parametrize("n_classes", [2, 3, 26])
def test_law_4_shards_of_one_class(n_classes):
    """Rows sorted by label: most shards lack all classes but one."""
    X, y, _ = classes_problem(n_classes)
    order = np.argsort(y, kind="stable")
    model = fitted(X[order], y[order], C=0.5, n_shards=20)
    assert sum(max(shard.rates) == 1.0 for shard in model.report_.shards) >= 18 - n_classes
    assert_same(model, *best(n_classes, "l2"))


@pytest.mark.parametrize("solver", ["newton", "newton_cg", "lbfgs", "prox_newton"])
def test_law_4_shards_of_one_row(solver):
    X, y, _ = classes_problem(3)
    some = slice(0, 36)
    expected = fitted(X[some], y[some], solver=solver)
    model = fitted(X[some], y[some], solver=solver, n_shards=36)
    assert_same(model, expected.coef_, expected.intercept_)


def test_law_6_a_weight_is_a_repetition_and_none_is_no_row():
    X, y, _ = classes_problem(3)
    weight = np.arange(len(y)) % 3
    weighed = fitted(X, y, weight.astype(float), n_shards=3)
    repeated = fitted(np.repeat(X, weight, axis=0), np.repeat(y, weight), n_shards=2)
    assert_same(weighed, repeated.coef_, repeated.intercept_, rtol=1e-7)


def test_shards_without_any_weight():
    X, y, weight = classes_problem(3)
    weight = np.where(np.arange(len(y)) < len(y) // 2, 0.0, weight)
    half = weight > 0
    model = fitted(X, y, weight, n_shards=8)
    expected = fitted(X[half], y[half], weight[half])
    assert_same(model, expected.coef_, expected.intercept_, rtol=1e-7)


# Data without a good optimum: no NaN, and what happened is said.


def theirs(X, y, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogisticRegression(
            solver="newton-cholesky", tol=1e-10, max_iter=500, **parameters
        ).fit(X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_separable_classes_without_a_penalty(n_classes):
    """There is no minimum: the infimum, 0, is approached, or a warning says how far it got."""
    X, y, _ = classes_problem(n_classes)
    X = np.column_stack([X, 10.0 * y])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = DistributedLogisticRegression(C=np.inf, n_shards=3).fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert model.score(X, y) == 1.0
    objective = model.report_.extra["objective"]
    assert objective < 1e-3 * len(y)
    assert model.report_.extra["converged"] or caught[0].category is ConvergenceWarning


@pytest.mark.parametrize("solver", ["newton", "newton_cg", "lbfgs"])
def test_separable_classes_with_a_penalty(solver):
    X, y, _ = classes_problem(3)
    X = np.column_stack([X, 10.0 * y])
    model = fitted(X, y, solver=solver, C=100.0, max_iter=2000)
    expected = theirs(X, y, C=100.0)
    assert_same(model, expected.coef_, expected.intercept_, rtol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_collinear_and_constant_columns(n_classes):
    X, y, _ = classes_problem(n_classes)
    wide = np.column_stack([X, X[:, 0], X @ np.ones(X.shape[1]), np.full(len(X), 3.0), 0 * y])
    model = fitted(wide, y, n_shards=4)
    expected = theirs(wide, y)
    assert_same(model, expected.coef_, expected.intercept_)
    free = fitted(wide, y, C=np.inf, n_shards=4)
    plain = fitted(X, y, C=np.inf)
    assert np.isfinite(free.coef_).all()
    assert_allclose(free.predict_proba(wide), plain.predict_proba(X), atol=1e-5)
    assert free.report_.extra["objective"] == pytest.approx(plain.report_.extra["objective"])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", ["newton", "newton_cg", "lbfgs"])
def test_more_columns_than_rows(n_classes, solver):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 90)), np.arange(40) % n_classes
    model = fitted(X, y, C=0.1, solver=solver, n_shards=3, max_iter=1000)
    expected = theirs(X, y, C=0.1)
    assert_same(model, expected.coef_, expected.intercept_)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_features_of_very_different_scales(n_classes, scale):
    """Without a penalty, coefficients are those of the unscaled features, scaled back."""
    X, y, _ = classes_problem(n_classes)
    units = np.array([scale, 1.0, 1.0, 1.0 / scale])
    model = fitted(X * units, y, C=np.inf, n_shards=3)
    coef, intercept = best(n_classes, "none")
    assert_allclose(model.coef_ * units, coef, atol=1e-5)
    assert_allclose(model.intercept_, intercept, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize(
    ("n_classes", "penalty"),
    [(2, {}), (3, {}), (2, {"l1_ratio": 1.0}), (2, {"l1_ratio": 0.5})],
)
def test_all_features_of_one_scale(scale, n_classes, penalty):
    X, y, _ = classes_problem(n_classes)
    for container in (np.asarray, csr_array):
        model = fitted(container(X * scale), y, n_shards=3, **penalty)
        assert np.isfinite(model.coef_).all()
        assert model.report_.certificate <= 1e-10 * model.report_.extra["objective"]


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e2])
def test_a_weak_l1_penalty_on_three_classes(scale):
    X, y, _ = classes_problem(3)
    model = fitted(X * scale, y, n_shards=3, l1_ratio=1.0, tol=1e-4)
    assert np.isfinite(model.coef_).all()
    assert model.report_.extra["converged"]


def test_a_shifted_column():
    """A mean of 1e6 standard deviations: the intercept takes it up."""
    X, y, _ = classes_problem(2)
    shift = np.array([1e6, 0.0, 0.0, 0.0])
    model = fitted(X + shift, y, C=np.inf, n_shards=3)
    coef, intercept = best(2, "none")
    assert_allclose(model.coef_, coef, atol=1e-4)
    assert_allclose(model.intercept_, intercept - coef @ shift, rtol=1e-4)


@pytest.mark.parametrize("strength", [1e-10, 1e10])
def test_extreme_penalties(strength):
    X, y, _ = classes_problem(3)
    model = fitted(X, y, C=strength, n_shards=3)
    expected = theirs(X, y, C=strength)
    largest = np.abs(expected.coef_).max()
    assert_allclose(model.coef_.mean(axis=0), 0.0, atol=1e-4 * largest)
    # What is added to all classes hardly changes F where the penalty is weak.
    ours, coef = (w - w.mean(axis=0) for w in (model.coef_, expected.coef_))
    assert_allclose(ours, coef, rtol=0, atol=1e-6 * largest)
    assert_allclose(model.intercept_, expected.intercept_, rtol=1e-5)
