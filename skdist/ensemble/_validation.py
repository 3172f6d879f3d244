# SPDX-License-Identifier: BSD-3-Clause
"""Validate and encode the rows of a forest's fit, with scikit-learn's own checks and words."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import validate_data

from skdist._caller import level_of_caller
from skdist._labels import check_total_weight, check_weights
from skdist._sklearn import check_sample_weight, encode_classes, missing_values_allowed


@dataclass(frozen=True, eq=False)
class ForestRows:
    """Validated rows: X (n, d) float32, y (n,) float64, weights (n,) float64 or None."""

    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None


def validate_rows(forest, X, y, sample_weight):
    """Check X, y and the weights; set what the forest learns of them (`classes_`, ...)."""
    if issparse(y):
        raise ValueError("sparse multilabel-indicator for y is not supported.")
    X, y = validate_data(
        forest, X, y, multi_output=True, dtype=np.float32, order="C", ensure_all_finite=False
    )
    missing_values_allowed(forest, X)
    y = _one_column(y)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        check_weights(sample_weight)
    if forest.criterion == "poisson":
        check_poisson(y, y.sum())
    check_bootstrap(forest)
    forest._n_samples, forest.n_outputs_ = len(y), 1
    y, weight = encode(forest, y, sample_weight)
    forest._sample_weight = weight
    forest._validate_estimator()
    return ForestRows(X, y, weight)


def encode(forest, y, sample_weight):
    """y as float64 (n,), classes numbered; the weights times the class weights."""
    if not is_classifier(forest):
        return np.ascontiguousarray(y, np.float64), sample_weight
    y, class_weight = encode_classes(forest, y[:, None], sample_weight)
    forest.n_classes_, forest.classes_ = int(forest.n_classes_[0]), forest.classes_[0]
    if class_weight is None:
        return y[:, 0].astype(np.float64), sample_weight
    name, weight = "class_weight, per row,", class_weight
    if sample_weight is not None:
        name, weight = "sample_weight times class_weight", sample_weight * class_weight
    check_weights(weight, name)
    check_total_weight(weight.sum(), name)
    return y[:, 0].astype(np.float64), weight


def _one_column(y):
    if y.ndim == 2:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape "
            "of y to (n_samples,), for example using ravel().",
            DataConversionWarning,
            stacklevel=level_of_caller(),
        )
        return y[:, 0]
    return y


def check_poisson(y, total):
    if y.min() < 0:
        raise ValueError(
            "Some value(s) of y are negative which is not allowed for Poisson regression."
        )
    if total <= 0:
        raise ValueError(
            "Sum of y is not strictly positive which is necessary for Poisson regression."
        )


def check_bootstrap(forest):
    if forest.bootstrap:
        return
    if forest.max_samples is not None:
        raise ValueError(
            "`max_sample` cannot be set if `bootstrap=False`. Either switch to `bootstrap=True` "
            "or set `max_sample=None`."
        )
    if forest.oob_score:
        raise ValueError("Out of bag estimation only available if bootstrap=True")


def validate_more_rows(forest, X, y, sample_weight):
    """Rows for a forest that is fitted already; y must hold classes that it knows."""
    X, y = validate_data(
        forest, X, y, reset=False, dtype=np.float32, order="C", ensure_all_finite="allow-nan"
    )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        check_weights(sample_weight)
    if is_classifier(forest):
        unknown = np.setdiff1d(y, forest.classes_)
        if len(unknown):
            raise ValueError(
                f"y has the classes {unknown.tolist()}, which none of the merged forests knows "
                f"({forest.classes_.tolist()}). Leave those rows out."
            )
        y = np.searchsorted(forest.classes_, y)
    return ForestRows(X, y.astype(np.float64), sample_weight)
