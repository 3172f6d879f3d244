# SPDX-License-Identifier: BSD-3-Clause
"""Coordinate descent on a quadratic that is known whole: no shard is asked again.

    minimise  q(w) = 1/2 w'Aw - b'w + sum_j l1_j |w_j| + 1/2 sum_j l2_j w_j^2

The elastic net is this with the merged moments, A = X'X and b = X'y; a step of the proximal Newton
method with the merged Hessian and gradient.

Cost: no rounds; 2 p^2 flops a sweep in which every coordinate moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PenalisedQuadratic:
    """``q``, convex in w.

    Parameters
    ----------
    A : ndarray of shape (p, p), float64
        Symmetric, positive semi-definite.
    b : ndarray of shape (p,), float64
    l1, l2 : ndarray of shape (p,), float64
        Strengths of the penalties, 0 or more; 0 for what is not penalised, an intercept.
    positive : bool
        Whether w >= 0 is asked for, in every coordinate.
    """

    A: NDArray[np.float64]
    b: Vector
    l1: Vector
    l2: Vector
    positive: bool = False

    @classmethod
    def of(
        cls, A: ArrayLike, b: ArrayLike, l1: ArrayLike, l2: ArrayLike, positive: bool = False
    ) -> PenalisedQuadratic:
        """From anything like arrays; a single strength is that of every coordinate."""
        vector = np.ascontiguousarray(b, np.float64)
        strengths = (np.broadcast_to(np.asarray(s, np.float64), vector.shape) for s in (l1, l2))
        first, second = map(np.ascontiguousarray, strengths)
        return cls(np.ascontiguousarray(A, np.float64), vector, first, second, positive)

    def value(self, w: Vector) -> float:
        """q(w)."""
        smooth = w @ (self.A @ w / 2 - self.b) + self.l2 @ np.square(w) / 2
        return float(smooth + self.l1 @ np.abs(w))

    def subgradient(self, w: Vector, Aw: Vector) -> Vector:
        """The shortest subgradient of q at w, cones of ``w >= 0`` included; 0 at the minimum."""
        smooth = Aw - self.b + self.l2 * w
        at_zero = np.sign(smooth) * np.maximum(np.abs(smooth) - self.l1, 0.0)
        if self.positive:
            at_zero = np.minimum(smooth + self.l1, 0.0)
        return np.where(w == 0.0, at_zero, smooth + self.l1 * np.sign(w))


@dataclass(frozen=True, eq=False)
class CoordinateSolution:
    """Where coordinate descent came to.

    Parameters
    ----------
    w : ndarray of shape (p,), float64
    n_iter : int
        Sweeps over all coordinates.
    gap : float
        Upper bound of ``q(w) - min q``.
    converged : bool
        Whether the gap is as small as was asked for.
    """

    w: Vector
    n_iter: int
    gap: float
    converged: bool


Gap = Callable[[Vector, Vector], float]


def coordinate_descent(
    problem: PenalisedQuadratic,
    start: Vector | None = None,
    *,
    gap: Gap,
    enough: float,
    tol: float = 1e-4,
    max_iter: int = 1000,
    seed: int | None = None,
) -> CoordinateSolution:
    """Minimise `problem` from `start`, zeros if there is none.

    Sweeps until no coordinate moves by more than ``tol * max |w|`` and then looks at the gap;
    as long as that is more than `enough` it goes on.

    Parameters
    ----------
    problem : PenalisedQuadratic
    start : ndarray of shape (p,), optional
        Not changed.
    gap : callable
        ``gap(w, A @ w)``, an upper bound of ``q(w) - min q``: see `metric_gap` and `duality_gap`.
    enough : float
        The gap at which to stop.
    tol : float, default=1e-4
        The relative move at which to look at the gap.
    max_iter : int, default=1000
        Sweeps at most.
    seed : int, optional
        Draw every coordinate at random, with replacement, instead of taking them in order.

    Returns
    -------
    CoordinateSolution

    Examples
    --------
    >>> from skdist.solvers.coordinate_descent import (
    ...     PenalisedQuadratic, coordinate_descent, metric_gap)
    >>> problem = PenalisedQuadratic.of([[2.0, 0.0], [0.0, 2.0]], [3.0, 0.5], l1=1.0, l2=0.0)
    >>> coordinate_descent(problem, gap=metric_gap(problem), enough=1e-12).w
    array([1., 0.])
    """
    # Imported here: it compiles, and smooth fits, which know this file, do not need it.
    from skdist.kernels.compiling import read_only
    from skdist.kernels.coordinate_sweeps import sweep_coordinates
    from skdist.kernels.counter_rng import root_key

    A, b, l1, l2 = map(read_only, (problem.A, problem.b, problem.l1, problem.l2))
    w = np.zeros(len(b)) if start is None else np.array(start, np.float64)
    w = np.maximum(w, 0.0) if problem.positive else w
    Aw = A @ w
    key = np.uint64(0 if seed is None else root_key(np.uint64(seed)) | np.uint64(1))
    n_iter, found = 0, gap(w, Aw)
    while found > enough and n_iter < max_iter:
        n_iter, moved = sweep_coordinates(
            A, b, l1, l2, problem.positive, key, n_iter, max_iter, tol, w, Aw
        )
        Aw = A @ w  # anew: the updates' rounding adds up
        found = gap(w, Aw)
        if moved == 0.0 and seed is None:  # no sweep can change anything any more
            break
    return CoordinateSolution(w, n_iter, found, found <= enough)


def metric_gap(problem: PenalisedQuadratic) -> Gap:
    """A bound where ``H = A + diag(l2)`` is positive definite: for the shortest subgradient s, ::

        q(w) - min q <= 1/2 s' H^-1 s

    since q is strongly convex in the metric of H.

    Raises
    ------
    numpy.linalg.LinAlgError
        If H is not positive definite.
    """
    factor = cho_factor(problem.A + np.diag(problem.l2))

    def gap(w: Vector, Aw: Vector) -> float:
        s = problem.subgradient(w, Aw)
        return float(s @ cho_solve(factor, s) / 2)

    return gap
