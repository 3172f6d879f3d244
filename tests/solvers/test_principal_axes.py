# SPDX-License-Identifier: BSD-3-Clause
"""Axes from moments and from triangular factors, against singular values of the rows."""

import numpy as np
import pytest

from skdist.kernels.centred_products import centred_products
from skdist.solvers.principal_axes import axes_of_factor, axes_of_moments
from skdist.summaries import Moments, TriangularFactor

X = np.random.default_rng(0).normal(size=(50, 4)) * [8.0, 4.0, 2.0, 1.0] + 3.0


def moments(X):
    return Moments(len(X), *centred_products(X, np.empty((len(X), 0))))


@pytest.mark.parametrize(
    "found", [axes_of_moments(moments(X)), axes_of_factor(TriangularFactor.of_rows(X))]
)
def test_variances_and_axes(found):
    _, singular, axes = np.linalg.svd(X - X.mean(axis=0))
    np.testing.assert_allclose(found.variance, singular**2 / 49, rtol=1e-12)
    np.testing.assert_allclose(np.abs(found.axes @ axes.T), np.eye(4), atol=1e-12)
    np.testing.assert_allclose(found.mean, X.mean(axis=0))
    assert found.n_rows == 50


def test_few_rows():
    few = X[:2]
    assert axes_of_moments(moments(few)).axes.shape == (4, 4)
    found = axes_of_factor(TriangularFactor.of_rows(few))
    assert found.axes.shape == (2, 4)
    np.testing.assert_allclose(found.variance[0], ((few[0] - few[1]) ** 2).sum() / 2)
    assert (axes_of_moments(moments(few)).variance >= 0.0).all()


def test_small_variances_keep_their_digits_in_the_factor():
    thin = X @ np.diag([1.0, 1.0, 1.0, 1e-9])
    expected = np.linalg.svd(thin - thin.mean(axis=0), compute_uv=False) ** 2 / 49
    found = axes_of_factor(TriangularFactor.of_rows(thin)).variance
    np.testing.assert_allclose(found, expected, rtol=1e-5)
