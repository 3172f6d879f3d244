# SPDX-License-Identifier: BSD-3-Clause
"""Ridge regression: scikit-learn's optimum by every solver, on any rows."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from least_squares_problems import CONTAINERS, assert_same_fit, rows_and_targets
from scipy.linalg import lstsq
from scipy.optimize import nnls
from scipy.sparse import csr_array, random_array
from sklearn.exceptions import ConvergenceWarning

from skdist import DistributedRidge
from skdist.linear_model._least_squares_fit import fitting_n_shards

RNG = np.random.default_rng(0)


def both(X, y, weight=None, container=np.asarray, dtype=np.float64, **parameters):
    """Ours and scikit-learn's, the latter on dense float64 by SVD."""
    ours = DistributedRidge(n_shards=5, **parameters)
    theirs = sk.Ridge(**{**parameters, "solver": "svd"})
    return ours.fit(container(X.astype(dtype)), y, weight), theirs.fit(X, y, weight)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    ("n_targets", "alpha"), [(1, 0.7), (1, [0.7]), (3, 2.0), (3, [0.1, 5.0, 5.0]), (3, [0, 1, 9])]
)
def test_the_optimum(n_targets, alpha, fit_intercept, weighted, container, dtype):
    X, y, weight = rows_and_targets(n_targets)
    weight = weight if weighted else None
    options = {"alpha": alpha, "fit_intercept": fit_intercept}
    ours, theirs = both(X, y, weight, CONTAINERS[container], dtype, **options)
    assert_same_fit(ours, theirs, dtype)
    assert ours.report_.exact and ours.report_.method == "moments"
    assert 0 <= ours.report_.certificate < 1e-18 * np.sum(np.square(y))


