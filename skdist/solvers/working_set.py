# SPDX-License-Identifier: BSD-3-Clause
"""Which variables a block is made of.

Half of it may stay from the block before: variables between their bounds, so that what neighbours
in time began with each other they also finish (Joachims, 1999; Wen et al., 2018). The others are
violators of both kinds, slopes v_s that may rise and are low, slopes that may fall and are high.

The highest violators are much alike: once one has moved, the others have no reason to. So where
there are more than find room, one in four is the highest, and the rest are every so-manieth of them
all. On the adult data that is a quarter of the blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skdist.solvers.chosen_rows import Ids
from skdist.solvers.dual_certificate import Box
from skdist.solvers.dual_problem import Floats


def working_set(box: Box, coef: Floats, slope: Floats, before: Ids, size: int) -> Ids:
    """At most `size` variables, those of the first group first.

    Parameters
    ----------
    box : Box
    coef, slope : ndarray of shape (m,), float64
    before : ndarray
        The block before.
    size : int
    """
    if size >= len(coef):
        return np.concatenate([np.flatnonzero(group) for group in box.groups])
    free = before[(coef[before] < box.high[before]) & (coef[before] > box.low[before])]
    stays = free[: size // 2]
    open_to = np.ones(len(coef), bool)
    open_to[stays] = False
    share = (size - len(stays)) // (2 * len(box.groups))
    chosen = []
    for group in box.groups:
        chosen.append(stays[group[stays]])
        chosen += violators(box, coef, slope, group, open_to, share)
    return np.concatenate(chosen)


def violators(
    box: Box,
    coef: Floats,
    slope: Floats,
    group: NDArray[np.bool_],
    open_to: NDArray[np.bool_],
    share: int,
) -> list[Ids]:
    """`share` of the low slopes that may rise, and as many of the high ones that may fall.

    `open_to` says which variables are not in the block yet, and is changed.
    """
    up, down = group & (coef < box.high), group & (coef > box.low)
    if not up.any() or not down.any():
        return []
    free = up & down
    least, most = slope[up].min(), slope[down].max()
    middle = slope[free].mean() if free.any() else 0.5 * (least + most)
    low = sample(slope, np.flatnonzero(up & open_to & (slope <= middle)), share)
    open_to[low] = False
    high = sample(-slope, np.flatnonzero(down & open_to & (slope >= middle)), share)
    open_to[high] = False
    return [low, high]


def sample(values: Floats, ids: Ids, count: int) -> Ids:
    """`count` of the ids: one in four of the smallest values, the rest evenly from them all."""
    if len(ids) <= count:
        return ids
    first = np.argpartition(values[ids], count // 4)[: count // 4 + 1]
    rest = np.linspace(0, len(ids) - 1, count - len(first)).astype(np.intp)
    return np.asarray(ids[np.union1d(first, rest)])
