# SPDX-License-Identifier: BSD-3-Clause
"""One pass of stochastic gradient descent over dense rows."""

from typing import NamedTuple

import numpy as np

from skdist.kernels.compiling import entry, inlined
from skdist.kernels.sgd_rules import (
    BLOCK,
    PA1,
    Tally,
    clipped,
    decide,
    pays_l1,
    step_size,
    summing,
    take_logarithms,
)

_LANES = 8  # rows are padded to whole SIMD registers


class Block(NamedTuple):
    """Rows that are learnt from next."""

    x: np.ndarray  # (BLOCK, width)
    square: np.ndarray  # (BLOCK,) |x|^2, where a schedule needs it


@entry()
def dense_pass(X, y, weight, order, rules, problems, active, now, t, dt):
    """Step through the rows `order` of X, for all `active` problems.

    Parameters
    ----------
    X : (n, d) float64 or float32
    y : (n,) float64, targets or numbers of classes
    weight : (n,) float64; (0,) where all rows weigh 1
    order : (m,) int64
    rules : Rules
    problems : Problems
    active : (a,) int64
    now : Iterate, float64; changed.
    t, dt : float, number of the first step, and of steps from one row to the next

    Returns
    -------
    losses : (P,) sums of the losses of rows before they were learnt from
    total : (P, d + 1) sums of the iterates, the intercept last
    count : int, iterates in these sums
    """
    n_problems, d = now.W.shape
    width = -(-d // _LANES) * _LANES
    w, total = np.zeros((n_problems, width)), np.zeros((n_problems, width + 1))
    w[:, :d] = now.W
    tally = Tally(np.zeros(n_problems), np.ones(n_problems))
    room = Block(np.zeros((BLOCK, width)), np.zeros(BLOCK))
    count = _walk(X, y, weight, order, rules, problems, active, now, t, dt, w, total, tally, room)
    now.W[:] = w[:, :d]
    total[:, d] = total[:, width]
    return tally.losses, total[:, : d + 1], count


@summing
def _walk(X, y, weight, order, rules, problems, active, now, t, dt, w, total, tally, room):
    count, d, width = 0, X.shape[1], w.shape[1]
    for start in range(0, len(order), BLOCK):
        size = min(BLOCK, len(order) - start)
        _fetch(X, order, start, size, room, rules.schedule >= PA1)
        for i in range(size):
            r, t_i, square = order[start + i], t + dt * (start + i), room.square[i]
            if rules.schedule == PA1 and square == 0.0:
                continue
            row_weight = weight[r] if len(weight) else 1.0
            step = step_size(rules, t_i)
            summed = 0 < rules.average <= t_i
            count += summed
            for k in active:
                p = now.b[k]
                for j in range(width):
                    p += w[k, j] * room.x[i, j]
                u, shrink = decide(
                    rules, problems, now, tally, k, y[r], p, row_weight, step, square
                )
                for j in range(width):
                    w[k, j] = shrink * w[k, j] + u * room.x[i, j]
                if summed:
                    _add(w, now.b, total, k, width)
                if pays_l1(rules):
                    _clip(w, now.owed[k], now.paid, k, d)
        take_logarithms(tally, active)
    return count


@inlined
def _fetch(X, order, start, size, room, with_squares):
    """Copy scattered rows together, so that their cache misses overlap."""
    for i in range(size):
        r = order[start + i]
        for j in range(X.shape[1]):
            room.x[i, j] = X[r, j]
    if with_squares:
        for i in range(size):
            room.square[i] = 0.0
            for j in range(X.shape[1]):
                room.square[i] += room.x[i, j] * room.x[i, j]


@inlined
def _add(w, b, total, k, width):
    for j in range(width):
        total[k, j] += w[k, j]
    total[k, width] += b[k]


@inlined
def _clip(w, owed, paid, k, d):
    for j in range(d):
        before = w[k, j]
        w[k, j] = clipped(before, owed, paid[k, j])
        paid[k, j] += w[k, j] - before
