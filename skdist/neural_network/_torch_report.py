# SPDX-License-Identifier: BSD-3-Clause
"""What the report of a net says."""

from __future__ import annotations

from typing import Any

from skdist._estimator import Stopwatch
from skdist._report import FitReport, ShardFacts
from skdist.neural_network._torch_rounds import measured
from skdist.neural_network._torch_training import Training, rate_factor


def report_of_one(net: Any, n_rows: int) -> FitReport:
    """Of one shard."""
    return FitReport(
        method=type(net.optimizer_).__name__,
        strategy="local",
        exact=True,
        why=("One shard: skorch's own loop.",),
        shards=(ShardFacts(range(n_rows), float(n_rows), (), 0.0),),
        extra={"history": ()},
    )


def report_of(training: Training, watch: Stopwatch) -> FitReport:
    """Of several."""
    net, m, local = training.net, training.n_shards, training.net.sync == "local"
    why = "Every gradient is the sum over the shards: their number changes rounding."
    extra: dict[str, Any] = {"sync": net.sync, "history": tuple(training.rounds)}
    if local:
        by_clock = ", as was measured" if net.local_steps == "measured" else ""
        why = (
            f"Parameters, moments and buffers of {m} shards were averaged every "
            f"{training.local_steps} steps{by_clock}: another number of shards gives another model."
        )
        extra["local_steps"] = training.local_steps
        extra["rate_factor"] = rate_factor(net, m)
    if training.rounds:
        extra["measured"] = measured(training.rounds)
    return FitReport(
        method=type(net.optimizer_).__name__,
        strategy="average" if local else "gradient",
        exact=not local,
        why=(why,),
        seconds=watch.seconds,
        shards=training.table,
        extra=extra,
    ).charged(training.shards.cost)
