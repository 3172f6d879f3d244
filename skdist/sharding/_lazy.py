# SPDX-License-Identifier: BSD-3-Clause
"""A method of a fitted model on the rows of a Dask collection, as one not computed yet.

    out[k] = method(model, X[k])        for each partition k, where that partition is

The model is one value of the graph: it travels once to every worker that needs it, however many
partitions there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dask.array.utils import meta_from_array
from dask.delayed import delayed
from scipy.sparse import issparse

from skdist.sharding._type_table import class_names

Method = Callable[[Any, Any], Any]

# In the attributes of a dataframe: it is one for the sake of its index, and its columns have names
# that the next model should not insist on, as those of an array have none.
NAMELESS = "skdist: stands for an array"


def of_array(
    method: Method, model: Any, X: Any, columns: Sequence[Any] | None, like: Any = None
) -> Any:
    """A Dask array, cut as X is, (n, d) or, of images and the like, (n, ...)."""
    if X.ndim < 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead: X has shape {X.shape}.")
    one = _dense_or_sparse(method(model, _ones(X)) if like is None else like)
    call = _Call(method, one[:0])
    axes = range(1, X.ndim)
    whole = X.rechunk({axis: X.shape[axis] for axis in axes})
    kind = {"dtype": one.dtype, "meta": one[:0]}
    if one.ndim < X.ndim:
        kind["drop_axis"] = list(axes)[one.ndim - 1 :]
    if one.ndim > 1:
        kind["chunks"] = (whole.chunks[0], *((size,) for size in one.shape[1:]))
    return whole.map_blocks(call, delayed(model), **kind)


def of_frame(
    method: Method, model: Any, X: Any, columns: Sequence[Any] | None, like: Any = None
) -> Any:
    """A series or a dataframe, with the index of X."""
    names = None if columns is None else tuple(columns)
    nameless = is_nameless(X)
    if like is None:
        like = method(model, _values(X._meta_nonempty) if nameless else X._meta_nonempty)
    one = like
    if not _is_frame(one):
        one = _dense_or_sparse(one)
    elif names is not None:
        one = one.set_axis(list(names), axis=1)
    call = _CallOnFrame(method, names, one[:0], nameless)
    return X.map_partitions(call, delayed(model), meta=call(X._meta, model))


@dataclass(frozen=True)
class _Call:
    """``(block, model) -> array``; an empty block has no rows to show the model."""

    method: Method
    nothing: Any

    def __call__(self, block: Any, model: Any) -> Any:
        if block.shape[0] == 0:
            return self.nothing
        return _of_dtype(_dense_or_sparse(self.method(model, block)), self.nothing.dtype)


@dataclass(frozen=True)
class _CallOnFrame:
    """``(frame, model) -> series or frame`` with the frame's index."""

    method: Method
    columns: tuple[Any, ...] | None
    nothing: Any
    nameless: bool = False

    def __call__(self, frame: Any, model: Any) -> Any:
        from pandas import DataFrame, Series

        if len(frame) == 0:
            out = self.nothing
        else:
            out = self.method(model, _values(frame) if self.nameless else frame)
        if _is_frame(self.nothing):
            kinds = self.nothing.dtypes
            return out.set_axis(kinds.index, axis=1).set_axis(frame.index).astype(dict(kinds))
        out = _of_dtype(_dense_or_sparse(out), self.nothing.dtype)
        if issparse(out):
            return DataFrame.sparse.from_spmatrix(out, index=frame.index, columns=self.columns)
        # Said, since pandas would make texts of objects, though not where there are no rows.
        kind = object if out.dtype == object else None
        if out.ndim == 1:
            return Series(out, index=frame.index, dtype=kind)
        return DataFrame(out, index=frame.index, columns=self.columns, dtype=kind)


def is_nameless(X: Any) -> bool:
    """Whether a Dask dataframe stands for an array."""
    return bool(getattr(getattr(X, "_meta", None), "attrs", {}).get(NAMELESS))


def without_names(X: Any) -> Any:
    """A Dask dataframe that stands for an array."""
    meta = X._meta.copy()
    meta.attrs[NAMELESS] = True
    return X.map_partitions(_itself, meta=meta)


def _itself(frame: Any) -> Any:
    return frame


def _values(frame: Any) -> Any:
    """A dataframe as an array, or a sparse matrix if its columns are sparse."""
    kinds = [getattr(kind, "name", "") for kind in frame.dtypes]
    if kinds and all(kind.startswith("Sparse") for kind in kinds):
        return frame.sparse.to_coo().tocsr()
    return frame.to_numpy()


def _dense_or_sparse(values: Any) -> Any:
    return values if issparse(values) else np.asarray(values)


def _is_frame(values: Any) -> bool:
    """Whether columns have dtypes of their own."""
    return "pandas.DataFrame" in class_names(values)


def _of_dtype(values: Any, dtype: Any) -> Any:
    """Every block in the dtype that the collection says it has; texts may be longer."""
    if values.dtype == dtype or dtype.kind in "SU":
        return values
    return values.astype(dtype)


def _ones(X: Any) -> Any:
    """One row of ones in the type of the blocks, which may be sparse."""
    block = meta_from_array(X, ndim=X.ndim, dtype=X.dtype)
    row = np.ones((1, *X.shape[1:]), X.dtype)
    return row if isinstance(block, np.ndarray) else type(block)(row)
