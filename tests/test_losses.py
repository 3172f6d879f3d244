# SPDX-License-Identifier: BSD-3-Clause
"""Losses against finite differences, against scikit-learn's, and where exponentials overflow."""

import numpy as np
import pytest
from sklearn._loss import loss as theirs

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
    tweedie,
)

RNG = np.random.default_rng(0)
N = 200
Y_01 = RNG.integers(0, 2, N).astype(float)
Y_POSITIVE = RNG.gamma(2.0, size=N) + 0.05
Y_COUNTS = RNG.poisson(1.0, N).astype(float)
Y_REAL = RNG.normal(size=N)
Z = RNG.normal(size=N) * 2.0
Z_POSITIVE = np.exp(RNG.normal(size=N))

# loss, y, z and scikit-learn's loss
ONE_OUTPUT = [
    (Logistic(), Y_01, Z, theirs.HalfBinomialLoss()),
    (SquaredHinge(), Y_01, Z, None),
    (Squared(), Y_REAL, Z, theirs.HalfSquaredError()),
    (Huber(0.7), Y_REAL, Z, theirs.HuberLoss(delta=0.7)),
    (Poisson(), Y_COUNTS, Z, theirs.HalfPoissonLoss()),
    (Gamma(), Y_POSITIVE, Z, theirs.HalfGammaLoss()),
    *[
        (tweedie(power, "log"), Y_POSITIVE, Z, theirs.HalfTweedieLoss(power=power))
        for power in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    ],
    *[
        (
            tweedie(power, "identity"),
            Y_POSITIVE,
            Z_POSITIVE,
            theirs.HalfTweedieLossIdentity(power=power),
        )
        for power in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    ],
    (Tweedie(1.5), Y_COUNTS, Z, theirs.HalfTweedieLoss(power=1.5)),
    (TweedieIdentity(1.0), Y_COUNTS, Z_POSITIVE, theirs.HalfTweedieLossIdentity(power=1.0)),
    (TweedieIdentity(1.5), Y_COUNTS, Z_POSITIVE, theirs.HalfTweedieLossIdentity(power=1.5)),
]
# loss, y, z with K = 4; rows come last
MULTINOMIAL = Multinomial(4), RNG.integers(0, 4, N).astype(float), RNG.normal(size=(4, N)) * 2.0
ALL = [*[case[:3] for case in ONE_OUTPUT], MULTINOMIAL]

every_loss = pytest.mark.parametrize(("loss", "y", "z"), ALL, ids=[str(case[0]) for case in ALL])
one_output = pytest.mark.parametrize(
    ("loss", "y", "z", "sklearn"), ONE_OUTPUT, ids=[str(case[0]) for case in ONE_OUTPUT]
)
H = 1e-5


def directions(z):
    """Every single raw prediction, as something to move."""
    if z.ndim == 1:
        return [np.ones_like(z)]
    return [np.eye(len(z))[k][:, None] * np.ones_like(z) for k in range(len(z))]


def inner(a, b):
    return a * b if a.ndim == 1 else (a * b).sum(axis=0)


def laplacian(c, n_outputs):
    """sum over g of c_g e_g e_g', (K, K, n)."""
    matrix = np.zeros((n_outputs, n_outputs, c.shape[-1]))
    for c_g, k, m in zip(c, *np.triu_indices(n_outputs, 1), strict=True):
        matrix[k, k] += c_g
        matrix[m, m] += c_g
        matrix[k, m] -= c_g
        matrix[m, k] -= c_g
    return matrix


@every_loss
def test_the_gradient_is_the_slope_of_the_value(loss, y, z):
    gradient = loss.value_gradient(y, z)[1]
    for v in directions(z):
        slope = (loss.value(y, z + H * v) - loss.value(y, z - H * v)) / (2 * H)
        np.testing.assert_allclose(inner(gradient, v), slope, rtol=1e-6, atol=1e-6)


