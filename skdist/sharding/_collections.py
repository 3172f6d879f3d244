# SPDX-License-Identifier: BSD-3-Clause
"""Dask arrays and dataframes: their partitions are the shards, wherever they are.

With a Dask client the partitions are computed once and stay on the workers. Without one they are
computed inside each task that needs them and dropped again: data larger than memory is streamed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

import dask
import numpy as np
from dask.base import compute, optimize
from dask.delayed import delayed

from skdist.sharding._cost import Meter
from skdist.sharding._executors import Arrived, Executor, Wave
from skdist.sharding._faults import shard_label
from skdist.sharding._memory import memory_limit, most_memory
from skdist.sharding._partition import count_rows
from skdist.sharding._shard import Shard, shard_seed
from skdist.sharding._store import Kept, Lazily, Lazy, Store, Stored, Storing, opened, warn_of_room
from skdist.sharding._type_table import class_names, look_up

Part = tuple[Any, Any, Any]
Cut = tuple[Executor, list[Any], list[range]]


@dataclass(frozen=True, eq=False)
class LazyShard(Lazy):
    """What it takes to compute a shard from the partitions of X, y and sample_weight."""

    part: Part
    rows: range | None
    seed: int
    index: int
    n_shards: int

    def open(self) -> Shard:
        """Compute the partitions here, in this thread."""
        X, y, weight = compute(*self.part, scheduler="synchronous")
        return make_shard(X, y, weight, self.rows, self.seed, self.index, self.n_shards)

    def least(self) -> "LazyShard":
        """The same rows without features, if there are targets: a file is read faster for them."""
        _, y, weight = self.part
        return self if y is None else replace(self, part=(y, y, weight))


@dataclass(frozen=True, eq=False)
class StreamingExecutor:
    """A local executor whose tasks compute the partitions they are given.

    What is kept of them goes to the local disk, not into memory.
    """

    local: Executor
    store: Store = field(default_factory=Store)
    targets: Sequence[Any] = ()  # the shards without features

    @property
    def workers(self) -> int:
        """As many as the local executor has."""
        return self.local.workers

    @property
    def streams(self) -> bool:
        """True."""
        return True

    @property
    def merges_there(self) -> bool:
        """False: runs of shards are merged in tasks already."""
        return False

    @property
    def shares_files(self) -> bool:
        """False: a task that reads many shards would compute them all, once per group."""
        return False

    def place(self, values: Sequence[Any], meter: Meter, *, everywhere: bool = False) -> list[Any]:
        """What the local executor does."""
        return self.local.place(values, meter, everywhere=everywhere)

    def keep(self, pieces: Sequence[Any], meter: Meter) -> list[Any]:
        """What is stored as it is; anything else as the local executor does."""
        warn_of_room(pieces)
        others = [k for k, piece in enumerate(pieces) if type(piece) is not Stored]
        kept = dict(zip(others, self.local.keep([pieces[k] for k in others], meter), strict=True))
        return [kept.get(k, piece) for k, piece in enumerate(pieces)]

    def run(self, wave: Wave, meter: Meter) -> list[Any]:
        """Run a wave, partitions being opened on the way, and what is kept written to the disk."""
        return self.local.run(self._opening(wave), meter)

    def collect(
        self, pieces: Sequence[Any], meter: Meter, arrived: Arrived | None = None
    ) -> list[Any]:
        """What the local executor does."""
        return self.local.collect(pieces, meter, arrived)

    def results(self, wave: Wave, meter: Meter, arrived: Arrived | None = None) -> list[Any]:
        """Run a wave, partitions being opened on the way."""
        return self.local.results(self._opening(wave), meter, arrived)

    def _opening(self, wave: Wave) -> Wave:
        if type(wave.function) is Lazily:
            return wave
        if type(wave.function) is Kept:
            return replace(wave, function=Storing(wave.function.function, self.store.folder()))
        return replace(wave, function=_Opening(wave.function))


def cut_streamed(columns: dict[str, Any], local: Executor, seed: int, meter: Meter) -> Cut:
    """Executor, pieces and rows of shards that are computed where `local` runs tasks."""
    _check_room(columns["X"], memory_limit(), "this process")
    executor = StreamingExecutor(local)
    lazy = [
        LazyShard(_culled(part), None, shard_seed(seed, k), k, n_shards)
        for k, part, n_shards in _enumerated(columns)
    ]
    known = known_lengths(columns["X"]) or known_lengths(columns["y"])
    counted = [] if known else executor.place([shard.least() for shard in lazy], meter)
    rows = _rows(executor, counted, known, meter)
    located = [replace(shard, rows=r) for shard, r in zip(lazy, rows, strict=True)]
    targets = executor.place([shard.least() for shard in located], meter)
    return replace(executor, targets=targets), executor.place(located, meter), rows


def cut_on_cluster(columns: dict[str, Any], client: Any, seed: int, meter: Meter) -> Cut:
    """Executor, pieces and rows of shards that are computed once, on the client's workers."""
    from skdist.sharding._dask import DaskExecutor
    from skdist.sharding._dask_pieces import Partition

    executor = DaskExecutor(sum(client.nthreads().values()), client)
    _check_room(columns["X"], most_memory(client), "the largest worker")
    parts = [
        delayed(make_shard)(*part, None, shard_seed(seed, k), k, n_shards)
        for k, part, n_shards in _enumerated(columns)
    ]
    futures = client.compute(parts)
    found = [
        Partition(d, f"partition {k} of {len(parts)}", f)
        for k, (d, f) in enumerate(zip(parts, futures, strict=True))
    ]
    rows = _rows(executor, found, known_lengths(columns["X"]), meter)
    labels = [shard_label(k, len(rows), r) for k, r in enumerate(rows)]
    own = list(zip(found, rows, strict=True))
    return executor, executor.run(Wave(locate, own, (), labels), meter), rows


