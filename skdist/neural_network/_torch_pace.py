# SPDX-License-Identifier: BSD-3-Clause
"""How many steps between two rounds: from the work of a step, counted and not timed.

    H = clip(9 t_round / t_step, 1, a quarter of an epoch)

so that rounds take a tenth of the time. Both times are nominal ones: a model must not depend on
how fast today's network is. `report_` has the measured ones beside them, and who asks for it has H
by those.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from skdist.neural_network._torch_steps import Orders, prepared, take_steps
from skdist.sharding import Shard

# Seconds: a round, a number that travels, a floating-point operation, a call of a function.
ROUND, PER_NUMBER, PER_FLOP, PER_CALL = 1e-3, 4e-9, 2e-11, 5e-6
SHARE_OF_ROUNDS = 0.1
FEWEST_ROUNDS = 4  # of an epoch
TIMED_STEPS = 2  # of a round that is only there to be timed


class Work(TorchDispatchMode):
    """Counts what torch computes while it is on: calls, and floating-point operations."""

    def __init__(self) -> None:
        super().__init__()
        self.n_calls = 0
        self.n_flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Called in place of every operation; see :class:`TorchDispatchMode`."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        self.n_calls += 1
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.n_flops += int(count(*args, **kwargs, out_val=result))
        return result


def step_seconds(shard: Shard, orders: Orders) -> float | None:
    """Nominal time of a step of the first shard; nothing of the others."""
    if shard.index > 0:
        return None
    with prepared(shard, orders) as net:
        (batch,) = shard.X.batches(net, orders.positions[0])
        with Work() as work:
            net.train_step_single(batch, **orders.recipe.fit_params)
    return PER_CALL * work.n_calls + PER_FLOP * work.n_flops


def nominal_seconds(training: Any, size: int) -> tuple[float, float]:
    """Of a round and of a step, by what they move and compute.

    Cost: one round, in which D numbers go down.
    """
    shards = training.shards
    orders = training.orders([[np.arange(size)]] * shards.n_shards, moments=False)
    a_step = shards.map(step_seconds, orders)[0]
    return ROUND + PER_NUMBER * 6 * len(orders.state.mean), a_step


def measured_seconds(training: Any, size: int) -> tuple[float, float]:
    """Of a round and of a step, by the clock.

    Cost: two rounds of a few steps that are forgotten; the first makes nets and starts workers.
    """
    shards = training.shards
    batches = [[np.arange(min(size, len(rows)))] * TIMED_STEPS for rows in shards.rows]
    for _ in range(2):
        orders, begin = training.orders(batches, moments=True), time.perf_counter()
        steps = shards.map_reduce(take_steps, orders).seconds
        a_round = time.perf_counter() - begin - steps
    return max(a_round, 0.0), steps / TIMED_STEPS


TIMES = {"auto": nominal_seconds, "measured": measured_seconds}


def local_steps_of(training: Any) -> int:
    """H of a training: what was asked for, or by the times of a round and of a step."""
    net, n_own = training.net, len(training.shards.rows[0])
    if net.local_steps not in TIMES:
        return int(net.local_steps)
    size = net.get_params_for("iterator_train").get("batch_size", net.batch_size)
    size = n_own if size in (-1, None) else min(int(size), n_own)
    a_round, a_step = TIMES[net.local_steps](training, size)
    most = max(1, math.ceil(n_own / size) // FEWEST_ROUNDS)
    return int(np.clip(math.ceil((1.0 / SHARE_OF_ROUNDS - 1.0) * a_round / a_step), 1, most))
