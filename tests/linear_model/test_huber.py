# SPDX-License-Identifier: BSD-3-Clause
"""Robust regression: scikit-learn's objective, its optimum or a better one."""

import pickle
import warnings

import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import HuberRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdist
from skdist import DistributedHuberRegressor
from skdist.kernels.huber_pass import huber_along, huber_product, huber_sums
from skdist.sharding import shard_rows
from skdist.solvers.huber_newton import huber_newton
from skdist.solvers.huber_problem import HuberProblem

RNG = np.random.default_rng(0)
N, D = 400, 5
X = (RNG.normal(size=(N, D)) @ (np.eye(D) + 0.3)).astype(np.float32).astype(np.float64)
X[RNG.random((N, D)) < 0.2] = 0.0
Y = X @ RNG.normal(size=D) + 2.0 + 0.5 * RNG.standard_t(1.5, N)
WEIGHT = RNG.integers(0, 4, N) / 2.0


def objective(theta, X, y, weight=None, epsilon=1.35, alpha=1e-4, fit_intercept=True):
    """As it is written in the docstring; theta holds coefficients, intercept and scale."""
    weight = np.ones(len(y)) if weight is None else weight
    w, b = theta[: X.shape[1]], theta[-2] if fit_intercept else 0.0
    z = np.abs(X @ w + b - y) / theta[-1]
    h = np.where(z <= epsilon, z**2, 2 * epsilon * z - epsilon**2)
    return weight @ (theta[-1] * (1 + h)) + alpha * w @ w


def slope(theta, X, y, weight=None, epsilon=1.35, alpha=1e-4, fit_intercept=True):
    """Its gradient."""
    weight = np.ones(len(y)) if weight is None else weight
    U = np.hstack([X, np.ones((len(y), 1))])[:, : X.shape[1] + fit_intercept]
    w = theta[:-1] * np.append(np.ones(X.shape[1]), 0.0)[: U.shape[1]]
    z = (U @ theta[:-1] - y) / theta[-1]
    inside = np.abs(z) <= epsilon
    by_w = U.T @ (weight * np.where(inside, 2 * z, 2 * epsilon * np.sign(z))) + 2 * alpha * w
    by_scale = weight @ (1 - np.where(inside, z**2, epsilon**2))
    return np.append(by_w, by_scale)


def theta_of(model):
    intercept = [model.intercept_] if model.fit_intercept else []
    return np.concatenate([model.coef_, intercept, [model.scale_]])


def ours(X=X, y=Y, weight=None, **parameters):
    return DistributedHuberRegressor(**{"tol": 1e-8, "n_shards": 3, **parameters}).fit(X, y, weight)


def theirs(X=X, y=Y, weight=None, **parameters):
    model = HuberRegressor(**parameters, tol=1e-12, max_iter=10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, weight)


