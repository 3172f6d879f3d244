# SPDX-License-Identifier: BSD-3-Clause
"""Truth and prediction, partition by partition."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdist.sharding import Shard, ShardedDataset, is_dask, shard_rows


def on_collection(y_true: Any, y_pred: Any) -> bool:
    """Whether the rows are those of Dask collections.

    Raises
    ------
    TypeError
        If one of the two is a collection, and the other is not.
    """
    if is_dask(y_true) != is_dask(y_pred):
        raise TypeError(
            f"y_true is a {type(y_true).__name__} and the prediction a {type(y_pred).__name__}: "
            "pass two Dask collections that are cut alike, or compute() the one that is one."
        )
    return is_dask(y_pred)


def paired(y_true: Any, y_pred: Any, sample_weight: Any) -> ShardedDataset:
    """Shards whose X are predictions, and whose y is the truth."""
    return shard_rows(y_pred, y_true, sample_weight, n_shards=None)


def weights_of(shard: Shard) -> np.ndarray:
    """Of the rows of a shard; 1 where there are none."""
    if shard.sample_weight is None:
        return np.ones(shard.n_rows)
    return np.asarray(shard.sample_weight, np.float64)


def columns_of(values: Any) -> np.ndarray:
    """As numbers, (n, T)."""
    values = np.asarray(values, np.float64)
    return values if values.ndim == 2 else values[:, None]
