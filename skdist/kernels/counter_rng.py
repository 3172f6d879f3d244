# SPDX-License-Identifier: BSD-3-Clause
"""Counter-based random numbers: every draw is a pure function of (key, counter).

A node of a tree owns a key that depends on the tree's seed and on the path from the root, so
what is drawn there depends neither on the order in which nodes are grown nor on who grows them.

    draw(key, i) = mix(key + (i + 1) * golden)         (SplitMix64; Steele, Lea & Flood, 2014)
"""

import numpy as np

from skdist.kernels.compiling import entry, inlined

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_LEFT = np.uint64(0x8CB92BA72F3D8DD7)
_RIGHT = np.uint64(0xD1B54A32D192ED03)
_C1 = np.uint64(0xBF58476D1CE4E5B9)
_C2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_S11 = np.uint64(11)


@inlined
def mix(z):
    """The 64-bit finaliser of SplitMix64: uint64 -> uint64, a bijection."""
    z = (z ^ (z >> _S30)) * _C1
    z = (z ^ (z >> _S27)) * _C2
    return z ^ (z >> _S31)


@inlined
def draw_below(key, counter, bound):
    """Integer in [0, bound), bound < 2**32, the `counter`-th draw of `key`."""
    high = mix(key + (np.uint64(counter) + np.uint64(1)) * GOLDEN) >> _S32
    return np.int64((high * np.uint64(bound)) >> _S32)


@inlined
def draw_unit(key, counter):
    """Float in [0, 1) with 53 random bits, the `counter`-th draw of `key`."""
    bits = mix(key + (np.uint64(counter) + np.uint64(1)) * GOLDEN) >> _S11
    return np.float64(bits) * (1.0 / 9007199254740992.0)


@inlined
def tree_key(seed):
    """Key of the root of the tree with this seed."""
    return mix(np.uint64(seed) + GOLDEN)


@inlined
def left_key(key):
    """Key of the left child of the node that owns `key`."""
    return mix(key ^ _LEFT)


@inlined
def right_key(key):
    """Key of the right child of the node that owns `key`."""
    return mix(key ^ _RIGHT)


@entry()
def hash_rows(seed, first, n):
    """A uniform number in [0, 1) for each of the rows first ... first + n - 1, (n,) float64."""
    key, out = tree_key(seed), np.empty(n)
    for i in range(n):
        out[i] = draw_unit(key, first + i)
    return out


@entry()
def root_key(seed):
    """`tree_key` for callers outside of compiled code."""
    return tree_key(seed)
