# SPDX-License-Identifier: BSD-3-Clause
"""Penalised losses to minimise, shards cut by hand, and scikit-learn's optimum of each."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.svm import LinearSVC

from skdist.losses import (
    Gamma,
    Huber,
    Logistic,
    Multinomial,
    Poisson,
    Squared,
    SquaredHinge,
    Tweedie,
    TweedieIdentity,
)
from skdist.sharding import Shard
from skdist.solvers.linear_objective import LinearObjective

N, D = 240, 4


class Serial:
    """Shards, one after the other: all that a solver needs."""

    def __init__(self, shards):
        self.shards = shards

    def map_reduce(self, summarize, *broadcast, merge=lambda a, b: a + b):
        return reduce(merge, [summarize(shard, *broadcast) for shard in self.shards])

    def note(self, state=None, **values):
        """Nobody watches."""

    time_is_up = False
    may_leave_out = False


def cut(X, y, weight=None, n_shards=1):
    """Shards of nearly equal size; of no rows where there are more shards than rows."""
    bounds = np.linspace(0, X.shape[0], n_shards + 1).astype(int)
    return Serial(
        [
            Shard(
                X[a:b],
                y[a:b],
                None if weight is None else weight[a:b],
                rows=range(a, b),
                index=k,
                n_shards=n_shards,
            )
            for k, (a, b) in enumerate(pairwise(bounds))
        ]
    )


@lru_cache
def rows(seed=0, n=N, d=D):
    """X whose values float32 knows, with zeros and correlations, and weights."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.7) @ (np.eye(d) + 0.3)
    return X.astype(np.float32).astype(np.float64), rng.integers(1, 5, n) / 2.0


def _signal(n_outputs=1, seed=1):
    X, _ = rows()
    rng = np.random.default_rng(seed)
    return X @ rng.normal(size=(D, n_outputs)) * 0.6, rng


def two_classes():
    z, rng = _signal()
    return (z[:, 0] + rng.logistic(size=N) > 0.3).astype(float)


def classes(n_classes):
    z, rng = _signal(n_classes)
    return (z + rng.gumbel(size=z.shape)).argmax(axis=1).astype(float)


def counts():
    z, rng = _signal()
    return rng.poisson(np.exp(0.5 * z[:, 0])).astype(float)


def positive():
    z, rng = _signal()
    return np.exp(0.3 * z[:, 0]) * rng.gamma(5.0, 0.2, size=N) + 0.1


def far_from_zero():
    """Positive, with means that are linear and stay positive: no link is needed."""
    z, rng = _signal()
    return (4.0 + 0.4 * z[:, 0]) * rng.gamma(20.0, 0.05, size=N)


def signed():
    z, rng = _signal()
    return z[:, 0] + rng.normal(size=N)


@dataclass(frozen=True)
class Problem:
    """A loss with targets, and scikit-learn's class that minimises it."""

    loss: Any
    targets: Callable[[], np.ndarray]
    sklearn: Callable[..., Any] | None


def logistic(l2):
    C = np.inf if l2 == 0.0 else 1.0 / l2
    return LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000)


def regression(cls, **parameters):
    return lambda alpha: cls(
        alpha=alpha, solver="newton-cholesky", tol=1e-12, max_iter=1000, **parameters
    )


def identity(power):
    return lambda alpha: TweedieRegressor(
        alpha=alpha, power=power, link="identity", tol=1e-10, max_iter=10_000
    )


# Of these F = sum of losses + l2 / 2 |W|^2 for classes, and mean of losses + ... for the others.
PROBLEMS = {
    "logistic": Problem(Logistic(), two_classes, logistic),
    "multinomial": Problem(Multinomial(4), lambda: classes(4), logistic),
    "squared": Problem(Squared(), signed, lambda alpha: Ridge(alpha=N * alpha)),
    "poisson": Problem(Poisson(), counts, regression(PoissonRegressor)),
    "gamma": Problem(Gamma(), positive, regression(GammaRegressor)),
    "tweedie 1.5": Problem(Tweedie(1.5), counts, regression(TweedieRegressor, power=1.5)),
    "tweedie 3": Problem(Tweedie(3.0), positive, regression(TweedieRegressor, power=3)),
    "tweedie 0": Problem(Tweedie(0.0), positive, regression(TweedieRegressor, power=0, link="log")),
    "identity 1.5": Problem(TweedieIdentity(1.5), far_from_zero, identity(1.5)),
}
SUMS = {"logistic", "multinomial"}


def strengths(name):
    """None, and one that matters."""
    return (0.0, 2.0) if name in SUMS else (0.0, 0.05)


def weights_of(name):
    """Weights that scikit-learn's objective and ours take alike: its means divide by their sum."""
    _, weight = rows()
    return weight if name in SUMS else weight / weight.mean()


def objective_of(name, l2, n_features=D, **parameters):
    """The objective that scikit-learn's class minimises."""
    scale = 1.0 if name in SUMS else 1.0 / N
    return LinearObjective(PROBLEMS[name].loss, n_features, scale=scale, l2=l2, **parameters)


@lru_cache
def best(name, l2, weighted=False):
    """scikit-learn's W (K, p), intercepts last, to the last digits that it finds."""
    X, _ = rows()
    model, weight = PROBLEMS[name].sklearn(l2), weights_of(name) if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, PROBLEMS[name].targets(), weight)
    return np.column_stack([np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)])


def best_squared_hinge(C, intercept_scaling):
    """LinearSVC's W (1, p): the intercept is penalised, as a coefficient of `intercept_scaling`."""
    X, _ = rows()
    model = LinearSVC(
        C=C, dual=False, tol=1e-12, max_iter=100_000, intercept_scaling=intercept_scaling
    ).fit(X, two_classes())
    return np.column_stack([model.coef_, model.intercept_ / intercept_scaling])


def value(objective, X, y, w, weight=None):
    """F, the plainest way."""
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X, float)
    z = dense @ w[:, : objective.n_features].T
    if objective.fit_intercept:
        z = z + objective.intercept_scaling * w[:, -1]
    losses = objective.loss.value(y, z[:, 0] if len(w) == 1 else z.T)
    own = w if objective.penalise_intercept else w[:, : objective.n_features]
    penalty = objective.l2 * np.sum(own**2) / 2 + objective.l1 * np.sum(np.abs(own))
    return objective.scale * np.sum(losses if weight is None else losses * weight) + penalty


HUBER = Huber(0.7)
HINGE = SquaredHinge()
