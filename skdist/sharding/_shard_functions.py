# SPDX-License-Identifier: BSD-3-Clause
"""What the operations on shards make of the functions they are given; tasks call it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skdist.sharding._shard import Shard
from skdist.sharding._store import opened


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
