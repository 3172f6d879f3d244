# SPDX-License-Identifier: BSD-3-Clause
"""The rbf kernel on a tile of inner products that is in the cache.

    e_ij = 2 gamma x_i'z_j - gamma |x_i|^2 - gamma |z_j|^2,    k_ij = exp(e_ij)

In float32 exp is evaluated to one unit in the last place (Cody & Waite's reduction, Moshier's
polynomial): whole vectors at a time, without a call or a branch for each number.
"""

import numpy as np
from numba import int32

from skdist.kernels.compiling import entry, read_only

__all__ = ["rbf_exponents", "rbf_values"]

LOG2_E = np.float32(1.4426950408889634)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
LOWEST = np.float32(-87.0)  # exp of less is no normal number of float32
TO_INTEGER = np.float32(12582912.0)  # 1.5 * 2^23: what is added to it is rounded to an integer
C5, C4 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3)
C3, C2 = np.float32(8.3334519073e-3), np.float32(4.1665795894e-2)
C1, C0 = np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
ZERO, ONE, BIAS, MANTISSA = np.float32(0.0), np.float32(1.0), np.int32(127), np.int32(23)


def rbf_values(tile: np.ndarray, left: np.ndarray, right: np.ndarray, gamma: float) -> None:
    """Turn inner products into kernel values, in place, in float32.

    Parameters
    ----------
    tile : ndarray of shape (p, q), float32
        Without gaps: a kernel that knows so goes through rows in whole vectors.
    left, right : ndarray of shape (p,) and (q,), float32
        gamma |x|^2 of the rows and of the columns.
    gamma : float
    """
    _values(tile, read_only(left), read_only(right), np.float32(2.0 * gamma))


def rbf_exponents(tile: np.ndarray, left: np.ndarray, right: np.ndarray, gamma: float) -> None:
    """Turn inner products into exponents, in place, in float64; the rest is as in `rbf_values`."""
    _exponents(tile, read_only(left), read_only(right), 2.0 * gamma)


@entry()
def _values(tile, left, right, scale):
    p, q = tile.shape
    powers = np.empty(q, np.int32)
    factors = powers.view(np.float32)
    rounding = np.float32(-1e-6)  # 8 units in the last place of |x|^2 + |z|^2, which are alike
    for s in range(p):
        row, a, same = tile[s], left[s], rounding * (left[s] + left[s])
        for t in range(q):
            x = scale * row[t] - (a + right[t])
            x = ZERO if x > same else max(x, LOWEST)
            k = (x * LOG2_E + TO_INTEGER) - TO_INTEGER
            y = (x - k * LN2_HIGH) - k * LN2_LOW
            z = ((((C5 * y + C4) * y + C3) * y + C2) * y + C1) * y + C0
            row[t] = z * y * y + y + ONE
            powers[t] = (int32(k) + BIAS) << MANTISSA
        for t in range(q):
            row[t] *= factors[t]


@entry()
def _exponents(tile, left, right, scale):
    p, q = tile.shape
    for s in range(p):
        row, a, same = tile[s], left[s], -2e-15 * (left[s] + left[s])
        for t in range(q):
            x = scale * row[t] - (a + right[t])
            row[t] = 0.0 if x > same else x
