# SPDX-License-Identifier: BSD-3-Clause
"""What a round came to, for `report_` and for callbacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.callbacks.scoring import ScoringBase

from skdist.neural_network._torch_steps import Step


@dataclass(frozen=True)
class Round:
    """One line of a fit's history.

    Parameters
    ----------
    epoch : int
        From 1.
    n_steps : int
        Steps of a shard in this round.
    loss : float
        Mean loss of the batches before they were learnt from.
    agreement : float
        ``|mean D_j|^2 / mean |D_j|^2`` of the shards' moves, or gradients, D_j: 1 if all are
        alike, 1 / m if those of m shards have nothing in common.
    seconds : float
        Of the round, steps included.
    step_seconds : float
        Of a step of the slowest shard.
    n_bytes : int
        Down and up.
    """

    epoch: int
    n_steps: int
    loss: float
    agreement: float
    seconds: float
    step_seconds: float
    n_bytes: int


def measured(rounds: Sequence[Round]) -> dict[str, float]:
    """Seconds that rounds and steps took, and the local steps that these would ask for."""
    later = rounds[1:] or rounds  # the first one makes nets and pools
    a_round = float(np.median([r.seconds - r.n_steps * r.step_seconds for r in later]))
    a_step = float(np.median([r.step_seconds for r in later]))
    return {
        "round_seconds": a_round,
        "step_seconds": a_step,
        "local_steps": max(1, math.ceil(9.0 * a_round / a_step)) if a_step > 0.0 else 1,
    }


def mean_loss(steps: Sequence[Step], summed: bool) -> float:
    """Of steps, by their rows; or the sum, of a criterion that sums."""
    if summed:
        return sum(step.loss for step in steps)
    n = sum(len(step.positions) for step in steps)
    return sum(step.loss * len(step.positions) for step in steps) / max(n, 1)


PER_BATCH = ("on_batch_begin", "on_batch_end", "on_grad_computed")


def sees_batches(net: Any) -> bool:
    """Whether somebody else than skorch is there while steps are taken, and may look at the net.

    If not, an epoch is its end, and the losses on the way.
    """
    if any(getattr(type(net), name) is not getattr(NeuralNet, name) for name in PER_BATCH):
        return True
    return any(_is_foreign(cb) or looks_at_predictions(cb) for _, cb in net.callbacks_)


def _is_foreign(callback: Any) -> bool:
    cls = type(callback)
    if cls.__module__.startswith("skorch."):
        return False
    return any(getattr(cls, name) is not getattr(Callback, name) for name in PER_BATCH)


def looks_at_predictions(callback: Any) -> bool:
    """Whether a callback may read predictions of training batches."""
    cls = type(callback)
    if cls.on_batch_end is Callback.on_batch_end:
        return False
    if isinstance(callback, ScoringBase):
        return bool(callback.on_train)
    return not cls.__module__.startswith("skorch.")
