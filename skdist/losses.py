# SPDX-License-Identifier: BSD-3-Clause
r"""Losses of a target y and a raw prediction z: value, gradient and curvature, row by row.

    loss(y, z),   g = d loss / dz,   d^2 loss / dz^2 = sum over g of c_g e_g e_g',   c_g >= 0

with the direction e = 1 for a single raw prediction and e_kl = u_k - u_l, k < l, for K of them:
the Hessian of the softmax, diag(p) - p p', is the Laplacian of a graph whose edges weigh p_k p_l.
Weights c_g that are never negative are what Gram matrices are made of, and sums over rows keep it.

Raw predictions of many rows are arrays (n,), or (K, n) where there are K per row: rows come last,
so that weights of rows multiply as they are, and NumPy's loops are long. Everything is float64.
None of these knows of X or of shards. A line search may look where an exponential overflows, and
reads inf there: NumPy's warning about it is silenced by the pass over the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Gamma",
    "Huber",
    "Logistic",
    "Loss",
    "Multinomial",
    "Poisson",
    "Squared",
    "SquaredHinge",
    "Tweedie",
    "TweedieIdentity",
    "tweedie",
]

Floats = NDArray[np.float64]


class Loss(Protocol):
    """What solvers and kernels need to know of a loss.

    `value` is (n,), `gradient` is shaped like z, `curvature` is (n,) for one output, else (G, n):
    G = K (K - 1) / 2 pairs of classes in the order (0, 1), (0, 2), ..., (K - 2, K - 1).
    """

    @property
    def n_outputs(self) -> int:
        """K, the number of raw predictions per row."""

    def value(self, y: Floats, z: Floats) -> Floats:
        """The loss; inf where z is outside of its domain."""

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """The loss, and its gradient by z."""

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """The loss, its gradient by z, and the weights of its curvature."""

    def gradient_change(self, y: Floats, z: Floats, dz: Floats) -> Floats:
        """Hessian by z times dz."""

    def curvature_diagonal(self, y: Floats, z: Floats) -> Floats:
        """The diagonal of the Hessian by z, shaped like z."""

    def constant_fit(self, mean: Floats) -> Floats:
        """The raw prediction, (K,), that fits best where all rows have the same X.

        `mean` is the weighted mean of y, (1,), or the K shares of the classes.
        """


class OneOutput:
    """What follows from `value_gradient_curvature` where there is one raw prediction per row."""

    n_outputs = 1

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """What each loss defines."""
        raise NotImplementedError

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """The loss and its slope."""
        return self.value_gradient_curvature(y, z)[:2]

    def gradient_change(self, y: Floats, z: Floats, dz: Floats) -> Floats:
        """c dz."""
        return self.value_gradient_curvature(y, z)[2] * dz

    def curvature_diagonal(self, y: Floats, z: Floats) -> Floats:
        """c."""
        return self.value_gradient_curvature(y, z)[2]


@dataclass(frozen=True)
class Logistic(OneOutput):
    """log(1 + exp(-t)),  t = (2 y - 1) z,  y in {0, 1}.

    g = -(2 y - 1) q,  c = q (1 - q),  q = 1 / (1 + exp(t)).  scikit-learn's HalfBinomialLoss.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.losses import Logistic
    >>> Logistic().value(np.array([1.0, 0.0]), np.array([0.0, 1000.0])).round(4).tolist()
    [0.6931, 1000.0]
    """

    def value(self, y: Floats, z: Floats) -> Floats:
        """log(1 + exp(-t))."""
        t = (2.0 * y - 1.0) * z
        return _softplus(-t, np.exp(-np.abs(t)))

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And q (1 - q), of exponentials that cannot overflow."""
        sign = 1.0 - 2.0 * y
        t = sign * z  # minus the margin
        small = np.exp(-np.abs(t))
        value = _softplus(t, small)
        q = np.minimum(t, 0.0, out=t)
        np.exp(q, out=q)
        one_more = small + 1.0
        q /= one_more
        one_more *= one_more
        small /= one_more
        sign *= q
        return value, sign, small

    def constant_fit(self, mean: Floats) -> Floats:
        """log(mean / (1 - mean)), kept finite."""
        inside = np.clip(mean, 1e-10, 1.0 - 1e-10)
        return np.log(inside / (1.0 - inside))


