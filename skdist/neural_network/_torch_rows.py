# SPDX-License-Identifier: BSD-3-Clause
"""From a net's data set to shards of rows, and from a shard's rows to batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import skorch.dataset
import torch
from scipy.sparse import issparse
from skorch.utils import is_pandas_ndframe, multi_indexing
from torch.utils.data import DataLoader, Dataset, Subset

from skdist._report import ShardFacts
from skdist.sharding import Shard, ShardedDataset, shard_rows

# Settings of an iterator that say which rows a batch has: the driver does.
OF_THE_ORDER = {"batch_size", "shuffle", "sampler", "batch_sampler", "drop_last", "generator"}

Positions = np.ndarray


class Rows(Protocol):
    """The rows of one shard."""

    def batches(self, net: Any, positions: Sequence[Positions]) -> Iterable[Any]:
        """Batches ``(X, y)`` of tensors, of the rows at these places of the shard."""


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """Rows of arrays, gathered a batch at a time.

    Parameters
    ----------
    X : array, sparse matrix or tensor of n rows, or a dict or list of these
    y : the same, or None
    """

    X: Any
    y: Any

    def batches(self, net: Any, positions: Sequence[Positions]) -> Iterator[Any]:
        """See `Rows`."""
        for rows in positions:
            y = torch.zeros(len(rows), 1) if self.y is None else taken(self.y, rows)
            yield [taken(self.X, rows), y]


@dataclass(frozen=True, eq=False)
class DatasetRows:
    """Rows that a data set of torch makes, loaded with the settings of the net.

    Parameters
    ----------
    dataset : torch Dataset
    positions : ndarray of int
        Which of its items are the rows.
    """

    dataset: Any
    positions: np.ndarray

    def batches(self, net: Any, positions: Sequence[Positions]) -> Iterable[Any]:
        """See `Rows`."""
        settings = net.get_params_for("iterator_train")
        kept = {key: value for key, value in settings.items() if key not in OF_THE_ORDER}
        wanted = [self.positions[rows].tolist() for rows in positions]
        return net.iterator_train(self.dataset, batch_sampler=wanted, **kept)


def taken(values: Any, rows: Positions) -> Any:
    """The given rows, of whatever skorch takes, as tensors; the copies may be written to."""
    return each_array(values, lambda array: _tensor(_gathered(array, rows)))


def each_array(values: Any, function: Callable[[Any], Any]) -> Any:
    """`function` of an array, or of every array in a dict or a list, as skorch nests them."""
    if isinstance(values, Mapping):
        return {key: each_array(value, function) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [each_array(value, function) for value in values]
    return function(values)


def _gathered(values: Any, rows: Positions) -> Any:
    # skorch looks at every number of the row to find out what kind of index it is.
    return values[rows] if type(values) is np.ndarray else multi_indexing(values, rows)


def _tensor(rows: Any) -> torch.Tensor:
    return torch.as_tensor(rows.toarray() if issparse(rows) else rows)


@dataclass(frozen=True, eq=False)
class PlacedRows(Dataset):
    """The rows of a Dask collection, which stay on their workers; partitions are the shards.

    Parameters
    ----------
    shards : ShardedDataset
        Whose shards have a `Rows` as X.
    table : tuple of ShardFacts
    """

    shards: ShardedDataset
    table: tuple[ShardFacts, ...]

    def __len__(self) -> int:
        return self.shards.n_samples

    def __getitem__(self, i: Any) -> Any:
        raise TypeError(
            "The rows of a Dask collection are not gathered, so that nobody can look at them here. "
            "Take train_split=None or skorch.helper.predefined_split, and no callback that reads "
            "training batches; or compute() X and y."
        )


def a_batch(shards: ShardedDataset) -> Any:
    """The first row that there is on shards of `ArrayRows`, as a batch.

    Cost: one round, in which a row of each shard comes up.
    """
    return next(batch for batch in shards.map(_first_row) if batch is not None)


def _first_row(shard: Shard) -> Any:
    return next(iter(shard.X.batches(None, [np.zeros(1, np.intp)]))) if shard.n_rows else None


def placed(shards: ShardedDataset, table: tuple[ShardFacts, ...]) -> PlacedRows:
    """The partitions of a Dask collection, as rows to train on, and what is known of them."""
    return PlacedRows(shards.kept_through(_as_rows), table)


def place_rows(
    net: Any, dataset: Any, order: np.ndarray | None, n_shards: int, n_jobs: int | None
) -> ShardedDataset:
    """Cut the rows of a training set into shards.

    Parameters
    ----------
    net : the net, whose settings tell how rows are loaded
    dataset : torch Dataset
        What skorch's iterator would load.
    order : ndarray of int or None
        Shards are cut from the rows in this order.
    n_shards : int
    n_jobs : int or None

    Returns
    -------
    ShardedDataset
        Whose shards have a `Rows` as X.
    """
    base, positions = _base_of(dataset)
    if order is not None:
        positions = positions[order]
    if not _is_plain(net, base):
        shards = shard_rows(positions, n_shards=n_shards, n_jobs=n_jobs)
        return shards.map_shards(_items_of, base)
    X, y = _arrays(base.X), None if base.y is None else _arrays(base.y)
    if isinstance(X, np.ndarray) and (y is None or isinstance(y, np.ndarray)):
        own = (values if values is None else _in_order(values, positions) for values in (X, y))
        return shard_rows(*own, n_shards=n_shards, n_jobs=n_jobs).seen_through(_as_rows)
    shards = shard_rows(positions, n_shards=n_shards, n_jobs=n_jobs)
    return shards.map_shards(_rows_of, X, y)


def _in_order(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    whole = len(positions) == len(values) and bool((positions == np.arange(len(values))).all())
    return values if whole else values[positions]


def _as_rows(shard: Shard) -> Shard:
    return replace(shard, X=ArrayRows(_arrays(shard.X), shard.y), y=None)


def _items_of(shard: Shard, dataset: Any) -> DatasetRows:
    return DatasetRows(dataset, shard.X)


def _rows_of(shard: Shard, X: Any, y: Any) -> ArrayRows:
    own = [
        None if v is None else each_array(v, lambda a: multi_indexing(a, shard.X)) for v in (X, y)
    ]
    return ArrayRows(*own)


def _base_of(dataset: Any) -> tuple[Any, np.ndarray]:
    """The data set behind subsets of it, and the items that they leave."""
    positions = np.arange(len(dataset))
    while type(dataset) is Subset:
        positions = np.asarray(dataset.indices)[positions]
        dataset = dataset.dataset
    return dataset, positions


def _is_plain(net: Any, dataset: Any) -> bool:
    """Whether batches are plain gathers of arrays, which need no loader."""
    own = net.get_params_for("iterator_train")
    return (
        type(dataset) is skorch.dataset.Dataset
        and net.iterator_train is DataLoader
        and not {"collate_fn", "worker_init_fn"}.intersection(own)
    )


def _arrays(values: Any) -> Any:
    """As skorch reads what it is given: a frame as a dict of its columns, of shape (n, 1)."""
    if is_pandas_ndframe(values) and values.ndim == 2:
        return {key: values[key].to_numpy().reshape(-1, 1) for key in values}
    return each_array(values, _array)


def _array(values: Any) -> Any:
    """An array that shares the memory of a tensor or a series; anything else as it is."""
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().numpy()
    return values.to_numpy() if is_pandas_ndframe(values) else values
