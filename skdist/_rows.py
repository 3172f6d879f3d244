# SPDX-License-Identifier: BSD-3-Clause
"""From what the user passed to `fit` to shards of numbers: validate, encode labels, shard.

Rows in memory are checked as a whole, with scikit-learn's own words; those of a Dask collection
partition by partition where they are, and never gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skdist._labels import (
    check_total_weight,
    check_weights,
    column_of,
    count_classes,
    distinct,
    encode_labels,
    find_classes,
    weigh_classes,
)
from skdist._report import ShardFacts
from skdist._shard_table import shard_table
from skdist._sklearn import check_sample_weight
from skdist.sharding import Shard, ShardedDataset, is_dask, shard_rows
from skdist.solvers.target_facts import target_facts
from skdist.summaries import TargetFacts

ROWS_PER_SHARD = 16_384
FEWEST_ROWS = 4_096  # of a shard, for a few cores to have one each
MOST_SHARDS = 64
# Rows from which on there are so many shards where parameters are averaged.
AVERAGED_FROM = {0: 1, 24_576: 2, 131_072: 4}


def default_n_shards(n_samples: int) -> int:
    """Shards where sums are merged, so that their number changes nothing, from n alone.

    One per 16,384 rows, at most 64, but at least 4 where they can have 4,096 rows each.
    """
    few_cores = min(4, n_samples // FEWEST_ROWS)
    return int(np.clip(n_samples // ROWS_PER_SHARD, max(1, few_cores), MOST_SHARDS))


def few_shards(n_samples: int) -> int:
    """Shards whose parameters are averaged, from the number of rows alone.

    As few as keep some cores busy: unlike sums, averages depend on how many there are.
    """
    return max(n for rows, n in AVERAGED_FROM.items() if n_samples >= rows)


@dataclass(frozen=True)
class Intake:
    """What rows a fit takes, and what becomes of them.

    Parameters
    ----------
    classify : bool
        Whether y are labels, to be numbered.
    class_weight : dict, "balanced" or None
    balance_by_weight : bool
        Whether "balanced" counts sample weights, as LogisticRegression does, or rows.
    multi_output : bool
        Whether y may have several columns.
    accept_sparse : bool
    dtypes : tuple of dtype
        Of X; what is none of them becomes the first.
    allow_nan : bool
        Whether X may have NaN.
    unlabelled : bool
        Whether a collection may come without y, which is then 0.
    check_y : callable, optional
        ``check_y(y)`` raises for targets out of range; module-level.
    """

    classify: bool = False
    class_weight: Any = None
    balance_by_weight: bool = True
    multi_output: bool = False
    accept_sparse: bool = True
    dtypes: tuple[Any, ...] = (np.float64, np.float32)
    allow_nan: bool = False
    unlabelled: bool = False
    check_y: Callable[[np.ndarray], None] | None = None


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Shards that solvers understand, and what all rows have in common.

    Parameters
    ----------
    shards : ShardedDataset
        Of X (n, d), C-contiguous or CSR, in `dtype`; y (n,) or (n, T) float64, labels numbered;
        sample_weight (n,) float64 or None, class weights multiplied in.
    n_features : int
    dtype : dtype of X
    is_sparse : bool
    classes : ndarray of shape (K,), or None for regression
    facts : list of TargetFacts, one per shard; empty where y has several columns
    """

    shards: ShardedDataset
    n_features: int
    dtype: np.dtype[Any]
    is_sparse: bool
    classes: np.ndarray | None
    facts: Sequence[TargetFacts]

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.shards.n_samples

    @property
    def table(self) -> tuple[ShardFacts, ...]:
        """The table of shards in `report_`."""
        return shard_table(self.shards.rows, self.facts)

    @property
    def total_weight(self) -> float:
        """Sum of the weights, or the number of rows."""
        if not self.facts:
            return float(sum(self.shards.map(_weight)))
        return float(reduce(add, self.facts).weight)


