# SPDX-License-Identifier: BSD-3-Clause
"""What neural nets say of a fit before it runs."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from skdist._config import settings
from skdist._plan import Shape, Sketch, sketch_of
from skdist._plan_share import of_share
from skdist.neural_network._mlp import DistributedMLP, _batch_size, rule_of
from skdist.neural_network._mlp_strategy import chosen_sync, default_n_shards, with_local_steps
from skdist.neural_network._mlp_wire import asked_sync, check_share, is_shortened, share_of
from skdist.sharding import Place
from skdist.solvers.local_steps import Steps


@sketch_of.register(DistributedMLP)
def of_perceptron(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """Local steps that are averaged, or gradients that are summed."""
    n, size = shape.n_samples, n_parameters(estimator, shape)
    batch = min(_batch_size(estimator, n), n)
    m = len(shape.partitions) or estimator.n_shards
    m = m or default_n_shards(n, size, batch, estimator.solver)
    check_share(estimator, settings().wire)
    share = share_of(settings().wire, m)
    asked = asked_sync(estimator, share)
    sync = chosen_sync(asked, estimator.solver, m, size, max(1, batch // m))
    averages = sync == "local" and m > 1
    dealt = averages and bool(estimator.shuffle) and not shape.is_collection
    steps = Steps(None, batch, n, m, n, bool(estimator.shuffle), 0)
    common = of_memory(shape, size, batch)
    if estimator.solver == "lbfgs":
        rounds, numbers = (5, 3 + int(estimator.max_fun)), shape.itemsize * size
        return Sketch(
            "lbfgs", "gradient", m, rounds, ("Every gradient is the sum over the shards.",),
            down=numbers, up=numbers, operations=5 * 6.0 * n * size, **common,
        )  # fmt: skip
    passes = int(estimator.max_iter)
    few = min(passes, int(estimator.n_iter_no_change) + 2)
    operations = few * 6.0 * n * size
    moves = of_messages(estimator, shape, place, m, size, sync)
    if sync == "gradient":
        a_pass, why = steps.per_pass if m == 1 else math.ceil(n / batch), "a round for every step."
        moves["down"] += 8.0 * batch / m  # which rows the step is of
    else:
        h = with_local_steps(estimator, steps, size, dealt).local_steps
        a_pass, why = math.ceil(steps.per_pass / h), f"{m} shards are averaged every {h} steps."
    reasons = (why,)
    if share:
        reasons += (f"Shards send a share of {share:g}, and owe the rest.",)
    scored = bool(estimator.early_stopping)  # a round at the end of each pass
    measured = averages and estimator.local_steps == "measured"  # may come to any number of steps
    most = steps.per_pass + 2 if measured else a_pass
    rounds = (few * a_pass + 1, passes * (most + scored) + 4)
    strategy = "average" if averages else sync
    return Sketch(
        estimator.solver, strategy, m, rounds, reasons, operations=operations, **moves, **common,
    )  # fmt: skip


def of_memory(shape: Shape, size: int, batch: int) -> dict[str, float]:
    """Bytes of the rows, and those that workers and driver take besides."""
    item, d = shape.itemsize, shape.n_features
    return {
        "data": shape.n_samples * (d * item + 1.0 * (shape.n_classes == 2) + item),
        "worker": 4.0 * item * size + 4.0 * item * batch * (size / max(d, 1) + 1),
        "driver": 6.0 * item * size,
    }


def of_messages(
    estimator: Any, shape: Shape, place: Place, m: int, size: int, sync: str
) -> dict[str, float]:
    """Bytes by which m shards are kept in step: a gradient, or parameters and their moments."""
    share, item = share_of(settings().wire, m), float(shape.itemsize)
    vectors = 1 + rule_of(estimator, m).n_moments
    sent = size * (1 if sync == "gradient" else vectors)
    if share:
        whole = vectors * size * item
        return of_share(
            share, size, m, place, told=whole, sent=item * sent, kept=2.0 * whole
        )  # fmt: skip
    if is_shortened(estimator, m, np.float64 if item == 8 else np.float32):
        item = 4.0
    return {"down": item * sent, "up": item * sent}


def n_parameters(estimator: Any, shape: Shape) -> int:
    """Weights and biases of all layers."""
    out = shape.n_targets if shape.n_classes == 0 else shape.n_classes
    hidden = estimator.hidden_layer_sizes
    hidden = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
    units = [shape.n_features, *hidden, 1 if out == 2 and shape.n_classes else out]
    return int(sum((a + 1) * b for a, b in pairwise(units)))
