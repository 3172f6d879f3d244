# SPDX-License-Identifier: BSD-3-Clause
"""Newton's method with merged Hessians: the Newton of one machine, however the rows are cut.

    w <- w - H^-1 g,     g = scale sum_k g_k(w) + l2 w,     H = scale sum_k H_k(v) + l2 I

H is that of an earlier point v as long as it serves: see :mod:`skdist.solvers.newton_iteration`,
also for the cost of a round.

The certificate. If M is a matrix with H(u) >= M / 2 for all u from w to the minimum, then
``F(w) - min F <= g' M^-1 g``. The Hessian at w is such a matrix where curvature does not halve on
the way, as it does not near the minimum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.linear_objective import LinearObjective, Point, Solution
from skdist.solvers.newton_iteration import Curvature, Minimum, NewtonIteration
from skdist.solvers.pilot_fit import pilot_fit
from skdist.solvers.rounds import Rounds, Shards
from skdist.solvers.stand_ins import sums_over

Floats = NDArray[np.float64]

CERTIFICATE = "Newton decrement g' H^-1 g"


def newton(
    shards: Shards,
    objective: LinearObjective,
    start: Floats | None = None,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> Solution:
    """Minimise a twice differentiable `objective`, l1 = 0.

    Parameters
    ----------
    shards : Shards
        Of X (n_k, d), ndarray or CSR; y (n_k,), as the loss takes it; weights (n_k,) or None.
    objective : LinearObjective
    start : ndarray of shape (K, p), optional
        Where to begin; see :func:`skdist.solvers.pilot_fit.pilot_fit` if it is not given.
    tol : float, default=1e-4
        Stop once F - min F is at most ``max(tol^2, 8 eps) |F|``.
    max_iter : int, default=100
        Steps at most.

    Returns
    -------
    Solution
        The bound is that of the last point that was evaluated; `w` lies one step further.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.losses import Logistic
    >>> from skdist.sharding import shard_rows
    >>> from skdist.solvers.linear_objective import LinearObjective
    >>> from skdist.solvers.newton import newton
    >>> X, y = np.arange(8.0).reshape(-1, 1), np.array([0.0, 0, 1, 0, 0, 1, 1, 1])
    >>> solution = newton(shard_rows(X, y, n_shards=2), LinearObjective(Logistic(), 1, l2=1.0))
    >>> solution.w.round(3), solution.converged
    (array([[ 0.662, -2.315]]), True)
    """
    rounds = Rounds(shards)
    w = pilot_fit(rounds, objective, newton) if start is None else objective.centred(start)
    iteration = NewtonIteration(rounds, objective, newton_step, sums_over(rounds, objective))
    return iteration.run(w, tol=tol, max_iter=max_iter, certificate=CERTIFICATE)


def newton_step(at: Point, curvature: Curvature, _: float) -> Minimum:
    """Of a parabola: ``w - H^-1 g``, with the decrement for slope and bound."""
    step = curvature.metric.step(at.gradient)
    decrement = -float(np.vdot(at.gradient, step))
    return Minimum(at.w + step, decrement, decrement)