@pytest.mark.parametrize("solver", ["auto", "svd", "cholesky", "lsqr", "sparse_cg"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_solver_finds_it(solver, container):
    X, y, weight = rows_and_targets(2)
    ours, theirs = both(
        X, y, weight, CONTAINERS[container], solver=solver, tol=1e-12, alpha=[0.5, 3.0]
    )
    assert_same_fit(ours, theirs, rtol=1e-8)
    resolved = "sparse_cg" if container == "sparse" else "cholesky"
    assert ours.solver_ == (resolved if solver == "auto" else solver)
    assert ours.n_iter_.shape == (2,) and (ours.n_iter_ >= 1).all()
    assert ours.report_.method == ("cg" if solver == "sparse_cg" else "moments")


@pytest.mark.parametrize("solver", ["sag", "saga"])
def test_stochastic_solvers_are_scikit_learns_own_fit(solver):
    X, y, weight = rows_and_targets()
    options = {"solver": solver, "random_state": 3, "max_iter": 2000}
    ours = DistributedRidge(**options).fit(X, y, weight)
    theirs = sk.Ridge(**options).fit(X, y, weight)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.report_.strategy == "local" and ours.report_.method == solver


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_positive(fit_intercept, container, solver):
    X, y, weight = rows_and_targets(2)
    alpha, w = [0.5, 30.0], weight if fit_intercept else np.ones(len(X))
    options = {"positive": True, "solver": solver, "fit_intercept": fit_intercept}
    ours = DistributedRidge(alpha, n_shards=4, **options).fit(CONTAINERS[container](X), y, w)
    U = X - np.average(X, 0, w) * fit_intercept
    v = y - np.average(y, 0, w) * fit_intercept
    for a, coef, target in zip(alpha, ours.coef_, v.T, strict=True):
        rows = np.vstack([U * np.sqrt(w)[:, None], np.sqrt(a) * np.eye(6)])
        best = nnls(rows, np.append(np.sqrt(w) * target, np.zeros(6)))[0]
        np.testing.assert_allclose(coef, best, rtol=1e-10, atol=1e-12)
    assert ours.solver_ == "lbfgs" and ours.coef_.min() == 0


def test_what_scikit_learn_refuses():
    X, y, _ = rows_and_targets(2)
    with pytest.raises(ValueError, match="only with positive=True"):
        DistributedRidge(solver="lbfgs").fit(X, y)
    with pytest.raises(ValueError, match="solver='svd' does not support positive"):
        DistributedRidge(solver="svd", positive=True).fit(X, y)
    with pytest.raises(ValueError, match="penalties do not correspond: 3 != 2"):
        DistributedRidge([1.0, 2.0, 3.0]).fit(X, y)
    with pytest.raises(ValueError, match="'solver' parameter"):
        DistributedRidge(solver="newton").fit(X, y)
    with pytest.raises(ValueError, match="alpha"):
        DistributedRidge(alpha=-1.0).fit(X, y)


BASE = RNG.normal(2.0, 1.0, (120, 5))
HARD = {
    "collinear": np.column_stack([BASE, BASE[:, 0] + BASE[:, 1]]),
    "constant": np.column_stack([BASE, np.full(120, 5.0), np.zeros(120)]),
    "wide": RNG.normal(1.0, 1.0, (40, 70)),
    "one row": RNG.normal(size=(1, 3)),
    "scales": BASE * [1e-8, 1e8, 1.0, 1e4, 1e-4],
    "far off": BASE + 1e6,
}


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("alpha", [1.0, 1e-6, 1e-12])
def test_hard_rows(kind, alpha):
    X = HARD[kind]
    y = X @ RNG.normal(size=X.shape[1]) / np.abs(X).max() + RNG.normal(size=len(X))
    ours = DistributedRidge(alpha, n_shards=min(4, len(X))).fit(X, y)
    theirs = sk.Ridge(alpha, solver="svd").fit(X, y)

    def F(model):
        return np.sum((y - model.predict(X)) ** 2) + alpha * np.sum(model.coef_**2)

    assert np.isfinite(ours.coef_).all()
    assert F(ours) <= F(theirs) * (1 + 1e-9) + 1e-12
    if alpha == 1.0 and kind != "far off":
        assert_same_fit(ours, theirs, rtol=1e-8)


@pytest.mark.parametrize("kind", HARD)
def test_no_penalty_is_least_squares_of_least_norm(kind):
    X = HARD[kind]
    y = RNG.normal(size=len(X))
    ours = DistributedRidge(0.0, n_shards=min(4, len(X))).fit(X, y)
    U, v = X - X.mean(0), y - y.mean()
    best = lstsq(U, v, cond=1e-12)[0]
    fit, least = np.sum((v - U @ ours.coef_) ** 2), np.sum((v - U @ best) ** 2)
    assert fit <= least + 1e-9 * (v @ v)
    if kind not in ("scales", "far off"):
        np.testing.assert_allclose(ours.coef_, best, rtol=1e-7, atol=1e-9)


def test_collinear_rows_with_a_small_penalty_take_a_second_round():
    X, y = HARD["collinear"], BASE[:, 0] ** 2
    assert DistributedRidge(1e-12).fit(X, y).report_.method == "tsqr"
    assert DistributedRidge(1.0).fit(X, y).report_.method == "moments"
    assert DistributedRidge(1e-12).fit(X, y).n_iter_.tolist() == [2]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_very_many_sparse_columns(fit_intercept, dtype):
    X = random_array((80, 4200), density=0.02, rng=np.random.default_rng(0), format="csr")
    X = X.astype(np.float32).astype(np.float64)
    y = X[:, :9] @ RNG.normal(size=(9, 2)) + RNG.normal(size=(80, 2)) + 2.0
    weight = RNG.random(80)
    options = {"alpha": [0.5, 2.0], "fit_intercept": fit_intercept}
    ours = DistributedRidge(n_shards=3, tol=1e-10, **options).fit(X.astype(dtype), y, weight)
    theirs = sk.Ridge(**options).fit(X.toarray(), y, weight)
    assert ours.report_.method == "cg" and ours.report_.rounds > ours.n_iter_.max()
    assert_same_fit(ours, theirs, dtype, rtol=1e-7)


def test_conjugate_gradients_obey_tol_and_max_iter():
    X, y, _ = rows_and_targets()
    model = DistributedRidge(solver="sparse_cg", max_iter=2, tol=1e-12)
    with pytest.warns(ConvergenceWarning, match="after 2 iterations, at most .* above the minimum"):
        model.fit(X, y)
    assert model.n_iter_.tolist() == [2] and not model.report_.extra["converged"]
    rough = DistributedRidge(solver="sparse_cg", tol=1e-1).fit(X, y)
    assert rough.n_iter_[0] < 6

    def F(model):
        return np.sum((y - model.predict(X)) ** 2) + np.sum(model.coef_**2)

    lacking = F(rough) - F(DistributedRidge().fit(X, y))
    assert 0 < lacking <= rough.report_.certificate


def test_very_many_dense_columns_are_scikit_learns():
    X, y = RNG.normal(size=(9, 4097)), RNG.normal(size=9)
    ours = DistributedRidge().fit(X, y)
    np.testing.assert_array_equal(ours.coef_, sk.Ridge().fit(X, y).coef_)
    assert ours.report_.strategy == "local"
    wide = DistributedRidge(positive=True, tol=1e-8).fit(csr_array(X), y)
    assert wide.report_.strategy == "local" and "positive" in wide.report_.why[0]
    by_rounds = DistributedRidge(solver="sparse_cg", tol=1e-12).fit(X, y)
    assert by_rounds.report_.method == "cg"
    assert_same_fit(by_rounds, ours, rtol=1e-6)


def test_wide_rows_are_cut_into_fewer_shards():
    narrow, wide = np.empty((1 << 20, 100)), np.empty((1 << 20, 1000))
    assert fitting_n_shards(narrow, None) == 64 and fitting_n_shards(wide, None) == 33
    assert fitting_n_shards(wide, 40) == 40 and fitting_n_shards([[1.0]], None) is None
    assert fitting_n_shards(np.empty((5, 4096)), None) == 1


@pytest.mark.parametrize("weight", [2.5, None])
def test_a_number_is_the_weight_of_every_row(weight):
    X, y, _ = rows_and_targets()
    ours, theirs = both(X, y, weight)
    assert_same_fit(ours, theirs)


def test_bad_input_leaves_nothing_half_fitted():
    X, y, _ = rows_and_targets()
    model = DistributedRidge()
    for bad in (np.append(y[1:], np.nan), y[:3]):
        with pytest.raises(ValueError):
            model.fit(X, bad)
        assert vars(model) == model.get_params()


def test_all_of_scikit_learns_parameters_with_its_defaults():
    theirs = sk.Ridge().get_params()
    ours = DistributedRidge().get_params()
    assert {name: ours[name] for name in theirs} == theirs
    assert set(ours) - set(theirs) == {"n_shards", "n_jobs"}


@pytest.mark.parametrize("seed", range(3))
def test_law_4_order_and_cut_do_not_matter(seed):
    X, y, weight = rows_and_targets(2)
    whole = DistributedRidge(n_shards=1).fit(X, y, weight)
    order = np.random.default_rng(seed).permutation(len(X))
    for n_shards in (2, 40, 160):
        model = DistributedRidge(n_shards=n_shards).fit(X[order], y[order], weight[order])
        assert_same_fit(model, whole, rtol=1e-12)
