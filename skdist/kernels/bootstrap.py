# SPDX-License-Identifier: BSD-3-Clause
"""The bootstrap sample of one tree, drawn block by block.

n_draws draws with replacement, row i with probability p_i, are drawn in two steps:

    (c_1, ..., c_B) ~ Multinomial(n_draws, P),     P_b = sum of p_i over block b
    within block b:  c_b draws, row i with probability p_i / P_b

Blocks are cut by the number of rows alone, so a shard that holds some of the blocks draws its own
rows and no others, and the sample of a tree is the same however the rows are spread.
"""

import numpy as np

from skdist.kernels.compiling import entry, inlined, read_only
from skdist.kernels.counter_rng import draw_below, draw_unit, mix, tree_key
from skdist.kernels.node_split import Rules, n_channels
from skdist.kernels.tree_memory import CLASS_BITS, BinnedRows, Sample, empty_sample

_BLOCK_SALT = np.uint64(0xA0761D6478BD642F)


def block_counts(seed: int, mass: np.ndarray, n_draws: int) -> np.ndarray:
    """Draws that fall into each block, (B,) int64.

    `mass` (B,) float64 is each block's share, its rows or its sum of weights.
    """
    if len(mass) == 1:
        return np.array([n_draws])
    rng = np.random.Generator(np.random.Philox(key=seed))
    return rng.multinomial(n_draws, mass / mass.sum())


def draw_counts(
    seed: int,
    first_block: int,
    starts: np.ndarray,
    counts: np.ndarray,
    cumulative: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """How often each row of some blocks is drawn, (n,) int32.

    Parameters
    ----------
    seed : int, the tree's seed.
    first_block : int, number of the first of these blocks among all.
    starts : (B + 1,) int64, first row of each block, counted from the first of these rows.
    counts : (B,) int64, draws per block, from `block_counts`.
    cumulative : (n,) float64 cumulative sums of the rows' weights within each block, or (0,)
        where every row is as likely as any other.
    out : (n,) int32, default=None, overwritten and returned where it is given.
    """
    drawn = np.empty(starts[-1], np.int32) if out is None else out
    _count_draws(seed, first_block, starts, counts, cumulative, drawn)
    return drawn


@inlined
def _first_above(ascending, value):
    """Position of the first number greater than `value`: `searchsorted`, quicker to compile."""
    low, high = np.int64(0), np.int64(len(ascending))
    while low < high:
        middle = (low + high) >> 1
        if ascending[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low


@entry(_nrt=False)
def _count_draws(seed, first_block, starts, counts, cumulative, drawn):
    drawn[:] = 0
    key = tree_key(seed)
    for b in range(len(starts) - 1):
        block_key = mix(key ^ (np.uint64(first_block + b) * _BLOCK_SALT))
        start, size = starts[b], starts[b + 1] - starts[b]
        if len(cumulative) == 0:
            for i in range(counts[b]):
                drawn[start + draw_below(block_key, i, size)] += 1
        else:
            block = cumulative[start : start + size]
            # Rounding may give a draw to a last block whose rows all have weight zero: dropped.
            for i in range(counts[b] if size > 0 and block[-1] > 0.0 else 0):
                u = draw_unit(block_key, i) * block[-1]
                drawn[start + _first_above(block, u)] += 1


def sample_rows(
    data: BinnedRows, draws: np.ndarray, rules: Rules, memory: Sample | None = None
) -> tuple[Sample, np.ndarray]:
    """The rows drawn at least once that weigh something, and their channels.

    Parameters
    ----------
    data : BinnedRows
    draws : (n,) int32
    rules : Rules
    memory : Sample of n rows or more, default=None, where the rows are written.

    Returns
    -------
    sample : Sample, views of `memory` where that is given.
    channels : (C,) int64
    """
    whole, channels = memory or empty_sample(len(draws), rules), np.zeros(n_channels(rules), int)
    weight, target = read_only(data.weight), read_only(data.target)
    m = _take_drawn(draws, weight, target, rules, whole, channels)
    return Sample(*(column[:m] for column in whole)), channels


@entry(_nrt=False)
def _take_drawn(draws, weight, target, rules, sample, channels):
    m = np.int64(0)
    for i in range(len(draws)):
        times = np.int64(draws[i])
        mass = times * weight[i]
        # Every row is written, and the next one over it unless it counts: no branch.
        counts = np.int64(mass > 0)
        sample.rows[m] = i
        if rules.n_classes > 0:
            sample.mass[m] = mass << CLASS_BITS | target[i]
            channels[target[i]] += mass
        else:
            moment = times * target[i] * counts
            sample.mass[m], sample.moment[m] = mass, moment
            channels[0] += mass
            channels[1] += moment
        m += counts
    return m