@every_loss
def test_all_methods_say_the_same_of_the_value_and_the_gradient(loss, y, z):
    before = y.copy(), z.copy()
    value, gradient, _ = loss.value_gradient_curvature(y, z)
    np.testing.assert_allclose(loss.value(y, z), value, rtol=1e-13)
    np.testing.assert_allclose(loss.value_gradient(y, z)[0], value, rtol=1e-13)
    np.testing.assert_array_equal(loss.value_gradient(y, z)[1], gradient)
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(z, before[1])


def is_smooth(loss, y, z):
    """Whether the gradient has a derivative there that is the curvature: no jump, and convex."""
    if loss == SquaredHinge():
        return np.abs(1.0 - (2.0 * y - 1.0) * z) > 2 * H
    if loss == Huber(0.7):
        return np.abs(np.abs(z - y) - 0.7) > 2 * H
    change = loss.value_gradient(y, z + H)[1] - loss.value_gradient(y, z - H)[1]
    return change > 1e-14


def test_where_a_loss_is_not_convex_its_curvature_is_the_expected_one():
    y, z = np.array([3.0]), np.zeros(1)  # log link, power 0: exp(z) (2 exp(z) - y) < 0
    assert Tweedie(0.0).value_gradient_curvature(y, z)[2].tolist() == [1.0]
    y, z = np.array([1.0]), np.array([4.0])  # identity, power 2: 2 y < z
    assert TweedieIdentity(2.0).value_gradient_curvature(y, z)[2].tolist() == [1 / 16]


@one_output
def test_the_curvature_is_the_slope_of_the_gradient_and_never_negative(loss, y, z, sklearn):
    curvature = loss.value_gradient_curvature(y, z)[2]
    change = (loss.value_gradient(y, z + H)[1] - loss.value_gradient(y, z - H)[1]) / (2 * H)
    smooth = is_smooth(loss, y, z)
    np.testing.assert_allclose(curvature[smooth], change[smooth], rtol=1e-5, atol=1e-8)
    assert (curvature >= 0.0).all()


def test_the_curvature_of_the_softmax_is_a_laplacian():
    loss, y, z = MULTINOMIAL
    hessian = laplacian(loss.value_gradient_curvature(y, z)[2], 4)
    for k, v in enumerate(directions(z)):
        ahead, behind = (loss.value_gradient(y, z + t * v)[1] for t in (H, -H))
        np.testing.assert_allclose(hessian[:, k], (ahead - behind) / (2 * H), atol=1e-8)


@every_loss
def test_products_and_diagonals_are_those_of_the_curvature(loss, y, z):
    curvature, dz = loss.value_gradient_curvature(y, z)[2], RNG.normal(size=z.shape)
    if z.ndim == 1:
        product, diagonal = curvature * dz, curvature
    else:
        hessian = laplacian(curvature, len(z))
        product, diagonal = np.einsum("kmn,mn->kn", hessian, dz), np.einsum("kkn->kn", hessian)
    np.testing.assert_allclose(loss.gradient_change(y, z, dz), product, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(loss.curvature_diagonal(y, z), diagonal, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "y", "z", "sklearn"), [case for case in ONE_OUTPUT if case[3] is not None]
)
def test_values_and_slopes_are_those_of_scikit_learn(loss, y, z, sklearn):
    value, gradient, _ = loss.value_gradient_curvature(y, z)
    np.testing.assert_allclose(value, sklearn.loss(y, z), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, sklearn.gradient(y, z), rtol=1e-9, atol=1e-12)


def test_the_softmax_is_that_of_scikit_learn():
    loss, y, z = MULTINOMIAL
    sklearn = theirs.HalfMultinomialLoss(n_classes=4)
    value, gradient = sklearn.loss_gradient(y, np.ascontiguousarray(z.T))
    np.testing.assert_allclose(loss.value_gradient(y, z)[0], value, rtol=1e-12)
    np.testing.assert_allclose(loss.value_gradient(y, z)[1], gradient.T, rtol=1e-9, atol=1e-14)


