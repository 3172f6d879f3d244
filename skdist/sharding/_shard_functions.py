# SPDX-License-Identifier: BSD-3-Clause
"""What the operations on shards make of the functions they are given; tasks call it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skdist.sharding._faults import annotated
from skdist.sharding._folding import fold_one_by_one
from skdist.sharding._shard import Shard
from skdist.sharding._store import opened
from skdist.sharding._tree import tree_fold


@dataclass(frozen=True, eq=False)
class SeenThrough:
    """`function` of the view of a shard."""

    view: Callable[[Shard], Shard]
    function: Callable[..., Any]

    def __call__(self, shard: Shard, *broadcast: Any) -> Any:
        return self.function(self.view(shard), *broadcast)


@dataclass(frozen=True, eq=False)
class Carrying:
    """``(shard, (summary, own) or None, *broadcast) -> (summary, own)``."""

    function: Callable[..., tuple[Any, Any]]

    def __call__(self, shard: Shard, before: Any, *broadcast: Any) -> tuple[Any, Any]:
        own = None if before is None else opened(before)[1]
        summary, own = self.function(shard, own, *broadcast)
        return summary, own


def summary_of(pair: tuple[Any, Any]) -> Any:
    """What travels."""
    return pair[0]


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
    merge: Callable[[Any, Any], Any]
    finish: Callable[[Any, Any], Any]
    labels: Sequence[str]

    def whole(self, group: Any, *shards_and_broadcast: Any) -> Any:
        """Extract from every shard, merge and finish, all here."""
        *shards, broadcast = shards_and_broadcast
        pieces = (
            self._extract_from(shard, label, group, broadcast)
            for shard, label in zip(shards, self.labels, strict=True)
        )
        return self.finish(group, fold_one_by_one(self.merge, pieces))

    def fold(self, group: Any, *extracts: Any) -> Any:
        """Merge what was extracted, and finish."""
        return self.finish(group, tree_fold(self.merge, extracts))

    def _extract_from(self, shard: Any, label: str, group: Any, broadcast: tuple[Any, ...]) -> Any:
        try:
            return self.extract(opened(shard), group, *broadcast)
        except Exception as error:
            raise annotated(error, label)  # noqa: B904 - the same exception
