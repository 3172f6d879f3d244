# SPDX-License-Identifier: BSD-3-Clause
"""What kernel machines say of a fit before it runs."""

from __future__ import annotations

from typing import Any

from skdist._plan import Shape, Sketch, sketch_of
from skdist._rows import default_n_shards
from skdist.sharding import Place
from skdist.solvers.dual_problem import ONE_BLOCK
from skdist.svm._kernel_classifier import PAIRS
from skdist.svm._kernel_machine import KernelMachine
from skdist.svm._kernel_regressor import KernelRegressor
from skdist.svm._strategies import ASKED, told_by_size

PILOT = "Kernel rows by all shards, or a cascade: a pilot of few rows will tell."


@sketch_of.register(KernelMachine)
def of_machine(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """Kernel rows by all shards; how many rounds only the rows can tell."""
    n, why = shape.n_samples, estimator._left_to_scikit_learn()
    n_pairs = max(shape.n_classes * (shape.n_classes - 1) // 2, 1)
    variables = (2 if isinstance(estimator, KernelRegressor) else 1) * n
    of_a_pair = 2 * variables / max(shape.n_classes, 2) if n_pairs > 1 else variables
    operations = 2.0 * n_pairs * of_a_pair**2 * shape.n_features / 4
    if why is not None:
        return Sketch(
            "libsvm", "local", 1, (0, 0), (why,), operations=4 * operations,
            driver=float(1 << 20) * estimator.cache_size, local=True,
        )  # fmt: skip
    m = len(shape.partitions) or estimator.n_shards or default_n_shards(n, shape.x_bytes)
    rounds = (4, 8 if n_pairs > 1 else 40 + variables // 20)
    strategy, because = strategy_of(estimator, n_pairs, variables, n, m, shape.is_collection)
    return Sketch(
        "smo", strategy, m, rounds, (because,), down=9.0 * n / m, up=9.0 * n / m,
        once_up=16.0 * n, data=8.0 * shape.entries + 8.0 * n * (1 + shape.weighted),
        worker=64.0 * n + 8.0 * ONE_BLOCK**2, driver=80.0 * n + 8.0 * ONE_BLOCK**2,
        operations=operations,
    )  # fmt: skip


def strategy_of(
    estimator: Any, n_pairs: int, n_variables: int, n_samples: int, n_shards: int, far: bool
) -> tuple[str, str]:
    """The strategy, and why, as far as can be told."""
    if n_pairs > 1:
        return "pairs", PAIRS
    if estimator.strategy != "auto":
        return estimator.strategy, ASKED.format(estimator.strategy)
    return told_by_size(n_variables, n_samples, n_shards, far) or ("parallel", PILOT)
