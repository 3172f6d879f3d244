# SPDX-License-Identifier: BSD-3-Clause
"""Columns, before a fit: what containers and Dask collections tell of them, and texts in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from skdist.sharding import has_names


def meta_of(X: Any, named: bool = True) -> Any:
    """A container without rows that has the columns of a Dask collection, their names if `named`.

    Parameters
    ----------
    X : Dask collection
    named : bool, default=True
        Whether a dataframe's columns are to have their names.
    """
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead: X has shape {X.shape}.")
    if getattr(X, "columns", None) is None or not named:
        return np.empty((0, X.shape[1]))
    return plain_texts(X._meta_nonempty).iloc[:0]  # pandas tells texts by looking at them


def learn_columns(estimator: Any, X: Any) -> None:
    """Set the number and the names of the features of a Dask collection."""
    validate_data(estimator, meta_of(X, has_names(X)), skip_check_array=True)


def numbers_dtype(X: Any, dtypes: Sequence[Any]) -> Any:
    """The dtype that scikit-learn's validation would convert a collection to."""
    own = {X.dtype} if hasattr(X, "dtype") else set(X.dtypes)
    return own.pop() if len(own) == 1 and own <= set(map(np.dtype, dtypes)) else np.dtype(dtypes[0])


def check_numbers(X: Any) -> None:
    """Raise for columns of a dataframe that no partition could make numbers of."""
    dtypes = dict(X.dtypes) if hasattr(X, "dtypes") else {}
    others = {name: dtype for name, dtype in dtypes.items() if not _may_be_numbers(dtype)}
    if others:
        listed = ", ".join(f"{name!r} ({dtype})" for name, dtype in others.items())
        raise ValueError(
            f"X has columns that are not numbers: {listed}. Encode them where they are, e.g. with "
            "skdist.preprocessing.DistributedOneHotEncoder or DistributedOrdinalEncoder, make "
            f"numbers of them with X.astype, or leave them out: X.drop(columns={list(others)})."
        )


def _may_be_numbers(dtype: Any) -> bool:
    """Of what is called `object` only the values can tell."""
    named = str(dtype) in ("category", "string", "str")
    return getattr(dtype, "kind", "O") in "biufO" and not named


def plain_texts(X: Any) -> Any:
    """X, if it is a dataframe with texts as Dask stores them as objects, NaN where one is missing.

    Dask turns columns of texts into those of pandas' nullable type, whose missing values
    scikit-learn refuses: what the user gave had None or NaN there.
    """
    kinds = getattr(X, "dtypes", None)
    texts = [] if kinds is None else [c for c, kind in kinds.items() if _is_nullable_text(kind)]
    if not texts:
        return X
    plain = X.copy(deep=False)
    for c in texts:
        plain[c] = X[c].to_numpy(object, na_value=np.nan)
    return plain


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix, or a dataframe of pandas' sparse columns."""
    kinds = [getattr(kind, "name", "") for kind in getattr(X, "dtypes", ())]
    return issparse(X) or (bool(kinds) and all(kind.startswith("Sparse") for kind in kinds))


def _is_nullable_text(kind: Any) -> bool:
    return str(getattr(kind, "name", "")) == "string"


def shape_of(data: Any) -> tuple[int, ...]:
    """Shape of an array, a frame or nested lists."""
    shape = getattr(data, "shape", None)
    return np.asarray(data).shape if shape is None else tuple(shape)
