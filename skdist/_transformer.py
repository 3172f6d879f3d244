# SPDX-License-Identifier: BSD-3-Clause
"""What transformers share: one round of sums, and scikit-learn's own fit where that is better."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, attrgetter
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

from skdist._carried_settings import CarriesSettings
from skdist._columns import learn_columns, numbers_dtype
from skdist._encode_partition import EncodePartition
from skdist._estimator import Stopwatch
from skdist._lazy_transform import TransformsOnCollections
from skdist._merge_checks import check_columns, check_equal, check_kinds, take_columns
from skdist._report import FitReport, ShardFacts
from skdist._rows import Intake, default_n_shards
from skdist._sklearn import check_sample_weight, num_samples
from skdist._watching import Watched
from skdist._whole_fit import whole_fit
from skdist.sharding import is_dask, shard_rows

# Numbers in memory up to which scikit-learn's own fit is as fast.
FEW_NUMBERS = 1 << 18


@dataclass(frozen=True, eq=False)
class TypedSums:
    """Sums, and the dtype of the rows that they are of; ``+`` adds, and promotes.

    Parameters
    ----------
    sums : any summary
    dtype : dtype
    """

    sums: Any
    dtype: np.dtype[Any]

    def __add__(self, other: TypedSums) -> TypedSums:
        return TypedSums(self.sums + other.sums, np.result_type(self.dtype, other.dtype))


class ShardedTransformer(TransformsOnCollections, CarriesSettings, Watched):
    """Mixin in front of a scikit-learn transformer whose fit is a function of merged sums.

    A class says what is summed (`_sum_up`, of shards), what sums mean (`_take`), which rows it
    takes (`_shards`), and when scikit-learn's own fit is run (`_why_alone`).
    """

    _method = "moments"
    _rounds_are_alike = True
    _most_rounds = 1

    @whole_fit
    def fit(self, X, y=None):
        """Learn from all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            What scikit-learn's class takes, or a Dask array or dataframe of that.
        y : None
            Without effect.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses. The transformer is then as it was before.
        TypeError
            For a Dask collection, where what is asked for needs all rows in memory.
        """
        self._fit_sums(X)

    @whole_fit
    def fit_shard(self, X, y=None):
        """Learn from the rows that are here, and keep what a :func:`skdist.merge` needs.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : None
            Without effect.

        Returns
        -------
        self
        """
        self._fit_sums(X, keep=True)

    def _fit_sums(self, X, sample_weight=None, *, keep=False):
        """Validate, shard, sum up, expose."""
        watch = Stopwatch()
        self._sums = None
        why = self._why_alone(X, sample_weight, keep)
        if why:
            self._fit_alone(X, sample_weight, why, watch)
            if keep and self._kept() is None:
                raise ValueError(f"fit_shard keeps sums that can be merged, but {why}")
            return
        shards = self._shards(X, sample_weight)
        watch.lap("prepare")
        sums = self._sum_up(shards, keep)
        watch.lap("sums")
        self._check_finite(X, sums)
        self._take(sums)
        know_columns(self, X)
        watch.lap("finish")
        self._sums = sums if keep else None
        self.n_shards_ = shards.n_shards
        report = FitReport(
            method=self._method,
            strategy="sums",
            exact=True,
            why=("Sums over the shards tell what all rows would.",),
            seconds=watch.seconds,
            shards=tuple(ShardFacts(rows, float(len(rows)), (), 0.0) for rows in shards.rows),
        )
        self.report_ = report.charged(shards.cost)

    def _fit_alone(self, X, sample_weight, why, watch):
        """scikit-learn's own fit."""
        if is_dask(X):
            raise TypeError(
                f"X is a Dask collection, and {why} That needs all rows in memory: compute() X, or "
                "choose what merges."
            )
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._fit_plainly(X, **weight)
        self._report_alone(why, watch)

    def _report_alone(self, why, watch):
        """What a fit of scikit-learn's own did."""
        watch.lap("fit")
        self.n_shards_ = 1
        self.report_ = FitReport(
            method="scikit-learn", strategy="local", exact=True, why=(why,), seconds=watch.seconds
        )

    def _fit_plainly(self, X, **options):
        """scikit-learn's own fit, whatever becomes of it."""
        return super().fit(X, **options)

    def _why_alone(self, X, sample_weight, keep):
        """Why scikit-learn's own fit is run; "" where it is not."""
        if is_dask(X):
            return ""
        if not keep and self.n_shards is None and n_numbers(X) <= FEW_NUMBERS:
            return f"X has no more than {FEW_NUMBERS:,} values."
        return ""

    def _default_n_shards(self, X):
        """Pieces of rows in memory, where `n_shards` does not say."""
        return default_n_shards(num_samples(X))

    def _check_finite(self, X, sums):
        """Raise scikit-learn's error for infinite values; sums tell whether there are any."""

    def _kept(self):
        """The sums behind a fitted transformer, for a merge; None if it did not keep them."""
        return vars(self).get("_sums")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        return tags


