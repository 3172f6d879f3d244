# SPDX-License-Identifier: BSD-3-Clause
"""What adding the same to all classes of a softmax changes: the penalty, and nothing else.

    P(c) = sum_k l1 |w_k + c| + l2/2 (w_k + c)^2

Along such a shift the loss is flat, and the penalty is all that holds the coefficients of a feature
in their place: where it is weak, what moves them one by one takes thousands of sweeps. But the best
shift is known: for l1 it moves a median to 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALVINGS = 64  # of the interval of a slope: to the last digit


def best_shift(w: Floats, l1: float, l2: float) -> Floats:
    """argmin P of every column, (p,).

    The slope of P at t = -c, with i of the w_k below it, is ``l2 K (t - mean) - l1 (K - 2 i)``: the
    minimum is the median of the w_k and of the K + 1 points where that is 0. Without l2, where all
    points between two medians are minima, that which is nearest to 0.

    Parameters
    ----------
    w : ndarray of shape (K, p)
    l1, l2 : float
        Not both 0.
    """
    n_classes = len(w)
    surplus = np.arange(n_classes, -n_classes - 1.0, -2.0)[:, None]
    if l2:
        points = w.mean(axis=0) + l1 / (l2 * n_classes) * surplus
    else:
        points = np.broadcast_to(
            np.where(surplus == 0.0, 0.0, np.copysign(np.inf, surplus)), (n_classes + 1, w.shape[1])
        )
    return np.asarray(-np.median(np.concatenate([w, points]), axis=0))


def balanced_subgradient(smooth: Floats, w: Floats, l1: Floats) -> Floats:
    """A short subgradient of a penalised model whose sum over the classes is 0, column by column.

    At w = 0 the slope may be anything in smooth +- l1: there the same is taken for all classes, as
    far as that allows. After the best shift, sums of 0 are among the subgradients.

    Parameters
    ----------
    smooth : ndarray of shape (K, p)
        Gradient of all but l1; of shifts, it sees l2 alone.
    w : ndarray of shape (K, p)
    l1 : ndarray of shape (p,)

    Returns
    -------
    subgradient : ndarray of shape (K, p)
    """
    lowest = smooth + l1 * np.where(w == 0.0, -1.0, np.sign(w))
    highest = smooth + l1 * np.where(w == 0.0, 1.0, np.sign(w))
    below, above = lowest.min(axis=0), highest.max(axis=0)
    for _ in range(HALVINGS):
        middle = 0.5 * (below + above)
        is_high = np.clip(middle, lowest, highest).sum(axis=0) > 0.0
        below, above = np.where(is_high, below, middle), np.where(is_high, middle, above)
    return np.asarray(np.clip(0.5 * (below + above), lowest, highest))
