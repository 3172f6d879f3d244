# SPDX-License-Identifier: BSD-3-Clause
"""Coordinate descent on a penalised quadratic: one coordinate after the other, each to its minimum.

    q(w) = 1/2 w'Aw - b'w + sum_j l1_j |w_j| + 1/2 sum_j l2_j w_j^2

    w_j <- S(b_j - (Aw)_j + A_jj w_j, l1_j) / (A_jj + l2_j),     S(t, l) = sign(t) max(|t| - l, 0)

(Friedman, Hastie & Tibshirani, Regularization paths for generalized linear models via coordinate
descent, 2010: their covariance updates.)
"""

import numpy as np

from skdist.kernels.compiling import entry, inlined
from skdist.kernels.counter_rng import draw_below


@inlined
def best_coordinate(slope, curvature, l1, positive):
    """argmin over v of 1/2 curvature v^2 - slope v + l1 |v|; v >= 0 where `positive`."""
    if slope > l1:
        return (slope - l1) / curvature
    if slope < -l1 and not positive:
        return (slope + l1) / curvature
    return 0.0


@entry()
def sweep_coordinates(A, b, l1, l2, positive, key, first, last, tol, w, Aw):
    """Sweep until a sweep moves no coordinate by more than ``tol * max |w|``.

    Parameters
    ----------
    A : ndarray of shape (p, p), float64, read-only, C-contiguous
        Symmetric, positive semi-definite.
    b, l1, l2 : ndarray of shape (p,), float64, read-only
        Strengths are 0 or more; 0 for an intercept.
    positive : bool
        Keep every coordinate at 0 or above.
    key : uint64
        0: coordinates in their order. Else every step draws its coordinate, keyed by `key` and
        the number of the step since sweep 0.
    first, last : int
        Number of the first sweep, and of the first that is not made.
    tol : float
    w, Aw : ndarray of shape (p,), float64
        The point and A w; changed in place.

    Returns
    -------
    sweep : int
        Number of the first sweep that was not made.
    moved : float
        Largest move of a coordinate in the last sweep, over the largest coordinate.
    """
    p, sweep, moved = len(w), first, np.inf
    while sweep < last:
        largest_move = largest = 0.0
        for k in range(p):
            j = draw_below(key, sweep * p + k, p) if key else k
            curvature = A[j, j] + l2[j]
            if curvature <= 0.0:  # a column of zeros: its coordinate changes nothing
                continue
            old = w[j]
            new = best_coordinate(b[j] - Aw[j] + A[j, j] * old, curvature, l1[j], positive)
            if new != old:
                w[j] = new
                move = new - old
                for i in range(p):
                    Aw[i] += move * A[j, i]
                largest_move = max(largest_move, abs(move))
            largest = max(largest, abs(new))
        sweep += 1
        moved = largest_move / largest if largest > 0.0 else largest_move
        if moved <= tol:
            break
    return sweep, moved
