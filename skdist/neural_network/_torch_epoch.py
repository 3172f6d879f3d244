# SPDX-License-Identifier: BSD-3-Clause
"""An epoch of a net as its journal keeps it, in place of its rounds, or of skorch's own loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
from skorch import callbacks as skorch_callbacks
from skorch.callbacks.scoring import ScoringBase

from skdist.neural_network._torch_rounds import Round, sees_batches
from skdist.neural_network._torch_state import Moment, can_read, read_state, write_state
from skdist.sharding import current_fit
from skdist.summaries import NetworkState

# Callbacks that do not look at the net when an epoch is over.
LOOKING_AWAY = frozenset(
    {
        skorch_callbacks.EpochTimer,
        skorch_callbacks.GradientNormClipping,
        skorch_callbacks.LRScheduler,
        skorch_callbacks.PassthroughScoring,
        skorch_callbacks.PrintLog,
        skorch_callbacks.ProgressBar,
    }
)


@dataclass(frozen=True, eq=False)
class Epoch:
    """What came of an epoch: what a journal keeps of it in place of its rounds.

    Parameters
    ----------
    state : NetworkState or None
        Of the net at its end, moments included. Of an epoch before the last one without them; or
        none, where nobody looks at the net then.
    velocity : ndarray or float
        Of outer steps.
    rounds : tuple of Round
    batches : tuple of (float, int)
        Loss and rows of every batch, as callbacks were told.
    generators : tuple of ndarray
        States of torch's, of the CPU and of CUDA's devices, where steps draw from these.
    """

    state: NetworkState | None
    velocity: Any
    rounds: tuple[Round, ...]
    batches: tuple[tuple[float, int], ...]
    generators: tuple[np.ndarray, ...] = ()


def in_the_past(net: Any) -> Callable[[Epoch], Epoch]:
    """What is kept of an epoch once the next one is on the disk.

    A fit that is resumed goes through the epochs again. Training goes on after the last one;
    the others are only shown to validation, and to callbacks that look at the net.
    """
    if net.train_split is None and all(_looks_away(cb) for _, cb in net.callbacks_):
        return _unseen
    return _without_moments


def _looks_away(callback: Any) -> bool:
    if isinstance(callback, ScoringBase):
        return not callback.on_train  # without validation there is nothing to score
    return type(callback) in LOOKING_AWAY


def _unseen(epoch: Epoch) -> Epoch:
    return replace(epoch, state=None, velocity=0.0, generators=())


def _without_moments(epoch: Epoch) -> Epoch:
    state = epoch.state
    if state is None:
        return epoch
    moments = [entry for entry in state.layout if isinstance(entry, Moment)]
    n_averaged = sum(prod(entry.shape) for entry in moments if not entry.counts)
    n_counted = sum(prod(entry.shape) for entry in moments if entry.counts)
    state = replace(
        state,
        mean=state.mean[: len(state.mean) - n_averaged],
        count=state.count[: len(state.count) - n_counted],
        layout=tuple(entry for entry in state.layout if not isinstance(entry, Moment)),
    )
    return replace(epoch, state=state, velocity=0.0)


def epoch_alone(net: Any, prefix: str, run: Callable[[], None]) -> None:
    """An epoch of one shard: skorch's own, or what a journal has of it.

    Parameters
    ----------
    net : initialised skorch net
    prefix : str
        Of what the history is told.
    run : callable
        skorch's epoch.
    """
    fit = current_fit()
    loop = fit.loop(has_rounds=False)
    is_kept = loop.is_kept and not sees_batches(net)
    known: Epoch | None = loop.latest(None) if is_kept else None
    if known is not None:
        go_on_after(net, prefix, known)
        net.history.record(prefix + "_batch_count", len(known.batches))
        _set_generators(known.generators)
        return
    run()
    fit.skip()  # so that epochs are told apart
    if is_kept and can_read(net):
        rows = net.history[-1]["batches"]
        batches = tuple((row[prefix + "_loss"], row[prefix + "_batch_size"]) for row in rows)
        loop.keep(
            Epoch(read_state(net, 1.0), 0.0, (), batches, _generators()), past=in_the_past(net)
        )


def go_on_after(net: Any, prefix: str, epoch: Epoch) -> None:
    """Put a net where an epoch left it, and tell callbacks of its batches."""
    if epoch.state is not None:
        write_state(net, epoch.state)
    stepped_elsewhere(net)
    for loss, n_rows in epoch.batches:
        net.notify("on_batch_begin", batch=None, training=True)
        record(net, prefix, loss, n_rows)


def record(
    net: Any, prefix: str, loss: float, n_rows: int, batch: Any = None, predicted: Any = None
) -> None:
    """skorch's history and callbacks hear that a batch is over."""
    net.history.record_batch(prefix + "_loss", loss)
    net.history.record_batch(prefix + "_batch_size", n_rows)
    told = {"loss": torch.tensor(loss), "y_pred": predicted}
    net.notify("on_batch_end", batch=batch, training=True, **told)


def stepped_elsewhere(net: Any) -> None:
    """Steps were not taken by the optimisers here; a scheduler would warn of none."""
    for name in net._optimizers:
        getattr(net, name + "_")._opt_called = True


def _generators() -> tuple[np.ndarray, ...]:
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return tuple(state.numpy() for state in (torch.get_rng_state(), *devices))


def _set_generators(states: tuple[np.ndarray, ...]) -> None:
    if states:
        common, *devices = (torch.from_numpy(np.array(state)) for state in states)
        torch.set_rng_state(common)
        if devices:
            torch.cuda.set_rng_state_all(devices)
