# SPDX-License-Identifier: BSD-3-Clause
"""One look at the targets and weights of every shard.

Cost: one round; (K + 8) numbers per shard up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skdist.summaries import TargetFacts

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


def target_facts(shards: ShardedDataset, n_classes: int) -> list[TargetFacts]:
    """The facts of each shard, in order; `n_classes` 0 means regression."""
    return shards.map(_look, n_classes)


def _look(shard: Shard, n_classes: int) -> TargetFacts:
    return facts_of(shard.y, shard.sample_weight, n_classes)


def facts_of(
    y: NDArray[np.float64], given: NDArray[np.float64] | None, n_classes: int
) -> TargetFacts:
    """The facts of some rows."""
    w = np.ones(len(y)) if given is None else given
    if len(y) == 0:
        return TargetFacts.empty(n_classes)
    per_class = np.zeros(n_classes)
    if n_classes:
        per_class += np.bincount(y.astype(np.intp), w, n_classes)
    weight = float(w.sum())
    mean = float(w @ y / weight) if weight > 0 else 0.0
    squares = float(w @ np.square(y - mean))
    return TargetFacts(len(y), weight, per_class, float(y.min()), float(y.max()), mean, squares)


def skew(own: TargetFacts, all_rows: TargetFacts) -> float:
    """How unlike the rest a shard is.

    Classification: total variation distance of its class rates from those of all rows, in [0, 1].
    Regression: distance of its mean from theirs, in standard deviations of y.
    """
    if own.weight <= 0 or all_rows.weight <= 0:
        return 0.0
    if len(own.class_weight):
        rates = own.class_weight / own.weight - all_rows.class_weight / all_rows.weight
        return float(np.abs(rates).sum() / 2)
    deviation = np.sqrt(all_rows.squares / all_rows.weight)
    return float(abs(own.mean - all_rows.mean) / deviation) if deviation > 0 else 0.0
