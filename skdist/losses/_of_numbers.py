# SPDX-License-Identifier: BSD-3-Clause
"""Losses of real targets: least squares, its robust kin, and half the deviances of GLMs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.losses._loss import OneOutput

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Squared(OneOutput):
    """(z - y)^2 / 2.   g = z - y,  c = 1.  scikit-learn's HalfSquaredError."""

    def value(self, y: Floats, z: Floats) -> Floats:
        """(z - y)^2 / 2."""
        return 0.5 * np.square(z - y)

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """And z - y."""
        residual = z - y
        return 0.5 * np.square(residual), residual

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And 1."""
        return *self.value_gradient(y, z), np.ones_like(z)

    def constant_fit(self, mean: Floats) -> Floats:
        """The mean."""
        return mean


@dataclass(frozen=True)
class Huber(OneOutput):
    """r^2 / 2 where |r| <= delta, else delta |r| - delta^2 / 2,  r = z - y.

    g = r, clipped to [-delta, delta],  c = [|r| <= delta].  scikit-learn's HuberLoss.

    Parameters
    ----------
    delta : float
        Above 0: residuals beyond it count linearly.
    """

    delta: float

    def value(self, y: Floats, z: Floats) -> Floats:
        """r^2 / 2 or delta |r| - delta^2 / 2."""
        return self.value_gradient(y, z)[0]

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """And the clipped residual."""
        residual = z - y
        clipped = np.clip(residual, -self.delta, self.delta)
        return clipped * (residual - 0.5 * clipped), clipped

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And 1 within delta."""
        value, clipped = self.value_gradient(y, z)
        return value, clipped, (np.abs(clipped) < self.delta).astype(np.float64)

    def constant_fit(self, mean: Floats) -> Floats:
        """The mean, which is a start."""
        return mean


@dataclass(frozen=True)
class Poisson(OneOutput):
    """exp(z) - y z,  y >= 0.   g = exp(z) - y,  c = exp(z).

    scikit-learn's HalfPoissonLoss; like there, the constant y log(y) - y is dropped.
    """

    def value(self, y: Floats, z: Floats) -> Floats:
        """exp(z) - y z."""
        return np.exp(z) - y * z

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And exp(z)."""
        mu = np.exp(z)
        return mu - y * z, mu - y, mu

    def constant_fit(self, mean: Floats) -> Floats:
        """log(mean)."""
        return np.log(np.maximum(mean, 1e-10))


@dataclass(frozen=True)
class Gamma(OneOutput):
    """z + y exp(-z),  y > 0.   g = 1 - y exp(-z),  c = y exp(-z).

    scikit-learn's HalfGammaLoss; like there, the constant -log(y) - 1 is dropped.
    """

    def value(self, y: Floats, z: Floats) -> Floats:
        """z + y exp(-z)."""
        return z + y * np.exp(-z)

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And y exp(-z)."""
        ratio = y * np.exp(-z)
        return z + ratio, 1.0 - ratio, ratio

    def constant_fit(self, mean: Floats) -> Floats:
        """log(mean)."""
        return np.log(np.maximum(mean, 1e-300))


@dataclass(frozen=True)
class Tweedie(OneOutput):
    """mu^(2-q) / (2-q) - y mu^(1-q) / (1-q),  mu = exp(z),  q = power, neither 1 nor 2.

    g = mu^(2-q) - y mu^(1-q).   c = (2-q) mu^(2-q) - (1-q) y mu^(1-q) where that is not
    negative, as it never is for 1 < q < 2; elsewhere the loss is not convex, and c is the expected
    curvature mu^(2-q) (Fisher scoring). scikit-learn's HalfTweedieLoss; like there, constants are
    dropped, but power 0 is (mu - y)^2 / 2. Powers 1 and 2 are `Poisson` and `Gamma`: see
    :func:`tweedie`.

    Parameters
    ----------
    power : float
    """

    power: float

    def value(self, y: Floats, z: Floats) -> Floats:
        """The two terms."""
        return self._terms(y, z)[0]

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """And mu^(2-q) - y mu^(1-q)."""
        value, first, second = self._terms(y, z)
        return value, first - second

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And the curvature, observed or expected."""
        value, first, second = self._terms(y, z)
        observed = (2.0 - self.power) * first - (1.0 - self.power) * second
        return value, first - second, np.where(observed >= 0.0, observed, first)

    def _terms(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        first, second = np.exp((2.0 - self.power) * z), y * np.exp((1.0 - self.power) * z)
        value = first / (2.0 - self.power) - second / (1.0 - self.power)
        if self.power == 0.0:
            value += 0.5 * np.square(y)
        return value, first, second

    def constant_fit(self, mean: Floats) -> Floats:
        """log(mean)."""
        return np.log(np.maximum(mean, 1e-10))


@dataclass(frozen=True)
class TweedieIdentity(OneOutput):
    """Half the Tweedie deviance of y and z, without a link: z itself is the mean, above 0.

    max(y, 0)^(2-q) / ((1-q) (2-q)) - y z^(1-q) / (1-q) + z^(2-q) / (2-q), or its limit at q = 1
    (y log(y/z) + z - y) and q = 2 (log(z/y) + y/z - 1); infinite for z <= 0.

    g = (z - y) z^-q.   c = z^-q + q (y - z) z^(-q-1) where that is not negative, elsewhere the
    expected curvature z^-q. scikit-learn's HalfTweedieLossIdentity: no constant is dropped. Power 0
    is `Squared`.

    Parameters
    ----------
    power : float
        Not 0; y may be negative for powers below 0.
    """

    power: float

    def value(self, y: Floats, z: Floats) -> Floats:
        """Half the deviance; inf where z <= 0."""
        inside = z > 0.0
        return np.where(inside, self._half_deviance(y, np.where(inside, z, 1.0)), np.inf)

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And the curvature, observed or expected."""
        mu = np.where(z > 0.0, z, 1.0)
        expected = mu**-self.power
        observed = expected * (1.0 + self.power * (y - mu) / mu)
        curvature = np.where(observed >= 0.0, observed, expected)
        return self.value(y, z), (mu - y) * expected, curvature

    def _half_deviance(self, y: Floats, mu: Floats) -> Floats:
        q = self.power
        if q == 1.0:
            return _xlogy(y, mu) + mu - y
        if q == 2.0:
            return np.log(mu / y) + y / mu - 1.0
        constant = np.maximum(y, 0.0) ** (2.0 - q) / ((1.0 - q) * (2.0 - q))
        return constant - y * mu ** (1.0 - q) / (1.0 - q) + mu ** (2.0 - q) / (2.0 - q)

    def constant_fit(self, mean: Floats) -> Floats:
        """The mean, kept inside."""
        return np.maximum(mean, 1e-10)


def tweedie(power: float, link: str) -> Any:
    """The loss of scikit-learn's TweedieRegressor.

    Parameters
    ----------
    power : float
    link : {"log", "identity"}
        What maps the mean to the raw prediction.

    Returns
    -------
    loss : Loss

    Examples
    --------
    >>> from skdist.losses import tweedie
    >>> tweedie(1, "log"), tweedie(1.5, "log"), tweedie(0, "identity")
    (Poisson(), Tweedie(power=1.5), Squared())
    """
    if link == "identity":
        return Squared() if power == 0 else TweedieIdentity(float(power))
    return {1.0: Poisson(), 2.0: Gamma()}.get(float(power), Tweedie(float(power)))


def _xlogy(y: Floats, mu: Floats) -> Floats:
    """y log(y / mu), which is 0 at y = 0."""
    return y * np.log(np.where(y > 0.0, y, mu) / mu)
