# SPDX-License-Identifier: BSD-3-Clause
"""How many shards, and how they are kept in step: from the shapes of rows and network alone.

Nothing is measured unless that is asked for: a model should not depend on how fast today's machines
are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from skdist import _rows
from skdist.solvers.local_steps import (
    PER_NUMBER,
    PER_OPERATION,
    ROUND,
    Steps,
    steps_between_rounds,
)

# Rows times parameters from which on there are so many shards: a pass takes 6 operations each.
SHARDS_FROM = {0: 1, 1_000_000_000: 2, 16_000_000_000: 4}
FEWEST_BATCHES = 8  # of a shard
AFFORDABLE = 0.2  # share of a step's time that a round for every step may take


@dataclass(frozen=True)
class Strategy:
    """What `sync` comes to.

    Parameters
    ----------
    sync : {"gradient", "local"}
    steps : Steps
    """

    sync: str
    steps: Steps


def default_n_shards(n_samples: int, n_parameters: int, batch_size: int, solver: str) -> int:
    """Shards of rows in memory.

    Where solutions are averaged, as few as keep some cores busy; none of fewer than 8 batches,
    since a pass of m shards has an m-th of the steps.
    L-BFGS merges sums, so that their number changes nothing.
    """
    if solver == "lbfgs":
        return _rows.default_n_shards(n_samples)
    wanted = max(m for work, m in SHARDS_FROM.items() if n_samples * n_parameters >= work)
    return max(1, min(wanted, n_samples // (FEWEST_BATCHES * batch_size)))


def chosen_sync(sync: str, solver: str, n_shards: int, n_parameters: int, batch: int) -> str:
    """`sync`, "auto" resolved.

    A round for every step if it takes, by nominal costs, a fifth of the step's time at most.

    Parameters
    ----------
    batch : int
        Rows of a shard's step.
    """
    if solver == "lbfgs":
        return "gradient"
    if n_shards == 1:
        return "local"
    if sync != "auto":
        return sync
    a_round = ROUND + PER_NUMBER * 2 * n_parameters
    a_step = PER_OPERATION * 6 * n_parameters * batch
    return "gradient" if a_round <= AFFORDABLE * a_step else "local"


def with_local_steps(mlp: Any, steps: Steps, n_parameters: int, dealt: bool) -> Steps:
    """The steps with H, "auto" resolved.

    Parameters
    ----------
    mlp : the estimator
    steps : Steps
    n_parameters : int
    dealt : bool
        Whether rows were dealt to the shards at random.
    """
    if mlp.local_steps not in ("auto", "measured"):
        return replace(steps, local_steps=int(mlp.local_steps))
    if steps.n_shards == 1:  # nothing is averaged
        return replace(steps, local_steps=steps.per_pass)
    own = steps.batch_of(steps.n_rows // steps.n_shards)
    h = steps_between_rounds(n_parameters, own, steps.per_pass, dealt)
    return replace(steps, local_steps=h)
