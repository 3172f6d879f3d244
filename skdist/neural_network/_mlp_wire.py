# SPDX-License-Identifier: BSD-3-Clause
"""What ``config_context(wire=...)`` comes to in a perceptron."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdist._config import settings
from skdist.neural_network._mlp_strategy import Strategy
from skdist.solvers.owed_moves import PERIOD


def is_shortened(mlp: Any, n_shards: int, dtype: Any) -> bool:
    """Whether parameters travel in float32: where that is fewer bytes, and does no harm."""
    asked = settings().wire == "float32" and n_shards > 1
    return asked and np.dtype(dtype) == np.float64 and mlp.solver != "lbfgs"


def share_of(wire: str | float, n_shards: int) -> float:
    """The share of their moves that shards send; 0 for all."""
    return wire if isinstance(wire, float) and n_shards > 1 else 0.0


def asked_sync(mlp: Any, share: float) -> str:
    """`sync`; few entries are sent because rounds are dear."""
    return "local" if share and mlp.sync == "auto" else str(mlp.sync)


def check_share(mlp: Any, wire: str | float) -> None:
    """Raise where steps need all of what a share would leave out."""
    if not isinstance(wire, float):
        return
    if mlp.solver == "lbfgs":
        why = "L-BFGS needs exact gradients"
        then = "Take solver='adam' or 'sgd'"
    elif mlp.solver == "adam" and mlp.sync == "gradient":
        why = "Adam's steps are not linear in the gradients, so that none can come later"
        then = "Take sync='local', of which shards send moves, or solver='sgd', or wire='float32'"
    else:
        return
    raise ValueError(
        f"wire={wire:g} was given with solver={mlp.solver!r} and sync={mlp.sync!r}: {why}. {then}."
    )


def of_wire(mlp: Any, strategy: Strategy) -> tuple[str, ...]:
    """What became of ``config_context(wire=...)``."""
    wire, steps = settings().wire, strategy.steps
    if wire == "exact":
        return ()
    if steps.share:
        moves = "gradients" if strategy.sync == "gradient" else "moves"
        own = "" if strategy.sync == "gradient" else " Moments stayed with them in between."
        return (
            f"Shards sent a share of {steps.share:g} of their {moves}, the largest entries, and "
            f"owed the rest until every {PERIOD}th round, in which all was sent.{own}",
        )
    if steps.shortened:
        return ("Parameters travelled in float32.",)
    because = "rows in float32 have parameters in float32"
    if steps.n_shards == 1:
        because = "one shard averages with nobody"
    elif mlp.solver == "lbfgs":
        because = "L-BFGS needs exact gradients"
    return (f"wire={wire!r} changed nothing: {because}.",)
