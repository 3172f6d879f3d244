# SPDX-License-Identifier: BSD-3-Clause
"""Elastic net and lasso: scikit-learn's optimum, rule to stop and attributes."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from least_squares_problems import CONTAINERS, assert_same_fit, rows_and_targets
from scipy.sparse import csr_array, issparse
from sklearn.exceptions import ConvergenceWarning

from skdist import DistributedElasticNet, DistributedLasso

RNG = np.random.default_rng(0)
TIGHT = {"tol": 1e-13, "max_iter": 100_000}


def both(X, y, weight=None, container=np.asarray, dtype=np.float64, **parameters):
    """Ours and scikit-learn's, the latter on dense float64."""
    ours = DistributedElasticNet(n_shards=5, **parameters)
    theirs = sk.ElasticNet(**parameters)
    return ours.fit(container(X.astype(dtype)), y, weight), theirs.fit(X, y, weight)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("n_targets", "l1_ratio"), [(1, 1.0), (1, 0.3), (3, 0.7)])
def test_the_optimum(n_targets, l1_ratio, positive, fit_intercept, weighted, container, dtype):
    X, y, weight = rows_and_targets(n_targets)
    weight = weight if weighted else None
    options = {"alpha": 0.2, "l1_ratio": l1_ratio, "positive": positive, **TIGHT}
    options["fit_intercept"] = fit_intercept
    ours, theirs = both(X, y, weight, CONTAINERS[container], dtype, **options)
    assert_same_fit(ours, theirs, dtype, rtol=1e-8)
    assert np.shape(ours.dual_gap_) == np.shape(theirs.dual_gap_)
    assert np.all(ours.dual_gap_ <= 1e-12 * np.var(y, axis=0) * 4)
    assert type(ours.n_iter_) is type(theirs.n_iter_)
    assert ours.report_.certificate == pytest.approx(np.sum(ours.dual_gap_), rel=1e-5)


@pytest.mark.parametrize("container", CONTAINERS)
def test_lasso(container):
    X, y, weight = rows_and_targets(2)
    ours = DistributedLasso(0.4, n_shards=3, **TIGHT).fit(CONTAINERS[container](X), y, weight)
    theirs = sk.Lasso(0.4, **TIGHT).fit(X, y, weight)
    assert_same_fit(ours, theirs, rtol=1e-8)
    assert isinstance(ours, sk.Lasso) and "l1_ratio" not in ours.get_params()
    assert issparse(ours.sparse_coef_)
    np.testing.assert_array_equal(ours.sparse_coef_.toarray(), ours.coef_)
    np.testing.assert_allclose(ours.predict(CONTAINERS[container](X)), theirs.predict(X))


@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-6])
def test_stops_where_scikit_learns_stops_on_its_moments(tol):
    X, y, _ = rows_and_targets()
    options = {"alpha": 0.05, "tol": tol}
    ours = DistributedElasticNet(**options).fit(X, y)
    theirs = sk.ElasticNet(precompute=True, **options).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8)
    assert ours.dual_gap_ == pytest.approx(theirs.dual_gap_, rel=1e-4, abs=1e-12)


HARD = {
    "collinear": lambda X: np.column_stack([X, X[:, 0] + X[:, 1], X[:, 2]]),
    "constant": lambda X: np.column_stack([X, np.full(len(X), 1e5), np.zeros(len(X))]),
    "wide": lambda X: np.random.default_rng(3).normal(size=(len(X), 300)),
    "scales": lambda X: X * [1e-8, 1e8, 1.0, 1e4, 1e-4, 1.0],
    "far off": lambda X: X + 1e6,
}


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_hard_rows(kind, l1_ratio):
    X, y, _ = rows_and_targets()
    X = HARD[kind](X)
    alpha = 0.1
    ours = DistributedElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-9, max_iter=100_000).fit(X, y)

    def F(model):
        penalty = l1_ratio * np.abs(model.coef_).sum()
        penalty += (1 - l1_ratio) / 2 * np.sum(model.coef_**2)
        return np.mean((y - model.predict(X)) ** 2) / 2 + alpha * penalty

    theirs = sk.ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-9, max_iter=100_000).fit(X, y)
    assert np.isfinite(ours.coef_).all()
    assert F(ours) <= F(theirs) + 2e-9 * np.var(y)


