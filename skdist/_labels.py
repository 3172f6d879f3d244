# SPDX-License-Identifier: BSD-3-Clause
"""Labels and weights of rows that are spread over shards: what they are, and how they are coded."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from skdist.sharding import Shard, ShardedDataset

WIDEST_TABLE = 1 << 16


def find_classes(shards: ShardedDataset) -> np.ndarray:
    """Union of the classes of all shards, sorted; one round."""
    return reduce(np.union1d, shards.map(_distinct))


def _distinct(shard: Shard) -> np.ndarray:
    return distinct(column_of(shard.y))


def distinct(y: np.ndarray) -> np.ndarray:
    """The classes in y, sorted.

    Raises
    ------
    ValueError
        If y is not a column of classes; scikit-learn's words.
    """
    if len(y) and y.dtype.kind not in "iubU":  # any values of these kinds can be classes
        check_classification_targets(y)
    low, width = _span(y)
    if width > WIDEST_TABLE:
        return np.unique(y)
    # Counting is one pass; to sort is more.
    return (np.flatnonzero(np.bincount(y.astype(np.int64) - low)) + low).astype(y.dtype)


def encode_labels(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Number of each label among the sorted `classes`, as float64."""
    low, width = _span(y)
    if width > WIDEST_TABLE or classes.dtype.kind not in "iu":
        return np.searchsorted(classes, y).astype(np.float64)
    codes = np.zeros(width)
    inside = (classes >= low) & (classes < low + width)
    codes[classes[inside].astype(np.int64) - low] = np.flatnonzero(inside)
    return codes[y.astype(np.int64) - low]


def _span(y: np.ndarray) -> tuple[int, int]:
    """Smallest value and width of the range of small integers; a width of 2^62 for other values."""
    if y.dtype.kind not in "iu" or y.dtype == np.uint64 or len(y) == 0:
        return 0, 1 << 62
    low = int(y.min())
    return low, int(y.max()) - low + 1


def column_of(y: Any) -> np.ndarray:
    """y of a shard as one column."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        return y[:, 0]
    if y.ndim != 1:
        raise ValueError(
            f"y has shape {y.shape}; on a Dask collection one output is fitted at a time. "
            "Fit one model per output."
        )
    return y


def count_classes(shards: ShardedDataset, classes: np.ndarray, weighted: bool = True) -> np.ndarray:
    """Sum of weights (rows, where there are none) of each class; one round."""
    return np.sum(shards.map(_count, classes, weighted), axis=0)


def _count(shard: Shard, classes: np.ndarray, weighted: bool) -> np.ndarray:
    weight = None
    if weighted and shard.sample_weight is not None:
        weight = np.asarray(shard.sample_weight, np.float64)
    codes = np.searchsorted(classes, column_of(shard.y))
    return np.bincount(codes, weight, len(classes)).astype(np.float64)


def weigh_classes(class_weight: Any, classes: np.ndarray, mass: np.ndarray) -> np.ndarray | None:
    """Weight of each class, (K,), for a dict or "balanced"; None if classes weigh the same."""
    if class_weight is None or (class_weight == "balanced_subsample"):
        return None
    if class_weight == "balanced":
        return mass.sum() / (len(classes) * mass)
    weights = compute_class_weight(class_weight, classes=classes, y=classes).astype(np.float64)
    check_weights(weights, "class_weight")
    return weights


def weigh_rows(
    weight: np.ndarray | None, class_weight: np.ndarray | None, codes: np.ndarray
) -> np.ndarray | None:
    """Sample weights times the weights of the rows' classes."""
    if class_weight is None:
        return weight
    own = class_weight[codes.astype(np.intp)]
    return own if weight is None else weight * own


def check_weights(weight: np.ndarray, name: str = "sample_weight") -> None:
    """Raise if a weight is negative."""
    if len(weight) and weight.min() < 0:
        raise ValueError(
            f"{name} has {(weight < 0).sum()} negative values, the smallest "
            f"{weight.min():g}; weights must be 0 or more. Leave those rows out or clip them."
        )


def check_total_weight(total: float, name: str = "sample_weight") -> None:
    """Raise if no row has a weight; a shard alone may have none."""
    if not total > 0:
        raise ValueError(
            f"{name} is 0 for all rows, so there is nothing to fit; "
            "at least one weight must be positive."
        )
