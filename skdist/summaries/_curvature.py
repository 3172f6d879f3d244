# SPDX-License-Identifier: BSD-3-Clause
"""What a smooth objective looks like from one point: slope, curvature, and the parabola of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LossGradient:
    """F and its gradient over some rows; ``+`` adds them.

    Parameters
    ----------
    loss : float
        Weighted sum of the rows' losses.
    gradient : ndarray of shape (K, p), float64
    """

    loss: float
    gradient: Floats

    @property
    def nbytes(self) -> int:
        """What travels."""
        return 8 + self.gradient.nbytes

    def __add__(self, other: LossGradient) -> LossGradient:
        return LossGradient(self.loss + other.loss, self.gradient + other.gradient)

    @classmethod
    def empty(cls, n_outputs: int, n_parameters: int) -> LossGradient:
        """Of no rows: the identity of ``+``."""
        return cls(0.0, np.zeros((n_outputs, n_parameters)))


@dataclass(frozen=True, eq=False)
class LossGradientHessian:
    """F, its gradient and its Hessian over some rows; ``+`` adds them.

        H = sum over g of (e_g e_g') (x) A_g,   e = 1 (K = 1) or u_k - u_l for k < l,

    which is what travels: of each symmetric A_g its upper triangle. For K classes that is half of
    the triangle of H itself.

    Parameters
    ----------
    loss : float
        Weighted sum of the rows' losses.
    gradient : ndarray of shape (K, p), float64
    grams : ndarray of shape (G, p (p + 1) / 2), float64
        Rows of the upper triangles; G = 1 for K = 1, else K (K - 1) / 2 pairs of classes in the
        order (0, 1), (0, 2), ..., (K - 2, K - 1).

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.summaries import LossGradientHessian
    >>> a = LossGradientHessian(1.0, np.array([[3.0, 4.0]]), np.array([[2.0, 1.0, 5.0]]))
    >>> (a + a).hessian.tolist()
    [[4.0, 2.0], [2.0, 10.0]]
    """

    loss: float
    gradient: Floats
    grams: Floats

    @property
    def nbytes(self) -> int:
        """What travels."""
        return 8 + self.gradient.nbytes + self.grams.nbytes

    def __add__(self, other: LossGradientHessian) -> LossGradientHessian:
        return LossGradientHessian(
            self.loss + other.loss, self.gradient + other.gradient, self.grams + other.grams
        )

    @classmethod
    def empty(cls, n_outputs: int, n_parameters: int) -> LossGradientHessian:
        """Of no rows: the identity of ``+``."""
        n_grams = max(1, n_outputs * (n_outputs - 1) // 2)
        triangles = np.zeros((n_grams, n_parameters * (n_parameters + 1) // 2))
        return cls(0.0, np.zeros((n_outputs, n_parameters)), triangles)

    @property
    def hessian(self) -> Floats:
        """H, (K p, K p): parameter j of output k is row k p + j."""
        n_outputs, p = self.gradient.shape
        grams = _symmetric(self.grams, p)
        if n_outputs == 1:
            return np.asarray(grams[0])
        full = np.zeros((n_outputs, p, n_outputs, p))
        first = 0
        for k in range(n_outputs - 1):
            own = grams[first : first + n_outputs - 1 - k]  # (k, l) for l = k + 1, ...
            first += len(own)
            full[k, :, k + 1 :, :] = -own.transpose(1, 0, 2)
            full[k + 1 :, :, k, :] = -own
            full[k, :, k, :] += own.sum(axis=0)
            full[range(k + 1, n_outputs), :, range(k + 1, n_outputs), :] += own
        return full.reshape(n_outputs * p, n_outputs * p)


@dataclass(frozen=True, eq=False)
class QuadraticModel:
    """c - b'w + w'A w / 2; ``+`` adds the models, exactly, and so their minimiser is

        w = (sum A_j)^-1 sum b_j = (sum A_j)^-1 sum A_j w_j

    for models expanded about their own minimisers w_j: the merge by Hessian weights (Lin & Xi,
    2011; Zhu, Li & Wang, 2021), as good as a fit on all rows if shards are few and large.

    Parameters
    ----------
    curvature : ndarray of shape (P, P), float64
        A, symmetric.
    linear : ndarray of shape (P,), float64
        b.
    constant : float
        c.

    Examples
    --------
    Two parabolas with minima at 0 and at 3, the second twice as steep:

    >>> import numpy as np
    >>> from skdist.summaries import QuadraticModel
    >>> at = lambda w, a: QuadraticModel.expand(np.array([w]), 0.0, np.zeros(1), np.array([[a]]))
    >>> both = at(0.0, 1.0) + at(3.0, 2.0)
    >>> both.minimiser().round(9).tolist(), round(both.value(both.minimiser()), 9)
    ([2.0], 3.0)
    """

    curvature: Floats
    linear: Floats
    constant: float

    @property
    def nbytes(self) -> int:
        """What travels."""
        return 8 + self.curvature.nbytes + self.linear.nbytes

    @classmethod
    def expand(cls, w: Floats, value: float, gradient: Floats, hessian: Floats) -> QuadraticModel:
        """The model of a function with these at the point `w` (P,)."""
        linear = hessian @ w - gradient
        return cls(hessian, linear, float(value - gradient @ w + 0.5 * w @ hessian @ w))

    @classmethod
    def empty(cls, n_parameters: int) -> QuadraticModel:
        """0: the identity of ``+``."""
        return cls(np.zeros((n_parameters, n_parameters)), np.zeros(n_parameters), 0.0)

    def __add__(self, other: QuadraticModel) -> QuadraticModel:
        return QuadraticModel(
            self.curvature + other.curvature,
            self.linear + other.linear,
            self.constant + other.constant,
        )

    def value(self, w: Floats) -> float:
        """The model at `w` (P,)."""
        return float(self.constant - self.linear @ w + 0.5 * w @ self.curvature @ w)

    def minimiser(self) -> Floats:
        """A^-1 b; where A is singular, to working precision, the shortest of the solutions.

        In units in which A has the diagonal 1, so that the scales of features do not matter.
        """
        diagonal = np.diag(self.curvature)
        unit = np.where(diagonal > 0.0, diagonal, 1.0) ** -0.5
        scaled = self.curvature * unit * unit[:, None]
        solution = np.linalg.lstsq(scaled, unit * self.linear, rcond=None)[0]
        return np.asarray(unit * solution)


def _symmetric(triangles: Floats, p: int) -> Floats:
    """Symmetric matrices (G, p, p) of their upper triangles (G, p (p + 1) / 2)."""
    full = np.empty((len(triangles), p, p))
    rows, columns = np.triu_indices(p)
    full[:, rows, columns] = triangles
    full[:, columns, rows] = triangles
    return full
