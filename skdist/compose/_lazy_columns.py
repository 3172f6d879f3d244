# SPDX-License-Identifier: BSD-3-Clause
"""How a ColumnTransformer is fitted to a Dask collection, and what it then gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import validate_data

from skdist._columns import is_sparse, meta_of, plain_texts
from skdist._lazy_transform import TransformsLazily
from skdist._sklearn import (
    chosen_columns,
    fit_context,
    give_fitted,
    output_container,
    sparse_as_configured,
)
from skdist._whole_fit import all_or_nothing, unchanged_on_error
from skdist.compose._bill import added_up, bills_of
from skdist.sharding import Shard, is_dask, shard_rows


class LazyColumns(TransformsLazily):
    """Mixin in front of ColumnTransformer."""

    @property
    def report_(self):
        """The bills of the fitted transformers, added up; the parts are in its `extra`."""
        parts = [(name, step) for name, step, _ in self.transformers_]
        bills = dict(bill for name, step in parts for bill in bills_of(name, step))
        if not bills:
            raise AttributeError("No transformer of skdist was fitted: there is no bill.")
        return added_up(bills)

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit each transformer to its columns.

        Parameters
        ----------
        X : {array-like, dataframe, Dask collection} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
            What the transformers are given besides; those of skdist take no notice.
        **params : dict
            What scikit-learn's class routes to the transformers; not of a collection.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            For a Dask collection, where a transformer would gather it.
        """
        if not is_dask(X):
            with unchanged_on_error(self):
                return super().fit(X, y, **params)
        if params:
            raise ValueError(
                f"X is a Dask collection, and {sorted(params)} were passed, which are routed to "
                "transformers of data in memory only. Fit the transformers with them by themselves."
            )
        with all_or_nothing(self):
            self._fit_collection(X, y)
        return self

    def fit_transform(self, X, y=None, **params):
        """Fit each transformer to its columns, and transform them.

        Parameters
        ----------
        X : {array-like, dataframe, Dask collection} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
        **params : dict
            As of `fit`.

        Returns
        -------
        X_out : {ndarray, sparse matrix, dataframe, Dask collection}
            Of shape (n_samples, n_features_out).
        """
        with unchanged_on_error(self):
            return super().fit_transform(X, y, **params)

    def _fit_collection(self, X, y):
        meta = meta_of(X)
        validate_data(self, meta, skip_check_array=True)
        chosen = chosen_columns(self, meta)
        for name, transformer, _, by_scalar in chosen:
            _check_lazy(name, transformer, by_scalar)
        fitted, parts = [], []
        for _, transformer, columns, _ in chosen:
            part = _columns(X, columns)
            if isinstance(transformer, str):  # "passthrough"
                fitted.append(_passing(self).fit(meta_of(part)))
                parts.append(part)
            else:
                fitted.append(clone(transformer).fit(part, y))
                parts.append(fitted[-1].transform(part))
        give_fitted(self, fitted, [part.shape[1] for part in parts], self._is_sparse(parts))

    def _is_sparse(self, parts):
        """Whether the result is, by the share of values that are not zero."""
        if not any(map(_is_sparse_part, parts)):
            return False
        filled = [shard_rows(part, None, n_shards=None).map_reduce(count_filled) for part in parts]
        return bool(sum(filled)[0] < self.sparse_threshold * sum(filled)[1])

    def _check_columns(self, X):
        names = getattr(X, "columns", None)
        if names is None or "feature_names_in_" not in vars(self):
            validate_data(self, meta_of(X), reset=False, skip_check_array=True)
            return
        taken = [list(at) for _, t, at in self._taken() if not isinstance(t, str) or t != "drop"]
        lacking = {self.feature_names_in_[j] for at in taken for j in at} - set(names)
        if lacking:
            raise ValueError(f"columns are missing: {lacking}")

    def _taken(self):
        """Name, fitted transformer and columns of those that take any."""
        indices = self._transformer_to_input_indices
        return [(name, t, indices[name]) for name, t, _ in self.transformers_ if indices[name]]

    def _like(self, X):
        """What the transformers say of their columns, side by side."""
        parts = []
        for _, transformer, at in self._taken():
            if isinstance(transformer, str):
                continue
            by_name = getattr(X, "columns", None) is not None and "feature_names_in_" in vars(self)
            part = X[list(self.feature_names_in_[at])] if by_name else _columns(X, at)
            passes = type(transformer) is FunctionTransformer
            parts.append(part if passes else transformer.transform(part))
        if output_container(self) == "pandas":
            return _frames_beside(parts)
        row = np.zeros((1, sum(part.shape[1] for part in parts)), _common_dtype(parts))
        return sparse_as_configured(csr_matrix(row)) if self.sparse_output_ else row


def _columns(X: Any, indices: Sequence[int]) -> Any:
    """Some columns of a collection, still lazy."""
    names = getattr(X, "columns", None)
    return X[:, list(indices)] if names is None else X[[names[j] for j in indices]]


def _passing(transformer: Any) -> FunctionTransformer:
    """What scikit-learn's class passes columns through with; it learns nothing of them."""
    passes = FunctionTransformer(
        accept_sparse=True, check_inverse=False, feature_names_out="one-to-one"
    )
    return passes.set_output(transform=output_container(transformer))


def _check_lazy(name: str, transformer: Any, by_scalar: bool) -> None:
    """Raise for a transformer that would gather a collection."""
    if by_scalar:
        raise ValueError(
            f"The columns of {name!r} are a single name, which selects a series. Of a Dask "
            "collection give a list, e.g. ['column']."
        )
    steps = [step for _, step in transformer.steps] if type(transformer) is Pipeline else []
    for step in steps or [transformer]:
        lazy = isinstance(step, TransformsLazily) or step in ("passthrough", None)
        if not lazy:
            raise TypeError(
                f"X is a Dask collection, which {type(step).__name__}, in the transformer of "
                f"{name!r}, would gather. Take one of skdist's, e.g. DistributedStandardScaler, or "
                "compute() X."
            )


def count_filled(shard: Shard) -> np.ndarray:
    """Values that are stored, all of what is dense, and values there are."""
    n_values = shard.X.shape[0] * shard.X.shape[1]
    stored = n_values
    if is_sparse(shard.X):
        frame = getattr(shard.X, "sparse", None)
        stored = (shard.X if frame is None else frame.to_coo()).nnz
    return np.array([stored, n_values])


def _is_sparse_part(part: Any) -> bool:
    return is_sparse(part._meta)


def _kinds(part: Any) -> list[Any]:
    """Dtypes of the columns of a collection, of sparse ones those of their values."""
    if getattr(part, "columns", None) is None:
        return [part.dtype]
    kinds = [getattr(kind, "subtype", kind) for kind in plain_texts(part._meta).dtypes]
    return [kind if isinstance(kind, np.dtype) else np.dtype(object) for kind in kinds]


def _common_dtype(parts: list[Any]) -> Any:
    """The dtype of one array of all parts."""
    kinds = [kind for part in parts for kind in _kinds(part)]
    return np.result_type(*kinds) if kinds else np.dtype(np.float64)


def _frames_beside(parts: list[Any]) -> Any:
    """A dataframe without rows of the columns of all parts."""
    from pandas import concat

    return concat([plain_texts(part._meta) for part in parts], axis=1)
