# SPDX-License-Identifier: BSD-3-Clause
"""What an estimator's `score` is, of Dask collections."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier

from skdist.metrics._classification import accuracy_score
from skdist.metrics._regression import r2_score


def mean_score(model: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Accuracy of a classifier, R^2 of a regression.

    Parameters
    ----------
    model : estimator
    y_true, y_pred : array-like or Dask collection of shape (n_samples,)
    sample_weight : array-like or Dask collection of shape (n_samples,), default=None

    Returns
    -------
    score : float

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdist.metrics import mean_score
    >>> mean_score(LogisticRegression(), [0, 1, 1, 1], [0, 1, 1, 0])
    0.75
    """
    metric = accuracy_score if is_classifier(model) else r2_score
    return metric(y_true, y_pred, sample_weight=sample_weight)