class NumberTransformer(ShardedTransformer):
    """The same of transformers that take numbers: rows are validated, and cut."""

    _intake = Intake(allow_nan=True)

    def _shards(self, X, sample_weight=None):
        intake = self._intake
        if is_dask(X):
            shards = shard_rows(X, None, sample_weight, n_shards=self.n_shards, n_jobs=self.n_jobs)
            learn_columns(self, X)
            dtype = numbers_dtype(X, intake.dtypes)
            view = EncodePartition(self.n_features_in_, dtype, None, None, intake)
            return shards.seen_through(view)
        X = validate_data(
            self,
            X,
            accept_sparse=("csr", "csc") if intake.accept_sparse else False,
            dtype=list(intake.dtypes),
            ensure_all_finite=not intake.allow_nan,  # else the sums tell: see _check_finite
        )
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        n_shards = self.n_shards or self._default_n_shards(X)
        return shard_rows(X, None, weight, n_shards=n_shards, n_jobs=self.n_jobs)

    def _check_finite(self, X, sums):
        if self._intake.allow_nan and not is_dask(X) and not self._looks_finite(sums):
            values = X if issparse(X) else np.asarray(X)
            name = type(self).__name__
            assert_all_finite(values, allow_nan=True, estimator_name=name, input_name="X")


def n_numbers(X: Any) -> int:
    """Values in X; 0 where only validation will tell, as of lists."""
    if issparse(X):
        return int(X.nnz)
    shape = getattr(X, "shape", ())
    return int(shape[0]) * int(shape[1]) if len(shape) == 2 else 0


def know_columns(transformer: Any, X: Any) -> None:
    """Set the number and the names of the features."""
    if is_dask(X):
        learn_columns(transformer, X)
    else:
        validate_data(transformer, X, skip_check_array=True)


def merge_transformers(
    first: Any, models: Sequence[Any], X: Any, y: Any, sample_weight: Any, ours: type
) -> Any:
    """What one fit to all rows would have given."""
    if X is not None:
        raise ValueError(
            "merge got rows to check the merged model on, but transformers that merge are what "
            "one fit to all rows gives. Leave X and y out."
        )
    _check_alike(models)
    common = ours().get_params(deep=False)
    given = first.get_params(deep=False)
    merged = ours(**{name: given.get(name, default) for name, default in common.items()})
    merged._sums = None
    kept = [ours._kept(model) for model in models]
    if any(sums is None for sums in kept):
        raise ValueError(
            f"Model {[sums is None for sums in kept].index(True)} kept no sums that could be "
            f"merged. Fit {ours.__name__} with fit_shard at every place."
        )
    sums = reduce(add, kept)
    merged._take(sums)
    take_columns(merged, first)
    merged._sums = sums
    merged.n_shards_ = sum(vars(model).get("n_shards_", 1) for model in models)
    why = ("Sums were added: this is the fit to all rows.",)
    merged.report_ = FitReport(method="merge", strategy="sums", exact=True, why=why)
    return merged


def _check_alike(models: Sequence[Any]) -> None:
    """Raise unless the models do the same to the same features."""
    kind = check_kinds(models)
    check_columns(models)
    for name in kind().get_params(deep=False):
        if name != "copy":
            check_equal(models, name, attrgetter(name), _same)


def _same(a: Any, b: Any) -> bool:
    """Equality of parameters, NaN and arrays of any length among them."""
    with np.printoptions(threshold=sys.maxsize):
        return a is b or repr(a) == repr(b)
