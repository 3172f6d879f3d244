# SPDX-License-Identifier: BSD-3-Clause
"""Floats as whole numbers in the same order, for counting them by their leading bits."""

import numpy as np

SIGN = np.uint64(1 << 63)


def ordered_bits(z: np.ndarray) -> np.ndarray:
    """Numbers of 64 bits in the order of the floats z: 0.0 and -0.0 are the same."""
    bits = (z + 0.0).view(np.uint64)
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def floats_of(keys: np.ndarray) -> np.ndarray:
    """The floats whose `ordered_bits` are `keys`."""
    keys = np.asarray(keys, np.uint64)
    return np.where(keys & SIGN, keys ^ SIGN, ~keys).view(np.float64)
