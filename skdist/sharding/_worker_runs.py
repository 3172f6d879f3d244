# SPDX-License-Identifier: BSD-3-Clause
"""A round over shards that the workers of a cluster hold: a task is a run of those at one worker.

A task costs milliseconds on a cluster, whatever it does; of many small shards that is all the time
there is. Summaries that are large are merged once more before they leave a worker.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from skdist.sharding._cost import Meter, nbytes
from skdist.sharding._executors import MergingExecutor, Wave
from skdist.sharding._faults import ShardLostError
from skdist.sharding._folding import (
    drained,
    even_runs,
    fold_one_by_one,
    in_branches,
    in_runs,
    of_runs,
    pays_to_merge,
    run_length,
    runs_of_neighbours,
)
from skdist.sharding._running_fit import Round, RunningFit, merging

Merge = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class WorkerRuns:
    """One round, and the runs of shards that its tasks take."""

    executor: MergingExecutor
    meter: Meter
    fit: RunningFit
    round: Round
    runs: Sequence[range]

    def results(self, wave: Wave) -> list[Any]:
        """What the function gives of every shard."""
        lists = replace(wave, function=Listed(wave.function))
        try:
            return list(chain.from_iterable(self._of_runs(lists, operator.add)))
        except ShardLostError as error:
            return self._alone(error).results(wave)

    def folded(self, wave: Wave, merge: Merge) -> Any:
        """What the function gives of every shard, merged in the tree of all shards."""
        sizes, name, workers = self.meter.sizes, self.round.name, self.executor.workers
        try:
            if pays_to_merge(len(self.runs), workers, sizes.get(name, math.inf)):
                values, lengths = self._of_branches(wave, merge), None
            else:
                values, lengths = self._of_runs(wave, merge), map(len, self.runs)
        except ShardLostError as error:
            return self._alone(error).folded(wave, merge)
        sizes[name] = max(sizes.get(name, 0), nbytes(values[0]))
        return fold_one_by_one(merge, drained(values), lengths)

    def _of_runs(self, wave: Wave, merge: Merge) -> list[Any]:
        told = of_runs(self.fit.arrivals(self.round), self.runs)
        return self.executor.results(in_runs(wave, merge, self.runs), self.meter, told)

    def _of_branches(self, wave: Wave, merge: Merge) -> list[Any]:
        pieces = self.executor.run(in_runs(wave, merge, self.runs), self.meter)
        branches = in_branches(pieces, self.runs, wave.labels, merge, self.executor.workers)
        with merging():
            values = self.executor.results(branches, self.meter)
        self.fit.all_arrived(self.round)
        return values

    def _alone(self, error: ShardLostError) -> WorkerRuns:
        """Every shard in a task of its own, which tells the one by which workers died."""
        if all(len(run) == 1 for run in self.runs):
            raise error
        n_shards = self.runs[-1].stop
        return replace(self, runs=[range(k, k + 1) for k in range(n_shards)])


@dataclass(frozen=True, eq=False)
class Listed:
    """A function whose results are lists of one, which merge by being joined."""

    function: Callable[..., Any]

    def __call__(self, *args: Any) -> list[Any]:
        return [self.function(*args)]


def runs_at_workers(executor: MergingExecutor, pieces: Sequence[Any]) -> list[range]:
    """The shards in runs, where there are many for each worker."""
    n_shards, workers = len(pieces), executor.workers
    if run_length(n_shards, workers) == 1:
        return even_runs(n_shards, workers)
    return runs_of_neighbours(executor.held(pieces), workers)
