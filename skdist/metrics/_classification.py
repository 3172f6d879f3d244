# SPDX-License-Identifier: BSD-3-Clause
"""How often classes are right, and how surprising they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics

from skdist._labels import column_of, find_classes
from skdist.metrics._pairs import on_collection, paired, weights_of
from skdist.sharding import Shard
from skdist.summaries import WeightedMean


def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    """The share, or the number, of right answers.

        sum_i s_i [y_i = p_i] / sum_i s_i

    Parameters
    ----------
    y_true, y_pred : array-like, or Dask collections that are cut alike, of shape (n_samples,)
    normalize : bool, default=True
        False: the sum of the weights of the right answers.
    sample_weight : array-like or Dask collection of shape (n_samples,), default=None

    Returns
    -------
    score : float

    Notes
    -----
    Of collections one round, two numbers a partition.

    Examples
    --------
    >>> import dask.array as da
    >>> from skdist.metrics import accuracy_score
    >>> float(accuracy_score(da.arange(4, chunks=2), da.zeros(4, chunks=2)))
    0.25
    """
    if not on_collection(y_true, y_pred):
        return sklearn.metrics.accuracy_score(
            y_true, y_pred, normalize=normalize, sample_weight=sample_weight
        )
    share = paired(y_true, y_pred, sample_weight).map_reduce(_right)
    return float(share.mean if normalize else share.mean * share.weight)


def _right(shard: Shard) -> WeightedMean:
    weight = weights_of(shard)
    right = column_of(shard.y) == column_of(shard.X)
    return mean_of(right.astype(np.float64), weight)


def mean_of(values: np.ndarray, weight: np.ndarray) -> WeightedMean:
    """Weighted mean over the rows of (n, ...) values."""
    total = float(weight.sum())
    if total == 0.0:
        return WeightedMean.empty(values.shape[1:])
    return WeightedMean(total, np.asarray(weight @ values / total))


def log_loss(y_true, y_pred, *, normalize=True, sample_weight=None, labels=None):
    """Minus the mean logarithm of the probability of the class that was true.

        - sum_i s_i log p_i(y_i) / sum_i s_i

    Parameters
    ----------
    y_true : array-like or Dask collection of shape (n_samples,)
    y_pred : array-like or Dask collection of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the classes, sorted; a column is of the second of two classes.
    normalize : bool, default=True
        False: the sum.
    sample_weight : array-like or Dask collection of shape (n_samples,), default=None
    labels : array-like of shape (n_classes,), default=None
        The classes; those of `y_true`, in one more round, if they are not given.

    Returns
    -------
    loss : float

    Raises
    ------
    ValueError
        Where the number of columns is not that of the classes, or `y_true` has other labels.

    Notes
    -----
    Of collections one round, two numbers a partition.

    Examples
    --------
    >>> import dask.array as da
    >>> from skdist.metrics import log_loss
    >>> y, p = da.array([0, 1, 1, 0]).rechunk(2), da.full(4, 0.5, chunks=2)
    >>> round(log_loss(y, p), 4)
    0.6931
    """
    if not on_collection(y_true, y_pred):
        return sklearn.metrics.log_loss(
            y_true, y_pred, normalize=normalize, sample_weight=sample_weight, labels=labels
        )
    shards = paired(y_true, y_pred, sample_weight)
    classes = find_classes(shards) if labels is None else np.unique(labels)
    loss = shards.map_reduce(_surprise, classes)
    return float(loss.mean if normalize else loss.mean * loss.weight)


def _surprise(shard: Shard, classes: np.ndarray) -> WeightedMean:
    p = probabilities(shard.X, len(classes))
    own = numbered(column_of(shard.y), classes)
    total = p.sum(axis=1)
    p = p[np.arange(len(p)), own] / np.where(total > 0.0, total, 1.0)
    least = np.finfo(p.dtype).eps  # as scikit-learn: a certain mistake does not cost everything
    return mean_of(-np.log(np.clip(p, least, 1.0 - least)), weights_of(shard))


def numbered(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The classes of rows as numbers; one that is none of them is an error."""
    own = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    others = np.unique(y[classes[own] != y])
    if len(others):
        raise ValueError(
            f"y_true has the labels {others[:5].tolist()}, which are none of the classes "
            f"{classes.tolist()}. Leave those rows out, or score a model that knows them."
        )
    return own


def probabilities(values: Any, n_classes: int) -> np.ndarray:
    """(n, K), of a column for the second of two classes too."""
    p = np.asarray(values)
    p = p.astype(np.float64) if p.dtype.kind != "f" else p
    p = p if p.ndim == 2 else p[:, None]
    p = np.column_stack([1.0 - p, p]) if p.shape[1] == 1 else p
    if p.shape[1] != n_classes:
        raise ValueError(
            f"The prediction has {p.shape[1]} columns, and there are {n_classes} classes. Pass all "
            "classes there are as labels."
        )
    return p
