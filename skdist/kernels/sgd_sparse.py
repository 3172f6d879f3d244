# SPDX-License-Identifier: BSD-3-Clause
"""A pass of stochastic gradient descent over CSR rows, and a look at their losses.

A row costs its entries alone.

Weights are kept as w = s v, so that to shrink them is one product (Bottou, 2012), and the sum of
the iterates as

    sum_t w_t = a v + c,        a = sum_t s_t,        c -= a dv  whenever v moves by dv.
"""

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

_LINE = 8  # numbers in a cache line
_SMALLEST = 1e-9  # scale that is multiplied into the weights, lest it vanish


class Scaled(NamedTuple):
    """The weights s v and their sum a v + c."""

    v: np.ndarray  # (P, d)
    s: np.ndarray  # (P,)
    a: np.ndarray  # (P,)
    c: np.ndarray  # (P, d)


@entry()
def sparse_pass(X, y, weight, order, rules, problems, active, now, t, dt):
    """`skdist.kernels.sgd_dense.dense_pass` of X = (data, indices, indptr)."""
    n_problems, d = now.W.shape
    scaled = Scaled(now.W, np.ones(n_problems), np.zeros(n_problems), np.zeros((n_problems, d)))
    total_b = np.zeros(n_problems)
    tally = Tally(np.zeros(n_problems), np.ones(n_problems))
    count = _walk(X, y, weight, order, rules, problems, active, now, t, dt, scaled, total_b, tally)
    total = np.empty((n_problems, d + 1))
    total[:, :d], total[:, d] = scaled.c, total_b
    return tally.losses, total, count


@summing
def _walk(X, y, weight, order, rules, problems, active, now, t, dt, scaled, total_b, tally):
    data, indices, indptr = X
    count = 0
    for i in range(len(order)):
        if i % BLOCK == 0:
            take_logarithms(tally)
        r, t_i = order[i], t + dt * i
        first, last = indptr[r], indptr[r + 1]
        square = _square(data, first, last) if rules.schedule >= PA1 else 0.0
        if rules.schedule == PA1 and square == 0.0:
            continue
        if i + BLOCK < len(order):
            _ask_for(data, indices, indptr, order[i + BLOCK])
        row_weight = weight[r] if len(weight) else 1.0
        step = step_size(rules, t_i)
        summed = 0 < rules.average <= t_i
        count += summed
        for k in active:
            p = now.b[k] + _dot(scaled, k, data, indices, first, last)
            u, shrink = decide(rules, problems, now, tally, k, y[r], p, row_weight, step, square)
            scaled.s[k] *= shrink
            if scaled.s[k] < _SMALLEST:
                _settle(scaled, k)
            _add_row(scaled, k, u / scaled.s[k], data, indices, first, last)
            if summed:
                scaled.a[k] += scaled.s[k]
                total_b[k] += now.b[k]
            if pays_l1(rules):
                _clip(scaled, k, now.owed[k], now.paid, indices, first, last)
    take_logarithms(tally)
    for k in active:
        _settle(scaled, k)
    return count


@inlined
def _ask_for(data, indices, indptr, r):
    for e in range(indptr[r], indptr[r + 1], _LINE):
        prefetch(data, (e,))
        prefetch(indices, (e,))


@summing
def _square(data, first, last):
    total = 0.0
    for e in range(first, last):
        total += data[e] * data[e]
    return total


@summing
def _dot(scaled, k, data, indices, first, last):
    p = 0.0
    for e in range(first, last):
        p += scaled.v[k, indices[e]] * data[e]
    return p * scaled.s[k]


@summing
def _add_row(scaled, k, u, data, indices, first, last):
    """v += u x."""
    for e in range(first, last):
        scaled.v[k, indices[e]] += u * data[e]
    if scaled.a[k] > 0.0:
        for e in range(first, last):
            scaled.c[k, indices[e]] -= scaled.a[k] * u * data[e]


@summing
def _clip(scaled, k, owed, paid, indices, first, last):
    for e in range(first, last):
        j = indices[e]
        before = scaled.s[k] * scaled.v[k, j]
        after = clipped(before, owed, paid[k, j])
        paid[k, j] += after - before
        v = after / scaled.s[k]
        scaled.c[k, j] -= scaled.a[k] * (v - scaled.v[k, j])
        scaled.v[k, j] = v


@summing
def _settle(scaled, k):
    """s = 1 and a = 0: what they held goes into v and c."""
    for j in range(scaled.v.shape[1]):
        scaled.c[k, j] += scaled.a[k] * scaled.v[k, j]
        scaled.v[k, j] *= scaled.s[k]
    scaled.s[k] = 1.0
    scaled.a[k] = 0.0


@entry()
def sparse_losses(X, y, weight, rows, rules, problems, W, b, weighs):
    """`skdist.kernels.sgd_dense.dense_losses` of X = (data, indices, indptr)."""
    places = W.reshape(-1, W.shape[2])
    tally = Tally(np.zeros(len(places)), np.ones(len(places)))
    weighted = np.zeros(len(places) if weighs else 0)
    _look(X, y, weight, rows, rules, problems, places, b.ravel(), b.shape[1], tally, weighted)
    plain = tally.losses.reshape(b.shape)
    return (weighted.reshape(b.shape) if weighs else plain), plain


@summing
def _look(X, y, weight, rows, rules, problems, places, b, n_problems, tally, weighted):
    data, indices, indptr = X
    for i in range(len(rows)):
        if i % BLOCK == 0:
            take_logarithms(tally)
        r = rows[i]
        row_weight = weight[r] if len(weight) else 1.0
        for at in range(len(places)):
            p = b[at]
            for e in range(indptr[r], indptr[r + 1]):
                p += places[at, indices[e]] * data[e]
            judge(rules, problems, at % n_problems, y[r], p, row_weight, tally, weighted, at)
    take_logarithms(tally)
