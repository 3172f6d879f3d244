# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a Dask collection: validated and encoded where they are, partition by partition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import check_array

from skdist._labels import (
    check_total_weight,
    check_weights,
    column_of,
    count_classes,
    encode_labels,
    find_classes,
    weigh_classes,
)
from skdist.ensemble._validation import check_poisson
from skdist.sharding import Shard, ShardedDataset


@dataclass(frozen=True, eq=False)
class EncodeRows:
    """``shard -> shard`` with float32 X, encoded float64 y and float64 weights.

    Parameters
    ----------
    n_features : int
    classes : ndarray of shape (K,), or None for regression
    class_weight : ndarray of shape (K,), or None
    criterion : str
    """

    n_features: int
    classes: np.ndarray | None
    class_weight: np.ndarray | None
    criterion: str

    def __call__(self, shard: Shard) -> Shard:
        y, weight = self._labels(shard), self._weights(shard)
        if self.class_weight is not None:
            own = self.class_weight[y.astype(np.intp)]
            weight = own if weight is None else weight * own
        return replace(shard, X=self._numbers(shard), y=y, sample_weight=weight)

    def _numbers(self, shard: Shard) -> np.ndarray:
        if issparse(shard.X):
            raise TypeError(
                "A partition of X is sparse; on Dask collections forests take dense partitions. "
                "Densify them (map_blocks), or pass one sparse matrix."
            )
        X = check_array(
            shard.X,
            dtype=np.float32,
            order="C",
            ensure_all_finite="allow-nan",
            ensure_min_samples=0,
            input_name="X",
        )
        if X.shape[1] != self.n_features:
            raise ValueError(
                f"A partition of X has {X.shape[1]} columns, the collection {self.n_features}."
            )
        return X

    def _labels(self, shard: Shard) -> np.ndarray:
        y = column_of(shard.y)
        if self.classes is not None:
            return encode_labels(y, self.classes)
        y = check_array(y, dtype=np.float64, ensure_2d=False, ensure_min_samples=0, input_name="y")
        if self.criterion == "poisson" and len(y):
            check_poisson(y, total=1.0)
        return y

    def _weights(self, shard: Shard) -> np.ndarray | None:
        if shard.sample_weight is None:
            return None
        weight = check_array(
            np.asarray(shard.sample_weight),
            dtype=np.float64,
            ensure_2d=False,
            ensure_min_samples=0,
            input_name="sample_weight",
        )
        check_weights(weight)
        return weight


def encoding_of(forest: Any, shards: ShardedDataset) -> tuple[EncodeRows, float | None]:
    """How the forest sees the shards, and the sum of the weights; sets `classes_`."""
    classes = class_weight = None
    if is_classifier(forest):
        classes = find_classes(shards)
        forest.classes_, forest.n_classes_ = classes, len(classes)
        if forest.class_weight is not None:
            mass = count_classes(shards, classes)
            preset = forest.class_weight
            if preset == "balanced_subsample" and not forest.bootstrap:
                preset = "balanced"  # every tree sees all rows
            class_weight = weigh_classes(preset, classes, mass)
    encoding = EncodeRows(forest.n_features_in_, classes, class_weight, forest.criterion)
    weights = shards.seen_through(encoding).map(_total_weight)
    if weights[0] is None:
        return encoding, None
    total = float(sum(weights))
    check_total_weight(total)
    return encoding, total


def _total_weight(shard: Shard) -> float | None:
    return None if shard.sample_weight is None else float(shard.sample_weight.sum())
