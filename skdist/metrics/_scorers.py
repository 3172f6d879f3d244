# SPDX-License-Identifier: BSD-3-Clause
"""Scorers, ``scorer(estimator, X, y)``: what `scoring=` takes, also of Dask collections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skdist._sklearn import MetricScorer
from skdist.metrics._classification import accuracy_score, log_loss
from skdist.metrics._regression import mean_squared_error, r2_score
from skdist.metrics._roc_auc import roc_auc_score
from skdist.sharding import is_dask

Z_OR_P = ("decision_function", "predict_proba")


class CollectionScorer(MetricScorer):
    """scikit-learn's scorer of a metric, which leaves the rows of Dask collections where they are.

    Made by :func:`make_scorer`. Of rows in memory it is scikit-learn's in every respect: values,
    metadata routing, several scorers of one search.
    """

    def _score(self, method_caller, estimator, X, y_true, **metadata):
        if not is_dask(X):
            return super()._score(method_caller, estimator, X, y_true, **metadata)
        predicted = _method(estimator, self._response_method)(X)
        options = {**_classes(estimator, self._score_func), **self._kwargs, **metadata}
        return self._sign * self._score_func(y_true, predicted, **options)


def make_scorer(score_func, *, response_method="predict", greater_is_better=True, **kwargs):
    """A scorer of one of the metrics of this module.

    ::

        scorer(estimator, X, y) = +- metric(y, estimator.response_method(X), **kwargs)

    Parameters
    ----------
    score_func : callable
        ``score_func(y_true, y_pred, **kwargs)``: one of `skdist.metrics`, or any other that takes
        what the estimator's method gives of the rows that are scored.
    response_method : str, or tuple of str, default="predict"
        The estimator's method; of several, the first that it has.
    greater_is_better : bool, default=True
        False for a loss, whose sign is turned.
    **kwargs
        Passed to the metric.

    Returns
    -------
    scorer : callable
        For `scoring=` of searches and cross-validation, and to be called as ``scorer(estimator, X,
        y, sample_weight=None)``, where X, y and the weights may be Dask collections that are cut
        alike, and the estimator a pipeline.

    Notes
    -----
    Of collections the rounds and bytes of the metric; predictions are made where the rows are.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from skdist import DistributedRidge
    >>> from skdist.metrics import make_scorer, mean_squared_error
    >>> X = np.arange(6.0)[:, None]
    >>> scorer = make_scorer(mean_squared_error, greater_is_better=False)
    >>> model = DistributedRidge(alpha=0.0).fit(X, X[:, 0])
    >>> bool(scorer(model, da.from_array(X, chunks=(3, 1)), da.arange(6, chunks=3)) > -1e-9)
    True
    """
    return CollectionScorer(score_func, 1 if greater_is_better else -1, kwargs, response_method)


_SCORERS: dict[str, Callable[[], CollectionScorer]] = {
    "accuracy": lambda: make_scorer(accuracy_score),
    "neg_log_loss": lambda: make_scorer(
        log_loss, response_method="predict_proba", greater_is_better=False
    ),
    "neg_mean_squared_error": lambda: make_scorer(mean_squared_error, greater_is_better=False),
    "r2": lambda: make_scorer(r2_score),
    "roc_auc": lambda: make_scorer(roc_auc_score, response_method=Z_OR_P),
    "roc_auc_ovr": lambda: make_scorer(
        roc_auc_score, response_method="predict_proba", multi_class="ovr"
    ),
    "roc_auc_ovr_weighted": lambda: make_scorer(
        roc_auc_score, response_method="predict_proba", multi_class="ovr", average="weighted"
    ),
}


def get_scorer_names():
    """Names that :func:`get_scorer` knows.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from skdist.metrics import get_scorer_names
    >>> get_scorer_names()[:2]
    ['accuracy', 'neg_log_loss']
    """
    return sorted(_SCORERS)


def get_scorer(scoring):
    """A scorer by scikit-learn's name for it.

    Parameters
    ----------
    scoring : str or callable
        One of :func:`get_scorer_names`; a callable is returned as it is.

    Returns
    -------
    scorer : callable
        See :func:`make_scorer`; a new one each time.

    Raises
    ------
    ValueError
        For a name that is none of these.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from skdist import DistributedLogisticRegression
    >>> from skdist.metrics import get_scorer
    >>> X = np.arange(8.0)[:, None]
    >>> y = (X[:, 0] > 3).astype(int)
    >>> model = DistributedLogisticRegression(C=100).fit(X, y)
    >>> X, y = da.from_array(X, chunks=(4, 1)), da.from_array(y, chunks=4)
    >>> get_scorer("roc_auc")(model, X, y)
    1.0
    """
    if callable(scoring):
        return scoring
    if scoring not in _SCORERS:
        raise ValueError(
            f"scoring={scoring!r} is none of {get_scorer_names()}. Take one of these; or "
            "sklearn.metrics.get_scorer, whose scorers need rows in memory; or make_scorer of a "
            "metric of your own."
        )
    return _SCORERS[scoring]()


def _method(estimator: Any, names: str | tuple[str, ...]) -> Callable[[Any], Any]:
    """The first method that an estimator has."""
    for name in (names,) if isinstance(names, str) else names:
        method = getattr(estimator, name, None)
        if method is not None:
            return method
    raise AttributeError(
        f"{type(estimator).__name__} has none of the methods {names}, of which this scorer is. "
        "Choose another scorer, or another estimator."
    )


def _classes(estimator: Any, metric: Callable[..., Any]) -> dict[str, np.ndarray]:
    """The classes that the model knows, for metrics that would have to look for them in y."""
    if metric in (log_loss, roc_auc_score) and is_classifier(estimator):
        return {"labels": estimator.classes_}
    return {}
