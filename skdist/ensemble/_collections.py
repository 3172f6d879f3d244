# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a Dask collection: validated and encoded where they are, partition by partition."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skdist._encode_partition import EncodePartition
from skdist._labels import (
    check_total_weight,
    count_classes,
    find_classes,
    weigh_classes,
)
from skdist._rows import Intake
from skdist.ensemble._validation import check_poisson
from skdist.sharding import Shard, ShardedDataset, of_targets


def encoded(forest: Any, shards: ShardedDataset) -> tuple[ShardedDataset, float | None]:
    """The shards as the forest sees them, and the sum of the weights; sets `classes_`."""
    classes = class_weight = None
    if is_classifier(forest):
        classes = find_classes(of_targets(shards))
        forest.classes_, forest.n_classes_ = classes, len(classes)
        if forest.class_weight is not None:
            mass = count_classes(of_targets(shards), classes)
            preset = forest.class_weight
            if preset == "balanced_subsample" and not forest.bootstrap:
                preset = "balanced"  # every tree sees all rows
            class_weight = weigh_classes(preset, classes, mass)
    intake = Intake(
        classify=is_classifier(forest),
        accept_sparse=False,
        dtypes=(np.float32,),
        allow_nan=True,
        check_y=check_not_negative if forest.criterion == "poisson" else None,
    )
    encoding = EncodePartition(forest.n_features_in_, np.float32, classes, class_weight, intake)
    # Rows that are streamed are needed more than once; on a cluster they are there anyway.
    shards = shards.kept_through(encoding) if shards.streams else shards.seen_through(encoding)
    weights = shards.map(_total_weight)
    if weights[0] is None:
        return shards, None
    total = float(sum(weights))
    check_total_weight(total)
    return shards, total


def check_not_negative(y: np.ndarray) -> None:
    """Raise if the Poisson criterion is not defined for y of a partition, which may be all 0."""
    if len(y):
        check_poisson(y, total=1.0)


def _total_weight(shard: Shard) -> float | None:
    return None if shard.sample_weight is None else float(shard.sample_weight.sum())
