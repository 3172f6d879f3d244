# SPDX-License-Identifier: BSD-3-Clause
"""What nets around torch modules say of a fit before it runs."""

from __future__ import annotations

import math
from typing import Any

from sklearn.base import clone

from skdist._plan import Shape, Sketch, sketch_of
from skdist.neural_network._torch_net import DistributedNeuralNet, default_n_shards
from skdist.sharding import Place
from skdist.solvers.local_steps import FEWEST_ROUNDS


@sketch_of.register(DistributedNeuralNet)
def of_net(estimator: Any, shape: Shape, place: Place, X: Any, y: Any) -> Sketch:
    """skorch's epochs over shards; how long local steps are, a trial of a few steps tells."""
    split = 0.8 if estimator.train_split and not shape.is_collection else 1.0
    n = math.ceil(split * shape.n_samples)
    m = len(shape.partitions) or estimator.n_shards or default_n_shards(n, estimator.device)
    # A net of its own, initialised to be counted: the one that was passed stays as it is.
    module = clone(estimator).set_params(verbose=0).initialize().module_
    size = 4.0 * sum(parameter.numel() for parameter in module.parameters())
    epochs, a_pass = int(estimator.max_epochs), math.ceil(n / max(estimator.batch_size, 1))
    operations = epochs * 6.0 * n * size / 4
    common = {"operations": operations, "worker": 8 * size, "driver": 8 * size}
    if m == 1 and not shape.is_collection:
        why = ("One shard: skorch's own loop.",)
        return Sketch("torch", "local", 1, (0, 0), why, local=True, **common)
    common["data"] = n * (shape.n_features * shape.itemsize + 8.0)
    if estimator.sync == "gradient":
        rounds = (epochs * a_pass, epochs * (a_pass + m) + 6)
        return Sketch(
            "torch", "gradient", m, rounds, ("A round for every step.",), down=size, up=size,
            **common,
        )  # fmt: skip
    few = math.ceil(a_pass / m)
    if estimator.local_steps != "auto":
        few = math.ceil(few / int(estimator.local_steps))
        rounds = (epochs * few, epochs * (few + 1) * 2 + 6)
    else:
        rounds = (epochs, epochs * max(few, FEWEST_ROUNDS) + 6)
    why = (f"Parameters of {m} shards are averaged.",)
    return Sketch("torch", "average", m, rounds, why, down=2 * size, up=2 * size, **common)