OPTIONS = [{}, {"epsilon": 1.1}, {"epsilon": 5.0}, {"alpha": 10.0}, {"fit_intercept": False}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_optimum(options, weight, container, dtype):
    model = ours(container(X.astype(dtype)), Y, weight, **options)
    expected = theirs(X, Y, weight, **options)
    assert model.coef_.dtype == dtype
    # L-BFGS does not come nearer; the gradient tells who is right.
    assert_allclose(theta_of(model), theta_of(expected), rtol=1e-5, atol=1e-5)
    assert np.abs(slope(theta_of(ours(X, Y, weight, **options)), X, Y, weight, **options)).max() < (
        1e-6 * N
    )
    value = objective(theta_of(ours(X, Y, weight, **options)), X, Y, weight, **options)
    assert value <= objective(theta_of(expected), X, Y, weight, **options) * (1 + 1e-13)
    assert_array_equal(model.outliers_, expected.outliers_)
    assert 0 < model.outliers_.sum() < N


def test_least_absolute_deviations_are_scikit_learns_own_fit():
    model = ours(epsilon=1.0, tol=1e-5)
    assert_array_equal(model.coef_, HuberRegressor(epsilon=1.0).fit(X, Y).coef_)
    assert model.report_.strategy == "local" and "epsilon=1" in model.report_.why[0]


def test_epsilon_near_1():
    model, expected = ours(epsilon=1.02), theirs(epsilon=1.02)
    found, least = (objective(theta_of(m), X, Y, epsilon=1.02) for m in (model, expected))
    assert found <= least * (1 + 1e-12)


def test_every_bound_on_the_way_bounds():
    least = objective(theta_of(ours()), X, Y)
    report = ours(max_iter=100).report_
    assert_allclose(report.extra["objective"], least, rtol=1e-9)
    for step in report.extra["history"][2:]:
        assert step.value - least <= step.bound * (1 + 1e-6) + 1e-12 * least


@pytest.mark.parametrize("order", [np.arange(N), np.argsort(Y)])
def test_law_4_any_number_of_shards(order):
    expected = theta_of(ours(n_shards=1))
    for n_shards in (1, 2, 7, 40, N):
        model = ours(X[order], Y[order], n_shards=n_shards)
        assert model.n_shards_ == n_shards
        assert_allclose(theta_of(model), expected, rtol=1e-9)
        assert_array_equal(model.outliers_, ours(n_shards=1).outliers_[order])


def test_law_6_a_weight_is_a_repetition_and_none_is_no_row():
    times = np.arange(N) % 3
    weighed = ours(weight=times.astype(float))
    repeated = ours(np.repeat(X, times, axis=0), np.repeat(Y, times))
    assert_allclose(theta_of(weighed), theta_of(repeated), rtol=1e-8)


def test_law_3_the_same_model_on_every_backend(backend):
    expected = theta_of(ours(n_jobs=1))
    assert_allclose(theta_of(ours()), expected, rtol=1e-10)
    assert_array_equal(ours().outliers_, ours(n_jobs=1).outliers_)


def test_products_with_the_hessian_find_the_same():
    shards = shard_rows(X, Y, WEIGHT, n_shards=3, n_jobs=1)
    problem = HuberProblem(D, WEIGHT.sum(), alpha=0.5)
    start = np.append(np.zeros(D + 1), Y.std())
    formed, products = (
        huber_newton(shards, problem, start, tol=1e-8, forms_hessian=formed)
        for formed in (True, False)
    )
    assert formed.converged and products.converged
    assert_allclose(products.w, formed.w, rtol=1e-6)
    assert products.certificate != formed.certificate


def test_many_columns_take_products():
    wide = csr_array(np.hstack([X, np.zeros((N, 400))]))
    model = ours(wide)
    assert "estimated" in model.report_.extra["certificate"]
    assert_allclose(model.coef_[:D], ours().coef_, rtol=1e-6)


def test_a_plane_through_most_rows_is_found():
    """Newton's step goes to sigma = 0, on the plane through those that are inliers at first."""
    X = np.array([[1.0, 3], [2, 1], [3, 3], [4, 1]]).repeat(4, axis=0)
    y, weight = np.where(X[:, 1] == 3, 1.0, 2.0), np.ones(16)
    weight[0] = 10.0
    model = ours(X, y, weight)
    assert_allclose(model.predict(X), y, atol=1e-6)
    assert model.report_.extra["converged"] and not model.outliers_.any()


def test_a_line_search_is_made_where_steps_are_too_long():
    start = np.append(np.full(D + 1, 1e3), 1e-3)
    shards = shard_rows(X, Y, n_shards=2, n_jobs=1)
    solution = huber_newton(shards, HuberProblem(D, float(N)), start, tol=1e-8)
    assert solution.converged
    assert_allclose(solution.w[0], theta_of(ours()), rtol=1e-6)


# Data that have no good optimum.


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_columns_of_any_scale_constant_and_twice(scale):
    odd = np.column_stack([X, scale * X[:, 0], np.full(N, 5.0), np.zeros(N), X[:, 1]])
    model = ours(odd, tol=1e-5)
    assert np.isfinite(theta_of(model)).all()
    assert objective(theta_of(model), odd, Y) <= objective(theta_of(theirs(odd)), odd, Y)


@pytest.mark.parametrize("alpha", [0.0, 1e-4])
def test_rows_on_a_plane_have_no_scale(alpha):
    y = X @ np.arange(1.0, D + 1) - 1.0
    model = ours(X, y, alpha=alpha)
    assert 0 < model.scale_ < 1e-3
    assert_allclose(model.predict(X), y, atol=1e-3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_more_columns_than_rows():
    model = ours(X[:4], Y[:4], n_shards=2)
    assert np.isfinite(theta_of(model)).all()
    assert objective(theta_of(model), X[:4], Y[:4]) <= 1.001 * objective(
        theta_of(theirs(X[:4], Y[:4])), X[:4], Y[:4]
    )


def test_a_constant_target():
    model = ours(X, np.full(N, 3.0))
    assert_allclose(model.predict(X), 3.0)


# The face.


def test_all_of_scikit_learns_parameters_with_its_defaults():
    own = {"n_shards": None, "n_jobs": None}
    assert {**HuberRegressor().get_params(), **own} == DistributedHuberRegressor().get_params()


def test_a_warm_start_is_quick_and_needs_the_same_shape():
    model = DistributedHuberRegressor(warm_start=True, tol=1e-8).fit(X, Y)
    first, theta = model.n_iter_, theta_of(model)
    assert model.fit(X, Y).n_iter_ < first
    assert_allclose(theta_of(model), theta, rtol=1e-7)
    with pytest.raises(ValueError, match="The last fit was to 5 features, X has 4"):
        model.fit(X[:, :4], Y)
    assert_allclose(theta_of(model), theta, rtol=1e-7)


def test_not_converging_names_the_bound_that_was_reached():
    with pytest.warns(ConvergenceWarning, match="is at most .* above the minimum"):
        model = ours(max_iter=1)
    assert model.n_iter_ == 1 and not model.report_.extra["converged"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"epsilon": 0.5}, "epsilon"),
        ({"alpha": -1.0}, "alpha"),
        ({"n_shards": 0}, "n_shards"),
        ({"n_shards": 401}, "n_shards=401"),
    ],
)
def test_what_cannot_be_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        DistributedHuberRegressor(**parameters).fit(X, Y)


