# SPDX-License-Identifier: BSD-3-Clause
"""Forests of randomised trees: scikit-learn's classes, another fit.

    forest(x) = mean over t of tree_t(x),    tree_t a function of the rows and of its own seed

- :class:`DistributedRandomForestClassifier` (also under the name `DistributedRandomForest`) and
  :class:`DistributedRandomForestRegressor`: bootstrap samples, best thresholds (Breiman, 2001).
- :class:`DistributedExtraTreesClassifier` and :class:`DistributedExtraTreesRegressor`: all rows,
  random thresholds (Geurts, Ernst & Wehenkel, 2006).

The parameters that the four share are told by the first; the other docstrings name what differs.
Forests fitted apart, also scikit-learn's, become one with :func:`skdist.merge`.
"""

from skdist._merge import merge_models
from skdist.ensemble._extra_trees import (
    DistributedExtraTreesClassifier,
    DistributedExtraTreesRegressor,
)
from skdist.ensemble._merge_forests import OURS, merge_forests
from skdist.ensemble._random_forest_classifier import DistributedRandomForestClassifier
from skdist.ensemble._random_forest_regressor import DistributedRandomForestRegressor

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
