# SPDX-License-Identifier: BSD-3-Clause
"""A pass of stochastic gradient descent over dense rows, and a look at their losses."""

from typing import NamedTuple

import numpy as np

from skdist.kernels.compiling import entry, inlined
from skdist.kernels.prefetching import prefetch
from skdist.kernels.sgd_losses import BLOCK
from skdist.kernels.sgd_rules import (
    PA1,
    Tally,
    clipped,
    decide,
    judge,
    pays_l1,
    step_size,
    summing,
    take_logarithms,
)

_LANES = 8  # numbers in a SIMD register or a cache line


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
            if start + i + BLOCK < len(order):
                _ask_for(X, order[start + i + BLOCK])
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
        take_logarithms(tally)
    return count


@inlined
def _ask_for(X, r):
    for j in range(0, X.shape[1], _LANES):
        prefetch(X, (r, j))


@inlined
def _fetch(X, order, start, size, room, with_squares):
    """Copy scattered rows together, as float64."""
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


@entry()
def dense_losses(X, y, weight, rows, rules, problems, W, b, weighs):
    """Sums of the losses of some rows at several places.

    Parameters
    ----------
    X, y, weight, rules, problems : see `dense_pass`
    rows : (m,) int64
    W, b : (G, P, d) and (G, P) float64
    weighs : bool, whether weights, of rows or classes, are other than 1

    Returns
    -------
    weighted, plain : (G, P)
    """
    places = W.reshape(-1, W.shape[2])
    tally = Tally(np.zeros(len(places)), np.ones(len(places)))
    weighted = np.zeros(len(places) if weighs else 0)
    _look(X, y, weight, rows, rules, problems, places, b.ravel(), b.shape[1], tally, weighted)
    plain = tally.losses.reshape(b.shape)
    return (weighted.reshape(b.shape) if weighs else plain), plain


@summing
def _look(X, y, weight, rows, rules, problems, places, b, n_problems, tally, weighted):
    for i in range(len(rows)):
        if i % BLOCK == 0:
            take_logarithms(tally)
        r = rows[i]
        row_weight = weight[r] if len(weight) else 1.0
        for at in range(len(places)):
            p = b[at]
            for j in range(X.shape[1]):
                p += places[at, j] * X[r, j]
            judge(rules, problems, at % n_problems, y[r], p, row_weight, tally, weighted, at)
    take_logarithms(tally)
