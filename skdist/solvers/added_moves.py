# SPDX-License-Identifier: BSD-3-Clause
"""How far to go along the mean move of the shards: from the mean of their moves to the sum.

    w <- w + g D,        D = sum_j m_j (w_j - w) / sum_j m_j,        g = 1, 2, 4, ... or m

The mean takes the noise out of the moves. But small steps that agree it makes as slow as one shard
of m: one after the other, the shards would have gone about m D. Moves are seen to agree where D
keeps the direction of the move before (noise makes it turn back); g is then what makes the
objective smallest.

Cost: nothing where moves turn back; else one round, (1 + log2 m) P (d + 1) numbers a shard down.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.sgd_rules import Iterate, Problems
from skdist.solvers.descent import Descent, Vector, packed, penalty, unpacked
from skdist.solvers.mean_losses import mean_losses

if TYPE_CHECKING:
    from skdist.sharding import ShardedDataset


def far_enough(
    shards: ShardedDataset, descent: Descent, now: Iterate, mean: Iterate, last_move: Vector,
    told_as: type = np.float64,
) -> tuple[Iterate, Vector]:  # fmt: skip
    """Where the mean move leads to that is taken g times, and g.

    Parameters
    ----------
    shards : ShardedDataset
    descent : Descent
    now, mean : Iterate
        Before the move, and after it was taken once.
    last_move : ndarray, `packed`
        That of the round before; 0 if there was none, and then it is looked at.
    told_as : dtype
        In which shards are told where to look.

    Returns
    -------
    there : Iterate
    g : ndarray of shape (P,)
        Of each problem.
    """
    start, end, g = packed(now), packed(mean), np.ones(len(now.b))
    onward = _goes_on(end - start, last_move, now.W.shape[1])
    if shards.n_shards == 1 or len(onward) == 0:
        return mean, g
    steps = lengths(shards.n_shards)
    with np.errstate(over="ignore"):
        places = start[onward] + steps[:, None, None] * (end - start)[onward]
    places[:, end[onward] == 0.0] = 0.0  # what the l1 penalty has taken does not come back
    objective = _objectives(shards, _only(descent, onward), places, now.W.shape[1], told_as)
    best = np.argmin(np.nan_to_num(objective, nan=np.inf, posinf=np.inf), axis=0)
    g[onward], end[onward] = steps[best], places[best, np.arange(len(onward))]
    return unpacked(end, mean), g


def _goes_on(move: Vector, last_move: Vector, d: int) -> NDArray[np.intp]:
    """The problems whose parameters, d and the intercept, do not turn back."""
    moves = (move[:, : d + 1] != 0.0).any(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        along = (move[:, : d + 1] * last_move[:, : d + 1]).sum(axis=1)
    return np.flatnonzero(moves & ~(along < 0.0))


def lengths(n_shards: int) -> Vector:
    """1, 2, 4, ... and `n_shards`."""
    return np.unique(np.minimum(2.0 ** np.arange(n_shards.bit_length() + 1), n_shards))


def _only(descent: Descent, which: NDArray[np.intp]) -> Descent:
    """The same fit of some of the problems."""
    regression, *per_problem = descent.problems
    problems = Problems(regression, *(a[which] for a in per_problem))
    return replace(descent, problems=problems)


def _objectives(
    shards: ShardedDataset, descent: Descent, places: Vector, d: int, told_as: type
) -> Vector:
    """Objective of each problem at each place, (G, P)."""
    with np.errstate(over="ignore"):
        told: Vector = places.astype(told_as, copy=False)
    weighted, _ = mean_losses(shards, descent, told[:, :, :d], told[:, :, d])
    return weighted + [penalty(descent.rules, one) for one in places[:, :, :d]]
