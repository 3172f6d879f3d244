# SPDX-License-Identifier: BSD-3-Clause
"""Rows cut into shards, and the distributed operations on them."""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from skdist.sharding._cost import Cost, Meter
from skdist.sharding._executors import Executor, Wave
from skdist.sharding._faults import annotated, shard_label
from skdist.sharding._shard import Shard
from skdist.sharding._tree import pairs, tree_fold

Merge = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class ShardedDataset:
    """Rows cut into shards, each placed once where its tasks run.

    Made by :func:`shard_rows`. Functions are called as ``function(shard, *broadcast)``; they must
    be module-level and pure, since a task whose worker died is run again.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.sharding import shard_rows
    >>> shards = shard_rows(np.arange(10.0).reshape(-1, 1), n_shards=3, n_jobs=1)
    >>> float(shards.map_reduce(lambda shard, power: (shard.X**power).sum(), 2))
    285.0
    >>> shards.rows
    [range(0, 4), range(4, 7), range(7, 10)]
    """

    _executor: Executor
    _pieces: Sequence[Any]
    rows: list[range]
    _meter: Meter = field(default_factory=Meter)
    _view: Callable[[Shard], Shard] | None = None

    @property
    def n_shards(self) -> int:
        """Number of shards."""
        return len(self.rows)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.rows[-1].stop

    @property
    def cost(self) -> Cost:
        """What the rounds have cost so far, those of data sets derived from this one included."""
        return self._meter.read()

    def map(self, function: Callable[..., Any], *broadcast: Any) -> list[Any]:
        """``[function(shard, *broadcast) for each shard]``, in shard order, in the driver.

        Cost: one round; ``n_shards`` results come up.
        """
        with self._meter.round():
            return self._collect(self._run(function, broadcast))

    def map_reduce(
        self, summarize: Callable[..., Any], *broadcast: Any, merge: Merge = operator.add
    ) -> Any:
        """Merge ``summarize(shard, *broadcast)`` over the shards, in the driver.

        The summaries are folded in a fixed pairwise tree that depends on ``n_shards`` only, so
        the result has the same bits wherever the tasks ran.

        Parameters
        ----------
        summarize : callable
            ``summarize(shard, *broadcast) -> summary``.
        *broadcast : any
            Values sent to every shard.
        merge : callable, default=operator.add
            Associative; changes none of its arguments.

        Returns
        -------
        summary

        Notes
        -----
        Cost: one round; ``n_shards`` summaries come up.
        """
        with self._meter.round():
            return tree_fold(merge, self._collect(self._run(summarize, broadcast)))

    def map_tree_reduce(self, summarize: Callable[..., Any], *broadcast: Any, merge: Merge) -> Any:
        """:meth:`map_reduce` with the merges run on the workers, for a merge that is costly.

        The tree is the same one, so the result is bit-identical.

        Notes
        -----
        Cost: one round; ``log2(n_shards)`` waves of tasks; on Dask one summary comes up.
        """
        with self._meter.round():
            level = self._run(summarize, broadcast)
            labels = self._labels()
            while len(level) > 1:
                level, labels = self._merge_level(level, labels, merge)
            return self._collect(level)[0]

    def map_shards(
        self, function: Callable[..., Any], *broadcast: Any, keep: bool = False
    ) -> "ShardedDataset":
        """A new data set whose shards carry ``X = function(shard, *broadcast)``.

        The values stay where they were computed: on Dask's workers, else in this machine's memory.
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
        with self._meter.round():
            pieces = self._run(Derive(function, keep), broadcast)
            return replace(self, _pieces=self._executor.keep(pieces, self._meter), _view=None)

    def seen_through(self, view: Callable[[Shard], Shard]) -> "ShardedDataset":
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

    def kept_through(self, view: Callable[[Shard], Shard]) -> "ShardedDataset":
        """:meth:`seen_through`, the view being taken once and kept where the shards are kept.

        Rows that are streamed stay streamed: there the view is taken inside each task.

        Parameters
        ----------
        view : callable
            ``view(shard) -> shard``; module-level and pure.

        Notes
        -----
        Cost: one round in which nothing comes up, or none for rows that are streamed.
        """
        if self._executor.streams:
            return self.seen_through(view)
        with self._meter.round():
            pieces = self._run(view, ())
            return replace(self, _pieces=self._executor.keep(pieces, self._meter), _view=None)

    def group_reduce(
        self,
        extract: Callable[..., Any],
        groups: Iterable[Any],
        *broadcast: Any,
        merge: Merge,
        finish: Callable[[Any, Any], Any],
    ) -> list[Any]:
        """Bring each group's pieces of all shards together at one worker, and finish it there.

        ``[finish(group, merge of extract(shard, group, *broadcast) over the shards) for group]``,
        merged in shard order in the fixed tree. Groups run in parallel. On Dask the pieces go
        from worker to worker, not through the driver.

        Parameters
        ----------
        extract : callable
            ``extract(shard, group, *broadcast) -> piece``.
        groups : iterable
            Small values that name the groups.
        *broadcast : any
            Values sent to every shard.
        merge : callable
            Associative; changes none of its arguments.
        finish : callable
            ``finish(group, merged) -> result``.

        Returns
        -------
        results : list
            One per group, in the order of `groups`.
        """
        groups = list(groups)
        extract = extract if self._view is None else SeenThrough(self._view, extract)
        reduction = GroupReduction(extract, merge, finish, self._labels())
        with self._meter.round():
            run = self._reduce_in_place if self._executor.shares_files else self._reduce_apart
            return self._collect(run(reduction, groups, broadcast))

    def _run(self, function: Callable[..., Any], broadcast: tuple[Any, ...]) -> list[Any]:
        own = [(piece,) for piece in self._pieces]
        function = function if self._view is None else SeenThrough(self._view, function)
        return self._executor.run(Wave(function, own, broadcast, self._labels()), self._meter)

    def _collect(self, pieces: Sequence[Any]) -> list[Any]:
        return self._executor.collect(pieces, self._meter)

    def _labels(self) -> list[str]:
        return [shard_label(k, self.n_shards, rows) for k, rows in enumerate(self.rows)]

    def _merge_level(
        self, level: Sequence[Any], labels: Sequence[str], merge: Merge
    ) -> tuple[list[Any], list[str]]:
        """One level of the tree, its pairs merged on the workers."""
        groups = pairs(len(level))
        full = [group for group in groups if len(group) == 2]
        new_labels = [" with ".join(labels[i] for i in group) for group in groups]
        own = [tuple(level[i] for i in group) for group in full]
        merged = self._executor.run(Wave(merge, own, (), new_labels[: len(full)]), self._meter)
        return merged + [level[group[0]] for group in groups if len(group) == 1], new_labels

    def _reduce_in_place(
        self, reduction: "GroupReduction", groups: list[Any], broadcast: tuple[Any, ...]
    ) -> list[Any]:
        """One task per group that reads every shard: only one group's pieces are alive per task."""
        own = [(group, *self._pieces) for group in groups]
        labels = [f"group {i} of {len(groups)}" for i in range(len(groups))]
        wave = Wave(reduction.whole, own, (broadcast,), labels)
        return self._executor.run(wave, self._meter)

    def _reduce_apart(
        self, reduction: "GroupReduction", groups: list[Any], broadcast: tuple[Any, ...]
    ) -> list[Any]:
        """One task per (group, shard), and one per group that receives their results."""
        m = self.n_shards
        own = [(piece, group) for group in groups for piece in self._pieces]
        labels = list(reduction.labels) * len(groups)
        extracts = self._executor.run(Wave(reduction.extract, own, broadcast, labels), self._meter)
        finals = [(group, *extracts[i * m : (i + 1) * m]) for i, group in enumerate(groups)]
        names = [f"group {i} of {len(groups)}" for i in range(len(groups))]
        return self._executor.run(Wave(reduction.fold, finals, (), names), self._meter)


@dataclass(frozen=True, eq=False)
class SeenThrough:
    """`function` of the view of a shard."""

    view: Callable[[Shard], Shard]
    function: Callable[..., Any]

    def __call__(self, shard: Shard, *broadcast: Any) -> Any:
        return self.function(self.view(shard), *broadcast)


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
class GroupReduction:
    """The three functions of :meth:`ShardedDataset.group_reduce`."""

    extract: Callable[..., Any]
    merge: Merge
    finish: Callable[[Any, Any], Any]
    labels: Sequence[str]

    def whole(self, group: Any, *shards_and_broadcast: Any) -> Any:
        """Extract from every shard, merge and finish, all here."""
        *shards, broadcast = shards_and_broadcast
        return self.fold(group, *(self._extract_from(s, group, broadcast) for s in shards))

    def fold(self, group: Any, *extracts: Any) -> Any:
        """Merge what was extracted, and finish."""
        return self.finish(group, tree_fold(self.merge, extracts))

    def _extract_from(self, shard: Shard, group: Any, broadcast: tuple[Any, ...]) -> Any:
        try:
            return self.extract(shard, group, *broadcast)
        except Exception as error:
            raise annotated(error, self.labels[shard.index])  # noqa: B904 - the same exception
