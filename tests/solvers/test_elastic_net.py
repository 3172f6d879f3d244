# SPDX-License-Identifier: BSD-3-Clause
"""The elastic net on moments against scikit-learn's on rows."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from skdist.kernels.centred_products import centred_products
from skdist.solvers.coordinate_descent import PenalisedQuadratic, metric_gap
from skdist.solvers.elastic_net import ElasticNetProblem, duality_gap, elastic_net
from skdist.summaries import Moments

RNG = np.random.default_rng(0)
N, D = 80, 12
X = RNG.normal(2.0, 1.0, (N, D)) * 10.0 ** RNG.uniform(-1, 1, D)
Y = X[:, :3] @ RNG.normal(size=(3, 2)) + RNG.normal(size=(N, 2)) + 4.0
WEIGHT = RNG.random(N) + 0.2


def solve(weight=None, seeds=(None, None), start=None, **options):
    moments = Moments(N, *centred_products(X, Y, weight))
    problem = ElasticNetProblem(**{"tol": 1e-13, "max_iter": 100_000, **options})
    start = np.zeros((2, D)) if start is None else start
    intercept, found = elastic_net(moments, problem, start, seeds)
    return intercept, found, moments


def theirs(alpha, l1_ratio, weight, **options):
    model = ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=5_000, **options)
    return model.fit(X, Y[:, 0], weight)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
# scikit-learn's gap forgets w >= 0 where there is no l1: it never becomes small.
@pytest.mark.filterwarnings("ignore:Objective did not:sklearn.exceptions.ConvergenceWarning")
def test_the_minimum(l1_ratio, positive, fit_intercept, weight):
    options = {"fit_intercept": fit_intercept, "positive": positive}
    intercept, found, _ = solve(weight, l1=0.3 * l1_ratio, l2=0.3 * (1 - l1_ratio), **options)
    model = theirs(0.3, l1_ratio, weight, **options)
    np.testing.assert_allclose(found[0].w, model.coef_, rtol=1e-6, atol=1e-8)
    assert intercept[0] == pytest.approx(model.intercept_, rel=1e-7, abs=1e-9)
    assert all(one.converged for one in found)


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize(("l1", "l2"), [(20.0, 0.0), (20.0, 3.0), (0.0, 3.0)])
def test_the_gap_bounds_what_is_lacking(l1, l2, positive):
    _, found, moments = solve(l1=l1 / N, l2=l2 / N, positive=positive)
    quadratic = PenalisedQuadratic.of(moments.xx, moments.xy[:, 0], l1, l2, positive)
    gap, best = duality_gap(quadratic, moments.yy[0]), found[0].w
    assert 0 <= gap(best, moments.xx @ best) + 1e-9 < 1e-6
    for _ in range(50):
        w = best + RNG.normal(size=D) * RNG.integers(0, 2, D)
        w = np.abs(w) if positive else w
        lacking = quadratic.value(w) - quadratic.value(best)
        assert lacking <= gap(w, moments.xx @ w) + 1e-9
        assert lacking <= metric_gap(quadratic)(w, moments.xx @ w) + 1e-9


def test_both_strengths_zero_is_least_squares():
    _, found, moments = solve(l1=0.0, l2=0.0, tol=1e-16)
    best = np.linalg.solve(moments.xx, moments.xy).T
    np.testing.assert_allclose([one.w for one in found], best, rtol=1e-5)


def test_a_start_at_the_minimum_needs_no_sweep():
    _, found, _ = solve(l1=0.1, l2=0.1)
    start = np.stack([one.w for one in found])
    again = solve(l1=0.1, l2=0.1, start=start, tol=1e-12)[1]
    assert [one.n_iter for one in again] == [0, 0]


def test_seeds_order_the_coordinates_of_each_target():
    first, second, third = (
        solve(l1=0.1, l2=0.1, seeds=seeds, max_iter=3, tol=0.0)[1]
        for seeds in ((1, 2), (1, 3), (None, None))
    )
    np.testing.assert_array_equal(first[0].w, second[0].w)
    assert not np.array_equal(first[1].w, second[1].w)
    assert not np.array_equal(first[0].w, third[0].w)
