# SPDX-License-Identifier: BSD-3-Clause
"""Hessians from the triangles that travel, and parabolas that merge."""

import numpy as np
import pytest

from skdist.summaries import LossGradientHessian, QuadraticModel

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n_outputs", [2, 3, 6])
def test_the_hessian_is_the_laplacian_of_the_grams(n_outputs):
    p = 3
    pairs = list(zip(*np.triu_indices(n_outputs, 1), strict=True))
    grams = [B.T @ B for B in RNG.normal(size=(len(pairs), 5, p))]
    expected = np.zeros((n_outputs * p, n_outputs * p))
    for (k, m), gram in zip(pairs, grams, strict=True):
        e = np.eye(n_outputs)[k] - np.eye(n_outputs)[m]
        expected += np.kron(np.outer(e, e), gram)
    triangles = np.array([gram[np.triu_indices(p)] for gram in grams])
    sums = LossGradientHessian(0.0, np.zeros((n_outputs, p)), triangles)
    np.testing.assert_allclose(sums.hessian, expected, rtol=1e-13, atol=1e-13)


def test_a_single_output_is_its_gram():
    gram = np.array([[2.0, 3.0], [3.0, 7.0]])
    sums = LossGradientHessian(0.0, np.zeros((1, 2)), gram[np.triu_indices(2)][None])
    np.testing.assert_array_equal(sums.hessian, gram)
    assert sums.nbytes == 8 * (1 + 2 + 3)


def parabola(seed, p=4):
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(p + 2, p))
    return B.T @ B, rng.normal(size=p), rng.normal()


def test_an_expansion_has_the_value_slope_and_curvature_it_was_given():
    A, w, value = parabola(0)
    gradient, step = RNG.normal(size=4), RNG.normal(size=4)
    model = QuadraticModel.expand(w, value, gradient, A)
    assert model.value(w) == pytest.approx(value, rel=1e-13)
    expected = value + gradient @ step + step @ A @ step / 2
    assert model.value(w + step) == pytest.approx(expected, rel=1e-12)


def test_merging_models_about_their_minima_weighs_them_by_curvature():
    (A, w, a), (B, v, b) = parabola(1), parabola(2)
    zero = np.zeros(4)
    both = QuadraticModel.expand(w, a, zero, A) + QuadraticModel.expand(v, b, zero, B)
    merged = np.linalg.solve(A + B, A @ w + B @ v)
    np.testing.assert_allclose(both.minimiser(), merged, rtol=1e-12)
    lost = (merged - w) @ A @ (merged - w) / 2 + (merged - v) @ B @ (merged - v) / 2
    assert both.value(merged) == pytest.approx(a + b + lost, rel=1e-12)


def test_scales_of_parameters_do_not_matter():
    A, w, _ = parabola(3)
    unit = np.array([1e-8, 1e-3, 1e4, 1e8])
    scaled = A * unit * unit[:, None]
    model = QuadraticModel.expand(w / unit, 0.0, np.zeros(4), scaled)
    np.testing.assert_allclose(model.minimiser(), w / unit, rtol=1e-9)


def test_where_nothing_is_known_the_shortest_minimiser_is_taken():
    A = np.diag([2.0, 0.0, 0.0])
    A[1:, 1:] = 1.0  # only the sum of the last two matters
    model = QuadraticModel(A, np.array([4.0, 3.0, 3.0]), 0.0)
    np.testing.assert_allclose(model.minimiser(), [2.0, 1.5, 1.5], rtol=1e-12)
    assert QuadraticModel.empty(3).minimiser().tolist() == [0.0, 0.0, 0.0]