def _check_room(X: Any, memory: int, who: str) -> None:
    """Raise if a partition of a dense array is more, in float32, than anybody can hold."""
    lengths = known_lengths(X) or [0]
    width = math.prod(X.shape[1:]) if isinstance(getattr(X, "_meta", None), np.ndarray) else 0
    size = 4 * max(lengths) * width
    if size > memory:
        raise MemoryError(
            f"A partition of X has {max(lengths):,} rows of {width:,} columns, {size:,} bytes even "
            f"in float32, and {who} may use {memory:,}. Cut X into smaller ones: "
            "X.rechunk({0: 'auto', 1: -1}), y.rechunk(X.chunks[0])."
        )


def make_shard(
    X: Any, y: Any, weight: Any, rows: range | None, seed: int, index: int, n_shards: int
) -> Shard:
    """A shard from computed partitions; without `rows`, it counts from 0."""
    n = count_rows(X)
    for name, values in (("y", y), ("sample_weight", weight)):
        if values is not None and len(values) != n:
            raise ValueError(
                f"Partition {index} of X has {n} rows but that of {name} has {len(values)}. X and "
                f"{name} must be cut alike: derive both from one collection, or repartition them."
            )
    y, weight = (None if values is None else np.asarray(values) for values in (y, weight))
    return Shard(X, y, weight, range(n) if rows is None else rows, seed, index, n_shards)


def locate(shard: Shard, rows: range) -> Shard:
    """The shard, knowing where its rows are in the whole."""
    return replace(shard, rows=rows)


def rows_in(shard: Shard) -> int:
    """How many rows a partition turned out to hold."""
    return shard.n_rows


def _culled(part: Part) -> Part:
    """The partitions with their own part of the collection's graph, not the whole of it."""
    X, y, weight = optimize(*part)
    return X, y, weight


@dataclass(frozen=True, eq=False)
class _Opening:
    """A function whose lazy arguments are opened first."""

    function: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.function(*map(opened, args))


