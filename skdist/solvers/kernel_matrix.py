# SPDX-License-Identifier: BSD-3-Clause
"""The kernel matrix of rows that lie in shards, of which a solver asks for products alone.

    F_k = K(X_k, X_ids) @ c          for each shard k, in one round

Every shard computes the kernel rows of `ids` on its own rows, tile by tile in the L2 cache, and
adds them up there. Rows of many columns, which take long to compute, it also remembers as long as
they find room; to write others to memory would take longer than to compute them again. What is
remembered is a memo: where a worker was lost, or where tasks have no memory of their own, rows are
computed again. Cost of a product: the rows X_ids and their coefficients go down to every shard, one
number per row of the data comes up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from skdist.kernels.kernel_function import KernelFunction, Points
from skdist.kernels.row_cache import MEGABYTE, RowCache, add_rows
from skdist.solvers.chosen_rows import Ids, local, rows_at
from skdist.solvers.dual_problem import Floats
from skdist.summaries import stacked

if TYPE_CHECKING:
    from skdist.sharding import Shard

# Columns from which on kernel rows are remembered. A choice: to compute a number again takes d
# operations, to keep it a write to memory that was never touched before and a read from there.
REMEMBER_FROM = 256


class KernelShards(Protocol):
    """What is asked of :class:`skdist.sharding.ShardedDataset`."""

    @property
    def n_samples(self) -> int:
        """The number of rows."""

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """``[function(shard, *broadcast) for each shard]``."""

    def map_shards(self, function: Callable[..., Any], *broadcast: Any) -> Any:
        """The same shards with ``X = function(shard, *broadcast)``."""

    def note(self, state: Any = None, **values: float) -> None:
        """Say where the solver stands, to whoever watches."""

    @property
    def time_is_up(self) -> bool:
        """Whether to end with what there is."""

    def loop(self, *, replays: bool = True) -> Any:
        """See :meth:`skdist.sharding.ShardedDataset.loop`."""


@dataclass(frozen=True, eq=False)
class View:
    """How points are made of rows: less the centre, in float32 or float64."""

    kernel: KernelFunction
    centre: NDArray[np.float64] | None = None
    dtype: Any = np.float64

    def points(self, rows: Any) -> Points:
        """The rows as points."""
        return self.kernel.points(rows.astype(np.float64, copy=False), self.centre, self.dtype)


@dataclass(frozen=True, eq=False)
class RememberedRows:
    """What a shard holds: its points, and kernel rows on them."""

    points: Points
    cache: RowCache


@dataclass(frozen=True, eq=False)
class Change:
    """The change of the field on one shard, and how many kernel rows were computed for it."""

    field: Floats
    computed: int


class HeldRows:
    """The rows of the data that the driver has asked for: those of working sets.

    Parameters
    ----------
    shards : KernelShards
    """

    def __init__(self, shards: KernelShards):
        self._shards = shards
        self._place = np.full(shards.n_samples, -1, np.intp)
        self._rows: Any = None
        self._room: NDArray[Any] = np.empty(0)

    def __getitem__(self, ids: Ids) -> Any:
        missing = np.unique(ids[self._place[ids] < 0])
        if len(missing):
            self._add(missing, self._shards.map(rows_at, missing))
        return self._rows[self._place[ids]]

    def room(self, size: int, dtype: Any) -> NDArray[Any]:
        """Memory for a block of so many rows and columns, the same as long as it is enough."""
        if len(self._room) < size * size or self._room.dtype != dtype:
            self._room = np.empty(size * size, dtype)
        return self._room

    def _add(self, ids: Ids, pieces: list[Any]) -> None:
        known = [] if self._rows is None else [self._rows]
        n_known = known[0].shape[0] if known else 0
        self._place[ids] = np.arange(n_known, n_known + len(ids))
        self._rows = stacked([*known, *pieces])


@dataclass(frozen=True, eq=False)
class KernelMatrix:
    """The kernel matrix of all rows.

    Parameters
    ----------
    shards : KernelShards
        Of X, ndarray or CSR.
    view : View
        How its entries are computed.
    scale : float
        Its largest diagonal entry.
    held : HeldRows
    memory : KernelShards
        The same shards, of :class:`RememberedRows`.
    """

    shards: Any
    view: View
    scale: float
    held: HeldRows
    memory: Any

    def block(self, ids: Ids) -> NDArray[Any]:
        """K(X_ids, X_ids)."""
        points = self.view.points(self.held[ids])
        return self.view.kernel.matrix(points, points, self.held.room(len(ids), self.view.dtype))

    def field_change(self, ids: Ids, coef: Floats) -> tuple[Floats, int]:
        """K(X, X_ids) @ coef, and how many kernel rows were computed for it."""
        if not len(ids):
            return np.zeros(self.shards.n_samples), 0
        changes = self.memory.map(field_change, self.view, ids, self.held[ids], coef)
        computed = sum(change.computed * len(change.field) for change in changes)
        return np.concatenate([c.field for c in changes]), computed // self.shards.n_samples

    def field(self, coef: Floats, rows: Ids) -> Floats:
        """K(X_rows, X) @ coef, in float64; `rows` in ascending order."""
        ids = np.flatnonzero(coef)
        if not len(ids):
            return np.zeros(len(rows))
        view = replace(self.view, dtype=np.float64)
        pieces = self.shards.map(exact_field, view, rows, self.held[ids], coef[ids])
        return np.concatenate(pieces)

    def in_double(self) -> KernelMatrix:
        """The same matrix in float64, of which nothing is remembered."""
        return with_memory(replace(self, view=replace(self.view, dtype=np.float64)), 0.0)


def kernel_matrix(
    shards: KernelShards, kernel: KernelFunction, cache_size: float, *, single: bool = True
) -> KernelMatrix:
    """The kernel matrix, to remember `cache_size` megabytes of it in all where that pays.

    Parameters
    ----------
    shards : KernelShards
    kernel : KernelFunction
    cache_size : float
    single : bool, default=True
        Whether its entries may be computed in float32 where that is enough.
    """
    view = View(kernel, common_centre(shards.map(centre_of, kernel)))
    reaches = shards.map(reach_of, view)
    scale, reach, width = (max(column) for column in zip(*reaches, strict=True))
    if single and kernel.single(reach):
        view = replace(view, dtype=np.float32)
    matrix = KernelMatrix(shards, view, scale, HeldRows(shards), shards)
    return with_memory(matrix, cache_size if width >= REMEMBER_FROM else 0.0)


def with_memory(matrix: KernelMatrix, cache_size: float) -> KernelMatrix:
    """The matrix, its shards remembering so many megabytes of rows of float32."""
    n = matrix.shards.n_samples
    slots = min(int(cache_size * MEGABYTE) // (4 * n), n)
    return replace(matrix, memory=matrix.shards.map_shards(remember, matrix.view, n, slots))


def common_centre(pieces: Sequence[tuple[int, Any]]) -> NDArray[np.float64] | None:
    """The mean of the shards' means; None where the kernel has none."""
    some = [(n, centre) for n, centre in pieces if centre is not None]
    if not some:
        return None
    return np.asarray(sum(n * centre for n, centre in some) / sum(n for n, _ in some))


