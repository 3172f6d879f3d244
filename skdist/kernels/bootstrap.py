# SPDX-License-Identifier: BSD-3-Clause
"""The bootstrap sample of one tree, drawn block by block.

n_draws draws with replacement, row i with probability p_i, are drawn in two steps:

    (c_1, ..., c_B) ~ Multinomial(n_draws, P),     P_b = sum of p_i over block b
    within block b:  c_b draws, row i with probability p_i / P_b

Blocks are cut by the number of rows alone, so a shard that holds some of the blocks draws its own
rows and no others, and the sample of a tree is the same however the rows are spread.
"""

import numpy as np

from skdist.kernels.compiling import entry
from skdist.kernels.counter_rng import draw_below, draw_unit, mix, tree_key

_BLOCK_SALT = np.uint64(0xA0761D6478BD642F)


def block_counts(seed: int, mass: np.ndarray, n_draws: int) -> np.ndarray:
    """Draws that fall into each block, (B,) int64.

    `mass` (B,) float64 is each block's share, its rows or its sum of weights.
    """
    if len(mass) == 1:
        return np.array([n_draws])
    rng = np.random.Generator(np.random.Philox(key=seed))
    return rng.multinomial(n_draws, mass / mass.sum())


@entry()
def draw_counts(seed, first_block, starts, counts, cumulative):
    """How often each row of some blocks is drawn, (n,) int32.

    Parameters
    ----------
    seed : int64, the tree's seed.
    first_block : int64, number of the first of these blocks among all.
    starts : (B + 1,) int64, first row of each block, counted from the first of these rows.
    counts : (B,) int64, draws per block, from `block_counts`.
    cumulative : (n,) float64 cumulative sums of the rows' weights within each block, or (0,)
        where every row is as likely as any other.
    """
    drawn = np.zeros(starts[-1], np.int32)
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
                drawn[start + np.searchsorted(block, u, side="right")] += 1
    return drawn