def test_logistic_loses_no_digits_far_out():
    loss, one = Logistic(), np.ones(4)
    value, gradient, curvature = loss.value_gradient_curvature(
        one, np.array([40.0, 700.0, -1000.0, 1000.0])
    )
    np.testing.assert_allclose(value[:3], [np.exp(-40.0), np.exp(-700.0), 1000.0], rtol=1e-14)
    np.testing.assert_allclose(gradient[:3], [-np.exp(-40.0), -np.exp(-700.0), -1.0], rtol=1e-14)
    np.testing.assert_allclose(curvature[:2], np.exp([-40.0, -700.0]), rtol=1e-14)
    assert (value[3], gradient[3], curvature[3]) == (0.0, 0.0, 0.0)


def test_the_softmax_loses_no_digits_far_out():
    z = np.array([[40.0, 0.0, -1000.0], [0.0, 700.0, 1000.0], [0.0, 0.0, 0.0]])
    value, gradient, curvature = Multinomial(3).value_gradient_curvature(
        np.array([0.0, 1.0, 0.0]), z
    )
    rest = np.array([2 * np.exp(-40.0), 2 * np.exp(-700.0)])
    np.testing.assert_allclose(value, [*rest, 2000.0], rtol=1e-14)
    np.testing.assert_allclose(gradient[[0, 1], [0, 1]], -rest, rtol=1e-14)
    np.testing.assert_allclose(curvature[0, 0], np.exp(-40.0), rtol=1e-13)
    assert np.isfinite(gradient).all()


def test_outside_of_its_domain_a_loss_is_infinite_and_its_slope_a_number():
    loss, y, z = TweedieIdentity(1.5), np.ones(2), np.array([-1.0, 0.0])
    value, gradient, curvature = loss.value_gradient_curvature(y, z)
    assert value.tolist() == [np.inf, np.inf]
    assert np.isfinite(gradient).all() and (curvature > 0).all()


# For these two the best constant is no function of the mean: theirs is only a start.
@pytest.mark.parametrize(
    ("loss", "y", "z"), [case for case in ALL if case[0] not in (SquaredHinge(), Huber(0.7))]
)
def test_the_constant_fit_is_where_the_mean_slope_vanishes(loss, y, z):
    mean = np.bincount(y.astype(int), minlength=4) / N if z.ndim == 2 else np.array([y.mean()])
    constant = loss.constant_fit(mean)
    raw = np.ones_like(z) * (constant if z.ndim == 1 else constant[:, None])
    slope = loss.value_gradient(y, raw)[1].mean(axis=-1)
    np.testing.assert_allclose(slope, 0.0, atol=1e-12)


@pytest.mark.parametrize("loss", [Logistic(), Poisson(), Gamma(), Multinomial(3)], ids=str)
def test_the_constant_fit_of_one_class_or_of_zeros_is_finite(loss):
    mean = np.eye(3)[0] if loss.n_outputs == 3 else np.zeros(1)
    assert np.isfinite(loss.constant_fit(mean)).all()


def test_tweedie_is_the_distribution_of_its_power():
    assert [tweedie(q, "log") for q in (1, 2, 1.5)] == [Poisson(), Gamma(), Tweedie(1.5)]
    assert [tweedie(q, "identity") for q in (0, 2)] == [Squared(), TweedieIdentity(2.0)]


def test_the_squared_hinge_has_curvature_on_its_margin():
    """Where all rows lie on it, as they may at a start, a Newton step is still one."""
    y, z = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, -1.0, 1.0 + 1e-12, -2.0])
    value, slope, curvature = SquaredHinge().value_gradient_curvature(y, z)
    assert value.tolist() == slope.tolist() == [0.0] * 4
    assert curvature.tolist() == [2.0, 2.0, 0.0, 0.0]