@pytest.mark.parametrize("model", [DistributedElasticNet(), DistributedLasso()])
def test_more_penalty_than_there_is_to_gain(model):
    X, y, _ = rows_and_targets()
    model.set_params(alpha=1e6).fit(X, y)
    assert not model.coef_.any() and model.intercept_ == pytest.approx(y.mean())
    assert model.n_iter_ == 0


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_random_coordinates(n_targets, positive):
    X, y, _ = rows_and_targets(n_targets)
    options = {"alpha": 0.05, "selection": "random", "positive": positive, **TIGHT}
    ours, theirs = both(X, y, random_state=0, **options)
    assert_same_fit(ours, theirs, rtol=1e-7)
    rough = {**options, "tol": 1e-2}
    one, same, other = (
        DistributedElasticNet(random_state=s, **rough).fit(X, y).coef_ for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_warm_start_is_quick():
    X, y, _ = rows_and_targets(2)
    model = DistributedLasso(0.05, warm_start=True, tol=1e-8).fit(X, y)
    assert min(model.n_iter_) > 1
    coef = model.coef_
    assert model.fit(X, y).n_iter_ == [0, 0]
    np.testing.assert_array_equal(model.coef_, coef)
    assert min(model.set_params(warm_start=False).fit(X, y).n_iter_) > 1
    with pytest.raises(ValueError, match=r"starts from coef_ of shape \(2, 6\), but y has 1"):
        model.set_params(warm_start=True).fit(X, y[:, 0])
    np.testing.assert_array_equal(model.coef_.shape, (2, 6))


def test_no_penalty():
    X, y, _ = rows_and_targets()
    model = DistributedElasticNet(0.0, tol=1e-14, max_iter=100_000)
    with pytest.warns(UserWarning, match="alpha=0 is no penalty"):
        model.fit(X, y)
    assert_same_fit(model, sk.LinearRegression().fit(X, y), rtol=1e-5)
    assert model.report_.certificate is None


def test_not_converging_names_the_gap():
    X, y, _ = rows_and_targets()
    X = X @ (np.ones((6, 6)) + 0.1 * np.eye(6))
    model = DistributedElasticNet(1e-4, max_iter=2, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match="after 2 sweeps with a duality gap of"):
        model.fit(X, y)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("precompute", [True, False, "array"])
def test_precompute(precompute):
    X, y, _ = rows_and_targets()
    X = X - X.mean(axis=0)
    y = y - y.mean()
    gram = X.T @ X if precompute == "array" else precompute
    options = {"precompute": gram, "fit_intercept": False, "alpha": 0.1, **TIGHT}
    ours, theirs = both(X, y, **options)
    assert_same_fit(ours, theirs, rtol=1e-8)
    assert ours.report_.strategy == ("local" if precompute == "array" else "sums")


def test_unchecked_input_is_scikit_learns_own_fit():
    X, y, _ = rows_and_targets()
    X = np.asfortranarray(X)
    ours = DistributedLasso(0.1).fit(X, y, check_input=False)
    theirs = sk.Lasso(0.1).fit(X, y, check_input=False)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert ours.report_.strategy == "local"


def test_very_many_columns_are_scikit_learns():
    X, y = csr_array(RNG.normal(size=(9, 4097))), RNG.normal(size=9)
    ours = DistributedLasso(0.1, max_iter=10_000).fit(X, y)
    theirs = sk.Lasso(0.1, max_iter=10_000).fit(X, y)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert ours.report_.strategy == "local" and "4,096 columns" in ours.report_.why[0]


def test_a_number_is_no_weights():
    X, y, _ = rows_and_targets()
    ours, theirs = both(X, y, 3.0, alpha=0.1, **TIGHT)
    assert_same_fit(ours, theirs, rtol=1e-8)


def test_law_4_order_and_cut_do_not_matter():
    X, y, weight = rows_and_targets(2)
    order = np.argsort(y[:, 0])
    whole = DistributedElasticNet(0.1, n_shards=1, **TIGHT).fit(X, y, weight)
    for n_shards in (2, 40, 160):
        model = DistributedElasticNet(0.1, n_shards=n_shards, **TIGHT)
        assert_same_fit(model.fit(X[order], y[order], weight[order]), whole, rtol=1e-9)


@pytest.mark.parametrize("name", ["ElasticNet", "Lasso"])
def test_all_of_scikit_learns_parameters_with_its_defaults(name):
    theirs = getattr(sk, name)().get_params()
    ours = {"ElasticNet": DistributedElasticNet, "Lasso": DistributedLasso}[name]().get_params()
    assert {key: ours[key] for key in theirs} == theirs
    assert set(ours) - set(theirs) == {"n_shards", "n_jobs"}


def test_bad_input_leaves_nothing_half_fitted():
    X, y, _ = rows_and_targets()
    model = DistributedLasso()
    for bad in ({"X": X, "y": y[:3]}, {"X": X * np.nan, "y": y}, {"X": X, "y": None}):
        with pytest.raises(ValueError):
            model.fit(**bad)
        assert set(vars(model)) == {*model.get_params(), "l1_ratio"}