# -- what a shard does -----------------------------------------------------------------------------


def centre_of(shard: Shard, kernel: KernelFunction) -> tuple[int, Any]:
    """The number of rows, and their mean where the kernel has a use for it."""
    return shard.n_rows, kernel.centre(shard.X)


def reach_of(shard: Shard, view: View) -> tuple[float, float, float]:
    """The largest diagonal entry, the largest square of a point, and columns, many for CSR."""
    diagonal = np.abs(view.kernel.diagonal(shard.X)).max(initial=0.0)
    squares = view.points(shard.X).squares
    width = np.inf if issparse(shard.X) else shard.X.shape[1]
    return float(diagonal), float(squares.max(initial=0.0)), float(width)


def remember(shard: Shard, view: View, n_samples: int, slots: int) -> RememberedRows:
    """The shard's points, and a cache for kernel rows on them."""
    return RememberedRows(view.points(shard.X), RowCache(n_samples, shard.n_rows, slots))


def field_change(shard: Shard, view: View, ids: Ids, rows: Any, coef: Floats) -> Change:
    """The change on one shard: what is remembered is added up, the rest computed."""
    points, cache = shard.X.points, shard.X.cache
    out = np.zeros(len(points))
    slots = cache.find(ids)
    new = np.flatnonzero(slots < 0)
    add_rows(out, cache.rows, slots[slots >= 0], coef[slots >= 0])
    if len(new):
        places = cache.claim(ids[new])
        for i, j, tile in view.kernel.tiles(view.points(rows[new]), points):
            # The same entry is the same number whenever it is asked for: F is the field of a
            # matrix that is symmetric but for the last digit of float32, and does not drift.
            tile = tile.astype(np.float32, copy=False) if cache.n_slots else tile
            kept = np.flatnonzero(places[i] >= 0)
            if len(kept):
                cache.rows[places[i][kept], j] = tile if len(kept) == len(tile) else tile[kept]
            add_rows(out[j], tile, np.arange(len(tile)), coef[new[i]])
    return Change(out, len(new))


def exact_field(shard: Shard, view: View, where: Ids, rows: Any, coef: Floats) -> Floats:
    """K(X_where, rows) @ coef of those of the rows `where` that lie in this shard."""
    mine = local(shard, where)
    out = np.zeros(len(mine))
    points = view.points(shard.X if len(mine) == shard.n_rows else shard.X[mine])
    for i, j, tile in view.kernel.tiles(view.points(rows), points):
        add_rows(out[j], tile, np.arange(len(tile)), coef[i])
    return out
