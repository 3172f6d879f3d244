# SPDX-License-Identifier: BSD-3-Clause
"""Rows that are asked for by their numbers among all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from skdist.sharding import Shard

Ids = NDArray[np.intp]


def rows_at(shard: Shard, ids: Ids) -> Any:
    """Those of the rows that lie in this shard; `ids` in ascending order."""
    return shard.X[local(shard, ids)]


def local(shard: Shard, ids: Ids) -> Ids:
    """Positions in the shard of those of the rows that lie in it; `ids` in ascending order."""
    first, last = np.searchsorted(ids, [shard.rows.start, shard.rows.stop])
    return ids[first:last] - shard.rows.start
