# SPDX-License-Identifier: BSD-3-Clause
"""A linear model's penalised loss, what shards contribute to it, and what a solver returns.

    F(W) = scale * sum_i s_i loss(y_i, W [x_i, c])
           + sum over features, not the intercepts, of l2 W^2 / 2 + l1 |W|

The functions of a shard at the end are all that solvers ever send out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels import linear_pass
from skdist.losses import Loss
from skdist.solvers.rounds import Step
from skdist.summaries import LossGradient, LossGradientHessian

Floats = NDArray[np.float64]
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class LinearObjective:
    """F; parameters are arrays (K, p), p = n_features + fit_intercept, the intercepts last.

    Parameters
    ----------
    loss : Loss
        Of K outputs.
    n_features : int
    fit_intercept : bool, default=True
    scale : float, default=1.0
        C for classifiers, 1 / (sum of weights) for means.
    l2, l1 : float, default=0.0
    penalise_intercept : bool, default=False
    intercept_scaling : float, default=1.0
        c, what the intercepts are multiplied with.
    """

    loss: Loss
    n_features: int
    fit_intercept: bool = True
    scale: float = 1.0
    l2: float = 0.0
    l1: float = 0.0
    penalise_intercept: bool = False
    intercept_scaling: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """(K, p)."""
        return self.loss.n_outputs, self.n_features + bool(self.fit_intercept)

    @property
    def constant(self) -> float:
        """The value of the constant column; 0.0: there is none."""
        return self.intercept_scaling if self.fit_intercept else 0.0

    @property
    def penalised(self) -> Floats:
        """1.0 for the columns of W that are penalised, 0.0 for the intercepts, (p,)."""
        mask = np.ones(self.shape[1])
        mask[self.n_features :] = float(self.penalise_intercept)
        return mask

    def penalty(self, w: Floats) -> float:
        """l2 |W|^2 / 2 + l1 |W|_1 over what is penalised."""
        own = w * self.penalised
        return float(0.5 * self.l2 * np.vdot(own, own) + self.l1 * np.abs(own).sum())

    def value(self, loss: float, w: Floats) -> float:
        """F, of the sum of the losses."""
        return self.scale * loss + self.penalty(w)

    def gradient(self, gradient: Floats, w: Floats) -> Floats:
        """The gradient of F but for l1, of that of the sum of the losses."""
        return self.scale * gradient + self.l2 * self.penalised * w

    def hessian(self, sums: LossGradientHessian) -> Floats:
        """The Hessian of F but for l1, (K p, K p), made definite where F does not change.

        Adding the same to all classes changes nothing that is not penalised: a softmax has the
        directions (1, ..., 1) (x) u_j along which F is flat. They get the mean curvature of column
        j, which moves no step that starts from a centred gradient.
        """
        n_outputs, p = self.shape
        full = self.scale * sums.hessian
        full.reshape(n_outputs, p, n_outputs, p)[*_diagonal(n_outputs, p)] += (
            self.l2 * self.penalised
        )
        return self._stiffened(full, self.flat_columns)

    def definite(self, hessian: Floats) -> Floats:
        """A Hessian made definite that is singular since l1 alone sees shifts of all classes."""
        is_free = np.ones(self.shape[1]) - self.flat_columns
        return self._stiffened(hessian.copy(), is_free) if self.l1 else hessian

    def _stiffened(self, full: Floats, columns: Floats) -> Floats:
        """`full`, changed: what adds the same to all classes has the mean curvature of a column."""
        n_outputs, p = self.shape
        if n_outputs > 1:
            own = np.diag(full).reshape(n_outputs, p).mean(axis=0)
            own[columns == 0.0] = 0.0
            blocks = full.reshape(n_outputs, p, n_outputs, p)
            blocks[:, range(p), :, range(p)] += (own / n_outputs)[:, None, None]
        return full

    def hessian_product(self, product: Floats, direction: Floats) -> Floats:
        """The Hessian of F but for l1 times a direction, of that of the sum of the losses."""
        return self.scale * product + self.l2 * self.penalised * direction

    def hessian_diagonal(self, diagonal: Floats) -> Floats:
        """The same of the diagonal; 1 where there is no curvature, so that one may divide."""
        full = self.scale * diagonal + self.l2 * self.penalised
        return np.where(full > 0.0, full, 1.0)

    @property
    def flat_columns(self) -> Floats:
        """1.0 for the columns of W in which F does not see a constant added to all classes."""
        free = 1.0 - self.penalised if self.l2 or self.l1 else np.ones(self.shape[1])
        return np.asarray(free * (self.loss.n_outputs > 1))

    def centred(self, w: Floats) -> Floats:
        """Of all parameters with the same F, those whose classes have the mean 0."""
        return np.asarray(w - self.flat_columns * w.mean(axis=0))

    def zeros(self) -> Floats:
        """Parameters that are all 0."""
        return np.zeros(self.shape)

    def point(self, sums: LossGradient | LossGradientHessian, w: Floats) -> Point:
        """F and its gradient at w, of the sums over all rows there."""
        return Point(w, self.value(sums.loss, w), self.gradient(sums.gradient, w))


@dataclass(frozen=True, eq=False)
class Point:
    """F and its gradient, (K, p) as w, at w."""

    w: Floats
    value: float
    gradient: Floats


def _diagonal(n_outputs: int, p: int) -> tuple[NDArray[np.intp], ...]:
    """Index of the diagonal of an array (K, p, K, p), as (K, p)."""
    k, j = np.indices((n_outputs, p))
    return k, j, k, j


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solver found.

    Parameters
    ----------
    w : ndarray of shape (K, p), float64
    value : float
        F where it was evaluated last. A Newton method whose bound is small enough takes the step
        that it has in hand, so that F(w) is a little less.
    bound : float
        What is left of it: value - min F is at most this.
    certificate : str
        What the bound is made of.
    n_iter : int
        Steps: passes over all rows that evaluated a gradient, but for the first.
    converged : bool
        Whether the bound is as small as was asked for.
    history : tuple of Step
    curvature : LossGradientHessian or None
        The merged sums of the last pass that formed the Hessian.
    """

    w: Floats
    value: float
    bound: float
    certificate: str
    n_iter: int
    converged: bool
    history: tuple[Step, ...] = ()
    curvature: LossGradientHessian | None = None


