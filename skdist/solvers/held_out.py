# SPDX-License-Identifier: BSD-3-Clause
"""Rows that judge the fit of the others: each shard keeps some of its own apart.

Of each class the same share, rows drawn by a hash of their place: which rows depends neither on the
round nor on the worker, so that nothing is kept between rounds.

Cost: one round, (P + 7) numbers a shard up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.counter_rng import hash_rows
from skdist.kernels.sgd_rules import Iterate
from skdist.solvers.descent import Descent, Vector
from skdist.solvers.target_facts import facts_of
from skdist.summaries import TargetFacts, WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

_STREAM = 0x5EED  # keeps these draws apart from those of the orders of the rows


def training_rows(shard: Shard, descent: Descent) -> NDArray[np.int64]:
    """The rows of a shard that are learnt from, in order."""
    if not descent.held_out:
        return np.arange(shard.n_rows)
    return np.flatnonzero(~_is_held_out(shard, descent))


def _is_held_out(shard: Shard, descent: Descent) -> NDArray[np.bool_]:
    seed = descent.seed ^ (shard.index << 32) ^ _STREAM
    draw = hash_rows(seed, 0, shard.n_rows)
    mask = np.zeros(shard.n_rows, np.bool_)
    strata = [np.arange(shard.n_rows)]
    if not descent.problems.regression:
        strata = [np.flatnonzero(shard.y == label) for label in np.unique(shard.y)]
    for rows in strata:
        n_held = round(descent.held_out * len(rows))
        mask[rows[np.argsort(draw[rows])[:n_held]]] = True
    return mask


@dataclass(frozen=True, eq=False)
class HeldOutSums:
    """Of the rows held out; ``+`` field by field."""

    merit: WeightedMean  # (P,) share of hits, or mean squared error
    targets: TargetFacts

    def __add__(self, other: HeldOutSums) -> HeldOutSums:
        return HeldOutSums(self.merit + other.merit, self.targets + other.targets)


def held_out_score(shards: ShardedDataset, descent: Descent, now: Iterate) -> Vector:
    """Accuracy of each problem, or R^2, on the rows held out, (P,)."""
    sums: HeldOutSums = shards.map_reduce(_judge, descent, now)
    if not descent.problems.regression:
        return sums.merit.mean
    error, spread = sums.merit.mean * sums.merit.weight, sums.targets.squares
    if spread == 0.0:  # as r2_score has it
        return np.where(error == 0.0, 1.0, 0.0)
    return np.asarray(1.0 - error / spread)


def _judge(shard: Shard, descent: Descent, now: Iterate) -> HeldOutSums:
    mask = _is_held_out(shard, descent)
    y, z = shard.y[mask], np.asarray(shard.X[mask] @ now.W.T + now.b, np.float64)
    weight = np.ones(len(y)) if shard.sample_weight is None else shard.sample_weight[mask]
    problems = descent.problems
    if problems.regression:
        value = np.square(z - y[:, None])
    else:
        value = ((z > 0.0) == (y[:, None] == problems.positive)).astype(np.float64)
    total = float(weight.sum())
    mean = weight @ value / total if total > 0.0 else np.zeros(z.shape[1])
    return HeldOutSums(WeightedMean(total, mean), facts_of(y, weight, 0))


def count_training_rows(shards: ShardedDataset, descent: Descent) -> int:
    """How many rows are learnt from.

    Raises
    ------
    ValueError
        If there are none, or none is held out, or all that are have no weight.
    """
    if not descent.held_out:
        return shards.n_samples
    n_train, n_held, weight = shards.map_reduce(_count, descent).tolist()
    if not n_train or not n_held:
        raise ValueError(
            f"Splitting {shards.n_samples} samples into a train set and a validation set with "
            f"validation_fraction={descent.held_out!r} led to an empty set ({n_train:.0f} and "
            f"{n_held:.0f} samples). Please either change validation_fraction, increase number "
            "of samples, or disable early_stopping."
        )
    if not weight > 0.0:
        raise ValueError(
            "The sample weights for validation set are all zero, consider using a different "
            "random state."
        )
    return int(n_train)


def _count(shard: Shard, descent: Descent) -> Vector:
    mask = _is_held_out(shard, descent)
    weight = mask.sum() if shard.sample_weight is None else shard.sample_weight[mask].sum()
    return np.array([len(mask) - mask.sum(), mask.sum(), weight], np.float64)
