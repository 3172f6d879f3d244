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

Method = Callable[[Any, Any], Any]


def of_array(method: Method, model: Any, X: Any, columns: Sequence[Any] | None) -> Any:
    """A Dask array, cut as X is."""
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead: X has shape {X.shape}.")
    block = meta_from_array(X, ndim=2, dtype=X.dtype)
    # One row of ones in the type of the blocks, which may be sparse.
    row = np.ones((1, X.shape[1]), X.dtype)
    one = np.asarray(method(model, row if isinstance(block, np.ndarray) else type(block)(row)))
    whole = X.rechunk({1: X.shape[1]})
    if one.ndim == 1:
        return whole.map_blocks(
            _Call(method), delayed(model), drop_axis=1, dtype=one.dtype, meta=one[:0]
        )
    chunks = (whole.chunks[0], (one.shape[1],))
    return whole.map_blocks(
        _Call(method), delayed(model), chunks=chunks, dtype=one.dtype, meta=one[:0]
    )


def of_frame(method: Method, model: Any, X: Any, columns: Sequence[Any] | None) -> Any:
    """A series or a dataframe, with the index of X."""
    call = _CallOnFrame(method, None if columns is None else tuple(columns))
    meta = call(X._meta_nonempty, model).iloc[:0]
    return X.map_partitions(call, delayed(model), meta=meta)


@dataclass(frozen=True)
class _Call:
    """``(block, model) -> array``; an empty block has no rows to show the model."""

    method: Method

    def __call__(self, block: Any, model: Any) -> Any:
        if block.shape[0]:
            return self.method(model, block)
        return np.asarray(self.method(model, _one_row(block)))[:0]


@dataclass(frozen=True)
class _CallOnFrame:
    """``(frame, model) -> series or frame`` with the frame's index."""

    method: Method
    columns: tuple[Any, ...] | None

    def __call__(self, frame: Any, model: Any) -> Any:
        from pandas import DataFrame, Series

        values = frame if len(frame) else frame.reindex([0]).fillna(0).astype(frame.dtypes)
        out = np.asarray(self.method(model, values))[: len(frame)]
        if out.ndim == 1:
            return Series(out, index=frame.index)
        return DataFrame(out, index=frame.index, columns=self.columns)


def _one_row(block: Any) -> Any:
    row = np.zeros((1, block.shape[1]), block.dtype)
    return row if isinstance(block, np.ndarray) else type(block)(row)
