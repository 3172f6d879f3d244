# SPDX-License-Identifier: BSD-3-Clause
"""Forests of randomised trees."""

from skdist.ensemble._extra_trees import (
    DistributedExtraTreesClassifier,
    DistributedExtraTreesRegressor,
)
from skdist.ensemble._random_forest import (
    DistributedRandomForestClassifier,
    DistributedRandomForestRegressor,
)

DistributedRandomForest = DistributedRandomForestClassifier

__all__ = [
    "DistributedExtraTreesClassifier",
    "DistributedExtraTreesRegressor",
    "DistributedRandomForest",
    "DistributedRandomForestClassifier",
    "DistributedRandomForestRegressor",
]
