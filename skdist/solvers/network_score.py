# SPDX-License-Identifier: BSD-3-Clause
"""How well a network does on rows that are spread over shards: accuracy, or R squared.

Cost: one round; D numbers per shard down, a handful up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skdist.solvers.network import Array, Network, outputs_of
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


def accuracy(held_out: ShardedDataset, network: Network, w: Array) -> float:
    """Share, by weight, of the rows whose every label is right; NaN if outputs are no numbers."""
    hits: WeightedMean = held_out.map_reduce(hits_of, network, w)
    return float(hits.mean)


def hits_of(shard: Shard, network: Network, w: Array) -> WeightedMean:
    """Whether the labels of a shard's rows are right."""
    outputs, weight = outputs_of(network, w, shard.X), shard.sample_weight
    if len(outputs) == 0:
        return WeightedMean.empty()
    if network.n_classes > 2:
        hit = outputs.argmax(axis=1) == shard.y
    else:
        hit = ((outputs > 0.5) == (network.targets(shard.y) > 0.5)).all(axis=1)
    mean = np.average(hit, weights=weight) if np.isfinite(outputs).all() else np.nan
    return WeightedMean(float(len(hit) if weight is None else weight.sum()), np.asarray(mean))


@dataclass(frozen=True, eq=False)
class Residuals:
    """Of targets and what was predicted; ``+`` is exact but for rounding (Chan et al., 1979).

    Parameters
    ----------
    weight : float
    mean : ndarray of shape (n_outputs,)
        Of the targets.
    squares, errors : ndarray of shape (n_outputs,)
        Sums of squares of the targets about their mean, and of what was predicted about them.
    """

    weight: float
    mean: Array
    squares: Array
    errors: Array

    def __add__(self, other: Residuals) -> Residuals:
        if 0.0 in (self.weight, other.weight):
            return other if self.weight == 0.0 else self
        weight, step = self.weight + other.weight, other.mean - self.mean
        return Residuals(
            weight,
            (self.weight * self.mean + other.weight * other.mean) / weight,
            self.squares + other.squares + self.weight * other.weight / weight * step * step,
            self.errors + other.errors,
        )

    @property
    def r_squared(self) -> float:
        """Mean over the outputs of ``1 - errors / squares``; 1 or 0 where targets are constant."""
        ratio = np.where(self.errors > 0.0, 1.0, 0.0)
        np.divide(self.errors, self.squares, out=ratio, where=self.squares > 0.0)
        return float(np.mean(1.0 - ratio)) if np.isfinite(self.errors).all() else np.nan


def r_squared(held_out: ShardedDataset, network: Network, w: Array) -> float:
    """R squared, the mean of that of every output; NaN if outputs are no numbers."""
    residuals: Residuals = held_out.map_reduce(residuals_of, network, w)
    return residuals.r_squared


def residuals_of(shard: Shard, network: Network, w: Array) -> Residuals:
    """Of a shard's rows."""
    y = network.targets(shard.y).astype(np.float64)
    weight = np.ones(len(y)) if shard.sample_weight is None else shard.sample_weight
    total = float(weight.sum())
    if not total > 0.0:
        return Residuals(0.0, np.zeros(y.shape[1]), np.zeros(y.shape[1]), np.zeros(y.shape[1]))
    mean = weight @ y / total
    errors = weight @ np.square(y - outputs_of(network, w, shard.X))
    return Residuals(total, mean, weight @ np.square(y - mean), errors)
