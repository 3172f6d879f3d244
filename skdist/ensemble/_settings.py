# SPDX-License-Identifier: BSD-3-Clause
"""A forest's parameters, resolved to numbers against the shape of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skdist._sklearn import n_bootstrap_draws
from skdist.ensemble._criteria import CRITERIA
from skdist.ensemble._export import n_candidates
from skdist.kernels.node_split import Rules

UNLIMITED = np.iinfo(np.int32).max


@dataclass(frozen=True)
class ForestSettings:
    """What a binned fit needs to know besides the rows."""

    rules: Rules
    seeds: tuple[int, ...]
    n_draws: int  # per tree; 0: no bootstrap
    strategy: str
    refit_leaves: bool  # after strategy "shard"
    min_impurity_decrease: float


def resolve_settings(
    forest: Any,
    n_samples: int,
    n_features: int,
    total_weight: float | None,
    seeds: Sequence[int],
) -> ForestSettings:
    """Numbers for the parameters of `forest`, as scikit-learn's trees resolve them."""
    least = _count(forest.min_samples_leaf, n_samples)
    rules = Rules(
        criterion=CRITERIA[forest.criterion],
        n_classes=forest.n_classes_ if is_classifier(forest) else 0,
        balanced=forest.bootstrap and forest.class_weight == "balanced_subsample",
        random_splits=forest._random_splits,
        max_features=n_candidates(forest.max_features, n_features),
        max_depth=UNLIMITED if forest.max_depth is None else forest.max_depth,
        min_samples_split=max(2, _count(forest.min_samples_split, n_samples), 2 * least),
        min_samples_leaf=least,
        min_weight_fraction_leaf=float(forest.min_weight_fraction_leaf),
        min_decrease=0.0,
    )
    draws = 0
    if forest.bootstrap:
        weight = None if total_weight is None else np.array([total_weight])
        draws = n_bootstrap_draws(n_samples, forest.max_samples, weight)
    forest._n_samples_bootstrap = draws or None
    return ForestSettings(
        rules=rules,
        seeds=tuple(seeds),
        n_draws=draws,
        strategy=forest.strategy,
        # Refitted leaves have seen every row: none would be out of a tree's bag.
        refit_leaves=not forest.oob_score,
        min_impurity_decrease=forest.min_impurity_decrease,
    )


def _count(value: int | float, n_samples: int) -> int:
    """A number of rows, given as such or as a fraction."""
    return int(value) if isinstance(value, Integral) else ceil(value * n_samples)
