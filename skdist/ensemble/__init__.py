# SPDX-License-Identifier: BSD-3-Clause
"""Forests of randomised trees."""

from skdist._merge import merge_models
from skdist.ensemble._extra_trees import (
    DistributedExtraTreesClassifier,
    DistributedExtraTreesRegressor,
)
from skdist.ensemble._merge_forests import OURS, merge_forests
from skdist.ensemble._random_forest import (
    DistributedRandomForestClassifier,
    DistributedRandomForestRegressor,
)

DistributedRandomForest = DistributedRandomForestClassifier

for _forest in OURS:  # scikit-learn's classes, and with them ours
    merge_models.register(_forest, merge_forests)

__all__ = [
    "DistributedExtraTreesClassifier",
    "DistributedExtraTreesRegressor",
    "DistributedRandomForest",
    "DistributedRandomForestClassifier",
    "DistributedRandomForestRegressor",
]
