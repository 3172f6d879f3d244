# SPDX-License-Identifier: BSD-3-Clause
"""Least squares by merged sums against LAPACK on all rows."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from scipy.linalg import lstsq
from scipy.optimize import nnls
from scipy.sparse import csr_array

from skdist.sharding import shard_rows
from skdist.solvers.conjugate_gradients import conjugate_gradients
from skdist.solvers.least_squares import least_squares, shard_moments, targets_of
from skdist.solvers.normal_equations import (
    LeastSquaresProblem,
    LeastSquaresSums,
    needs_factor,
    solve_least_squares,
)

RNG = np.random.default_rng(0)
N, D = 90, 5
X = RNG.normal(3.0, 1.0, (N, D))
Y = X @ RNG.normal(size=(D, 2)) + 5.0 + RNG.normal(size=(N, 2))
WEIGHT = RNG.integers(0, 3, N) + RNG.random(N)
ALPHA = np.array([0.3, 20.0])
NONE = np.zeros(2)


def solve(X, Y=Y, weight=None, n_shards=4, **options):
    problem = LeastSquaresProblem(**{"alpha": ALPHA, **options})
    shards = shard_rows(X, Y, weight, n_shards=n_shards, n_jobs=1)
    return least_squares(shards, X.shape[1], problem)[0]


def centred(X, Y=Y, weight=None, fit_intercept=True):
    w = np.ones(len(X)) if weight is None else weight
    X = X.toarray() if hasattr(X, "toarray") else X
    if fit_intercept:
        X, Y = X - np.average(X, 0, w), Y - np.average(Y, 0, w)
    return X * np.sqrt(w)[:, None], Y * np.sqrt(w)[:, None]


def expected(X, Y=Y, weight=None, alpha=ALPHA, fit_intercept=True, positive=False, cut=None):
    """One target after the other, alpha as further rows."""
    A, B = centred(X, Y, weight, fit_intercept)
    coef = []
    for a, b in zip(alpha, B.T, strict=True):
        rows = np.vstack([A, np.sqrt(a) * np.eye(A.shape[1])]) if a else A
        b = np.concatenate([b, np.zeros(len(rows) - len(b))])
        coef.append(nnls(rows, b)[0] if positive else lstsq(rows, b, cond=cut)[0])
    return np.array(coef)


@pytest.mark.parametrize("n_shards", [1, 4, 90])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("alpha", [ALPHA, NONE])
def test_the_minimum(alpha, positive, fit_intercept, weight, n_shards):
    options = {"alpha": alpha, "fit_intercept": fit_intercept, "positive": positive}
    found = solve(X, weight=weight, n_shards=n_shards, **options)
    best = expected(X, weight=weight, **options)
    np.testing.assert_allclose(found.coef, best, rtol=1e-10, atol=1e-12)
    assert 0 <= found.bound < 1e-18 * np.sum(Y**2)
    if fit_intercept:
        w = np.ones(N) if weight is None else weight
        np.testing.assert_allclose(w @ (Y - X @ found.coef.T - found.intercept), 0, atol=1e-10)
    else:
        assert not found.intercept.any()


HARD = {
    "collinear": np.column_stack([X, X[:, 0] - X[:, 1]]),
    "nearly collinear": np.column_stack([X, X[:, 0] + 1e-7 * RNG.normal(size=N)]),
    "constant": np.column_stack([X, np.full(N, 7.3)]),
    "zeros": np.column_stack([X, np.zeros(N)]),
    "wide": RNG.normal(size=(N, N + 10)),
    "scales": X * [1e-8, 1.0, 1e8, 1e4, 1e-4],
    "far off": X + 1e7,
}


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_shards", [1, 7])
def test_least_norm_rank_and_singular_values(kind, fit_intercept, n_shards):
    X = HARD[kind]
    options = {"alpha": NONE, "fit_intercept": fit_intercept, "cut": 1e-6}
    found = solve(X, n_shards=n_shards, **options)
    A, B = centred(X, fit_intercept=fit_intercept)
    coef, _, rank, singular = lstsq(A, B, cond=1e-6)
    assert found.rank == rank and found.singular.shape == singular.shape
    size = singular[0] * 1e-13 * (1e7 if kind == "far off" and fit_intercept else 1.0)
    np.testing.assert_allclose(found.singular, singular, rtol=1e-8, atol=max(size, 1e-13))
    tolerance = 1e-6 if kind == "far off" else 1e-8
    scale = np.linalg.norm(A, axis=0) / singular[0]  # by what a coefficient moves predictions
    np.testing.assert_allclose(found.coef * scale, coef.T * scale, rtol=tolerance, atol=1e-9)


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("positive", [False, True])
def test_penalised_and_ill_conditioned(kind, positive):
    X = HARD[kind]
    for alpha in ([1e-9, 1.0], [1e-12, 1e12]):
        found = solve(X, alpha=np.array(alpha), positive=positive)
        A, B = centred(X)
        best = expected(X, alpha=alpha, positive=positive)
        for a, w, v, b in zip(alpha, found.coef, best, B.T, strict=True):
            ours, theirs = (np.sum((b - A @ c) ** 2) + a * c @ c for c in (w, v))
            assert ours <= theirs * (1 + 1e-9) + 1e-20
            assert np.isfinite(w).all() and (not positive or w.min() >= 0)


@pytest.mark.parametrize("kind", HARD)
def test_merged_sums_are_those_of_all_rows(kind):
    X = HARD[kind]
    problem = LeastSquaresProblem(NONE, cut=1e-6)
    whole = solve(X, **vars(problem))
    edges = [(0, 2), (2, 40), (40, 90)]
    parts = []
    for a, b in edges:
        shards = shard_rows(X[a:b], Y[a:b], n_shards=2, n_jobs=1)
        parts.append(least_squares(shards, X.shape[1], problem)[1])
    left = solve_least_squares(reduce(add, parts), problem)
    right = solve_least_squares(parts[0] + (parts[1] + parts[2]), problem)
    size = np.abs(whole.coef).max(axis=1, keepdims=True)
    tolerance = 1e-6 if kind in ("far off", "nearly collinear") else 1e-10
    for merged in (left, right):
        assert merged.rank == whole.rank
        np.testing.assert_allclose(merged.coef / size, whole.coef / size, atol=tolerance)


def test_parts_that_only_together_are_ill_conditioned():
    far = np.vstack([X[:45], X[45:] + 1e7])
    problem = LeastSquaresProblem(NONE, cut=1e-12)
    parts = [
        least_squares(shard_rows(far[r], Y[r], n_shards=1, n_jobs=1), D, problem)[1]
        for r in (slice(45), slice(45, None))
    ]
    assert all(part.factor is None for part in parts)
    merged = parts[0] + parts[1]
    assert merged.factor is not None
    best = expected(far, alpha=NONE, cut=1e-12)
    np.testing.assert_allclose(solve_least_squares(merged, problem).coef, best, rtol=1e-6)


def test_the_factor_is_made_only_where_it_is_needed():
    def asks(X, **options):
        shards = shard_rows(X, Y, n_shards=1, n_jobs=1)
        moments = shards.map_reduce(shard_moments, 0)
        return needs_factor(moments, LeastSquaresProblem(**{"alpha": ALPHA, **options}))

    assert not asks(X) and not asks(X, alpha=NONE) and not asks(X, alpha=NONE, cut=1e-6)
    assert not asks(HARD["constant"], alpha=NONE) and not asks(HARD["scales"], alpha=NONE)
    assert not asks(HARD["collinear"]) and asks(HARD["collinear"], alpha=NONE)
    assert asks(HARD["collinear"], cut=1e-6)


def test_no_rows_are_the_identity_of_sums():
    shards = shard_rows(X, Y, n_shards=1, n_jobs=1)
    for rows in (X, HARD["collinear"]):
        shards = shard_rows(rows, Y, n_shards=1, n_jobs=1)
        problem = LeastSquaresProblem(NONE, cut=1e-6)
        sums = least_squares(shards, rows.shape[1], problem)[1]
        empty = LeastSquaresSums(sums.moments.empty(rows.shape[1], 2))
        for merged in (sums + empty, empty + sums):
            found, whole = (solve_least_squares(s, problem) for s in (merged, sums))
            np.testing.assert_allclose(found.coef, whole.coef, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_targets_of_classes(n_classes):
    codes = np.arange(7.0) % n_classes
    shard = shard_rows(np.zeros((7, 1)), codes, n_shards=1, n_jobs=1).map(lambda s: s)[0]
    Y = targets_of(shard, n_classes)
    if n_classes <= 2:
        assert Y[:, 0].tolist() == [1.0 if c == 1 else -1.0 for c in codes]
    else:
        assert Y.argmax(1).tolist() == codes.tolist() and np.all(Y.sum(1) == 2 - n_classes)


# ---------------------------------------------------------------- conjugate gradients

SPARSE = np.where(RNG.random((N, 40)) < 0.2, RNG.normal(2.0, 1.0, (N, 40)), 0.0)


@pytest.mark.parametrize("rows", [SPARSE, csr_array(SPARSE), csr_array(SPARSE.astype(np.float32))])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [ALPHA, NONE])
def test_conjugate_gradients_find_the_minimum(alpha, fit_intercept, weight, rows):
    shards = shard_rows(rows, Y, weight, n_shards=3, n_jobs=1)
    found = conjugate_gradients(shards, 40, alpha, fit_intercept=fit_intercept, tol=1e-12)
    dense = rows.toarray() if hasattr(rows, "toarray") else rows
    best = expected(dense.astype(float), Y, weight, alpha, fit_intercept)
    np.testing.assert_allclose(found.coef, best, rtol=1e-7, atol=1e-9)
    direct = solve(dense.astype(float), Y, weight, alpha=alpha, fit_intercept=fit_intercept)
    np.testing.assert_allclose(found.intercept, direct.intercept, rtol=1e-8, atol=1e-9)
    assert found.converged and (found.n_iter <= 100).all()
    assert (found.bound is None) == (not alpha.all())


def test_conjugate_gradients_come_to_the_solution_of_least_norm():
    wide = RNG.normal(size=(N, N + 30))
    shards = shard_rows(csr_array(wide), Y, n_shards=2, n_jobs=1)
    found = conjugate_gradients(shards, N + 30, NONE, tol=1e-13)
    np.testing.assert_allclose(found.coef, expected(wide, alpha=NONE, cut=1e-9), rtol=1e-6, atol=1e-9)


def test_conjugate_gradients_stop_where_they_are_told():
    shards = shard_rows(SPARSE, Y, n_shards=2, n_jobs=1)
    few = conjugate_gradients(shards, 40, ALPHA, max_iter=2, tol=1e-12)
    assert few.n_iter.tolist() == [2, 2] and not few.converged
    rounds = shards.cost.rounds
    rough = conjugate_gradients(shards, 40, ALPHA, tol=1e-2)
    assert rough.converged and rough.n_iter.max() < 20
    assert shards.cost.rounds - rounds == 2 + rough.n_iter.max()
    best = solve(SPARSE)
    A, B = centred(SPARSE)

    def F(coef):
        return np.sum((B - A @ coef.T) ** 2) + ALPHA @ np.sum(coef**2, axis=1)

    assert 0 < F(rough.coef) - F(best.coef) <= rough.bound


def test_a_target_that_is_constant_needs_no_steps():
    flat = np.column_stack([Y[:, 0], np.full(N, 3.0)])
    shards = shard_rows(SPARSE, flat, n_shards=2, n_jobs=1)
    found = conjugate_gradients(shards, 40, ALPHA, tol=1e-10)
    assert not found.coef[1].any() and found.n_iter[1] == 0
    assert found.intercept[1] == pytest.approx(3.0)
