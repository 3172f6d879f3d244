# SPDX-License-Identifier: BSD-3-Clause
"""Least squares from what was summed over the rows, in memory.

    minimise  F(w) = sum_i s_i (y_i - b - x_i'w)^2 + alpha |w|^2        (w >= 0, if asked for)

With the moments about the means, ``(xx + alpha I) w = xy`` and ``b = y_mean - x_mean'w``. Where
that would lose too many digits: with the triangular factor of the rows, ``min |R w - z|^2``.

Cost: d^3 / 3 flops for a Cholesky factor, some 20 d^3 for singular values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd

from skdist.solvers.scaled_cholesky import least_positive, scaled_cholesky
from skdist.summaries import Moments, TriangularFactor
from skdist.summaries._triangular_factor import triangular

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LeastSquaresProblem:
    """What is minimised, besides the rows.

    Parameters
    ----------
    alpha : ndarray of shape (T,), float64
        Strength of the penalty for each target; 0 or more.
    fit_intercept : bool
    positive : bool
        Whether all coefficients must be 0 or more.
    cut : float, optional
        Where alpha is 0, singular values of X up to `cut` times the largest count as 0, and w has
        nothing of their directions: the solution of least norm. If given, rank and singular
        values are computed in any case; else singular values of the size of rounding are cut.
    """

    alpha: Array
    fit_intercept: bool = True
    positive: bool = False
    cut: float | None = None


@dataclass(frozen=True, eq=False)
class LinearSolution:
    """Coefficients, and how good they are.

    Parameters
    ----------
    coef : ndarray of shape (T, d), float64
    intercept : ndarray of shape (T,), float64
    bound : float or None
        ``F(w) - min F`` is not more, summed over the targets.
    method : str
        "cholesky", "svd", or "cg".
    singular : ndarray, optional
        Singular values of X (centred, if there is an intercept), where they were computed.
    rank : int, optional
        How many of them count.
    n_iter : ndarray of shape (T,), int64, optional
        Iterations, where there were any.
    converged : bool
    """

    coef: Array
    intercept: Array
    bound: float | None
    method: str
    singular: Array | None = None
    rank: int | None = None
    n_iter: NDArray[np.int64] | None = None
    converged: bool = True


@dataclass(frozen=True, eq=False)
class LeastSquaresSums:
    """Moments of rows, and their triangular factor where the moments are too ill-conditioned.

    ``+`` merges both. What has no factor is well-conditioned, so that its moments tell it.

    Parameters
    ----------
    moments : Moments of d features and T targets
    factor : TriangularFactor of d + T columns, optional
        Perhaps without the rows below those of the features, which say nothing about w.
    """

    moments: Moments
    factor: TriangularFactor | None = None

    def __add__(self, other: LeastSquaresSums) -> LeastSquaresSums:
        moments = self.moments + other.moments
        if self.factor is None and other.factor is None and is_well_conditioned(moments):
            return LeastSquaresSums(moments)
        return LeastSquaresSums(moments, self.factored() + other.factored())

    def factored(self) -> TriangularFactor:
        """The factor, made of the moments where it is not known: ``R = l^(1/2) V' D``.

        l and V are the eigenvalues and -vectors of ``D^-1 xx D^-1``, columns scaled by D to
        length 1; and ``z = R'^-1 xy``.
        """
        m = self.moments
        mean = np.concatenate([m.x_mean, m.y_mean])
        if self.factor is not None:
            return self.factor
        lengths = np.sqrt(np.maximum(np.diagonal(m.xx), 0.0))
        D = np.where(lengths > 0.0, lengths, 1.0)
        values, vectors = np.linalg.eigh(m.xx / np.outer(D, D))
        root = np.sqrt(np.maximum(values, 0.0))
        inverse = np.divide(1.0, root, out=np.zeros_like(root), where=values > EPS * len(D))
        R = root[:, None] * vectors.T * D
        z = inverse[:, None] * (vectors.T @ (m.xy / D[:, None]))
        return TriangularFactor(m.n_rows, m.weight, mean, triangular(np.hstack([R, z])))


def without_constants(moments: Moments) -> Moments:
    """Columns that vary by no more than rounding do not vary: they are all 0 about the mean."""
    squares = np.diagonal(moments.xx)
    varies = squares > moments.weight * np.square(8 * EPS * moments.x_mean)
    if varies.all():
        return moments
    both = np.outer(varies, varies)
    return replace(moments, xx=moments.xx * both, xy=moments.xy * varies[:, None])


def is_well_conditioned(moments: Moments) -> bool:
    """Whether the moments tell as much as the rows would; constant columns say nothing."""
    return scaled_cholesky(without_constants(moments).xx) is not None


def solve_least_squares(sums: LeastSquaresSums, problem: LeastSquaresProblem) -> LinearSolution:
    """The minimum, by Cholesky where that is accurate and no rank is asked for.

    Parameters
    ----------
    sums : LeastSquaresSums
    problem : LeastSquaresProblem

    Returns
    -------
    LinearSolution
    """
    found = None if sums.factor is not None else solve_by_moments(sums.moments, problem)
    return solve_by_factor(sums, problem) if found is None else found


def solve_by_moments(moments: Moments, problem: LeastSquaresProblem) -> LinearSolution | None:
    """The minimum by Cholesky; None where that would lose too many digits, or a rank is asked for.

    Parameters
    ----------
    moments : Moments
    problem : LeastSquaresProblem

    Returns
    -------
    LinearSolution or None
    """
    if problem.cut is not None:
        return None
    own = _about(without_constants(moments), problem)
    found = _solve_by_cholesky(own, problem)
    return None if found is None else _with_intercept(found, own)


def solve_by_factor(sums: LeastSquaresSums, problem: LeastSquaresProblem) -> LinearSolution:
    """The minimum by singular values of the triangular factor; see `solve_least_squares`."""
    moments = without_constants(sums.moments)
    factor, own = replace(sums, moments=moments).factored(), _about(moments, problem)
    factor = factor if problem.fit_intercept else factor.about_zero()
    return _with_intercept(_solve_by_svd(factor, own, problem), own)


def _about(moments: Moments, problem: LeastSquaresProblem) -> Moments:
    return moments if problem.fit_intercept else moments.about_zero()


def _with_intercept(found: LinearSolution, own: Moments) -> LinearSolution:
    """``b = y_mean - w'x_mean``; without an intercept both means are 0."""
    return replace(found, intercept=own.y_mean - found.coef @ own.x_mean)


