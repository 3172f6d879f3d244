# SPDX-License-Identifier: BSD-3-Clause
"""Sequential minimal optimisation on a block of variables whose kernel matrix is at hand.

With coefficients c_s = y_s a_s in [l_s, u_s] and slopes v_s = F_s + y_s p_s, a pair moves by

    c_i += t,  c_j -= t,  v_s += t (K_si - K_sj),  t = min((v_j - v_i) / e_ij, u_i - c_i, c_j - l_j)
    i = argmin {v_s: c_s < u_s},    j = argmax {(v_s - v_i)^2 / e_is: c_s > l_s, v_s > v_i}

where e_is = K_ii + K_ss - 2 K_is (Fan, Chen & Lin, 2005). The block is solved once no v_j exceeds
v_i by `tol`.

The position of an extreme is found in one pass of whole vectors: the bits of a number that is not
negative, read as an integer, are in the order of the numbers, and their last 16 give way to the
position. So numbers are told apart to 1e-11, and a block has no more than 65,536 variables.

The kernel matrix comes in four parts, K = [[K_11, K_12], [K_21, K_22]]: of two classes, K_11 and
K_22 are shared with other pairs of classes, and to copy them into one matrix would take as long as
to compute them.

Cost of a pair: three passes over q numbers and three rows of K.
"""

import numpy as np

from skdist.kernels.compiling import entry, inlined

FLATTEST = 1e-12  # what stands for a curvature that is not positive
PLACE, NUMBER = np.int64(0xFFFF), np.int64(-0x10000)
NONE, UNCLEAR = np.int64(-1), np.int64(-2)
# Sums may be reordered, and no number is NaN.
UNORDERED = {"nnan", "nsz", "reassoc", "contract"}


@entry(fastmath=UNORDERED)
def smo_block(K, diagonal, split, slope, coef, low, high, tol, max_iter):
    """Solve the block; changes `slope` and `coef` in place and returns the number of pairs.

    Parameters
    ----------
    K : tuple of four ndarrays, float64 or float32
        K_11 of shape (p, p), K_12, K_21, and K_22 of shape (q - p, q - p).
    diagonal : ndarray of shape (q,), float64
        Of K.
    split : int
        Pairs are formed among the first `split` variables and among the others, not across.
    slope, coef, low, high : ndarray of shape (q,), float64
        v, c, l and u.
    tol : float
    max_iter : int
        Pairs at most.
    """
    q = len(slope)
    ceiling = _above(slope)
    for n_iter in range(max_iter):
        i, j, best = -1, -1, 0.0
        for g in range(2):
            # Slices: counted from 0 and never negative, so that the loops become whole vectors.
            first, stop = (0, split) if g == 0 else (split, q)
            own = slice(first, stop)
            v, c = slope[own], coef[own]
            one = _lowest(v, c, high[own], ceiling)
            if one == UNCLEAR:
                ceiling = _above(v)
                one = _lowest(v, c, high[own], ceiling)
            if one < 0:
                continue
            one += first
            two, top, gain = _partner(K, diagonal, slope, coef, low, one, first, stop)
            if top >= tol and gain > best:
                i, j, best = one, two, gain
        if i < 0:
            return n_iter
        _move(K, diagonal, slope, coef, low, high, i, j)
    return max_iter


@inlined
def _upper(K, s):
    """Which two parts row s is in, 0 and 1 or 2 and 3, and its number there."""
    p = len(K[0])
    return (0, s) if s < p else (2, s - p)


@inlined
def _entry(K, s, t):
    p = len(K[0])
    part, r = _upper(K, s)
    return np.float64(K[part][r, t] if t < p else K[part + 1][r, t - p])


@inlined
def _lowest(slope, coef, high, ceiling):
    """The variable of least slope among those that may rise.

    -1 where there is none, -2 where the least is not below the ceiling.
    """
    found = NONE
    for s in range(len(slope)):
        key = (np.float64(max(ceiling - slope[s], 0.0)).view(np.int64) & NUMBER) | np.int64(s)
        key = key if coef[s] < high[s] else NONE
        found = key if key > found else found
    if found < 0:
        return NONE
    return found & PLACE if found & NUMBER > 0 else UNCLEAR


@inlined
def _above(slope):
    """A number above all slopes, but not by much."""
    highest, size = -np.inf, 0.0
    for s in range(len(slope)):
        highest, size = max(highest, slope[s]), max(size, abs(slope[s]))
    return highest + 1e-3 * size + 1e-300


@inlined
def _partner(K, diagonal, slope, coef, low, one, first, stop):
    """The partner that gains most, from `first` on and before `stop`; by how much slopes exceed

    that of `one`; what is gained.
    """
    found, furthest = NONE, NONE
    base, own, p = slope[one], diagonal[one], len(K[0])
    part, r = _upper(K, one)
    for half in range(2):
        begin, end = (first, min(stop, p)) if half == 0 else (max(first, p), stop)
        if end <= begin:
            continue
        row = K[part + half][r, begin - half * p : end - half * p]
        v, c, least, d = slope[begin:end], coef[begin:end], low[begin:end], diagonal[begin:end]
        for s in range(len(v)):
            above = max(v[s] - base, 0.0)
            bend = max(own + d[s] - 2.0 * np.float64(row[s]), FLATTEST)
            key = (np.float64(above * above / bend).view(np.int64) & NUMBER) | np.int64(begin + s)
            far = (np.float64(above).view(np.int64) & NUMBER) | np.int64(begin + s)
            key = key if c[s] > least[s] else NONE
            far = far if c[s] > least[s] else NONE
            found = key if key > found else found
            furthest = far if far > furthest else furthest
    if found < 0:
        return NONE, 0.0, 0.0
    two, last = found & PLACE, furthest & PLACE
    bend = max(own + diagonal[two] - 2.0 * _entry(K, one, two), FLATTEST)
    return two, slope[last] - base, (slope[two] - base) ** 2 / bend


@inlined
def _move(K, diagonal, slope, coef, low, high, i, j):
    """Move the pair as far as D falls, or to a bound, which is then met exactly."""
    bend = max(diagonal[i] + diagonal[j] - 2.0 * _entry(K, i, j), FLATTEST)
    t, up, down = (slope[j] - slope[i]) / bend, high[i] - coef[i], coef[j] - low[j]
    t = min(t, up, down)
    coef[i] = high[i] if t == up else coef[i] + t
    coef[j] = low[j] if t == down else coef[j] - t
    p = len(K[0])
    part_i, r_i = _upper(K, i)
    part_j, r_j = _upper(K, j)
    for half in range(2):
        row, other = K[part_i + half][r_i], K[part_j + half][r_j]
        v = slope[:p] if half == 0 else slope[p:]
        for s in range(len(v)):
            v[s] += t * (np.float64(row[s]) - np.float64(other[s]))
