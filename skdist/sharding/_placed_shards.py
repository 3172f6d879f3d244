# SPDX-License-Identifier: BSD-3-Clause
"""Shards where their tasks run, and one round over them: sent out, run, recalled, counted."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar, cast

from skdist._config import settings
from skdist.sharding._cost import Cost, Meter
from skdist.sharding._executors import Executor, MergingExecutor, Wave
from skdist.sharding._faults import shard_label
from skdist.sharding._folding import even_runs, fold_parts, in_groups, in_order, run_length
from skdist.sharding._quorum import results_of_most
from skdist.sharding._recall import Asked
from skdist.sharding._running_fit import Round, RunningFit, current_fit, merging
from skdist.sharding._shard import Shard
from skdist.sharding._shard_functions import SeenThrough
from skdist.sharding._store import Kept
from skdist.sharding._tree import pairs
from skdist.sharding._worker_groups import WorkerGroups, held_by_workers

R = TypeVar("R")
Merge = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class PlacedShards:
    """Pieces of rows, each where its tasks run, and the rounds that a fit has of them.

    What :class:`ShardedDataset` offers is made of these steps.
    """

    _executor: Executor
    _pieces: Sequence[Any]
    rows: list[range]
    _meter: Meter = field(default_factory=Meter)
    _view: Callable[[Shard], Shard] | None = None
    _fit: RunningFit = field(default_factory=current_fit)
    _kept: bool = False

    @property
    def n_shards(self) -> int:
        """Number of shards."""
        return len(self.rows)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.rows[-1].stop

    @property
    def streams(self) -> bool:
        """Whether rows are read anew in every task, as they may not fit into memory."""
        return self._executor.streams

    @property
    def n_summaries(self) -> int:
        """How many summaries come up in a :meth:`map_reduce`: one per run of streamed shards."""
        if not self._executor.streams:
            return self.n_shards
        return -(-self.n_shards // run_length(self.n_shards, self._executor.workers))

    @property
    def _merges_there(self) -> bool:
        """Whether nobody asks for the summaries of single shards: a journal, or a deadline."""
        single = self._fit.recall is not None or math.isfinite(settings().deadline)
        return self._executor.merges_there and not single

    @property
    def cost(self) -> Cost:
        """What the rounds have cost so far, those of data sets derived from this one included."""
        return self._meter.read()

    @contextmanager
    def _round(
        self, function: Callable[..., Any], n_tasks: int, number: int | None = None
    ) -> Iterator[Round]:
        self._fit.n_rows = self.n_samples
        with (
            self._fit.round(function, n_tasks, number) as round,
            self._meter.round(self._executor.workers),
        ):
            yield round

    def _asked(self, function: Callable[..., Any], broadcast: tuple[Any, ...]) -> Asked:
        return Asked(function, broadcast, self.n_shards, self._view)

    def _recalled(self, asked: Asked, compute: Callable[[Round, Asked], R]) -> R:
        """What comes of a round, from the fit's journal if it is there."""
        return self._fit.result(
            asked,
            lambda: self._round(asked.function, asked.n_tasks),
            lambda round: compute(round, asked),
        )

    def _summaries(self, round: Round, asked: Asked, merge: Merge) -> list[Any]:
        """What is to be folded: of every shard, of runs of streamed ones, or the fold itself."""
        if self._merges_there:
            return [self._at_workers(round).folded(self._wave(asked), merge)]
        if not self._executor.streams:
            return self._results(round, asked)
        runs = even_runs(self.n_shards, self._executor.workers)
        wave = in_groups(self._wave(asked), merge, runs)
        return [fold_parts(merge, in_order(self._executor.results(wave, self._meter)))]

    def _results(self, round: Round, asked: Asked) -> list[Any]:
        if self._merges_there:
            return self._at_workers(round).results(self._wave(asked))
        return self._fit.run(self._executor, self._wave(asked), self._meter, round)

    def _at_workers(self, round: Round) -> WorkerGroups:
        executor = cast(MergingExecutor, self._executor)
        held = held_by_workers(executor, self._pieces)
        return WorkerGroups(executor, self._meter, self._fit, round, held)

    def _answers(self, round: Round, asked: Asked) -> list[Any]:
        """The results of a round, None of shards that are late and can be spared."""

        def run(wave: Wave, look: Callable[[int, Any], None]) -> list[Any]:
            return self._fit.run(self._executor, wave, self._meter, round, look)

        return results_of_most(run, self._wave(asked), self.rows, settings().quorum)

    def _run(self, asked: Asked) -> list[Any]:
        return self._executor.run(self._wave(asked), self._meter)

    def _wave(self, asked: Asked) -> Wave:
        own = [(piece,) for piece in self._pieces]
        function, common = self._viewed(asked.function), asked.broadcast
        return Wave(function, own, common, self._labels, None, self._order, self._lengths)

    def _made(self, wave: Wave) -> list[Any]:
        """What tasks make that is needed again: kept where it is made."""
        if self._executor.streams:
            wave = replace(wave, function=Kept(wave.function))
        return self._executor.keep(self._executor.run(wave, self._meter), self._meter)

    def _viewed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function if self._view is None else SeenThrough(self._view, function)

    @cached_property
    def _lengths(self) -> list[int]:
        return [len(rows) for rows in self.rows]

    @cached_property
    def _order(self) -> list[int] | None:
        """The shards by their rows, the largest first; None where they are about alike."""
        sizes = self._lengths
        if max(sizes) <= 1.1 * min(sizes):
            return None
        return sorted(range(len(sizes)), key=lambda k: -sizes[k])

    @cached_property
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
        with merging():
            merged = self._executor.run(Wave(merge, own, (), new_labels[: len(full)]), self._meter)
        return merged + [level[group[0]] for group in groups if len(group) == 1], new_labels
