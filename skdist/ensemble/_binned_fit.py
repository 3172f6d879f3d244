# SPDX-License-Identifier: BSD-3-Clause
"""From shards of validated rows to the trees of a forest: shard, bin, solve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np

from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist._shard_table import shard_table
from skdist._skew import check_alike
from skdist.ensemble._settings import ForestSettings
from skdist.ensemble._weighed_trees import WeighedTrees
from skdist.kernels.node_split import ENTROPY, GINI, POISSON, SQUARED_ERROR, Rules
from skdist.kernels.tree_memory import memory_bytes
from skdist.sharding import (
    Cost,
    Shard,
    ShardedDataset,
    free_memory,
    tasks_beside,
    worker_memory,
)
from skdist.solvers.binned_forest import (
    BinnedShard,
    BlockLayout,
    ForestProblem,
    bin_shard,
    concatenate,
    fixed_point,
    lay_blocks,
)
from skdist.solvers.histogram_forest import histogram_forest
from skdist.solvers.leaf_refit import leaf_refit
from skdist.solvers.out_of_bag import out_of_bag_votes
from skdist.solvers.quantile_bins import quantile_bins, sketched_bins
from skdist.solvers.replicated_forest import replicated_forest
from skdist.solvers.sharded_forest import sharded_forest
from skdist.solvers.target_facts import target_facts
from skdist.summaries import TargetFacts, Trees

MOST_REPLICATED = 4 << 30
ROUND_BYTES = 256 << 20  # of histograms in one round, at most
TREES_OF_UNLIKE = (
    "With strategy='shard' each tree knows the rows of one shard only, and leaves are filled again "
    "where that helps, but splits stay theirs. Take strategy='histogram', whose trees are those of "
    "all rows though no row moves, or shuffle the rows over the shards."
)


@dataclass(frozen=True, eq=False)
class GrownForest:
    """What a binned fit returns."""

    forest: WeighedTrees
    problem: ForestProblem
    layout: BlockLayout
    report: FitReport


def fit_binned(
    shards: ShardedDataset, n_features: int, settings: ForestSettings, why: str
) -> GrownForest:
    """Grow the forest on shards of float32 X, encoded y and float64 weights (or None)."""
    watch = Stopwatch()
    facts = target_facts(shards, settings.rules.n_classes)
    layout, table = lay_blocks(shards.rows), shard_table(shards.rows, facts)
    growing = memory_bytes(shards.n_samples, settings.rules.n_classes, settings.rules.max_depth)
    strategy, because = choose_strategy(
        settings.strategy,
        shards.n_samples,
        n_features,
        worker_memory(shards),
        growing * min(tasks_beside(shards), max(len(settings.seeds), 1)),
        free_memory(shards),
    )
    if strategy == "shard":
        regression = not settings.rules.n_classes
        table = check_alike(shards, table, TREES_OF_UNLIKE, regression=regression)
    bins = sketched_bins(shards) if strategy == "shard" else quantile_bins(shards)
    problem = state_problem(shards, settings, facts, layout, bins)
    binned = shards.map_shards(_bin, problem, layout)
    watch.lap("bin")
    solve = _SOLVERS[strategy] if settings.seeds else _no_more_trees
    grown = solve(shards, binned, problem, settings)
    watch.lap("grow")
    report = FitReport(
        method="hist",
        strategy=strategy,
        exact=strategy != "shard",
        why=(why, because),
        seconds=watch.seconds,
        shards=table,
        extra=grown.extra or {},
    )
    return GrownForest(grown.forest, problem, layout, report.charged(shards.cost + grown.cost))


def _bin(shard: Shard, problem: ForestProblem, layout: BlockLayout) -> BinnedShard:
    k = shard.index
    return bin_shard(shard, problem, layout.first[k], layout.starts(k))


def state_problem(
    shards: ShardedDataset,
    settings: ForestSettings,
    facts: Sequence[TargetFacts],
    layout: BlockLayout,
    bins: Any,
) -> ForestProblem:
    """Units, limits and probabilities of the draws, from facts about all rows."""
    rules, everything = settings.rules, reduce(add, facts)
    weighted = shards.map(_has_weights)[0]
    y_range = None if rules.n_classes else (everything.low, everything.high)
    unit = fixed_point(
        y_range,
        settings.n_draws or everything.weight,
        weighted and not settings.n_draws,
        rules.criterion == POISSON,
    )
    mass = layout.sizes()
    if weighted and settings.n_draws:
        mass = np.concatenate(shards.map(_block_weights, layout))
    rules = rules._replace(
        min_decrease=_in_score_units(settings.min_impurity_decrease, rules, unit)
    )
    return ForestProblem(rules, bins, unit, settings.n_draws, mass)


def _has_weights(shard: Shard) -> bool:
    return shard.sample_weight is not None


def _block_weights(shard: Shard, layout: BlockLayout) -> np.ndarray:
    starts = layout.starts(shard.index)
    return np.add.reduceat(shard.sample_weight, starts[:-1]) if len(starts) > 1 else np.empty(0)


def _in_score_units(decrease: float, rules: Rules, unit: Any) -> float:
    """`min_impurity_decrease` as a difference of scores per unit of integer weight."""
    if decrease <= 0.0:
        return -np.inf  # a split that gains nothing is made, as scikit-learn does
    per_weight = {
        GINI: 1.0,
        ENTROPY: np.log(2.0),  # scores are in nats, impurities in bits
        SQUARED_ERROR: (unit.target_unit / unit.weight_unit) ** 2,
        POISSON: unit.target_unit / unit.weight_unit,
    }
    return float((decrease - np.finfo(np.float64).eps) * per_weight[rules.criterion])


def choose_strategy(
    asked: str, n_samples: int, n_features: int, memory: int, growing: int, free: int
) -> tuple[str, str]:
    """The strategy, and why.

    Parameters
    ----------
    asked : {"auto", "replicate", "histogram", "shard"}
    n_samples, n_features : int
    memory : int
        Bytes that a worker has.
    growing : int
        Bytes that trees take there which grow at once, at most, besides the rows.
    free : int
        Bytes of the memory that nobody has taken.
    """
    n_bytes, most = n_samples * (n_features + 16), min(memory // 4, MOST_REPLICATED)
    if asked == "replicate" and n_bytes > memory:
        raise MemoryError(
            f"strategy='replicate' was asked for, which takes {n_bytes:,} bytes at every worker; "
            f"there are {memory:,}. Take strategy='histogram', which grows the same trees, or "
            "workers with more memory."
        )
    if asked != "auto":
        return asked, f"strategy={asked!r} was asked for."
    if n_bytes <= most and n_bytes + growing <= free // 2:
        return "replicate", f"{n_bytes:,} bytes of binned rows fit on every worker ({most:,})."
    if n_bytes <= most:
        return (
            "histogram",
            f"{n_bytes:,} bytes of binned rows fit on every worker ({most:,}), but not also the "
            f"{growing:,} bytes in which trees of all rows grow there ({free // 2:,}).",
        )
    return (
        "histogram",
        f"{n_bytes:,} bytes of binned rows are too many for every worker ({most:,}).",
    )


def refuse_copies(asked: str, shards: ShardedDataset, n_features: int) -> None:
    """Raise if copies for every worker are asked for that cannot fit: before rows are read."""
    memory = worker_memory(shards)
    choose_strategy(asked, shards.n_samples, n_features, memory, 0, memory)


class Grown(NamedTuple):
    """What a strategy returns."""

    forest: WeighedTrees
    cost: Cost = Cost()  # besides that of the shards
    extra: Mapping[str, object] | None = None


def _no_more_trees(
    shards: ShardedDataset, binned: ShardedDataset, problem: ForestProblem, settings: ForestSettings
) -> Grown:
    none = Trees.empty(problem.rules.n_classes or 1)
    home = np.empty(0, np.int64) if settings.strategy == "shard" else None
    return Grown(WeighedTrees(none, np.empty(0), home))


def _replicate(
    shards: ShardedDataset, binned: ShardedDataset, problem: ForestProblem, settings: ForestSettings
) -> Grown:
    rows = binned.replicated(concatenate(binned.map(_payload)))
    trees = replicated_forest(rows, problem, settings.seeds)
    return Grown(WeighedTrees(trees, np.ones(trees.n_trees)), rows.cost)


def _payload(shard: Shard) -> Any:
    return shard.X


def _histogram(
    shards: ShardedDataset, binned: ShardedDataset, problem: ForestProblem, settings: ForestSettings
) -> Grown:
    # Of streamed shards few histograms are alive at once, so that each may be the larger.
    most = min(ROUND_BYTES, worker_memory(shards) // 16)
    most = most * shards.n_shards // shards.n_summaries
    trees = histogram_forest(binned, problem, settings.seeds, round_bytes=most)
    return Grown(WeighedTrees(trees, np.ones(trees.n_trees)))


def _shard(
    shards: ShardedDataset, binned: ShardedDataset, problem: ForestProblem, settings: ForestSettings
) -> Grown:
    trees, weight, home = sharded_forest(binned, problem, settings.seeds)
    if not settings.refit_leaves:
        return Grown(WeighedTrees(trees, weight, home))
    trees, decision = leaf_refit(shards, trees, weight, home, problem.rules.n_classes)
    return Grown(WeighedTrees(trees, weight, home), extra={"leaf_refit": decision})


_SOLVERS = {"replicate": _replicate, "histogram": _histogram, "shard": _shard}


def out_of_bag(
    shards: ShardedDataset,
    grown: GrownForest,
    trees: Trees,
    seeds: Sequence[int],
    home: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Summed votes (n, K) and their number (n,) by trees that did not see the row."""
    return out_of_bag_votes(shards, grown.problem, grown.layout, trees, seeds, home)