def encode_rows(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    intake: Intake,
    n_shards: int | None = None,
    n_jobs: int | None = None,
    shuffle_seed: int | None = None,
) -> EncodedRows:
    """Validate, encode and shard; sets `n_features_in_` and `feature_names_in_`.

    Parameters
    ----------
    estimator : whom scikit-learn's messages name.
    X : {array-like, sparse matrix, frame, Dask collection} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or a Dask collection cut alike
    sample_weight : array-like of shape (n_samples,), optional
    intake : Intake
    n_shards : int, optional
        From the number of rows if it is not given; the partitions of a Dask collection.
    n_jobs : int, optional
        See :func:`skdist.sharding.effective_workers`.
    shuffle_seed : int, optional
        Rows in memory are dealt to several shards in an order drawn with this seed.

    Returns
    -------
    EncodedRows

    Raises
    ------
    ValueError, TypeError
        scikit-learn's for what it refuses; weights that are negative or all zero; more shards
        than rows.
    """
    if y is None and not intake.unlabelled:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    if is_dask(X):
        return _encode_collection(estimator, X, y, sample_weight, intake, n_shards, n_jobs)
    X, y, weight, classes = _validate(estimator, X, y, sample_weight, intake)
    n_shards = n_shards or default_n_shards(X.shape[0])
    if shuffle_seed is not None and n_shards > 1:
        order = np.random.default_rng(shuffle_seed).permutation(X.shape[0])
        X, y, weight = X[order], y[order], None if weight is None else weight[order]
    shards = shard_rows(X, y, weight, n_shards=n_shards, n_jobs=n_jobs)
    return _encoded(shards, X.shape[1], X.dtype, issparse(X), classes, y.ndim)


def _encoded(
    shards: ShardedDataset,
    n_features: int,
    dtype: Any,
    is_sparse: bool,
    classes: np.ndarray | None,
    y_ndim: int,
) -> EncodedRows:
    facts = target_facts(shards, 0 if classes is None else len(classes)) if y_ndim == 1 else []
    rows = EncodedRows(shards, n_features, np.dtype(dtype), is_sparse, classes, facts)
    check_total_weight(rows.total_weight)
    return rows


def _weight(shard: Shard) -> float:
    return float(shard.n_rows if shard.sample_weight is None else shard.sample_weight.sum())


def _validate(
    estimator: Any, X: Any, y: Any, sample_weight: Any, intake: Intake
) -> tuple[Any, np.ndarray, np.ndarray | None, np.ndarray | None]:
    """X, encoded y and weights as arrays, and the classes."""
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr" if intake.accept_sparse else False,
        dtype=list(intake.dtypes),
        order="C",
        multi_output=intake.multi_output,
        y_numeric=not intake.classify,
        ensure_all_finite="allow-nan" if intake.allow_nan else True,
    )
    weight = None
    if sample_weight is not None:
        weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        check_weights(weight)
    if not intake.classify:
        y = np.ascontiguousarray(y, np.float64)
        if intake.check_y is not None:
            intake.check_y(y)
        return X, y, weight, None
    classes = distinct(y)
    codes = encode_labels(y, classes)
    if intake.class_weight is not None:
        counted = weight if intake.balance_by_weight else None
        mass = np.bincount(codes.astype(np.intp), counted, len(classes)).astype(np.float64)
        weight = _times(weight, weigh_classes(intake.class_weight, classes, mass), codes)
    return X, codes, weight, classes


def _times(
    weight: np.ndarray | None, class_weight: np.ndarray | None, codes: np.ndarray
) -> np.ndarray | None:
    """Sample weights times the weights of the rows' classes."""
    if class_weight is None:
        return weight
    own = class_weight[codes.astype(np.intp)]
    return own if weight is None else weight * own


def _encode_collection(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    intake: Intake,
    n_shards: int | None,
    n_jobs: int | None,
) -> EncodedRows:
    shards = shard_rows(X, y, sample_weight, n_shards=n_shards, n_jobs=n_jobs)
    learn_columns(estimator, X)
    classes = class_weight = None
    if intake.classify:
        classes = find_classes(shards)
    if classes is not None and intake.class_weight is not None:
        mass = count_classes(shards, classes, intake.balance_by_weight)
        class_weight = weigh_classes(intake.class_weight, classes, mass)
    n_features = estimator.n_features_in_
    encode = EncodePartition(n_features, _dtype(X, intake.dtypes), classes, class_weight, intake)
    shards = shards.kept_through(encode)
    is_sparse, y_ndim = shards.map(_shape)[0]
    return _encoded(shards, n_features, encode.dtype, is_sparse, classes, y_ndim)


def _shape(shard: Shard) -> tuple[bool, int]:
    """What the partitions alone tell: whether they are sparse, and the dimensions of y."""
    return issparse(shard.X), shard.y.ndim


def _dtype(X: Any, dtypes: Sequence[Any]) -> Any:
    """The dtype that scikit-learn's validation would convert a collection to."""
    own = {X.dtype} if hasattr(X, "dtype") else set(X.dtypes)
    return own.pop() if len(own) == 1 and own <= set(map(np.dtype, dtypes)) else np.dtype(dtypes[0])


def learn_columns(estimator: Any, X: Any) -> None:
    """Set the number and the names of the features of a Dask collection."""
    names = getattr(X, "columns", None)
    if names is None and X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead: X has shape {X.shape}.")
    meta = np.empty((0, X.shape[1])) if names is None else X._meta
    validate_data(estimator, meta, skip_check_array=True)


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
        weight = _times(self._weights(shard), self.class_weight, y)
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
