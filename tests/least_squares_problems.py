# SPDX-License-Identifier: BSD-3-Clause
"""Rows, targets and weights for least squares, and LAPACK's answers."""

import numpy as np
from scipy.linalg import lstsq
from scipy.optimize import nnls
from scipy.sparse import csr_array

from skdist.sharding import shard_rows
from skdist.solvers.least_squares import least_squares
from skdist.solvers.normal_equations import LeastSquaresProblem

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


CONTAINERS = {"dense": np.asarray, "sparse": csr_array}


def rows_and_targets(n_targets=1, n=160, d=6, seed=1):
    """X of numbers that float32 knows, a quarter of them 0; y of some columns; weights."""
    rng = np.random.default_rng(seed)
    X = rng.normal(1.5, 1.0, (n, d)) * (rng.random((n, d)) < 0.75)
    X = X.astype(np.float32).astype(np.float64)
    y = X @ rng.normal(size=(d, n_targets)) + 3.0 + 0.5 * rng.normal(size=(n, n_targets))
    weight = rng.integers(0, 4, n) / 2.0
    return X, y[:, 0] if n_targets == 1 else y, weight


def assert_same_fit(ours, theirs, dtype=np.float64, rtol=1e-9):
    """The same coefficients and intercepts, in the same shapes; `theirs` was fitted as float64."""
    rtol = rtol if dtype == np.float64 else 3e-6
    assert ours.coef_.dtype == dtype and ours.coef_.shape == theirs.coef_.shape
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
    size = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=rtol, atol=rtol * size)
    scale = max(size, np.abs(theirs.intercept_).max())
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=rtol, atol=rtol * scale)
