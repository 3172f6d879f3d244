# SPDX-License-Identifier: BSD-3-Clause
"""Linear models fitted at different places become one model.

By curvature where every model kept it (`fit_shard`), else by the mean of the coefficients. Both are
approximate; sums are kept on the merged model, so that merging is associative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from operator import add, attrgetter
from typing import Any

import numpy as np
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.svm import LinearSVC

from skdist._merge_checks import check_columns, check_equal, check_kinds, check_no_rows
from skdist._report import FitReport
from skdist._sklearn import scikit_learns, set_classes
from skdist.linear_model._coefficient_sums import CoefficientSums
from skdist.linear_model._loss_expansion import LossExpansion
from skdist.losses import Squared
from skdist.summaries import dense

# What rows of coefficients compare (see _coefficient_sums), and which parameters must agree.
KINDS: dict[type, tuple[str, tuple[str, ...]]] = {
    ElasticNet: ("targets", ()),
    GammaRegressor: ("targets", ()),
    HuberRegressor: ("targets", ()),
    Lasso: ("targets", ()),
    LinearRegression: ("targets", ()),
    LinearSVC: ("margin", ("multi_class",)),
    LogisticRegression: ("softmax", ()),
    PoissonRegressor: ("targets", ()),
    Ridge: ("targets", ()),
    RidgeClassifier: ("margin", ()),
    SGDClassifier: ("margin", ("loss",)),
    SGDRegressor: ("targets", ("loss",)),
    TweedieRegressor: ("targets", ("power", "link")),
}
# Of the rows of one place; a merged model would lie with them.
OF_ROWS = {
    "dual_gap_",
    "outliers_",
    "rank_",
    "scale_",
    "singular_",
    "_expansion",
    "_sums",
    "_weight_of_rows",
}


@dataclass(frozen=True, eq=False)
class MergedParts:
    """What was put together; ``+`` puts together more.

    Parameters
    ----------
    equal : CoefficientSums
        Every model once.
    by_rows : CoefficientSums or None
        Every model by the weight of its rows; None if that is not known of all.
    expansion : LossExpansion or None
        None if not all models kept their curvature.
    n_shards : int
    """

    equal: CoefficientSums
    by_rows: CoefficientSums | None
    expansion: LossExpansion | None
    n_shards: int

    def __add__(self, other: MergedParts) -> MergedParts:
        return MergedParts(
            self.equal + other.equal,
            _sum_of_known(self.by_rows, other.by_rows),
            _sum_of_known(self.expansion, other.expansion),
            self.n_shards + other.n_shards,
        )


def _sum_of_known(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a + b


def merge_linear(first: Any, models: list[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """One model of the kind of `first`, by curvature or by averaging.

    Raises
    ------
    ValueError
        If the models do not fit together, or if rows are passed.
    """
    check_no_rows(X, "linear model", "merged.set_params(warm_start=True).fit(X, y)")
    check_alike(models)
    parts = reduce(add, map(parts_of, models))
    if parts.expansion is None:
        return merged_by_average(first, models, parts)
    return merged_by_curvature(first, models, parts)


def merged_by_curvature(first: Any, models: list[Any], parts: MergedParts) -> Any:
    """``argmin scale sum_j (quadratic model of loss_j) + R``, with the penalty of `first`."""
    expansion = parts.expansion
    merged = like(first, models, parts)
    objective = merged._objective_of(expansion)
    w = expansion.minimum(objective)
    gap = objective.scale * expansion.disagreement(w)
    w = w if merged.fit_intercept else np.pad(w, ((0, 0), (0, 1)))
    is_parabola = objective.loss == Squared()
    why = "Squared losses are their own expansions to second order: exact."
    if not is_parabola:
        why = (
            "Losses were replaced by their expansions to second order, each at the optimum of its "
            "shard: approximate."
        )
    merged.report_ = FitReport(
        method="merge",
        strategy="curvature",
        exact=is_parabola,
        why=(why,),
        extra={"predicted_gap": gap, "n_rows": expansion.n_rows},
    )
    merged._expansion = expansion
    return expose(merged, w, expansion.classes, parts)


def merged_by_average(first: Any, models: list[Any], parts: MergedParts) -> Any:
    """The mean of the coefficients, by the weight of the rows where that is known of all."""
    known = parts.by_rows is not None
    sums = parts.by_rows if known else parts.equal
    weighed = (
        "each by the weight of its rows"
        if known
        else "each the same, since not all tell how many rows they have seen"
    )
    merged = like(first, models, parts)
    merged.report_ = FitReport(
        method="merge",
        strategy="average",
        exact=False,
        why=(f"Coefficients were averaged, {weighed}: approximate.",),
    )
    return expose(merged, sums.average(), sums.classes, parts)


def check_alike(models: list[Any]) -> None:
    """Raise unless the models predict the same thing from the same features."""
    kind = scikit_learns(models[0])
    if kind not in KINDS:
        raise TypeError(f"merge got a {type(models[0]).__name__}, which cannot be merged.")
    check_kinds(models)
    check_columns(models)
    for name in ("fit_intercept", *KINDS[kind][1]):
        check_equal(models, name, attrgetter(name))
    if KINDS[kind][0] == "targets":
        check_equal(models, "shape of coef_", lambda m: m.coef_.shape)


def parts_of(model: Any) -> MergedParts:
    """What a fitted model brings into a merge."""
    kind, _ = KINDS[scikit_learns(model)]
    own, state = CoefficientSums.of(kind, *coefficients(model)), vars(model)
    # A model that was merged, unless its coefficients have moved since.
    before = state.get("_merged_parts")
    if before is not None and np.array_equal(state["_merged_as"], _flat(model)):
        return before
    weight = state.get("_weight_of_rows")
    by_rows = None if weight is None else own * weight
    return MergedParts(own, by_rows, state.get("_expansion"), state.get("n_shards_", 1))


def coefficients(model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Coefficients, intercepts, and the classes, None for regression."""
    is_targets = KINDS[scikit_learns(model)][0] == "targets"
    return model.coef_, np.ravel(model.intercept_), None if is_targets else model.classes_


