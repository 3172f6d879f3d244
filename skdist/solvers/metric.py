# SPDX-License-Identifier: BSD-3-Clause
"""The inverse of a merged Hessian, made definite where it is singular.

Cost: no rounds; P^3 / 3 flops for P parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lapack

from skdist.solvers.linear_objective import EPSILON

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Metric:
    """(H + damping diag(H))^-1, by Cholesky in units in which diag(H) is 1.

    So the scales of features do not matter. A Hessian that is singular to working precision is
    damped until it is not: the step along what has no curvature is then as long as the slope there
    asks for, and 0 where that is 0.
    """

    factor: tuple[Floats, bool]
    unit: Floats
    norm: float  # |H|_1 in these units

    @classmethod
    def of(cls, hessian: Floats) -> Metric:
        """Of a positive semi-definite Hessian (P, P).

        Raises
        ------
        ValueError
            If it is not finite: the loss overflows.
        """
        if not np.isfinite(hessian).all():
            raise ValueError(
                "The loss overflows at the coefficients to start from; "
                "scale the features, or start elsewhere (warm_start=False)."
            )
        diagonal = np.diag(hessian)
        unit = np.where(diagonal > 0.0, diagonal, 1.0) ** -0.5
        scaled = hessian * unit * unit[:, None]
        norm = float(np.abs(scaled).sum(axis=0).max())
        singular = 16.0 * len(unit) * EPSILON
        damping = 0.0
        while True:
            damped = scaled + damping * np.eye(len(unit))
            try:
                factor = cho_factor(damped, lower=True, overwrite_a=True, check_finite=False)
                if np.diag(factor[0]).min() ** 2 > singular:
                    return cls(factor, unit, norm)
            except LinAlgError:
                pass
            damping = max(100.0 * damping, 4.0 * singular)

    @property
    def least(self) -> float:
        """About the least eigenvalue, by an estimate of ``|H^-1|_1``, in units of the diagonal."""
        rcond, _ = lapack.dpocon(self.factor[0], self.norm, uplo="L")
        return float(rcond * self.norm)

    def step(self, gradient: Floats) -> Floats:
        """-(H + damping diag(H))^-1 g, shaped like g."""
        scaled = cho_solve(self.factor, self.unit * gradient.ravel(), check_finite=False)
        return np.asarray(-(self.unit * scaled).reshape(gradient.shape))
