# SPDX-License-Identifier: BSD-3-Clause
"""Epochs of a net over shards: local steps and averages, or one merged gradient per step.

Local steps ("Local Adam"; Stich, 2019; Douillard et al., 2023; Iacob et al., 2025)::

    s_j = H steps on batches of shard j, from s          s: parameters, moments, buffers
    s   = sum_j n_j s_j / sum_j n_j                      n_j: rows met; variances by Chan's formula

Merged gradients::

    g = sum_j n_j g_j / sum_j n_j                        g_j: of a batch's rows on shard j
    the optimiser steps along g, here
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.utils.data import default_collate

from skdist._report import ShardFacts
from skdist.neural_network._torch_alike import unmeasured
from skdist.neural_network._torch_epoch import (
    Epoch,
    go_on_after,
    in_the_past,
    record,
    stepped_elsewhere,
)
from skdist.neural_network._torch_order import batches_of, drawn_batches
from skdist.neural_network._torch_recipe import Recipe
from skdist.neural_network._torch_rounds import (
    Round,
    looks_at_predictions,
    mean_loss,
    sees_batches,
)
from skdist.neural_network._torch_rows import PlacedRows
from skdist.neural_network._torch_state import (
    can_read,
    fill,
    read_state,
    tensors_of,
    write_state,
)
from skdist.neural_network._torch_steps import (
    GradientSums,
    Orders,
    Step,
    StepSums,
    is_sum,
    part_of_gradient,
    take_steps,
)
from skdist.sharding import ShardedDataset
from skdist.solvers.diverged import Diverged

LONGEST = 8  # times, a step of an average; as for the multilayer perceptrons
OUTER_RATE, OUTER_MOMENTUM = 0.7, 0.9  # Douillard et al., 2023


@dataclass(eq=False)
class Training:
    """A net's rows on their shards, and its rounds so far.

    Parameters
    ----------
    net : the net that is fitted, on the driver
    dataset : torch Dataset
        The rows to train on.
    shards : ShardedDataset
    recipe : Recipe
    places : ndarray of shape (n, 2)
        Of every row of the data set its shard, and its place there.
    local_steps : int
        H, 0 for merged gradients.
    seed : int
    """

    net: Any
    dataset: Any
    shards: ShardedDataset
    recipe: Recipe
    places: np.ndarray
    local_steps: int
    seed: int
    rounds: list[Round] = field(default_factory=list)
    velocity: Any = 0.0
    _batches: list[tuple[float, int]] = field(default_factory=list)

    @property
    def n_shards(self) -> int:
        """How many shards."""
        return self.shards.n_shards

    @property
    def table(self) -> tuple[ShardFacts, ...]:
        """What is known of the shards: rows in memory are dealt to them, and not looked at."""
        if isinstance(self.dataset, PlacedRows):
            return self.dataset.table
        return unmeasured(self.shards.rows)

    @cached_property
    def _rows(self) -> list[np.ndarray]:
        """Rows of the data set, shard by shard, in the order they have there."""
        shard, place = self.places.T
        order = np.lexsort((place, shard))
        return np.split(order, np.cumsum(np.bincount(shard, minlength=self.n_shards))[:-1])

    @property
    def longer(self) -> float:
        """Factor of the step sizes."""
        return rate_factor(self.net, self.n_shards)

    def epoch(self, iterator: Any, fit_params: Any) -> int:
        """One pass over the rows; the number of batches."""
        batches, loop, first = drawn_batches(iterator), self.shards.loop(), len(self.rounds)
        is_kept = loop.is_kept and not sees_batches(self.net)
        known: Epoch | None = loop.latest(None) if is_kept else None
        self._batches = []
        if known is not None:
            list(batches)  # for the draws
            self._go_on_after(known)
        elif self.net.sync == "gradient":
            for batch in batches:
                self._step_together(batch)
        else:
            self._epoch_of_rounds(iterator, batches)
        if is_kept and can_read(self.net):
            loop.keep(self._as_it_is(first), past=in_the_past(self.net))
        return len(self._batches)

    def _as_it_is(self, first: int) -> Epoch:
        """The epoch that began with round `first`, at its end."""
        state = read_state(self.net, 1.0)
        return Epoch(state, self.velocity, tuple(self.rounds[first:]), tuple(self._batches))

    def _go_on_after(self, epoch: Epoch) -> None:
        """Put the net, and what is known of the rounds, where an epoch left it."""
        go_on_after(self.net, "train", epoch)
        self.velocity = epoch.velocity
        self.rounds += epoch.rounds
        self._batches = list(epoch.batches)

    def orders(self, positions: Sequence[Any], *, moments: bool) -> Orders:
        """What shards are told of the net as it is."""
        net = self.net
        optimizers = [getattr(net, name + "_") for name in net._optimizers]
        return Orders(
            self.recipe,
            read_state(net, 1.0, moments=moments),
            tuple([_settings(group) for group in o.param_groups] for o in optimizers),
            frozenset(n for n, p in tensors_of(net).parameters if not p.requires_grad),
            tuple(positions),
            self.seed + len(self.rounds),
            self.longer,
            any(looks_at_predictions(cb) for _, cb in net.callbacks_),
        )

    def _epoch_of_rounds(self, iterator: Any, batches: Any) -> None:
        """Local steps, averaged every H; shards take their own rows in the epoch's order."""
        batches = list(batches)
        if not batches:
            return
        order, size = np.concatenate(batches), max(map(len, batches))
        ragged = not getattr(iterator, "drop_last", False)
        own = [batches_of(rows, size, ragged) for rows in self._by_shard(order)]
        n_steps = max(map(len, own))
        for first in range(0, n_steps, self.local_steps):
            stop = first + self.local_steps
            self._round([mine[first:stop] for mine in own], whole=stop >= n_steps)

    def _round(self, positions: Sequence[Any], whole: bool) -> None:
        """One round; of all shards at the end of an epoch, since any epoch may be the last."""
        orders, watch = self.orders(positions, moments=True), self._watch()
        summed = self.shards.map_reduce if whole else self.shards.map_reduce_of_most
        sums: StepSums = summed(take_steps, orders)
        self._check(sums.diverged)
        move = sums.state.parameters - orders.state.parameters
        n_steps = max(map(len, positions))
        self._note(sums, move, n_steps, watch)
        write_state(self.net, self._outer(orders, sums, move))
        stepped_elsewhere(self.net)
        self._say()
        self._tell(sums.steps)

    def _say(self) -> None:
        """Where the net stands."""
        last = self.rounds[-1]
        self.shards.note(self.net, loss=last.loss, agreement=last.agreement)

    def _outer(self, orders: Orders, sums: StepSums, move: np.ndarray) -> Any:
        """Where to go on: the average, or farther along with Nesterov's momentum."""
        if self.net.outer == "average":
            return sums.state
        self.velocity = OUTER_MOMENTUM * self.velocity + move
        mean = sums.state.mean.copy()
        far = OUTER_RATE * (move + OUTER_MOMENTUM * self.velocity)
        mean[: sums.state.n_parameters] = orders.state.parameters + far
        return replace(sums.state, mean=mean)

    def _step_together(self, batch: np.ndarray) -> None:
        """One step of the optimiser here, along the gradient of all shards' parts of a batch."""
        net, accumulator = self.net, self.net.get_train_step_accumulator()
        found: list[GradientSums] = []
        net.notify("on_batch_begin", batch=None, training=True)

        def closure():
            net._zero_grad_optimizer()
            found.append(self._gradient(batch))
            loss = torch.tensor(mean_loss(found[-1].steps, is_sum(net)))
            accumulator.store_step({"loss": loss, "y_pred": None})
            net.notify(
                "on_grad_computed",
                named_parameters=list(net.get_all_learnable_params()),
                batch=None,
                training=True,
            )
            return loss

        net._step_optimizer(closure)
        self._say()
        self._record(accumulator.get_step()["loss"].item(), len(batch), found[0].steps)

    def _gradient(self, batch: np.ndarray) -> GradientSums:
        """The gradient of a batch, put where the optimiser looks for it."""
        net, watch = self.net, self._watch()
        orders = self.orders([[rows] for rows in self._by_shard(batch)], moments=False)
        sums: GradientSums = self.shards.map_reduce(part_of_gradient, orders)
        self._check(sums.diverged)
        self._note(sums, sums.gradient.mean, 1, watch)
        parameters = [tensor for _, tensor in tensors_of(net).parameters]
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter)
        scale = sums.gradient.weight if is_sum(net) else 1.0
        gradient = (sums.gradient.mean * scale).astype(sums.gradient.mean.dtype)
        fill([parameter.grad for parameter in parameters], gradient)
        for parameter, used in zip(parameters, sums.used, strict=True):
            if not used:
                parameter.grad = None
        write_state(net, sums.state)
        return sums

    def _by_shard(self, rows: np.ndarray) -> list[np.ndarray]:
        """Places of rows on their shards, in the order in which the rows are given."""
        shard, place = self.places[rows].T
        return [place[shard == j] for j in range(self.n_shards)]

    def _watch(self) -> tuple[float, int]:
        cost = self.shards.cost
        return time.perf_counter(), cost.bytes_down + cost.bytes_up

    def _note(self, sums: Any, mean: np.ndarray, n_steps: int, watch: tuple[float, int]) -> None:
        now, n_bytes = self._watch()
        apart = float(sums.motion.mean)
        self.rounds.append(
            Round(
                epoch=len(self.net.history),
                n_steps=n_steps,
                loss=mean_loss(sums.steps, False),
                agreement=float(np.dot(mean, mean)) / apart if apart > 0.0 else 1.0,
                seconds=now - watch[0],
                step_seconds=sums.seconds / max(n_steps, 1),
                n_bytes=n_bytes - watch[1],
            )
        )

    def _check(self, diverged: Sequence[int]) -> None:
        if diverged:
            which = ", ".join(f"{j} of {self.n_shards}" for j in diverged)
            raise Diverged(
                f"A loss, a gradient or a parameter is no number any more in round "
                f"{len(self.rounds) + 1} (epoch {len(self.net.history)}), on shard {which}. "
                "Nothing of it is kept. Take a smaller lr, scale the rows, or clip gradients."
            )

    def _tell(self, steps: Sequence[Step]) -> None:
        """skorch's callbacks and history hear of every batch, when its round is over."""
        for step in sorted(steps, key=lambda step: step.shard):
            self.net.notify("on_batch_begin", batch=None, training=True)
            self._record(step.loss, len(step.positions), [step])

    def _record(self, loss: float, n_rows: int, steps: Sequence[Step]) -> None:
        self._batches.append((loss, n_rows))
        record(self.net, "train", loss, n_rows, *self._seen(steps))

    def _seen(self, steps: Sequence[Step]) -> tuple[Any, Any]:
        """The rows of steps and what was predicted for them, where a callback asks for it."""
        if not steps or steps[0].predicted is None:
            return None, None
        rows = np.concatenate([self._rows[step.shard][step.positions] for step in steps])
        predicted = np.concatenate([step.predicted for step in steps])
        return default_collate([self.dataset[row] for row in rows]), torch.from_numpy(predicted)


def rate_factor(net: Any, n_shards: int) -> float:
    """How many times as long steps are as the user said."""
    if net.sync == "gradient":
        return 1.0
    return float(min(n_shards, LONGEST)) if net.rate_factor == "auto" else float(net.rate_factor)


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != "params"}
