# SPDX-License-Identifier: BSD-3-Clause
"""The table of shards in every `report_`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from skdist._report import ShardFacts
from skdist.solvers.target_facts import skew
from skdist.summaries import TargetFacts


def shard_table(rows: Sequence[range], facts: Sequence[TargetFacts]) -> tuple[ShardFacts, ...]:
    """One line per shard; none where y has several columns, of which there are no facts."""
    if not facts:
        return ()
    everything = reduce(add, facts)
    table = []
    for own_rows, own in zip(rows, facts, strict=True):
        mean = (own.mean,) if own.n_rows else ()
        rates = tuple((own.class_weight / max(own.weight, 1e-300)).tolist())
        table.append(ShardFacts(own_rows, own.weight, rates or mean, skew(own, everything)))
    return tuple(table)