def _solve_by_cholesky(own: Moments, problem: LeastSquaresProblem) -> LinearSolution | None:
    W, bound = np.zeros_like(own.xy), 0.0
    for alpha in np.unique(problem.alpha):
        targets = problem.alpha == alpha
        M, B = own.xx + alpha * np.eye(len(own.xx)), own.xy[:, targets]
        factor = scaled_cholesky(M)
        if factor is None:
            return None
        found = factor.solve_positive(B) if problem.positive else factor.solve(B)
        slope = _slope(M @ found - B, found, problem)
        bound += float(np.sum(slope * factor.solve(slope)))
        W[:, targets] = found
    return LinearSolution(W.T, np.zeros(0), bound, "cholesky")


def _solve_by_svd(
    factor: TriangularFactor, own: Moments, problem: LeastSquaresProblem
) -> LinearSolution:
    d = len(own.xx)
    R, z = factor.R[:, :d] * (np.diagonal(own.xx) > 0.0), factor.R[:, d:]
    U, s, Vt = svd(R, full_matrices=False)
    cut = max(R.shape) * EPS if problem.cut is None else problem.cut
    counts = s > cut * s.max(initial=0.0)
    # What is cut is 0: divided by a small alpha, the rounding of a zero would be no longer small.
    used = np.where(counts, s, 0.0)[:, None]
    denominator = np.square(used) + problem.alpha
    inverse = np.divide(1.0, denominator, out=np.zeros_like(denominator), where=denominator > 0.0)
    W: Array = Vt.T @ (inverse * used * (U.T @ z))
    if problem.positive:
        W = np.hstack(
            [
                least_positive(
                    np.vstack([R, np.sqrt(alpha) * np.eye(d)]), np.vstack([b, np.zeros((d, 1))])
                )
                for alpha, b in zip(problem.alpha, z.T[:, :, None], strict=True)
            ]
        )
    slope = _slope(R.T @ (R @ W - z) + problem.alpha * W, W, problem)
    return LinearSolution(
        W.T,
        np.zeros(0),
        float(np.sum(inverse * np.square(Vt @ slope))),
        "svd",
        s[: min(own.n_rows, d)],
        int(counts.sum()),
    )


def _slope(gradient: Array, W: Array, problem: LeastSquaresProblem) -> Array:
    """Half the gradient of F, without what would lead out of w >= 0; F - min F <= g' M^-1 g."""
    if not problem.positive:
        return gradient
    return np.where(W > 0.0, gradient, np.minimum(gradient, 0.0))
