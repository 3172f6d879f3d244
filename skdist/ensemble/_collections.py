# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a Dask collection: validated and encoded where they are, partition by partition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target

from skdist.ensemble._validation import check_poisson, check_total_weight, check_weights
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
            return np.searchsorted(self.classes, y).astype(np.float64)
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


def column_of(y: Any) -> np.ndarray:
    """y of a shard as one column."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        return y[:, 0]
    if y.ndim != 1:
        raise ValueError(
            f"y has shape {y.shape}; a forest on a Dask collection takes one output. "
            "Fit one forest per output."
        )
    return y


def find_classes(shards: ShardedDataset) -> np.ndarray:
    """Union of the classes of all shards; one round."""
    return reduce(np.union1d, shards.map(_distinct))


def _distinct(shard: Shard) -> np.ndarray:
    y = column_of(shard.y)
    if len(y) and type_of_target(y) not in ("binary", "multiclass"):
        raise ValueError(
            f"Unknown label type: {type_of_target(y)}. Maybe you are trying to fit a classifier, "
            "which expects discrete classes on a regression target with continuous values."
        )
    return np.unique(y)


def count_classes(shards: ShardedDataset, classes: np.ndarray) -> np.ndarray:
    """Sum of weights (rows, where there are none) of each class; one round."""
    return np.sum(shards.map(_count, classes), axis=0)


def _count(shard: Shard, classes: np.ndarray) -> np.ndarray:
    weight = None if shard.sample_weight is None else np.asarray(shard.sample_weight, np.float64)
    where = np.searchsorted(classes, column_of(shard.y))
    return np.bincount(where, weight, len(classes)).astype(np.float64)


def weigh_classes(class_weight: Any, classes: np.ndarray, mass: np.ndarray) -> np.ndarray | None:
    """Weight of each class, (K,), for a dict or "balanced"; None if classes weigh the same."""
    if class_weight is None or (class_weight == "balanced_subsample"):
        return None
    if class_weight == "balanced":
        return mass.sum() / (len(classes) * mass)
    unknown = [label for label in class_weight if label not in classes]
    if unknown:
        raise ValueError(f"class_weight names {unknown}, which are not in y: {list(classes)}.")
    weights = np.array([float(class_weight.get(label, 1.0)) for label in classes.tolist()])
    check_weights(weights, "class_weight")
    return weights
