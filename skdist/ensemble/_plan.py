# SPDX-License-Identifier: BSD-3-Clause
"""What forests say of a fit before it runs."""

from __future__ import annotations

import math
from typing import Any

from skdist._plan import Shape, Sketch, sketch_of
from skdist.ensemble._binned_fit import ROUND_BYTES, choose_strategy
from skdist.ensemble._export import n_candidates
from skdist.ensemble._forest import DistributedForest, default_n_shards
from skdist.ensemble._method import choose_method
from skdist.ensemble._settings import UNLIMITED
from skdist.kernels.tree_memory import memory_bytes
from skdist.sharding import Place, free_here
from skdist.solvers.quantile_bins import SAMPLE_ROWS

TREE_BYTES = 12  # of a tree, per row it was grown on: 1 node for 5 rows
NODE_BYTES = 60
HANDED = 20_000  # rows below which a node goes to one worker


@sketch_of.register(DistributedForest)
def of_forest(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """Trees on binned rows that are everywhere, or stay where they are."""
    method, why = choose_method(estimator, X, y)
    n, d, trees = shape.n_samples, shape.n_features, estimator.n_estimators
    operations = 20.0 * n * trees * n_candidates(estimator.max_features, d) * _depth(estimator, n)
    if method == "exact":
        return Sketch(
            "exact", "local", 1, (0, 0), (why,), operations=operations,
            driver=4.0 * n * d + trees * _tree(estimator, n), local=True,
        )  # fmt: skip
    memory = place.memory if place.kind == "cluster" else place.driver_memory
    beside = math.ceil(place.workers / (place.processes if place.kind == "cluster" else 1))
    a_tree = memory_bytes(n, shape.n_classes, estimator.max_depth or UNLIMITED)
    growing = a_tree * min(beside, max(trees, 1))
    free = memory if place.kind == "cluster" else free_here()
    strategy, because = choose_strategy(estimator.strategy, n, d, memory, growing, free)
    m = len(shape.partitions) or estimator.n_shards or default_n_shards(n, estimator.strategy)
    found = _STRATEGIES[strategy](estimator, shape, place, m)
    return Sketch(
        "hist", strategy, m, why=(why, because), data=4.0 * n * d + 8.0 * n * (1 + shape.weighted),
        operations=operations, **found,
    )  # fmt: skip


def _depth(estimator: Any, n: int) -> float:
    grown = math.log2(max(n, 2))
    return min(grown, estimator.max_depth or grown)


def _tree(estimator: Any, n: float) -> float:
    """Bytes of a tree grown on n rows."""
    return min(TREE_BYTES * n, NODE_BYTES * 2.0 ** min((estimator.max_depth or 60) + 1, 60))


def _sample(shape: Shape) -> float:
    """Bytes of the rows that bins are made of."""
    return 4.0 * min(shape.n_samples, SAMPLE_ROWS) * shape.n_features


def _replicate(estimator: Any, shape: Shape, place: Place, m: int) -> dict[str, Any]:
    n, trees = shape.n_samples, estimator.n_estimators * _tree(estimator, shape.n_samples)
    binned = float(n * (shape.n_features + 16))
    return {
        "rounds": (5, 9),
        "once_down": place.processes * binned,
        "once_up": _sample(shape) + binned + trees,
        "worker": binned + 40.0 * n,
        "driver": 2 * _sample(shape) + 2 * binned + trees,
    }


def _histogram(estimator: Any, shape: Shape, place: Place, m: int) -> dict[str, Any]:
    n, d = shape.n_samples, shape.n_features
    levels = max(0, math.ceil(min(_depth(estimator, n), math.log2(max(n / HANDED, 1)))))
    per_node = n_candidates(estimator.max_features, d) * 256 * (8.0 * max(shape.n_classes, 2) + 4)
    looks = [estimator.n_estimators * 2.0**level * per_node * m for level in range(levels + 1)]
    looks = looks if n >= HANDED else []
    extra = sum(math.ceil(look / ROUND_BYTES) - 1 for look in looks)
    trees = estimator.n_estimators * _tree(estimator, n)
    return {
        "rounds": (5 + levels, 9 + 3 * levels + extra),
        "once_down": m * len(looks) * (2_048.0 * d + 32_768),
        "once_up": _sample(shape) + trees + sum(looks) / 2,
        "worker": float(n * (d + 16)) / place.processes + ROUND_BYTES / 8,
        "driver": 2 * _sample(shape) + trees + min(max(looks, default=0.0), ROUND_BYTES),
    }


def _shard(estimator: Any, shape: Shape, place: Place, m: int) -> dict[str, Any]:
    n, d = shape.n_samples, shape.n_features
    trees = estimator.n_estimators * _tree(estimator, n / m)
    return {
        "rounds": (5, 14),
        "once_down": (m + 1.0) * trees / 2,
        "once_up": min(255.0 * d * 12 * m, 12.0 * n * d) + trees,
        "worker": float(n * (d + 16)) / place.processes,
        "driver": 2 * trees,
    }


_STRATEGIES = {"replicate": _replicate, "histogram": _histogram, "shard": _shard}
