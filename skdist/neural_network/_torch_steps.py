# SPDX-License-Identifier: BSD-3-Clause
"""What one shard does in a round: some steps of its own, or its part of one gradient."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from skorch.dataset import get_len, unpack_data
from skorch.utils import to_numpy

from skdist.neural_network._torch_random import OwnRandomNumbers
from skdist.neural_network._torch_recipe import Recipe
from skdist.neural_network._torch_state import (
    flat,
    forget_moments,
    modules_of,
    read_state,
    shape_like,
    tensors_of,
    write_state,
)
from skdist.neural_network._torch_threads import torch_threads
from skdist.sharding import Shard
from skdist.summaries import NetworkState, WeightedMean

# Optimisers whose fused step takes whatever their loop does; others' refuse sparse gradients.
FUSED = {torch.optim.Adam, torch.optim.AdamW}


@dataclass(frozen=True, eq=False)
class Orders:
    """What all shards are told in a round.

    Parameters
    ----------
    recipe : Recipe
    state : NetworkState
        Where all start from.
    groups : tuple
        Of each optimiser the settings of its parameter groups.
    frozen : frozenset of str
        Parameters that are not trained.
    positions : tuple
        For each shard its batches, as places among its rows.
    seed : int
        Of what the steps draw, with the shard's number.
    longer : float
        Factor of the step sizes.
    predictions : bool
        Whether predictions are wanted, by callbacks.
    """

    recipe: Recipe
    state: NetworkState
    groups: tuple[Any, ...]
    frozen: frozenset[str]
    positions: tuple[Sequence[np.ndarray], ...]
    seed: int
    longer: float = 1.0
    predictions: bool = False


class Step(NamedTuple):
    """A step of a shard: of which rows, their loss before it, and what was predicted."""

    shard: int
    positions: np.ndarray
    loss: float
    predicted: Any


@dataclass(frozen=True, eq=False)
class StepSums:
    """What the steps of some shards came to; ``+`` field by field.

    Parameters
    ----------
    state : NetworkState
        By the number of rows met.
    motion : WeightedMean
        ``|w_j - w|^2``, by the same.
    steps : tuple of Step
    seconds : float
        Of the steps of the slowest shard.
    diverged : tuple of int
        Shards whose losses or parameters are no numbers.
    """

    state: NetworkState
    motion: WeightedMean
    steps: tuple[Step, ...]
    seconds: float
    diverged: tuple[int, ...] = ()

    def __add__(self, other: StepSums) -> StepSums:
        return StepSums(
            self.state + other.state,
            self.motion + other.motion,
            self.steps + other.steps,
            max(self.seconds, other.seconds),
            self.diverged + other.diverged,
        )


@dataclass(frozen=True, eq=False)
class GradientSums:
    """Parts of one batch's gradient; ``+`` field by field.

    Parameters
    ----------
    gradient : WeightedMean
        Of shape (D,), by what the criterion divides by.
    used : ndarray of bool
        Parameters that the loss depends on.
    state : NetworkState
        Buffers alone, by the number of rows.
    steps, seconds, diverged : as in `StepSums`
    motion : WeightedMean
        Squared length of the parts' gradients.
    """

    gradient: WeightedMean
    used: np.ndarray
    state: NetworkState
    motion: WeightedMean
    steps: tuple[Step, ...]
    seconds: float
    diverged: tuple[int, ...] = ()

    def __add__(self, other: GradientSums) -> GradientSums:
        return GradientSums(
            self.gradient + other.gradient,
            self.used | other.used,
            self.state + other.state,
            self.motion + other.motion,
            self.steps + other.steps,
            max(self.seconds, other.seconds),
            self.diverged + other.diverged,
        )


def take_steps(shard: Shard, orders: Orders) -> StepSums:
    """Steps on a shard's batches, from where all shards start.

    Parameters
    ----------
    shard : Shard
        X is a `Rows`.
    orders : Orders

    Returns
    -------
    StepSums
    """
    with prepared(shard, orders) as net:
        start, steps, n_met = time.perf_counter(), [], 0
        mine = orders.positions[shard.index]
        loaded = iter(shard.X.batches(net, mine))
        for rows in mine:
            with net.draws_:
                batch = next(loaded)
            step = net.train_step(batch, **orders.recipe.fit_params)
            steps.append(_step(shard, rows, step, orders))
            n_met += len(rows)
            if not np.isfinite(steps[-1].loss):
                break
        state = read_state(net, float(n_met))
        move = state.parameters - orders.state.parameters
        motion = float(np.dot(move, move))
        lost = sum(step.loss for step in steps)
        return StepSums(
            state,
            WeightedMean(float(n_met), np.asarray(motion)),
            tuple(steps),
            time.perf_counter() - start,
            () if np.isfinite(motion) and np.isfinite(lost) else (shard.index,),
        )


def part_of_gradient(shard: Shard, orders: Orders) -> GradientSums:
    """The gradient of the rows of a batch that are on a shard.

    Parameters
    ----------
    shard : Shard
    orders : Orders
        With one batch per shard; of no rows, where a batch has none of the shard.

    Returns
    -------
    GradientSums
    """
    with prepared(shard, orders) as net:
        start, (rows,) = time.perf_counter(), orders.positions[shard.index]
        parameters = [tensor for _, tensor in tensors_of(net).parameters]
        for parameter in parameters:
            parameter.grad = None
        steps, mass = (), 0.0
        if len(rows):
            with net.draws_:
                (batch,) = shard.X.batches(net, [rows])
            step = net.train_step_single(batch, **orders.recipe.fit_params)
            steps = (_step(shard, rows, step, orders),)
            mass = divisor(net, batch)
        gradient = flat(torch.zeros_like(p) if p.grad is None else p.grad for p in parameters)
        motion = float(np.dot(gradient, gradient))
        finite = np.isfinite(motion) and all(np.isfinite(step.loss) for step in steps)
        return GradientSums(
            WeightedMean(mass, gradient),
            np.array([parameter.grad is not None for parameter in parameters]),
            read_state(net, float(len(rows)), moments=False, parameters=False),
            WeightedMean(mass, np.asarray(motion)),
            steps,
            time.perf_counter() - start,
            () if finite else (shard.index,),
        )


def divisor(net: Any, batch: Any) -> float:
    """What the criterion divides the sum over a batch by: gradients of parts merge by it.

    The number of rows; of weighted classes, the weights of the rows' classes. A criterion that
    sums divides by nothing: its parts are added, see `is_sum`.
    """
    criterion = net.criterion_
    if is_sum(net):
        return 1.0
    _, y = unpack_data(batch)
    if not isinstance(criterion, (torch.nn.NLLLoss, torch.nn.CrossEntropyLoss)):
        return float(get_len(batch[0]))
    if y.is_floating_point():  # probabilities of classes: the criterion divides by rows
        return float(len(y))
    kept = y[y != criterion.ignore_index]
    weight = criterion.weight
    return float(len(kept) if weight is None else weight.cpu()[kept.cpu()].sum())


def is_sum(net: Any) -> bool:
    """Whether the criterion sums over rows; any other is taken to be a mean."""
    return getattr(net.criterion_, "reduction", "mean") == "sum"


def _step(shard: Shard, rows: np.ndarray, step: Any, orders: Orders) -> Step:
    predicted = to_numpy(step["y_pred"]) if orders.predictions else None
    return Step(shard.index, rows, float(step["loss"].item()), predicted)


@contextmanager
def prepared(shard: Shard, orders: Orders) -> Iterator[Any]:
    """The net of a shard as all are told, its threads and its random numbers."""
    seed = int(np.random.SeedSequence((orders.seed, shard.index)).generate_state(1)[0])
    with orders.recipe.net(shard.index) as net, torch_threads(orders.recipe.threads_here):
        shape_like(net, orders.state)
        forget_moments(net, orders.state)
        write_state(net, orders.state)
        _set_groups(net, orders)
        for name, module in modules_of(net):
            for key, parameter in module.named_parameters():
                parameter.requires_grad_(f"{name}.{key}" not in orders.frozen)
        # Not for the whole block: what the optimiser does need not go through it.
        net.draws_ = OwnRandomNumbers(seed, torch.device(net.device))
        yield net


def _set_groups(net: Any, orders: Orders) -> None:
    for name, groups in zip(net._optimizers, orders.groups, strict=True):
        optimizer = getattr(net, name + "_")
        for own, told in zip(optimizer.param_groups, groups, strict=True):
            own.update(told)
            own["lr"] = told["lr"] * orders.longer
            if type(optimizer) in FUSED:
                own["fused"] = _may_fuse(own)


def _may_fuse(group: dict[str, Any]) -> bool | None:
    """Whether a step may be one kernel: on CPUs torch loops where the user leaves it the choice."""
    if group["fused"] is not None or group["foreach"] is not None:
        return group["fused"]
    on_cpu = all(p.device.type == "cpu" and p.is_floating_point() for p in group["params"])
    return (on_cpu and not group["differentiable"]) or None
