# SPDX-License-Identifier: BSD-3-Clause
"""Rows, targets and weights for least squares, and LAPACK's answers."""

import numpy as np
from scipy.linalg import lstsq
from scipy.optimize import nnls

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
