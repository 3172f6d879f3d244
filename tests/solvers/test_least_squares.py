# SPDX-License-Identifier: BSD-3-Clause
"""Least squares by merged sums against LAPACK on all rows."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from least_squares_problems import ALPHA, NONE, RNG, WEIGHT, D, N, X, Y, centred, expected, solve
from scipy.linalg import lstsq

from skdist.sharding import shard_rows
from skdist.solvers.least_squares import least_squares, targets_of
from skdist.solvers.normal_equations import (
    LeastSquaresProblem,
    LeastSquaresSums,
    solve_least_squares,
)


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
        problem = LeastSquaresProblem(**{"alpha": ALPHA, **options})
        return least_squares(shards, X.shape[1], problem)[1].factor is not None

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