def share_of(tol: float) -> float:
    """Of F, what may be lacking."""
    return max(tol * tol, 8.0 * EPSILON)


def is_enough(bound: float, value: float, tol: float, first: float) -> bool:
    """Whether F - min F <= tol^2 |F|: what is lacking goes with the square of a gradient.

    Or whether all of F is lost in the rounding of the value `first` that it came down from: classes
    that can be separated have no minimum but the infimum 0, which no relative tolerance reaches.
    """
    if not np.isfinite(value):
        return False
    lost = 8.0 * EPSILON * abs(first) if np.isfinite(first) else 0.0
    return bool(bound <= share_of(tol) * abs(value) or bound + abs(value) <= lost)


def gradient_of(shard: Any, objective: LinearObjective, w: Floats) -> LossGradient:
    """Loss and gradient of one shard's rows at w."""
    return LossGradient(*linear_pass.loss_gradient(*_arguments(shard, objective, w)))


def curvature_of(
    shard: Any, objective: LinearObjective, w: Floats, dtype: Any = np.float64
) -> LossGradientHessian:
    """Loss, gradient and Hessian of one shard's rows at w; the Hessian's products are `dtype`."""
    arguments = _arguments(shard, objective, w)
    return LossGradientHessian(*linear_pass.loss_gradient_grams(*arguments, dtype))


def curvature_product_of(
    shard: Any, objective: LinearObjective, w: Floats, direction: Floats
) -> Floats:
    """Hessian of one shard's rows at w, times a direction (K, p)."""
    return np.asarray(linear_pass.curvature_product(*_arguments(shard, objective, w), direction))


def curvature_diagonal_of(shard: Any, objective: LinearObjective, w: Floats) -> Floats:
    """Diagonal of the Hessian of one shard's rows at w, (K, p)."""
    return np.asarray(linear_pass.curvature_diagonal(*_arguments(shard, objective, w)))


def losses_along(
    shard: Any, objective: LinearObjective, w: Floats, step: Floats, lengths: Floats
) -> Floats:
    """Loss of one shard's rows at ``w + t * step`` for each length t."""
    return np.asarray(linear_pass.losses_along(*_arguments(shard, objective, w), step, lengths))


def _arguments(
    shard: Any, objective: LinearObjective, w: Floats
) -> tuple[Any, Floats, Floats | None, Loss, Floats, float]:
    """What every pass over the rows begins with."""
    return shard.X, shard.y, shard.sample_weight, objective.loss, w, objective.constant