def _rows(
    executor: Executor, pieces: list[Any], lengths: list[int] | None, meter: Meter
) -> list[range]:
    """Global rows of every partition; unknown lengths are counted where the partitions are."""
    if lengths is None:
        labels = [f"partition {k} of {len(pieces)}" for k in range(len(pieces))]
        counts = executor.run(Wave(rows_in, [(piece,) for piece in pieces], (), labels), meter)
        lengths = executor.collect(counts, meter)
    stops = list(accumulate(lengths))
    if not stops or not stops[-1]:
        raise ValueError(f"X has {len(stops)} partitions and no rows in them; give it some rows.")
    return [range(stop - n, stop) for stop, n in zip(stops, lengths, strict=True)]


def _enumerated(columns: dict[str, Any]) -> list[tuple[int, Part, int]]:
    """(number, partitions of X, y and sample_weight, how many) of every shard."""
    cut = {name: _partitions(name, values, columns["X"]) for name, values in columns.items()}
    n_shards = len(cut["X"])
    parts = zip(*(cut[name] or [None] * n_shards for name in columns), strict=True)
    return [(k, part, n_shards) for k, part in enumerate(parts)]


def _partitions(name: str, values: Any, X: Any) -> list[Any]:
    """Delayed partitions of a column; refused unless it is cut like X."""
    if values is None:
        return []
    if look_up(_PARTITIONS, values) is None:
        raise TypeError(
            f"X is a {class_names(X)[0]} but {name} is a {class_names(values)[0]}. Where X is a "
            f"Dask collection, {name} must be one that is cut alike: e.g. "
            f"dask.array.from_array({name}, chunks=X.chunks[0]), or a column of the same dataframe."
        )
    parts, cuts, expected = partitions(values), known_lengths(values), known_lengths(X)
    n_shards = len(partitions(X))
    if len(parts) != n_shards or (cuts and expected and cuts != expected):
        raise ValueError(
            f"X is cut into {n_shards} partitions of {expected or 'unknown'} rows but {name} into "
            f"{len(parts)} of {cuts or 'unknown'}. Cut them alike, e.g. with "
            f"{name}.rechunk(X.chunks[0]) or {name}.repartition(npartitions=X.npartitions). Of one "
            "dataframe take both as columns, or call to_dask_array() before columns are selected: "
            "Dask cuts the arrays of few columns more coarsely."
        )
    return parts


def partitions(collection: Any) -> list[Any]:
    """One delayed value per partition of a Dask array, dataframe or series."""
    split = look_up(_PARTITIONS, collection)
    if split is None:
        raise TypeError(f"A {class_names(collection)[0]} is no Dask array, dataframe or series.")
    return split(collection)


def known_lengths(values: Any) -> list[int] | None:
    """Rows of each partition of an array whose chunks are known, else ``None``."""
    known = look_up({"dask.Array": _chunk_lengths}, values)
    lengths: list[Any] = [math.nan] if known is None else known(values)
    return None if any(map(math.isnan, lengths)) else lengths


def _chunk_lengths(array: Any) -> list[Any]:
    return list(array.chunks[0])


def _array_partitions(array: Any) -> list[Any]:
    """One delayed value per block of rows, all columns together."""
    whole = array.rechunk(dict.fromkeys(range(1, array.ndim), -1))
    return list(whole.to_delayed().ravel())


def _frame_partitions(frame: Any) -> list[Any]:
    # Dask's optimiser reads several small files as one partition, the more of them the fewer of
    # their columns are asked for: y would be cut unlike X, of the same files.
    with dask.config.set({"optimization.tune.active": False}):
        parts = list(frame.to_delayed())
    return parts if len(parts) == frame.npartitions else frame.to_delayed(optimize_graph=False)


_PARTITIONS = {
    "dask.Array": _array_partitions,
    "dask.DataFrame": _frame_partitions,
    "dask.Series": _frame_partitions,
}
