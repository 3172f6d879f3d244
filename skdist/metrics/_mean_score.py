# SPDX-License-Identifier: BSD-3-Clause
"""What an estimator's `score` is, of Dask collections."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier

from skdist.metrics._classification import accuracy_score
from skdist.metrics._regression import r2_score


def mean_score(model: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Accuracy of a classifier, R^2 of a regression."""
    metric = accuracy_score if is_classifier(model) else r2_score
    return metric(y_true, y_pred, sample_weight=sample_weight)