def _flat(model: Any) -> np.ndarray:
    coef, intercept, _ = coefficients(model)
    return np.concatenate([np.ravel(dense(coef)), intercept])


def like(first: Any, models: list[Any], parts: MergedParts) -> Any:
    """An estimator of skdist's class with the parameters of `first` and what the fits agree on."""
    name = scikit_learns(first).__name__
    cls = getattr(import_module("skdist.linear_model"), f"Distributed{name}", type(first))
    merged = cls(**first.get_params(deep=False))
    parameters = merged.get_params(deep=False)
    for key, value in vars(first).items():
        if key not in parameters and key not in OF_ROWS:
            setattr(merged, key, value)
    # scikit-learn's Ridge has None where nothing iterates.
    known = [m.n_iter_ for m in models if vars(m).get("n_iter_") is not None]
    if known:
        merged.n_iter_ = reduce(np.maximum, known)
    merged.n_shards_ = parts.n_shards
    return merged


def expose(merged: Any, w: np.ndarray, classes: np.ndarray | None, parts: MergedParts) -> Any:
    """Set the coefficients (K, d + 1), the intercept last, in the shapes of the class."""
    dtype = merged.coef_.dtype
    coef, intercept = w[:, :-1].astype(dtype), w[:, -1].astype(dtype)
    if classes is None:
        merged.coef_ = coef.reshape(np.shape(merged.coef_))
        merged.intercept_ = intercept.reshape(np.shape(merged.intercept_))[()]
    else:
        if coef.size == merged.coef_.size:  # (d,) of RidgeClassifier, for two classes
            coef = coef.reshape(merged.coef_.shape)
        merged.coef_, merged.intercept_ = coef, intercept
        set_classes(merged, classes)
    merged._merged_parts, merged._merged_as = parts, _flat(merged)
    return merged
