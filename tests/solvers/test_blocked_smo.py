# SPDX-License-Identifier: BSD-3-Clause
"""Blocked sequential minimal optimisation: libsvm's optimum, however rows are cut."""

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.datasets import make_classification
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM

import skdist.solvers.blocked_smo as module
from skdist.kernels.kernel_function import KernelFunction
from skdist.sharding import one_blas_thread, shard_rows
from skdist.solvers.blocked_smo import blocked_smo
from skdist.solvers.dual_formulations import (
    nu_classification,
    nu_regression,
    one_class,
    regression,
)
from skdist.solvers.dual_problem import classification
from skdist.solvers.kernel_matrix import kernel_matrix
from skdist.solvers.smo_here import LocalShards, smo_here

RBF = KernelFunction("rbf", 0.4)
KERNELS = {
    "linear": KernelFunction("linear"),
    "poly": KernelFunction("poly", 0.5, 3, 1.0),
    "rbf": RBF,
}


@pytest.fixture(autouse=True)
def one_thread():
    with one_blas_thread():
        yield


@pytest.fixture
def small_blocks(monkeypatch):
    """Problems of some hundred rows take many blocks."""
    monkeypatch.setattr(module, "LEAST_BLOCK", 48)
    monkeypatch.setattr(module, "MOST_BLOCK", 128)


