# SPDX-License-Identifier: BSD-3-Clause
"""Generalised linear models: scikit-learn's objective, optimum, checks of y and attributes."""

import warnings
from functools import lru_cache

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_tweedie_deviance

import skdist

TIGHT = 1e-8
MODELS = {
    "Poisson": ("PoissonRegressor", {}),
    "Gamma": ("GammaRegressor", {}),
    "normal": ("TweedieRegressor", {"power": 0}),
    "normal, log": ("TweedieRegressor", {"power": 0, "link": "log"}),
    "Poisson by power": ("TweedieRegressor", {"power": 1}),
    "compound": ("TweedieRegressor", {"power": 1.5}),
    "compound, identity": ("TweedieRegressor", {"power": 1.5, "link": "identity"}),
    "inverse Gaussian": ("TweedieRegressor", {"power": 3}),
}
every_model = pytest.mark.parametrize("name", MODELS)


@lru_cache
def problem(n=500, d=4):
    """X that float32 knows, targets above 0 of Gamma distributions, and weights."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.7)
    X = X.astype(np.float32).astype(np.float64)
    mean = np.exp(X @ np.array([0.3, -0.2, 0.1, 0.0])[:d] + 0.5)
    return X, mean * rng.gamma(3.0, 1 / 3.0, n), rng.integers(1, 5, n) / 2.0


def ours(name, **parameters):
    kind, own = MODELS[name]
    return getattr(skdist, f"Distributed{kind}")(**{"tol": TIGHT, **own, **parameters})


def theirs(name, **parameters):
    kind, own = MODELS[name]
    given = {"solver": "newton-cholesky", "tol": 1e-11, "max_iter": 1000, **own, **parameters}
    return getattr(sklearn.linear_model, kind)(**given)


@lru_cache
def best(name, alpha, weighted, fit_intercept=True):
    X, y, weight = problem()
    model = theirs(name, alpha=alpha, fit_intercept=fit_intercept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y, weight if weighted else None)
    return model


def assert_optimum(model, expected, rtol=1e-6):
    scale = max(np.abs(expected.coef_).max(), abs(expected.intercept_))
    assert_allclose(model.coef_, expected.coef_, rtol=0, atol=rtol * scale)
    assert_allclose(model.intercept_, expected.intercept_, rtol=0, atol=rtol * scale)


@every_model
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_optimum(name, alpha, weighted, container, dtype):
    X, y, weight = problem()
    model = ours(name, alpha=alpha, n_shards=3)
    model.fit(container(X.astype(dtype)), y, weight if weighted else None)
    assert model.coef_.dtype == model.intercept_.dtype == dtype
    assert_optimum(model, best(name, alpha, weighted))


@pytest.mark.parametrize("name", ["Poisson", "Gamma", "compound"])
@pytest.mark.parametrize(
    "solver", ["newton", "newton-cholesky", "newton_cg", "lbfgs", "gradient_descent", "prox_newton"]
)
def test_every_solver_finds_it(name, solver):
    X, y, weight = problem()
    model = ours(name, alpha=0.1, solver=solver, max_iter=5_000, n_shards=2).fit(X, y, weight)
    assert_optimum(model, best(name, 0.1, True))
    assert model.report_.method == solver.replace("-cholesky", "")


def assert_minimum(function, model):
    steps = 1e-3 * np.random.default_rng(0).normal(size=(20, len(model.coef_)))
    assert min(function(model.coef_ + step) for step in steps) > function(model.coef_)


@every_model
def test_without_intercept(name):
    X, y, _ = problem()
    X = np.column_stack([X[:, :3], np.ones(len(X))])
    model = ours(name, fit_intercept=False, alpha=0.01).fit(X, y)
    assert model.intercept_ == 0.0
    assert model.report_.extra["converged"]
    if name == "compound, identity":  # scikit-learn starts where no mean is positive, and fails
        assert_minimum(lambda w: mean_tweedie_deviance(y, X @ w, power=1.5) + 0.01 * w @ w, model)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert_optimum(model, theirs(name, fit_intercept=False, alpha=0.01).fit(X, y))


@pytest.mark.parametrize("name", ["Poisson", "Gamma", "compound"])
def test_law_4_any_number_of_shards_and_any_order(name):
    X, y, weight = problem()
    order = np.argsort(y)
    for n_shards in (1, 2, 5, 13, 40):
        model = ours(name, alpha=0.1, n_shards=n_shards).fit(X[order], y[order], weight[order])
        assert model.n_shards_ == len(model.report_.shards) == n_shards
        assert_optimum(model, best(name, 0.1, True))


@pytest.mark.parametrize("name", ["Poisson", "Gamma", "compound"])
def test_law_4_shards_of_one_row(name):
    X, y, _ = problem()
    model = ours(name, n_shards=30).fit(X[:30], y[:30])
    assert_optimum(model, theirs(name).fit(X[:30], y[:30]))


@pytest.mark.parametrize("name", ["Poisson", "Gamma", "compound"])
def test_law_6_a_weight_is_a_repetition(name):
    X, y, _ = problem()
    weight = np.arange(len(y)) % 3
    weighed = ours(name, n_shards=3).fit(X, y, weight.astype(float))
    assert_optimum(weighed, ours(name).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight)))


@every_model
def test_predictions_and_scores_are_scikit_learns(name):
    X, y, weight = problem()
    model = ours(name, alpha=0.1).fit(X, y, weight)
    expected = best(name, 0.1, True)
    assert_allclose(model.predict(X), expected.predict(X), rtol=1e-5)
    assert model.score(X, y, weight) == pytest.approx(expected.score(X, y, weight), rel=1e-6)


def test_attributes_have_scikit_learns_shapes():
    X, y, _ = problem()
    model, expected = ours("Poisson").fit(X, y), best("Poisson", 0.1, False)
    assert model.coef_.shape == expected.coef_.shape
    assert np.ndim(model.intercept_) == np.ndim(expected.intercept_) == 0
    assert type(model.n_iter_) is int
    assert model.report_.method == "newton"
    assert len(model.report_.shards[0].rates) == 1
    assert model.report_.shards[0].rates[0] == pytest.approx(y.mean())


@pytest.mark.parametrize("name", MODELS)
def test_all_of_scikit_learns_parameters_with_its_defaults(name):
    kind, _ = MODELS[name]
    mine = getattr(skdist, f"Distributed{kind}")().get_params()
    reference = getattr(sklearn.linear_model, kind)().get_params()
    assert mine == {**reference, "solver": "auto", "n_jobs": None, "n_shards": None}


@pytest.mark.parametrize(
    ("name", "lowest"),
    [("Poisson", -1.0), ("Gamma", 0.0), ("compound", -1.0), ("inverse Gaussian", 0.0)],
)
def test_targets_out_of_range_are_refused_in_scikit_learns_words(name, lowest):
    X, y, _ = problem()
    bad = y.copy()
    bad[7] = lowest
    with pytest.raises(ValueError, match="out of the valid range of the loss") as theirs_said:
        theirs(name).fit(X, bad)
    model = ours(name)
    with pytest.raises(ValueError, match="out of the valid range of the loss") as ours_said:
        model.fit(X, bad)
    assert str(ours_said.value) == str(theirs_said.value)
    assert vars(model) == vars(ours(name))


@pytest.mark.parametrize("name", ["Poisson", "compound"])
def test_targets_of_zero(name):
    X, y, _ = problem()
    y = np.where(y < 1.0, 0.0, y)
    assert_optimum(ours(name).fit(X, y), theirs(name).fit(X, y))


@pytest.mark.parametrize("name", ["Poisson", "Gamma", "compound", "inverse Gaussian"])
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_targets_in_other_units(name, unit):
    """With a log link only the intercept moves, if nothing is penalised."""
    X, y, _ = problem()
    model = ours(name, alpha=0.0, n_shards=3).fit(X, unit * y)
    expected = best(name, 0.0, False)
    assert_allclose(model.coef_, expected.coef_, atol=1e-5)
    assert model.intercept_ == pytest.approx(expected.intercept_ + np.log(unit), abs=1e-5)


@pytest.mark.parametrize("name", ["Poisson", "Gamma"])
def test_collinear_and_constant_columns(name):
    X, y, _ = problem()
    wide = np.column_stack([X, X[:, 0], X.sum(axis=1), np.full(len(X), 3.0), 0 * y])
    assert_optimum(ours(name).fit(wide, y), theirs(name).fit(wide, y))
    free = ours(name, alpha=0.0).fit(wide, y)
    assert np.isfinite(free.coef_).all()
    assert_allclose(free.predict(wide), best(name, 0.0, False).predict(X), rtol=1e-5)


@pytest.mark.parametrize("name", ["Poisson", "Gamma"])
def test_more_columns_than_rows(name):
    X = np.random.default_rng(0).normal(size=(40, 90))
    y = problem()[1][:40]
    assert_optimum(ours(name, n_shards=3).fit(X, y), theirs(name).fit(X, y))


@pytest.mark.parametrize("name", ["Poisson", "Gamma", "compound", "normal"])
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_features_of_very_different_scales(name, scale):
    X, y, _ = problem()
    units = np.array([scale, 1.0, 1.0, 1.0 / scale])
    model = ours(name, alpha=0.0, n_shards=3).fit(X * units, y)
    expected = best(name, 0.0, False)
    assert_allclose(model.coef_ * units, expected.coef_, atol=1e-5)
    assert_allclose(model.intercept_, expected.intercept_, atol=1e-5)


def test_targets_that_are_all_zero_have_no_finite_optimum():
    X, _, _ = problem()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = ours("Poisson").fit(X, np.zeros(len(X)))
    assert np.isfinite(model.coef_).all()
    assert model.predict(X).max() < 1e-2


def test_a_warm_start_is_quick():
    X, y, _ = problem()
    model = ours("Poisson", warm_start=True)
    first = model.fit(X, y).n_iter_
    assert model.fit(X, y).n_iter_ < first
    assert_optimum(model.set_params(alpha=0.1).fit(X, y), best("Poisson", 0.1, False))
    with pytest.raises(ValueError, match=r"coef_ of 4 features, X has 3"):
        model.fit(X[:, :3], y)
    assert model.set_params(warm_start=False).fit(X[:, :3], y).n_features_in_ == 3


def test_a_class_of_solver_is_scikit_learns():
    X, y, _ = problem()
    solver = type("Mine", (sklearn.linear_model._glm._newton_solver.NewtonCholeskySolver,), {})
    model = ours("Gamma", solver=solver).fit(X, y)
    assert model.report_.strategy == "local"
    assert_array_equal(
        model.coef_, theirs("Gamma", solver=solver, max_iter=100, tol=TIGHT).fit(X, y).coef_
    )


def test_the_report_is_said(capsys):
    X, y, _ = problem()
    ours("Poisson", verbose=1, n_shards=2).fit(X, y)
    assert capsys.readouterr().out.startswith(
        "[DistributedPoissonRegressor] newton, sums, 2 shards: prepare"
    )


@pytest.mark.parametrize("name", ["Poisson", "Gamma", "compound"])
def test_the_certificate_holds(name):
    X, y, weight = problem()
    loose, tight = (ours(name, tol=tol).fit(X, y, weight).report_ for tol in (1e-2, 1e-8))
    lacking = loose.extra["objective"] - tight.extra["objective"]
    assert lacking <= loose.certificate + 1e-14
    assert tight.certificate <= 2e-15 * abs(tight.extra["objective"])
