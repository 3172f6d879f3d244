# SPDX-License-Identifier: BSD-3-Clause
"""A partition of a Dask collection, as it came: validated and encoded where it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array

from skdist._labels import check_weights, column_of, encode_labels, weigh_rows
from skdist.sharding import Shard

if TYPE_CHECKING:
    from skdist._rows import Intake


@dataclass(frozen=True, eq=False)
class EncodePartition:
    """``shard -> shard`` of a partition as it came: numbers, numbered labels, weights."""

    n_features: int
    dtype: Any
    classes: np.ndarray | None
    class_weight: np.ndarray | None
    intake: Intake

    def __call__(self, shard: Shard) -> Shard:
        y = self._targets(shard)
        weight = weigh_rows(self._weights(shard), self.class_weight, y)
        return replace(shard, X=self._numbers(shard), y=y, sample_weight=weight)

    def _numbers(self, shard: Shard) -> Any:
        X = check_array(
            shard.X,
            accept_sparse="csr" if self.intake.accept_sparse else False,
            dtype=self.dtype,
            order="C",
            ensure_all_finite="allow-nan" if self.intake.allow_nan else True,
            ensure_min_samples=0,
            input_name="X",
        )
        if X.shape[1] != self.n_features:
            raise ValueError(
                f"A partition of X has {X.shape[1]} columns, the collection {self.n_features}."
            )
        return X

    def _targets(self, shard: Shard) -> np.ndarray:
        if shard.y is None:
            return np.zeros(shard.n_rows)
        if self.classes is not None:
            return encode_labels(column_of(shard.y), self.classes)
        y = check_array(
            shard.y if self.intake.multi_output else column_of(shard.y),
            dtype=np.float64,
            order="C",
            ensure_2d=False,
            ensure_min_samples=0,
            input_name="y",
        )
        if self.intake.check_y is not None:
            self.intake.check_y(y)
        return y

    def _weights(self, shard: Shard) -> np.ndarray | None:
        if shard.sample_weight is None:
            return None
        weight = check_array(
            np.asarray(shard.sample_weight),
            dtype=np.float64,
            ensure_2d=False,
            ensure_min_samples=0,
            input_name="sample_weight",
        )
        check_weights(weight)
        return weight
