# SPDX-License-Identifier: BSD-3-Clause
"""Conjugate gradients for a Newton step, of products with a Hessian that nobody holds.

    minimise g'p + 1/2 p'H p,     one product H v per iteration,     preconditioned by diag(H)

Iteration j lowers the quadratic by half of ``gamma_j = alpha_j r_j' D^-1 r_j``, and these add up to
the decrement ``g' H^-1 g`` (Hestenes & Stiefel, 1952). So the sum so far is a decrement from below,
and the sum of the last five terms is what was lacking five iterations ago (Strakos & Tichy, 2002):
the decrement is estimated as the sum of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DELAY = 5
KNOWN = 0.1  # of the decrement, what may be lacking for it to count as known


@dataclass(frozen=True, eq=False)
class NewtonStep:
    """An approximate minimiser of the quadratic.

    Parameters
    ----------
    step : ndarray, shaped like g
    promised : float
        Minus the slope along the step, which is the decrement that it accounts for.
    decrement : float
        Estimate of g' H^-1 g, never below `promised`.
    is_known : bool
        Whether what is lacking is less than a tenth of it, as far as can be seen.
    """

    step: Floats
    promised: float
    decrement: float
    is_known: bool


def conjugate_gradients(
    product: Callable[[Floats], Floats],
    gradient: Floats,
    diagonal: Floats,
    *,
    forcing: float,
    known_below: float,
    max_iter: int,
) -> NewtonStep:
    """Solve ``H p = -g`` as far as it pays.

    Parameters
    ----------
    product : callable
        ``v -> H v``.
    gradient : ndarray
        g, of any shape.
    diagonal : ndarray, shaped like g
        Above 0; roughly diag(H).
    forcing : float
        Stop once the residual, in the norm of the preconditioner, is this fraction of g.
    known_below : float
        But a decrement below this is worked out until it is known.
    max_iter : int
        Products at most.

    Returns
    -------
    NewtonStep
    """
    step, residual = np.zeros_like(gradient), -gradient
    scaled = residual / diagonal
    direction, norm = scaled, float(np.vdot(residual, scaled))
    small_enough, terms = forcing * forcing * norm, [0.0]
    known = norm == 0.0
    for _ in range(max_iter if norm > 0.0 else 0):
        curved = product(direction)
        curvature = float(np.vdot(direction, curved))
        if not curvature > 0.0:
            break
        alpha = norm / curvature
        step, residual = step + alpha * direction, residual - alpha * curved
        terms.append(alpha * norm)
        scaled = residual / diagonal
        last, norm = norm, float(np.vdot(residual, scaled))
        lacking = sum(terms[-DELAY:])
        known = norm == 0.0 or (len(terms) > DELAY and lacking <= KNOWN * sum(terms))
        if norm <= small_enough and (known or sum(terms) > known_below):
            break
        direction = scaled + (norm / last) * direction
    lacking = sum(terms[-DELAY:]) if norm > 0.0 else 0.0
    promised = -float(np.vdot(gradient, step))
    return NewtonStep(step, promised, sum(terms) + lacking, known)
