# SPDX-License-Identifier: BSD-3-Clause
"""Small problems of any kind, drawn by hypothesis: the optimum is libsvm's."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_problems import KERNELS, dual_value, ours, theirs

TOL = 1e-5


@st.composite
def problems(draw, classify):
    """X with rows twice and constant columns, y with rare classes, weights, and parameters."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 60)), draw(st.integers(1, 5))
    X = rng.normal(size=(n, d)) * draw(st.sampled_from([0.01, 1.0, 30.0]))
    X = X.round(draw(st.sampled_from([0, 1, 6])))
    if draw(st.booleans()):
        X = X[rng.integers(0, max(1, n // 3), n)]
    if draw(st.booleans()):
        X[:, 0] = 7.0
    y = rng.normal(size=n)
    if classify:
        n_classes = draw(st.integers(2, 4))
        rates = rng.dirichlet(np.full(n_classes, 0.7))
        y = rng.choice(n_classes, n, p=rates)
        y[:2] = [0, 1]
    weight = rng.integers(0, 3, n).astype(float)
    weight[:2] = 1.0
    parameters = {
        "kernel": draw(st.sampled_from(KERNELS[:3])),
        "C": draw(st.sampled_from([1e-2, 1.0, 100.0])),
        "gamma": draw(st.sampled_from(["auto", 0.02])),
        "degree": 2,
        "coef0": 1.0,
    }
    scale = np.abs(X).max()
    if parameters["kernel"] == "poly" and scale > 10:
        X /= scale  # or neither ends within a reasonable time
    return X, y, draw(st.sampled_from([None, weight])), parameters


def assert_same_optimum(name, X, y, weight, parameters, strategy):
    with warnings.catch_warnings():  # libsvm crawls where X has fewer columns than support vectors
        warnings.simplefilter("ignore")
        reference = theirs(name, tol=TOL, max_iter=100_000, **parameters)
        reference.fit(X, y, sample_weight=weight)
        own = ours(name, tol=TOL, strategy=strategy, n_shards=min(2, len(X)), **parameters)
        own.fit(X, y, sample_weight=weight)
    if weight is not None:
        reference.support_ = np.flatnonzero(weight > 0).astype(np.int32)[reference.support_]
    gap = own.report_.certificate
    expected, found = dual_value(reference, y), dual_value(own, y)
    assert found >= expected - 1e-5 * abs(expected) - TOL
    if reference.fit_status_ == 0:
        rounding = len(X) * TOL * parameters["C"] + TOL
        assert found <= expected + 1e-5 * abs(expected) + rounding
    assert gap >= -1e-9 * max(1.0, abs(found))
    # Where kernel values are 10^9 times the tolerance, rounding may be felt before it is reached.
    assert own.report_.extra["violation"] <= 10 * TOL
    assert own.fit_status_ == (own.report_.extra["violation"] > TOL)


@pytest.mark.parametrize("strategy", ["auto", "parallel"])
@settings(max_examples=40)
@given(problem=problems(classify=True))
def test_classes(problem, strategy):
    X, y, weight, parameters = problem
    if weight is not None:  # libsvm's machine of fewer classes than it is told is not one
        weight = np.where(np.isin(y, y[weight > 0]), weight, 1.0)
    assert_same_optimum("SVC", X, y, weight, parameters, strategy)


@pytest.mark.parametrize("strategy", ["auto", "parallel"])
@settings(max_examples=40)
@given(problem=problems(classify=False))
def test_targets(problem, strategy):
    X, y, weight, parameters = problem
    assert_same_optimum("SVR", X, y, weight, parameters, strategy)
