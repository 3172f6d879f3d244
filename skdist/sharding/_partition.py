# SPDX-License-Identifier: BSD-3-Clause
"""Cutting rows: arrays, memory maps, sparse matrices, frames.

Where to cut is a function of the number of rows, the number of shards and the alignment only.
Cutting copies nothing where the container can be sliced in place.
"""

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from skdist.sharding._shard import Shard, compressed, shard_seed
from skdist.sharding._type_table import class_names, look_up


def row_ranges(n_samples: int, n_shards: int, align: int = 1) -> list[range]:
    """Cut ``range(n_samples)`` into `n_shards` contiguous ranges at multiples of `align`.

    With ``u = n_samples // align`` whole units, the first ``u % n_shards`` ranges get one unit
    more than the others, and the last range also gets the remaining rows: lengths differ by at
    most `align`. With ``align=1`` these are the cuts of :func:`numpy.array_split`.

    Parameters
    ----------
    n_samples, n_shards, align : int

    Raises
    ------
    ValueError
        When a number is not positive, or there are fewer units than shards.

    Examples
    --------
    >>> row_ranges(10, 3)
    [range(0, 4), range(4, 7), range(7, 10)]
    >>> row_ranges(10, 2, align=4)
    [range(0, 4), range(4, 10)]
    """
    n_shards, align = _positive(n_shards, "n_shards"), _positive(align, "align")
    units = max(n_samples // align, min(n_samples, 1))
    if n_shards > units:
        unit = "rows" if align == 1 else f"whole blocks of align={align} rows"
        raise ValueError(
            f"n_shards={n_shards} was given for {n_samples} rows, which hold {units} {unit}; "
            f"every shard needs at least one. Choose n_shards between 1 and {max(units, 1)}."
        )
    base, extra = divmod(units, n_shards)
    cuts = [align * (k * base + min(k, extra)) for k in range(n_shards)] + [n_samples]
    return [range(start, stop) for start, stop in pairwise(cuts)]


def cut_shards(
    X: Any, y: Any, sample_weight: Any, *, n_shards: int, seed: int, align: int
) -> list[Shard]:
    """Cut local containers into shards; see :func:`skdist.sharding.shard_rows`."""
    cut = look_up(_CUTTERS, X)
    if cut is None:
        raise TypeError(
            f"X of type {class_names(X)[0]!r} cannot be cut into shards. Allowed: numpy "
            "arrays and memmaps, scipy CSR and CSC, pandas, polars and pyarrow tables, Dask "
            "arrays and dataframes. Convert it first, e.g. X.tocsr(), X.collect() or np.asarray(X)."
        )
    rows = row_ranges(count_rows(X), n_shards, align)
    pieces = cut(X, rows)
    targets = _cut_column(y, "y", rows)
    weights = _cut_column(sample_weight, "sample_weight", rows)
    return [
        Shard(pieces[k], targets[k], weights[k], rows[k], shard_seed(seed, k), k, len(rows))
        for k in range(len(rows))
    ]


def count_rows(X: Any) -> int:
    """Rows of a local container."""
    count = look_up(_COUNTERS, X)
    return int(X.shape[0]) if count is None else count(X)


def _cut_column(column: Any, name: str, rows: Sequence[range]) -> list[Any]:
    """Cut `y` or `sample_weight` like the rows; ``None`` stays ``None``."""
    if column is None:
        return [None] * len(rows)
    values = column if look_up(_SPARSE_CUTTERS, column) else np.asarray(column)
    length = int(values.shape[0]) if values.ndim else 0
    if length != rows[-1].stop:
        raise ValueError(
            f"X has {rows[-1].stop} rows but {name} has {length}. Give one entry of {name} per "
            "row of X."
        )
    cut = look_up(_CUTTERS, values)
    assert cut is not None
    return cut(values, rows)


def _positive(value: int, name: str) -> int:
    number = operator.index(value)
    if number < 1:
        raise ValueError(f"{name}={value!r} was given; it must be a whole number of at least 1.")
    return number


def _cut_array(X: Any, rows: Sequence[range]) -> list[Any]:
    # np.asarray drops the memmap subclass but stays mapped to the file.
    return [np.asarray(X)[r.start : r.stop] for r in rows]


def _cut_list(X: Any, rows: Sequence[range]) -> list[Any]:
    return _cut_array(np.asarray(X), rows)


def _cut_csr(X: Any, rows: Sequence[range]) -> list[Any]:
    """Views of the three arrays: slicing a CSR matrix in scipy would copy its entries."""
    return [_csr_rows(X, r) for r in rows]


def _csr_rows(X: Any, r: range) -> Any:
    first, last = int(X.indptr[r.start]), int(X.indptr[r.stop])
    indptr = X.indptr[r.start : r.stop + 1] - X.indptr[r.start]
    shape = (len(r), X.shape[1])
    return compressed(type(X), X.data[first:last], X.indices[first:last], indptr, shape)


def _cut_csc(X: Any, rows: Sequence[range]) -> list[Any]:
    return [X[r.start : r.stop] for r in rows]


def _cut_pandas(X: Any, rows: Sequence[range]) -> list[Any]:
    return [X.iloc[r.start : r.stop] for r in rows]


def _cut_by_offset(X: Any, rows: Sequence[range]) -> list[Any]:
    return [X.slice(r.start, len(r)) for r in rows]


_SPARSE_CUTTERS = {
    "scipy.csr_matrix": _cut_csr,
    "scipy.csr_array": _cut_csr,
    "scipy.csc_matrix": _cut_csc,
    "scipy.csc_array": _cut_csc,
}

_CUTTERS = _SPARSE_CUTTERS | {
    "numpy.ndarray": _cut_array,
    "builtins.list": _cut_list,
    "pandas.DataFrame": _cut_pandas,
    "polars.DataFrame": _cut_by_offset,
    "pyarrow.Table": _cut_by_offset,
}

_COUNTERS = {"builtins.list": len}
