# SPDX-License-Identifier: BSD-3-Clause
"""Shards made of shards: kept where they are made, or seen through a view inside each task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from skdist.sharding._placed_shards import PlacedShards
from skdist.sharding._recall import Deferred
from skdist.sharding._shard import Shard
from skdist.sharding._shard_functions import SeenThrough


@dataclass(frozen=True, eq=False)
class Derive:
    """``shard -> shard`` with ``X`` replaced by the function's value."""

    function: Callable[..., Any]
    keep: bool

    def __call__(self, shard: Shard, *broadcast: Any) -> Shard:
        value = self.function(shard, *broadcast)
        if self.keep:
            return replace(shard, X=value)
        return replace(shard, X=value, y=None, sample_weight=None)


@dataclass(frozen=True, eq=False)
class DerivedShards(PlacedShards):
    """What :class:`ShardedDataset` offers of other data sets with the same rows."""

    def map_shards(self, function: Callable[..., Any], *broadcast: Any, keep: bool = False) -> Self:
        """A new data set whose shards carry ``X = function(shard, *broadcast)``.

        The values stay where they were computed: on Dask's workers, else in this machine's memory,
        or on its disk where rows are streamed.
        Rows, seeds and numbers of the shards are unchanged.

        Parameters
        ----------
        function : callable
            ``function(shard, *broadcast) -> value``; any value.
        *broadcast : any
            Values sent to every shard.
        keep : bool, default=False
            Whether the new shards keep `y` and `sample_weight`; else they are ``None``.

        Returns
        -------
        shards : ShardedDataset
            Shares the account (:attr:`cost`) of this one.
        """
        return self._derived(function, Derive(function, keep), broadcast)

    def seen_through(self, view: Callable[[Shard], Shard]) -> Self:
        """The same shards, of which every function is given ``view(shard)``.

        Costs no round and keeps nothing: the view is taken inside each task, so that rows which
        are streamed, because they do not fit into memory, stay streamed.

        Parameters
        ----------
        view : callable
            ``view(shard) -> shard``; module-level and pure. Of shards that are seen through a view
            already it is given what that shows.
        """
        return replace(self, _view=view if self._view is None else SeenThrough(self._view, view))

    def kept_through(self, view: Callable[[Shard], Shard]) -> Self:
        """:meth:`seen_through`, the view being taken once and kept where the shards are kept.

        What is made of rows that are streamed is kept on the local disk, the first time; a view of
        that is taken inside each task.

        Parameters
        ----------
        view : callable
            ``view(shard) -> shard``; module-level and pure.

        Notes
        -----
        Cost: one round in which nothing comes up, or none where rows are on the disk already.
        """
        if self._executor.streams and self._kept:
            return self.seen_through(view)
        return self._derived(view, view, ())

    def _derived(
        self,
        named: Callable[..., Any],
        function: Callable[..., Any],
        broadcast: tuple[Any, ...],
    ) -> Self:
        """The shards that a function makes of these, in a round of the name of another."""

        def pieces(number: int | None = None) -> Sequence[Any]:
            with self._round(named, self.n_shards, number):
                return self._made(self._wave(self._asked(function, broadcast)))

        if self._fit.can_wait():
            made: Sequence[Any] = Deferred(self.n_shards, partial(pieces, self._fit.skip()))
        else:
            made = pieces()
        return replace(self, _pieces=made, _view=None, _kept=True)
