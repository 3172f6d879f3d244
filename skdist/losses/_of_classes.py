# SPDX-License-Identifier: BSD-3-Clause
"""Losses of classes, which are numbered from 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skdist.losses._loss import OneOutput

Floats = NDArray[np.float64]


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
        return np.asarray(p * (dz - (p * dz).sum(axis=0)))

    def curvature_diagonal(self, y: Floats, z: Floats) -> Floats:
        """p_k (1 - p_k)."""
        p = self._shares(y, z)[1]
        return p * (1.0 - p)

    def _shares(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """The loss, the softmax, and the share of all classes but y's, to full precision."""
        own = y.astype(np.intp), np.arange(len(y))
        shifted = z - z[own]
        highest: Floats = shifted.max(axis=0)
        # Where the own class leads, the loss is log(1 + a small sum): the 1 is left out of the sum.
        p = np.exp(shifted - highest)
        p[own] = 0.0
        others: Floats = p.sum(axis=0)
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

    g = -2 (2 y - 1) max(0, 1 - t),  c = 2 [t <= 1]: the curvature has jumps, so that c is the
    generalised Hessian (Mangasarian, 2002).  scikit-learn's LinearSVC.
    """

    def value(self, y: Floats, z: Floats) -> Floats:
        """max(0, 1 - t)^2."""
        return np.square(np.maximum(1.0 - (2.0 * y - 1.0) * z, 0.0))

    def value_gradient_curvature(self, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """And 2 [t <= 1]: there is curvature where all rows lie on the margin."""
        sign = 2.0 * y - 1.0
        slack = 1.0 - sign * z
        curvature = np.where(slack >= 0.0, 2.0, 0.0)
        np.maximum(slack, 0.0, out=slack)
        sign *= -2.0 * slack
        return np.square(slack), sign, curvature

    def constant_fit(self, mean: Floats) -> Floats:
        """2 mean - 1."""
        return 2.0 * mean - 1.0


def _softplus(t: Floats, small: Floats) -> Floats:
    """log(1 + exp(t)), with small = exp(-|t|)."""
    value = np.log1p(small)
    value += np.maximum(t, 0.0)
    return value


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
