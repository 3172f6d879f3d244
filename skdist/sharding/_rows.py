# SPDX-License-Identifier: BSD-3-Clause
"""From the user's rows to placed shards."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from skdist.sharding._choice import client_for_collections, executor_for
from skdist.sharding._cost import Meter
from skdist.sharding._dataset import ShardedDataset
from skdist.sharding._executors import Executor
from skdist.sharding._partition import cut_shards
from skdist.sharding._type_table import class_names, look_up


def shard_rows(
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    n_shards: int | None,
    n_jobs: int | None = None,
    seed: int = 0,
    align: int = 1,
) -> ShardedDataset:
    """Cut rows into shards and place each once where its tasks will run.

    The cut depends on the number of rows, `n_shards` and `align` only, never on the workers.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        numpy array or memmap, CSR or CSC matrix, pandas, polars or pyarrow table, Dask array or
        dataframe. A Dask collection's partitions are the shards; they are never gathered.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
    sample_weight : array-like of shape (n_samples,), optional
    n_shards : int or None
        How many shards; ``None`` for a Dask collection, which is cut already.
    n_jobs : int, optional
        See :func:`effective_workers`.
    seed : int, default=0
        The shards' seeds derive from (`seed`, shard number).
    align : int, default=1
        Cuts are at multiples of this many rows.

    Returns
    -------
    shards : ShardedDataset

    Raises
    ------
    ValueError
        When there are fewer rows than shards, or lengths differ.
    TypeError
        When the container is not one of the above.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.sharding import shard_rows
    >>> shards = shard_rows(np.eye(4), [0, 1, 0, 1], n_shards=2, n_jobs=1)
    >>> shards.map(lambda shard: int(shard.y.sum()))
    [1, 1]
    """
    executor, meter = executor_for(n_jobs), Meter()
    columns = {"X": X, "y": y, "sample_weight": sample_weight}
    if is_dask(X):
        return ShardedDataset(*_cut_collection(columns, n_shards, executor, seed, meter), meter)
    _refuse_dask(columns)
    if n_shards is None:
        raise ValueError("n_shards=None was given; choose how many shards to cut the rows into.")
    shards = cut_shards(X, y, sample_weight, n_shards=n_shards, seed=seed, align=align)
    pieces = executor.place(shards, meter)
    return ShardedDataset(executor, pieces, [shard.rows for shard in shards], meter)


def of_targets(shards: ShardedDataset) -> ShardedDataset:
    """The same shards, as :func:`shard_rows` made them, for functions that look at y alone.

    Where rows are streamed their X is not read: it is y, if there is one.
    """
    if not shards.streams:
        return shards
    executor: Any = shards._executor
    return replace(shards, _pieces=executor.targets)


def is_dask(value: Any) -> bool:
    """Whether `value` is a Dask array, dataframe or series."""
    names = class_names(value)
    return bool({"dask.Array", "dask.DataFrame", "dask.Series"}.intersection(names))


def lazily(
    method: Callable[[Any, Any], Any],
    model: Any,
    X: Any,
    columns: Sequence[Any] | None = None,
    like: Any = None,
) -> Any:
    """``method(model, block)`` of each block of rows.

    Parameters
    ----------
    method : callable
        ``method(model, block)`` -> array of shape (n,) or (n, k), or sparse matrix, one row for a
        row of the block; module-level. Without `like` it is called here once, with a row or two
        that are made up, to learn k and the dtype.
    model : any
    X : Dask array or dataframe
    columns : sequence, optional
        Names of the k columns, where X is a dataframe.
    like : {ndarray, sparse matrix} of shape (1, k), optional
        What `method` gives for a row.

    Returns
    -------
    collection
        A Dask array, cut as X is, if X is one, of sparse blocks where `method` gives such; else a
        series, or a dataframe of k columns, with the index of X. Its columns are pandas' sparse
        ones where `method` gives a sparse matrix.
    """
    from skdist.sharding._lazy import of_array, of_frame

    make = look_up({"dask.Array": of_array, "dask.DataFrame": of_frame}, X)
    if make is None:
        raise TypeError(
            f"X is a {type(X).__name__}, which has no columns. Pass a Dask array of two dimensions "
            "or a dataframe."
        )
    return make(method, model, X, columns, like)


def as_nameless(X: Any) -> Any:
    """A Dask dataframe that stands for an array: models need not remember its columns' names."""
    from skdist.sharding._lazy import without_names

    return without_names(X)


