# SPDX-License-Identifier: BSD-3-Clause
"""The one order in which summaries are merged.

Neighbours are merged pairwise, level by level; an odd last one moves up unmerged::

    s0   s1   s2   s3   s4
      s01       s23     s4
           s0123        s4
                 s01234

The tree depends on the number of shards only, never on who finishes first, so a merge that
rounds gives the same bits on every backend.
"""

from collections.abc import Callable, Sequence
from typing import Any


def pairs(n_items: int) -> list[tuple[int, ...]]:
    """Positions merged into each item of the next level: ``(0, 1), (2, 3), ...``."""
    return [tuple(range(i, min(i + 2, n_items))) for i in range(0, n_items, 2)]


def tree_fold(merge: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
    """Merge `values` (at least one) in the fixed pairwise tree."""
    level = list(values)
    while len(level) > 1:
        level = [
            merge(level[pair[0]], level[pair[1]]) if len(pair) == 2 else level[pair[0]]
            for pair in pairs(len(level))
        ]
    return level[0]