def test_bad_rows():
    with pytest.raises(ValueError, match="NaN"):
        ours(np.where(X == X[0, 0], np.nan, X))
    with pytest.raises(ValueError, match="negative"):
        ours(weight=-np.ones(N))


def test_inside_of_other_estimators():
    search = GridSearchCV(DistributedHuberRegressor(), {"alpha": [1e-4, 1e4]}, cv=3, n_jobs=2)
    assert search.fit(X, Y).best_params_ == {"alpha": 1e-4}
    pipe = make_pipeline(StandardScaler(), DistributedHuberRegressor()).fit(X, Y)
    assert_allclose(pipe.predict(X), ours().predict(X), atol=1e-2)


def test_pickled_and_cloned():
    model = ours()
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize("place", ["streamed", "on the cluster"])
def test_dask_arrays(place, request):
    chunks = (100, 50, 250)
    A, b = da.from_array(X, chunks=(chunks, D)), da.from_array(Y, chunks=(chunks,))
    if place == "streamed":
        model = ours(A, b, n_shards=None)
    else:
        with request.getfixturevalue("dask_client").as_current():
            model = ours(A, b, n_shards=None)
    assert_allclose(theta_of(model), theta_of(ours()), rtol=1e-8)
    assert_array_equal(model.outliers_, ours().outliers_)
    np.testing.assert_allclose(model.predict(A).compute(), model.predict(A.compute()))


def test_models_fitted_apart_are_averaged():
    parts = (slice(0, 150), slice(150, N))
    models = [DistributedHuberRegressor().fit_shard(X[p], Y[p]) for p in parts]
    merged = skdist.merge(models)
    expected = (150 * models[0].coef_ + 250 * models[1].coef_) / N
    assert_allclose(merged.coef_, expected, rtol=1e-12)
    assert not merged.report_.exact and not hasattr(merged, "scale_")
    both = skdist.merge([models[0], theirs(X[parts[1]], Y[parts[1]])])
    assert_allclose(both.coef_, np.mean([m.coef_ for m in models], axis=0), rtol=1e-3)


# The pass.


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("constant", [0.0, 1.0])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_the_sums_are_those_of_the_formulas(container, constant, weight):
    U = np.hstack([X, np.full((N, 1), constant)])[:, : D + int(constant)]
    w, v, bound = RNG.normal(size=U.shape[1]), RNG.normal(size=U.shape[1]), 0.8
    s = np.ones(N) if weight is None else weight
    r = U @ w - Y
    inside = np.abs(r) <= bound
    s_in, s_out = s * inside, s * ~inside
    given = container(X)
    for grams in (True, False):
        totals, inner, outer, moments = huber_sums(
            given, Y, weight, w, bound, constant, grams=grams
        )
        assert_allclose(totals, [s_in @ r**2, s_out @ np.abs(r), s_out.sum()], rtol=1e-11)
        assert_allclose(inner, (s_in * r) @ U, rtol=1e-9, atol=1e-11)
        assert_allclose(outer, (s_out * np.sign(r)) @ U, rtol=1e-9, atol=1e-11)
        full = (U * s_in[:, None]).T @ U
        expected = full[np.triu_indices(len(w))] if grams else np.diag(full)
        assert_allclose(moments, expected, rtol=1e-11, atol=1e-12)
    robust = huber_sums(given, Y, weight, w, bound, constant, grams=True, robust=True)[3]
    huber_weight = s * np.minimum(1, bound / np.abs(r))
    full = (U * huber_weight[:, None]).T @ U
    assert_allclose(robust, full[np.triu_indices(len(w))], rtol=1e-11, atol=1e-12)
    pull, along = huber_product(given, Y, weight, w, bound, constant, v)
    assert_allclose(pull, (s_in * (U @ v)) @ U, rtol=1e-9, atol=1e-11)
    assert_allclose(along, (s_in * (U @ v)) @ r, rtol=1e-9)
    lengths, bounds = np.array([0.0, 0.5]), np.array([bound, 2.0])
    found = huber_along(given, Y, weight, w, v, constant, lengths, bounds)
    for row, t, limit in zip(found, lengths, bounds, strict=True):
        assert_allclose(
            row, huber_sums(given, Y, weight, w + t * v, limit, constant, grams=False)[0]
        )