def two_classes(n=400, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[np.abs(X) < 0.3] = 0.0
    X[-n // 10 :] = X[: n // 10 + (n % 10 > 0)][: n // 10]
    y = np.where(X[:, 0] * X[:, 1] + 0.5 * X[:, 0] + 0.5 * rng.normal(size=n) > 0, 1.0, -1.0)
    y[:2] = 1.0, -1.0
    return X, y


def value(kernel, X, problem, alpha):
    coef = problem.coefficients(alpha, len(X))
    return 0.5 * coef @ kernel.block(X, X) @ coef + problem.linear @ alpha


def fit(X, problem, kernel=RBF, n_shards=3, **options):
    return blocked_smo(shard_rows(X, n_shards=n_shards, n_jobs=1), kernel, problem, **options)


def assert_proven(solution, X, problem, kernel=RBF, tol=1e-3, rtol=1e-9):
    """What the solution says of itself is true, computed here once more from its alpha."""
    dense = X.toarray() if hasattr(X, "toarray") else X
    alpha = solution.alpha
    assert (alpha >= 0.0).all() and (alpha <= problem.cost).all()
    kept = problem.sign @ problem.start
    np.testing.assert_allclose(problem.sign @ alpha, kept, atol=1e-9 * (1 + alpha.sum()))
    coef, K = problem.coefficients(alpha, len(dense)), kernel.block(dense, dense)
    size = np.abs(coef).sum() * np.diag(K).max()
    np.testing.assert_allclose(solution.field, K @ coef, atol=4e-6 * size)
    support = coef != 0
    np.testing.assert_allclose(solution.field[support], K[support] @ coef, atol=rtol * size)
    np.testing.assert_allclose(solution.dual, value(kernel, dense, problem, alpha), rtol=rtol)
    assert -1e-9 * abs(solution.dual) <= solution.gap
    np.testing.assert_allclose(solution.primal + solution.dual, solution.gap, atol=1e-9)
    assert solution.converged and solution.violation <= tol


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
@pytest.mark.parametrize("n_shards", [1, 8])
def test_libsvms_optimum(small_blocks, name, container, n_shards):
    X, y = two_classes()
    cost = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    kernel, problem = KERNELS[name], classification(y, cost)
    solution = fit(container(X), problem, kernel, n_shards)
    assert solution.n_blocks > 5
    assert_proven(solution, X, problem, kernel)
    twin = SVC(kernel=name, gamma=kernel.gamma, coef0=kernel.coef0).fit(X, y, cost)
    theirs = np.zeros(len(y))
    theirs[twin.support_] = np.abs(twin.dual_coef_[0])
    assert solution.dual <= value(kernel, X, problem, theirs) * (1 - 1e-5)
    decision = solution.field - solution.offset
    size = 1.0 + np.abs(decision).max()
    np.testing.assert_allclose(decision, twin.decision_function(X), atol=2e-3 * size)


PROBLEMS = {
    "regression": lambda y, w, x: regression(x, w, C=2.0, epsilon=0.1),
    "nu_classification": lambda y, w, x: nu_classification(y, w, nu=0.4),
    "nu_regression": lambda y, w, x: nu_regression(x, w, C=2.0, nu=0.3),
    "one_class": lambda y, w, x: one_class(None, w, nu=0.2),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_other_problems(small_blocks, name):
    X, y = two_classes(300)
    problem = PROBLEMS[name](y, np.ones(300), np.sin(X[:, 0]) + 0.1 * X[:, 1])
    tol = 1e-4
    one, eight = (fit(X, problem, n_shards=m, tol=tol) for m in (1, 8))
    for solution in (one, eight, smo_here(X, RBF, problem, tol=tol)):
        assert_proven(solution, X, problem, tol=tol)
        assert solution.gap <= 1e-2 * abs(solution.dual)
        np.testing.assert_allclose(solution.dual, one.dual, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(solution.offset, one.offset, atol=2e-3)
        np.testing.assert_allclose(solution.width, one.width, atol=2e-3)
    np.testing.assert_allclose(one.field - one.offset, eight.field - eight.offset, atol=2e-3)


def test_offset_and_width_are_libsvms():
    X, y = two_classes(300)
    target = np.sin(X[:, 0])
    svr = SVR(gamma=0.4, C=2.0, tol=1e-5).fit(X, target)
    ours = fit(X, regression(target, np.ones(300), C=2.0, epsilon=0.1), tol=1e-5)
    np.testing.assert_allclose(-ours.offset, svr.intercept_[0], atol=1e-4)
    nu = NuSVC(gamma=0.4, nu=0.4, tol=1e-5).fit(X, y)
    ours = fit(X, nu_classification(y, np.ones(300), nu=0.4), tol=1e-5)
    np.testing.assert_allclose(-ours.offset / ours.width, nu.intercept_[0], atol=1e-3)
    one = OneClassSVM(gamma=0.4, nu=0.2, tol=1e-5).fit(X)
    ours = fit(X, one_class(None, np.ones(300), nu=0.2), tol=1e-5)
    np.testing.assert_allclose(-ours.offset, one.intercept_[0], atol=1e-3)


def test_one_shard_or_eight(small_blocks):
    X, y = two_classes()
    problem = classification(y, np.full(len(y), 3.0))
    one, eight = fit(X, problem, n_shards=1), fit(X, problem, n_shards=8)
    np.testing.assert_allclose(one.dual, eight.dual, rtol=1e-5)
    np.testing.assert_allclose(one.field - one.offset, eight.field - eight.offset, atol=1e-3 + 2e-3)


def test_everywhere_the_same(backend, small_blocks):
    X, y = two_classes()
    problem = classification(y, np.ones(len(y)))
    solution = blocked_smo(shard_rows(X, n_shards=3), RBF, problem, cache_size=0.2)
    assert_proven(solution, X, problem)
    np.testing.assert_allclose(solution.dual, fit(X, problem).dual, rtol=1e-5)


def test_rows_are_remembered(small_blocks, monkeypatch):
    monkeypatch.setattr("skdist.solvers.kernel_matrix.REMEMBER_FROM", 1)
    X, y = two_classes()
    problem = classification(y, np.ones(len(y)))
    all_of_them, none = fit(X, problem, cache_size=10.0), fit(X, problem, cache_size=0.0)
    assert all_of_them.rows_computed <= len(X) < none.rows_computed
    assert all_of_them.cache_hits > 0.3 and none.cache_hits == 0.0
    np.testing.assert_allclose(all_of_them.dual, none.dual, rtol=1e-5)


def test_another_process_has_no_memory_of_ours(small_blocks, monkeypatch):
    """Rows that were sent elsewhere are computed again there, with the same result."""
    monkeypatch.setattr("skdist.solvers.kernel_matrix.REMEMBER_FROM", 1)
    X, y = two_classes(200)
    problem = classification(y, np.ones(200))
    with joblib.parallel_config(backend="loky", n_jobs=2):
        there = blocked_smo(shard_rows(X, n_shards=2), RBF, problem)
    assert there.cache_hits == 0.0
    np.testing.assert_allclose(there.dual, fit(X, problem, n_shards=2).dual, rtol=1e-5)


def test_the_same_bits_on_this_machine(small_blocks):
    """Rows of few columns are not remembered, so that all workers do the very same."""
    X, y = two_classes(200)
    problem = classification(y, np.ones(200))
    here = fit(X, problem, n_shards=3)
    for name, n_jobs in (("threading", 2), ("loky", 2)):
        with joblib.parallel_config(backend=name, n_jobs=n_jobs):
            there = blocked_smo(shard_rows(X, n_shards=3), RBF, problem)
        np.testing.assert_array_equal(there.alpha, here.alpha)
        np.testing.assert_array_equal(there.field, here.field)


def test_a_start_saves_pairs(small_blocks):
    X, y = two_classes()
    problem = classification(y, np.ones(len(y)))
    cold = fit(X, problem, tol=1e-3)
    warm = fit(X, problem, tol=1e-3, start=cold.alpha)
    assert warm.n_iter == 0 and warm.converged and warm.n_blocks == 0
    np.testing.assert_allclose(warm.dual, cold.dual, rtol=1e-12)
    near = fit(X, classification(y, np.full(len(y), 1.1)), start=cold.alpha)
    assert near.n_iter < cold.n_iter


def test_pairs_run_out(small_blocks):
    X, y = two_classes()
    solution = fit(X, classification(y, np.ones(len(y))), max_iter=50)
    assert solution.n_iter == 50 and not solution.converged
    assert solution.violation > 1e-3 and solution.gap > 0.1


def test_without_shrinking_all_rows_are_summed_up_in_double(small_blocks):
    X, y = two_classes()
    problem = classification(y, np.ones(len(y)))
    exact, quick = fit(X, problem, shrinking=False), fit(X, problem)
    true = RBF.block(X, X) @ (y * exact.alpha)
    np.testing.assert_allclose(exact.field, true, atol=1e-12)
    support = quick.alpha > 0
    true = RBF.block(X, X) @ (y * quick.alpha)
    np.testing.assert_allclose(quick.field[support], true[support], atol=1e-12)
    assert np.abs(quick.field - true).max() > 1e-9  # else the test above shows nothing


def test_rows_so_far_apart_that_single_precision_sees_nothing():
    rng = np.random.default_rng(0)
    X = np.repeat(1e5 * rng.normal(size=(60, 2)), 5, axis=0) + rng.normal(size=(300, 2))
    y = np.where(X[:, 0] - np.repeat(X[::5, 0], 5) > 0, 1.0, -1.0)
    problem = classification(y, np.ones(300))
    assert_proven(fit(X, problem), X, problem, rtol=1e-6)
    assert kernel_matrix(LocalShards(X, 300), RBF, 1.0).view.dtype == np.float64
    near = kernel_matrix(LocalShards(1e-5 * X, 300), RBF, 1.0)
    assert near.view.dtype == np.float32 and near.in_double().view.dtype == np.float64


def test_what_single_precision_got_wrong_is_made_good(monkeypatch, small_blocks):
    """The search is told that float32 is enough where it is not: only the proof is not fooled."""
    X, y = two_classes()
    far = 300.0 * X
    kernel, problem = KernelFunction("rbf", 1e-5), classification(y, np.full(len(y), 100.0))
    monkeypatch.setattr("skdist.kernels.kernel_function.SINGLE_REACH", np.inf)
    far[0] = 1e5
    solution = fit(far, problem, kernel)
    assert_proven(solution, far, problem, kernel)


def test_a_problem_without_solution_ends():
    """One class only: nothing can move."""
    X, _ = two_classes(50)
    solution = fit(X, classification(np.ones(50), np.ones(50)), n_shards=2)
    assert solution.converged and not solution.alpha.any() and solution.gap >= 0.0


@st.composite
def problems(draw):
    """Few rows, some of them twice, a constant column, one class rare, C of all sizes."""
    n = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    X = rng.normal(size=(n, draw(st.integers(1, 4))))
    if draw(st.booleans()):
        X = X[rng.integers(0, n, n)]
    if draw(st.booleans()):
        X[:, 0] = 3.0
    y = np.where(rng.random(n) < draw(st.sampled_from([0.05, 0.5])), 1.0, -1.0)
    y[:2] = 1.0, -1.0
    C = 10.0 ** draw(st.floats(-5.0, 6.0))
    name = draw(st.sampled_from(["rbf", "poly", "linear"] if C < 1e3 else ["rbf"]))
    return X, y, C, KernelFunction(name, 10.0 ** draw(st.floats(-2.0, 1.0)), 3, 0.5)


@given(problems(), st.sampled_from([0, 1, 2]))
def test_any_small_problem(case, n_shards):
    X, y, C, kernel = case
    problem = classification(y, np.full(len(y), C))
    if n_shards:
        solution = fit(X, problem, kernel, n_shards)
    else:
        solution = smo_here(X, kernel, problem)
    twin = SVC(C=C, kernel=kernel.name, gamma=kernel.gamma, coef0=0.5).fit(X, y)
    theirs = np.zeros(len(y))
    theirs[twin.support_] = np.abs(twin.dual_coef_[0])
    other = value(kernel, X, problem, theirs)
    # Both stop at the same violation, so that neither is below the other by more than its gap.
    assert solution.dual <= other + 1e-5 * abs(other) + min(solution.gap, 1e-3 * abs(other))
    assert solution.converged
    assert (solution.alpha >= 0).all() and (solution.alpha <= C).all()


def test_where_every_a_is_small_the_gap_is_small_beside_d():
    X, y = make_classification(3000, 6, flip_y=0.2, random_state=0, weights=[0.75])
    problem = classification(2.0 * y - 1.0, np.full(3000, 1e-5))
    kernel = KernelFunction("rbf", 1.0 / (6.0 * X.var()))
    solution = fit(X, problem, kernel)
    assert_proven(solution, X, problem, kernel)
    assert solution.gap <= 1e-5 * abs(solution.dual)
