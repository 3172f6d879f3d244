# SPDX-License-Identifier: BSD-3-Clause
"""How alike the partitions of a Dask collection are, over which a net is averaged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from skorch.utils import is_pandas_ndframe

from skdist._report import ShardFacts
from skdist._shard_table import shard_table
from skdist._skew import check_alike
from skdist.neural_network._alike import AVERAGES_OF_UNLIKE
from skdist.sharding import Shard, ShardedDataset
from skdist.solvers.target_facts import target_facts


def partitions_alike(shards: ShardedDataset, classes: np.ndarray | None) -> tuple[ShardFacts, ...]:
    """The table of partitions whose nets are to be averaged; warns if they are too unlike.

    Cost: three rounds; class rates and 32 KB of moments up from each shard.

    Parameters
    ----------
    shards : ShardedDataset
        As they came: arrays of any shape, sparse matrices or frames.
    classes : ndarray or None
        Sorted; None of regression.
    """
    flat = shards.seen_through(Flat(classes))
    if set(flat.map(_n_targets)) == {1}:
        n_classes = 0 if classes is None else len(classes)
        table = shard_table(shards.rows, target_facts(flat, n_classes))
    else:
        table = unmeasured(shards.rows)
    regression = classes is None
    return check_alike(flat, table, AVERAGES_OF_UNLIKE, regression=regression)


def unmeasured(rows: list[range]) -> tuple[ShardFacts, ...]:
    """The table of shards at whose targets nobody looked."""
    return tuple(ShardFacts(own, float(len(own)), (), np.nan) for own in rows)


@dataclass(frozen=True, eq=False)
class Flat:
    """``shard -> shard``: a row of numbers in X for each row; numbers of classes, or one target."""

    classes: np.ndarray | None

    def __call__(self, shard: Shard) -> Shard:
        y = np.asarray(shard.y)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        if self.classes is not None:
            y = np.searchsorted(self.classes, y)
        return replace(shard, X=_numbers(shard.X), y=y)


def _numbers(X: Any) -> Any:
    """(n, anything) as (n, p); of a frame the columns of numbers."""
    if is_pandas_ndframe(X):
        X = X.select_dtypes("number")
    return X if issparse(X) else np.reshape(X, (len(X), int(np.prod(X.shape[1:]))))


def _n_targets(shard: Shard) -> int:
    return 1 if shard.y.ndim == 1 else int(shard.y.shape[1])
