# SPDX-License-Identifier: BSD-3-Clause
"""A round over shards that the workers of a cluster hold: a task takes a group of those at one.

A task costs milliseconds on a cluster, whatever it does; of many small shards that is all the time
there is. Summaries that are large are merged once more before they leave a worker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from skdist.sharding._cost import Meter, nbytes
from skdist.sharding._executors import Held, MergingExecutor, Wave
from skdist.sharding._faults import ShardLostError
from skdist.sharding._folding import (
    Merge,
    Part,
    fold_parts,
    groups_at_workers,
    in_branches,
    in_groups,
    in_order,
    leaves,
    of_groups,
    pays_to_merge,
    run_length,
    runs_of_neighbours,
)
from skdist.sharding._running_fit import Round, RunningFit, merging
from skdist.sharding._tree import tree_fold


@dataclass(frozen=True, eq=False)
class WorkerGroups:
    """One round, and where the shards are that its tasks take."""

    executor: MergingExecutor
    meter: Meter
    fit: RunningFit
    round: Round
    held: Sequence[Held]

    def results(self, wave: Wave) -> list[Any]:
        """What the function gives of every shard."""
        try:
            return [part.value for part in self._parts(wave, None)]
        except ShardLostError as error:
            return self._alone(error).results(wave)

    def folded(self, wave: Wave, merge: Merge) -> Any:
        """What the function gives of every shard, merged in the tree of all shards."""
        sizes, name, workers = self.meter.sizes, self.round.name, self.executor.workers
        runs = runs_of_neighbours(self.held, workers)
        # Nobody knows at first how large a summary is: if tasks can be few, that is what counts.
        are_scattered = len(runs) > len(groups_at_workers(self.held, workers))
        unknown = 0.0 if are_scattered else math.inf
        try:
            if pays_to_merge(len(runs), workers, sizes.get(name, unknown)):
                branches = self._branches(wave, merge, runs)
                sizes[name] = max(sizes.get(name, 0), nbytes(branches[0]))
                return tree_fold(merge, branches)
            parts = self._parts(wave, merge)
        except ShardLostError as error:
            return self._alone(error).folded(wave, merge)
        sizes[name] = max(sizes.get(name, 0), nbytes(parts[0].value))
        return fold_parts(merge, parts)

    def _parts(self, wave: Wave, merge: Merge | None) -> list[Part]:
        """What tasks give of the groups of shards that workers have, in the order of shards."""
        groups = groups_at_workers(self.held, self.executor.workers)
        told = of_groups(self.fit.arrivals(self.round), groups)
        if len(groups) == len(self.held):  # in the order of shards; fewer words for each
            return list(leaves(self.executor.results(wave, self.meter, told)))
        found = self.executor.results(in_groups(wave, merge, groups), self.meter, told)
        return list(in_order(found))

    def _branches(self, wave: Wave, merge: Merge, runs: Sequence[range]) -> list[Any]:
        """What tasks give of runs, merged where it is, about one value a worker."""
        pieces = self.executor.run(in_groups(wave, merge, runs), self.meter)
        branches = in_branches(pieces, runs, wave.labels, merge, self.executor.workers)
        with merging():
            values = self.executor.results(branches, self.meter)
        self.fit.all_arrived(self.round)
        return values

    def _alone(self, error: ShardLostError) -> WorkerGroups:
        """Every shard in a task of its own, which tells the one by which workers died."""
        if all(piece == Held() for piece in self.held):
            raise error
        return replace(self, held=[Held()] * len(self.held))


def held_by_workers(executor: MergingExecutor, pieces: Sequence[Any]) -> list[Held]:
    """Where the shards are; nobody is asked where there are few for each worker."""
    if run_length(len(pieces), executor.workers) == 1:
        return [Held()] * len(pieces)
    return executor.held(pieces)
