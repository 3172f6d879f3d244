# SPDX-License-Identifier: BSD-3-Clause
"""Small problems on one thread: one block, in float32 where that is enough."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.svm import SVC
from test_blocked_smo import PROBLEMS, RBF, assert_proven, fit, two_classes, value

import skdist.solvers.smo_here as module
from skdist.kernels.kernel_function import KernelFunction
from skdist.sharding import one_blas_thread
from skdist.solvers.dual_problem import classification
from skdist.solvers.smo_here import smo_here


@pytest.fixture(autouse=True)
def one_thread():
    with one_blas_thread():
        yield


@pytest.mark.parametrize("n", [40, 500])
@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
@pytest.mark.parametrize("name", ["linear", "poly", "rbf"])
def test_libsvms_optimum(n, container, name):
    X, y = two_classes(n)
    cost = np.random.default_rng(1).integers(0, 3, n).astype(float)
    kernel, problem = KernelFunction(name, 0.4, 3, 1.0), classification(y, cost)
    solution = smo_here(container(X), kernel, problem)
    assert_proven(solution, X, problem, kernel)
    twin = SVC(kernel=name, gamma=0.4, coef0=1.0).fit(X, y, cost)
    theirs = np.zeros(n)
    theirs[twin.support_] = np.abs(twin.dual_coef_[0])
    assert solution.dual <= value(kernel, X, problem, theirs) * (1 - 1e-5)


@pytest.mark.parametrize("name", PROBLEMS)
def test_one_block_or_many(name, monkeypatch):
    X, y = two_classes(300)
    problem = PROBLEMS[name](y, np.ones(300), np.sin(X[:, 0]))
    one = smo_here(X, RBF, problem, tol=1e-4)
    monkeypatch.setattr(module, "ONE_BLOCK", 100)
    many = smo_here(X, RBF, problem, tol=1e-4)
    assert one.n_blocks == 1 < many.n_blocks
    for solution in (one, many):
        assert_proven(solution, X, problem, tol=1e-4)
    np.testing.assert_allclose(one.dual, many.dual, rtol=1e-5)
    np.testing.assert_allclose(one.dual, fit(X, problem, tol=1e-4).dual, rtol=1e-5)


def test_a_start_and_a_limit():
    X, y = two_classes(500)
    problem = classification(y, np.ones(500))
    cut = smo_here(X, RBF, problem, max_iter=100)
    assert cut.n_iter == 100 and not cut.converged and cut.gap > 1.0
    rest = smo_here(X, RBF, problem, start=cut.alpha)
    whole = smo_here(X, RBF, problem)
    assert rest.converged and abs(rest.n_iter + 100 - whole.n_iter) <= 0.1 * whole.n_iter
    np.testing.assert_allclose(rest.dual, whole.dual, rtol=1e-5)


def test_where_single_precision_is_not_enough_double_is_taken(monkeypatch):
    X, y = two_classes(400)
    problem = classification(y, np.full(400, 100.0))
    monkeypatch.setattr("skdist.kernels.kernel_function.SINGLE_REACH", np.inf)
    far = np.concatenate([[[1e7] * 4], 300.0 * X[1:]])
    kernel = KernelFunction("rbf", 1e-5)
    solution = smo_here(far, kernel, problem)
    assert solution.n_blocks == 2
    assert_proven(solution, far, problem, kernel)
    assert smo_here(X, RBF, problem).n_blocks == 1


def test_slopes_that_a_million_pairs_have_changed():
    """They are off by more than tol then: the search goes on from what is true."""
    X = np.array([[6.0], [-16.0], [-12.0], [-73.0], [54.0], [34.0], [-10.0]])
    y = np.array([0.77380659, 0.28121067, -0.55382284, 0.97756745, -0.31055655, -0.3288, -0.79])
    problem = PROBLEMS["regression"](y, np.full(7, 50.0), y)
    solution = smo_here(X, KernelFunction("linear"), problem, tol=1e-5)
    assert solution.n_iter > 1e5
    assert_proven(solution, X, problem, KernelFunction("linear"), tol=1e-5)
