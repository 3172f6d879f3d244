# SPDX-License-Identifier: BSD-3-Clause
"""Pieces of every shard brought together, group by group, and each group finished at one worker.

Where a shard can be read often, one task per group reads them all, and only one group's pieces are
alive per task. Elsewhere one task per group and shard extracts a piece, which goes from worker to
worker to the task that finishes the group.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from skdist.sharding._executors import Wave
from skdist.sharding._faults import annotated
from skdist.sharding._folding import fold_parts, leaves
from skdist.sharding._store import Lazily, opened
from skdist.sharding._tree import tree_fold


@dataclass(frozen=True, eq=False)
class GroupReduction:
    """The three functions of :meth:`ShardedDataset.group_reduce`."""

    extract: Callable[..., Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[[Any, Any], Any]
    labels: Sequence[str]  # of the shards

    def in_place(
        self, pieces: Sequence[Any], groups: list[Any], broadcast: tuple[Any, ...], streams: bool
    ) -> Wave:
        """One task per group, which reads every shard."""
        whole = Lazily(self.whole) if streams else self.whole
        own = [(group, *pieces) for group in groups]
        return Wave(whole, own, (broadcast,), _names(groups))

    def apart(
        self,
        pieces: Sequence[Any],
        groups: list[Any],
        broadcast: tuple[Any, ...],
        run: Callable[[Wave], Sequence[Any]],
    ) -> Wave:
        """One task per (group, shard), which are run, and one per group that takes what they give.

        `run` leaves results where they are.
        """
        m = len(pieces)
        own = [(piece, group) for group in groups for piece in pieces]
        extracts = run(Wave(self.extract, own, broadcast, list(self.labels) * len(groups)))
        finals = [(group, *extracts[i * m : (i + 1) * m]) for i, group in enumerate(groups)]
        return Wave(self.fold, finals, (), _names(groups))

    def whole(self, group: Any, *shards_and_broadcast: Any) -> Any:
        """Extract from every shard, merge and finish, all here."""
        *shards, broadcast = shards_and_broadcast
        pieces = (
            self._extract_from(shard, label, group, broadcast)
            for shard, label in zip(shards, self.labels, strict=True)
        )
        return self.finish(group, fold_parts(self.merge, leaves(pieces)))

    def fold(self, group: Any, *extracts: Any) -> Any:
        """Merge what was extracted, and finish."""
        return self.finish(group, tree_fold(self.merge, extracts))

    def _extract_from(self, shard: Any, label: str, group: Any, broadcast: tuple[Any, ...]) -> Any:
        try:
            return self.extract(opened(shard), group, *broadcast)
        except Exception as error:
            raise annotated(error, label)  # noqa: B904 - the same exception


def _names(groups: list[Any]) -> list[str]:
    return [f"group {i} of {len(groups)}" for i in range(len(groups))]