@dataclass(frozen=True)
class Multinomial:
    """log sum_k exp(z_k) - z_y,  y in {0, ..., K - 1}.

    g_k = p_k - [y = k],  c_kl = p_k p_l,  p = softmax(z).  Over-parametrised and symmetric, as
    scikit-learn's HalfMultinomialLoss: adding a constant to all z_k changes nothing.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    """

    n_classes: int

    @property
    def n_outputs(self) -> int:
        """K."""
        return self.n_classes

    def value(self, y: Floats, z: Floats) -> Floats:
        """log sum_k exp(z_k - z_y)."""
        return self._shares(y, z)[0]

    def value_gradient(self, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """And p - u_y."""
        value, p, rest = self._shares(y, z)
        return value, _minus_own_class(p, rest, y)

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And p_k p_l for k < l."""
        value, p, rest = self._shares(y, z)
        curvature = _products_of_pairs(p)
        return value, _minus_own_class(p, rest, y), curvature

    def gradient_change(self, y: Floats, z: Floats, dz: Floats) -> Floats:
        """p (dz - p'dz)."""
        p = self._shares(y, z)[1]
        return p * (dz - (p * dz).sum(axis=0))

    def curvature_diagonal(self, y: Floats, z: Floats) -> Floats:
        """p_k (1 - p_k)."""
        p = self._shares(y, z)[1]
        return p * (1.0 - p)

    def _shares(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """The loss, the softmax, and the share of all classes but y's, to full precision."""
        own = y.astype(np.intp), np.arange(len(y))
        shifted = z - z[own]
        highest = shifted.max(axis=0)
        # Where the own class leads, the loss is log(1 + a small sum): the 1 is left out of the sum.
        p = np.exp(shifted - highest)
        p[own] = 0.0
        others = p.sum(axis=0)
        p[own] = np.exp(-highest)
        total = others + p[own]
        value = highest + np.where(highest > 0.0, np.log(total), np.log1p(others))
        p /= total
        return value, p, others / total

    def constant_fit(self, mean: Floats) -> Floats:
        """log(mean), centred, kept finite."""
        z = np.log(np.maximum(mean, 1e-10))
        return np.asarray(z - z.mean())


@dataclass(frozen=True)
class SquaredHinge(OneOutput):
    """max(0, 1 - t)^2,  t = (2 y - 1) z,  y in {0, 1}.

    g = -2 (2 y - 1) max(0, 1 - t),  c = 2 [t < 1]: the curvature has jumps, so that c is the
    generalised Hessian (Mangasarian, 2002).  scikit-learn's LinearSVC.
    """

    def value(self, y: Floats, z: Floats) -> Floats:
        """max(0, 1 - t)^2."""
        return np.square(np.maximum(1.0 - (2.0 * y - 1.0) * z, 0.0))

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And 2 [t < 1]."""
        sign = 2.0 * y - 1.0
        slack = np.maximum(1.0 - sign * z, 0.0)
        sign *= -2.0 * slack
        return np.square(slack), sign, 2.0 * (slack > 0.0)

    def constant_fit(self, mean: Floats) -> Floats:
        """2 mean - 1."""
        return 2.0 * mean - 1.0


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
    curvature mu^(2-q) (Fisher scoring). scikit-learn's HalfTweedieLoss; like there, constants are dropped,
    but power 0 is (mu - y)^2 / 2. Powers 1 and 2 are `Poisson` and `Gamma`: see :func:`tweedie`.

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
    expected curvature z^-q. scikit-learn's HalfTweedieLossIdentity: no constant is dropped. Power 0 is
    `Squared`.

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


def _softplus(t: Floats, small: Floats) -> Floats:
    """log(1 + exp(t)), with small = exp(-|t|)."""
    value = np.log1p(small)
    value += np.maximum(t, 0.0)
    return value


def _xlogy(y: Floats, mu: Floats) -> Floats:
    """y log(y / mu), which is 0 at y = 0."""
    return y * np.log(np.where(y > 0.0, y, mu) / mu)


def _minus_own_class(p: Floats, rest: Floats, y: Floats) -> Floats:
    """p - u_y in place; p - 1 of the own class is minus the others' share, to all digits."""
    p[y.astype(np.intp), np.arange(len(y))] = -rest
    return p


def _products_of_pairs(p: Floats) -> Floats:
    """p_k p_l for k < l, (G, n)."""
    n_classes, n_rows = p.shape
    products = np.empty((n_classes * (n_classes - 1) // 2, n_rows))
    first = 0
    for k in range(n_classes - 1):
        last = first + n_classes - 1 - k
        np.multiply(p[k], p[k + 1 :], out=products[first:last])
        first = last
    return products
