# SPDX-License-Identifier: BSD-3-Clause
"""Forests fitted at different places become one forest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.utils.validation import check_is_fitted

from skdist._merge_checks import check_columns, check_equal, take_columns
from skdist._report import FitReport
from skdist._sklearn import n_rows_seen
from skdist.ensemble._export import from_sklearn_trees, place_classes
from skdist.ensemble._extra_trees import (
    DistributedExtraTreesClassifier,
    DistributedExtraTreesRegressor,
)
from skdist.ensemble._forest import DistributedForest, default_n_shards
from skdist.ensemble._random_forest_classifier import DistributedRandomForestClassifier
from skdist.ensemble._random_forest_regressor import DistributedRandomForestRegressor
from skdist.sharding import shard_rows
from skdist.summaries import Trees

OURS = {
    RandomForestClassifier: DistributedRandomForestClassifier,
    RandomForestRegressor: DistributedRandomForestRegressor,
    ExtraTreesClassifier: DistributedExtraTreesClassifier,
    ExtraTreesRegressor: DistributedExtraTreesRegressor,
}


@dataclass(frozen=True, eq=False)
class PlacedForest:
    """A forest and the rows it speaks for; ``+`` concatenates the trees and unites the classes.

    Parameters
    ----------
    trees : Trees
    share : ndarray of shape (T,), float64
        Rows each tree speaks for: they add up to the rows of the forest.
    seeds : tuple of int
    classes : ndarray of shape (K,), or None for regression
    n_shards : int
    """

    trees: Trees
    share: np.ndarray
    seeds: tuple[int, ...]
    classes: np.ndarray | None
    n_shards: int

    def __add__(self, other: PlacedForest) -> PlacedForest:
        classes = None
        if self.classes is not None:
            classes = np.union1d(self.classes, other.classes)
        return PlacedForest(
            self.knowing(classes).trees + other.knowing(classes).trees,
            np.concatenate([self.share, other.share]),
            self.seeds + other.seeds,
            classes,
            self.n_shards + other.n_shards,
        )

    def knowing(self, classes: np.ndarray | None) -> PlacedForest:
        """The same forest, with columns for all of `classes`."""
        if classes is None or np.array_equal(classes, self.classes):
            return self
        return replace(
            self, trees=place_classes(self.trees, self.classes, classes), classes=classes
        )


def merge_forests(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """Concatenate the trees; each votes for its share of its forest's rows."""
    check_alike(models)
    merged = as_estimator(reduce(add, map(placed_forest, models)), first)
    if X is not None:
        refit_leaves(merged, X, y, sample_weight)
    return merged


def check_alike(models: list[Any]) -> None:
    """Raise unless the forests predict the same thing from the same features."""
    for number, model in enumerate(models):
        if not isinstance(model, tuple(OURS)):
            raise ValueError(
                f"Model {number} is a {type(model).__name__}; a forest merges with forests only."
            )
        check_is_fitted(model)
    check_equal(models, "kind", lambda m: "classifier" if is_classifier(m) else "regressor")
    check_columns(models)
    for number, model in enumerate(models):
        if model.n_outputs_ > 1:
            raise ValueError(
                f"Model {number} has {model.n_outputs_} outputs; only forests of one output merge. "
                "Fit one forest per output."
            )


def placed_forest(forest: Any) -> PlacedForest:
    """The trees of a fitted forest, skdist's or scikit-learn's, and the rows behind each."""
    ours = isinstance(forest, DistributedForest)
    trees = forest._as_trees() if ours else from_sklearn_trees(forest.estimators_)
    weight = forest._tree_weight if ours else None
    weight = np.ones(trees.n_trees) if weight is None else weight
    if ours and forest._trees is not None:
        seeds = forest._seeds
    else:
        seeds = [tree.random_state for tree in forest.estimators_]
    return PlacedForest(
        trees,
        weight / weight.sum() * n_rows_seen(forest),
        tuple(seeds),
        forest.classes_ if is_classifier(forest) else None,
        forest.n_shards_ if ours else 1,
    )


def as_estimator(placed: PlacedForest, like: Any) -> Any:
    """A fitted estimator of skdist's class with the parameters of `like`."""
    cls = next(ours for theirs, ours in OURS.items() if isinstance(like, theirs))
    params = {**like.get_params(deep=False), "n_estimators": placed.trees.n_trees}
    merged = cls(**params)
    merged._validate_estimator()
    take_columns(merged, like)
    merged.n_outputs_ = 1
    if placed.classes is not None:
        merged.classes_, merged.n_classes_ = placed.classes, len(placed.classes)
    n_rows = placed.share.sum()
    merged._n_samples = round(n_rows)
    merged._sample_weight = merged._bootstrap = merged._home = None
    merged._n_samples_bootstrap = None
    merged._trees, merged._seeds = placed.trees, list(placed.seeds)
    merged._tree_weight = placed.share * (placed.trees.n_trees / n_rows)
    merged._estimators, merged._cache = None, {}
    merged.n_shards_ = placed.n_shards
    merged.report_ = FitReport(
        method="merge",
        strategy="merge",
        exact=False,
        why=("Forests fitted at different places were put together: approximate.",),
    )
    return merged


def refit_leaves(forest: Any, X: Any, y: Any, sample_weight: Any) -> None:
    """Refit the leaves of a merged forest to rows at hand, if that lowers their judged loss."""
    from skdist.ensemble._validation import validate_more_rows
    from skdist.solvers.leaf_refit import leaf_refit

    rows = validate_more_rows(forest, X, y, sample_weight)
    shards = shard_rows(
        rows.X,
        rows.y,
        rows.sample_weight,
        n_shards=default_n_shards(len(rows.X)),
        n_jobs=forest.n_jobs,
    )
    elsewhere = np.full(forest._trees.n_trees, -1)
    n_classes = forest.n_classes_ if is_classifier(forest) else 0
    forest._trees, decision = leaf_refit(
        shards, forest._trees, forest._tree_weight, elsewhere, n_classes
    )
    forest.report_ = replace(forest.report_, extra={"leaf_refit": decision})
