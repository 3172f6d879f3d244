# SPDX-License-Identifier: BSD-3-Clause
"""From what the user passed to `fit` to shards of numbers: validate, encode labels, shard.

Rows in memory are checked as a whole, with scikit-learn's own words; those of a Dask collection
partition by partition where they are, and never gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

from skdist._columns import check_numbers, learn_columns, numbers_dtype
from skdist._encode_partition import EncodePartition
from skdist._labels import (
    check_total_weight,
    check_weights,
    count_classes,
    distinct,
    encode_labels,
    find_classes,
    weigh_classes,
    weigh_rows,
)
from skdist._report import ShardFacts
from skdist._shard_table import shard_table
from skdist._sklearn import check_sample_weight
from skdist.sharding import Shard, ShardedDataset, is_dask, of_targets, shard_rows
from skdist.solvers.target_facts import target_facts
from skdist.summaries import TargetFacts, bytes_of

ROWS_PER_SHARD = 16_384
FEWEST_ROWS = 4_096  # of a shard, for a few cores to have one each
MOST_SHARDS = 64
MOST_BYTES = 1 << 27  # of a shard; a task holds a few times as much
MOST_SUMS = 1 << 28  # bytes of the sums of all shards together, beyond which fewer are cut
# Rows from which on there are so many shards where parameters are averaged.
AVERAGED_FROM = {0: 1, 24_576: 2, 131_072: 4}


def default_n_shards(n_samples: int, x_bytes: float = 0) -> int:
    """Shards where sums are merged, so that their number changes nothing, from the shape of X.

    One per 16,384 rows, at most 64, but at least 4 where they can have 4,096 rows each; and as
    many as it takes for none to have more than 128 MiB.
    """
    few_cores = min(4, n_samples // FEWEST_ROWS)
    by_rows = int(np.clip(n_samples // ROWS_PER_SHARD, max(1, few_cores), MOST_SHARDS))
    return max(by_rows, min(int(np.ceil(x_bytes / MOST_BYTES)), n_samples))


def shards_of_products(n_samples: int, n_features: int) -> int:
    """The same where sums of products are merged, 8 d^2 bytes of each shard: fewer of wide rows."""
    return min(default_n_shards(n_samples), max(1, MOST_SUMS // (8 * n_features**2)))


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
    n_shards = n_shards or default_n_shards(X.shape[0], bytes_of(X))
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
        assert_all_finite(y, input_name="y")  # None, of which scikit-learn's own check makes NaN
        if intake.check_y is not None:
            intake.check_y(y)
        return X, y, weight, None
    classes = distinct(y)
    codes = encode_labels(y, classes)
    if intake.class_weight is not None:
        counted = weight if intake.balance_by_weight else None
        mass = np.bincount(codes.astype(np.intp), counted, len(classes)).astype(np.float64)
        weight = weigh_rows(weight, weigh_classes(intake.class_weight, classes, mass), codes)
    return X, codes, weight, classes


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
    check_numbers(X)
    classes = class_weight = None
    if intake.classify:
        classes = find_classes(of_targets(shards))
    if classes is not None and intake.class_weight is not None:
        mass = count_classes(of_targets(shards), classes, intake.balance_by_weight)
        class_weight = weigh_classes(intake.class_weight, classes, mass)
    n_features = estimator.n_features_in_
    encode = EncodePartition(
        n_features, numbers_dtype(X, intake.dtypes), classes, class_weight, intake
    )
    shards = shards.kept_through(encode)
    is_sparse, y_ndim = shards.map(_shape)[0]
    return _encoded(shards, n_features, encode.dtype, is_sparse, classes, y_ndim)


def _shape(shard: Shard) -> tuple[bool, int]:
    """What the partitions alone tell: whether they are sparse, and the dimensions of y."""
    return issparse(shard.X), shard.y.ndim
