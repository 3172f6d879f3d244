# SPDX-License-Identifier: BSD-3-Clause
"""The cascade ends where one optimisation of all rows ends."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from test_blocked_smo import PROBLEMS, RBF, assert_proven, fit, two_classes

from skdist.sharding import one_blas_thread, shard_rows
from skdist.solvers.cascade import Apart, can_cascade, cascade, leaf
from skdist.solvers.dual_problem import classification


@pytest.fixture(autouse=True)
def one_thread():
    with one_blas_thread():
        yield


def cascaded(X, problem, kernel=RBF, n_shards=4, **options):
    return cascade(shard_rows(X, n_shards=n_shards, n_jobs=1), kernel, problem, **options)


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
@pytest.mark.parametrize("n_shards", [1, 2, 7])
def test_the_optimum_of_all_rows(container, n_shards):
    X, y = two_classes(600)
    cost = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    problem = classification(y, cost)
    solution, one = cascaded(container(X), problem, n_shards=n_shards), fit(X, problem)
    assert_proven(solution, X, problem)
    np.testing.assert_allclose(solution.dual, one.dual, rtol=1e-5)
    decision = one.field - one.offset
    np.testing.assert_allclose(solution.field - solution.offset, decision, atol=3e-3)


def test_regression():
    X, y = two_classes(400)
    problem = PROBLEMS["regression"](y, np.ones(400), np.sin(X[:, 0]) + 0.3 * X[:, 1])
    solution = cascaded(X, problem, tol=1e-4)
    assert_proven(solution, X, problem, tol=1e-4)
    np.testing.assert_allclose(solution.dual, fit(X, problem, tol=1e-4).dual, rtol=1e-5)


def test_rows_sorted_by_label():
    """Shards of one class have no support vectors: all of them are found as violators."""
    X, y = two_classes(400)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    problem = classification(y, np.ones(400))
    solution = cascaded(X, problem, n_shards=8)
    assert_proven(solution, X, problem)
    np.testing.assert_allclose(solution.dual, fit(X, problem).dual, rtol=1e-5)


def test_a_leaf_keeps_its_support_vectors_and_their_optimum():
    X, y = two_classes(300)
    problem, apart = classification(y, np.full(300, 2.0)), Apart(RBF, 1e-4, 10.0, -1)
    (found,) = shard_rows(X, n_shards=1, n_jobs=1).map(leaf, problem, apart)
    assert 10 < len(found.variables) < 300 and (found.problem.start > 0.0).all()
    np.testing.assert_array_equal(found.X, X[found.variables])
    np.testing.assert_array_equal(found.problem.sign, y[found.variables])
    alpha = np.zeros(300)
    alpha[found.variables] = found.problem.start
    coef = y * alpha
    exact = fit(X, problem, tol=1e-5)
    value = 0.5 * coef @ RBF.block(X, X) @ coef - alpha.sum()
    np.testing.assert_allclose(value, exact.dual, rtol=1e-5)


def test_fewer_rounds_than_one_optimisation():
    X, y = two_classes(6000)
    problem = classification(y, np.ones(6000))
    rounds = {}
    for solver in (cascade, None):
        shards = shard_rows(X, n_shards=4, n_jobs=1)
        if solver is None:
            from skdist.solvers.blocked_smo import blocked_smo as solver
        solution = solver(shards, RBF, problem)
        rounds[solver.__name__] = shards.cost.rounds
        assert solution.converged
    assert rounds["cascade"] < 0.7 * rounds["blocked_smo"]


def test_everywhere_the_same(backend):
    X, y = two_classes(300)
    problem = classification(y, np.ones(300))
    solution = cascade(shard_rows(X, n_shards=4), RBF, problem)
    assert_proven(solution, X, problem)
    np.testing.assert_allclose(solution.dual, fit(X, problem).dual, rtol=1e-5)


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_cut(name):
    X, y = two_classes(100)
    problem = PROBLEMS[name](y, np.ones(100), X[:, 0])
    assert can_cascade(problem) == (name == "regression")
    if name != "regression":
        with pytest.raises(ValueError, match="machines with nu cannot be solved by a cascade"):
            cascaded(X, problem)


def test_pairs_run_out():
    X, y = two_classes(400)
    solution = cascaded(X, classification(y, np.ones(400)), max_iter=3)
    assert not solution.converged and solution.violation > 1e-3