def has_names(X: Any) -> bool:
    """Whether a Dask collection has columns whose names a model is to remember."""
    from skdist.sharding._lazy import is_nameless

    return getattr(X, "columns", None) is not None and not is_nameless(X)


def as_frame(array: Any, columns: Sequence[Any]) -> Any:
    """A Dask array of two dimensions as a Dask dataframe, of unknown divisions if need be."""
    from dask.dataframe import from_dask_array

    return from_dask_array(array, columns=list(columns))


def _cut_collection(
    columns: dict[str, Any], n_shards: int | None, local: Executor, seed: int, meter: Meter
) -> tuple[Executor, list[Any], list[range]]:
    """Executor, pieces and rows of a Dask collection; its partitions are the shards."""
    from skdist.sharding._collections import cut_on_cluster, cut_streamed

    if n_shards is not None:
        raise ValueError(
            f"n_shards={n_shards} was given for a Dask collection, whose partitions are the "
            "shards. Leave n_shards=None, and choose the partitions with X.rechunk or "
            "X.repartition."
        )
    client = client_for_collections()
    if client is None:
        return cut_streamed(columns, local, seed, meter)
    return cut_on_cluster(columns, client, seed, meter)


def _refuse_dask(columns: dict[str, Any]) -> None:
    """X is local; what belongs to it must be, too."""
    for name, values in columns.items():
        if is_dask(values):
            raise TypeError(
                f"X is a {class_names(columns['X'])[0]} but {name} is a {class_names(values)[0]}. "
                f"Give {name} as an array, {name}.compute(), or X as a Dask collection cut alike."
            )


def lengths_in_common(collections: Sequence[Any]) -> tuple[int, list[int] | None]:
    """How many partitions Dask collections have, and the rows of each if some collection knows.

    Raises
    ------
    ValueError
        Where two collections are not cut alike.
    """
    from skdist.sharding._pick import lengths_in_common

    return lengths_in_common(collections)


def count_lengths(collections: Sequence[Any]) -> list[int]:
    """Rows of each partition of Dask collections that are cut alike.

    Where none knows them, the partitions of the last collection are computed, and counted.
    """
    from skdist.sharding._pick import count_lengths

    return count_lengths(collections)


def first_rows(collections: Sequence[Any], k: int, n: int) -> list[Any]:
    """Up to n rows of partition k of Dask collections, computed; None of one that is None."""
    from skdist.sharding._pick import first_rows

    return first_rows(collections, k, n)


def pick(
    choose: Callable[[int, int, Any], Any],
    X: Any,
    *,
    along: Any = None,
    companion: Any = None,
    lengths: Sequence[int] | None = None,
) -> Any:
    """Some rows of every partition of a Dask collection: ``X[k][choose(k, rows in it, along[k])]``.

    Parameters
    ----------
    choose : callable
        ``choose(k, n_rows, values)`` -> positions of rows, ascending; module-level and pure.
        `values` are those of `along`, or None.
    X : Dask array, dataframe or series
    along : Dask array or series, optional
        What the choice looks at, cut as X is.
    companion : Dask collection, optional
        One that must have as many rows in each partition; an error says so if it has not.
    lengths : sequence of int, optional
        How many rows are chosen of each partition, where that is known.

    Returns
    -------
    collection
        Of the type of X, not computed yet.
    """
    from skdist.sharding._pick import pick

    return pick(choose, X, along, companion, lengths)
