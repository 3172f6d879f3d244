# SPDX-License-Identifier: BSD-3-Clause
"""One descent on all shards: every step's gradient is the mean over them, by weight.

    g = (sum_j G_j(w) + alpha W) / sum_j s_j,        (w, m, v) <- rule((w, m, v), g)

G_j is the sum of the gradients of the batch's rows that shard j has, s_j their weight. Batches are
cut from one order of all rows, so that the run is that of one machine, but for the rounding of
sums, however many shards there are.

Cost: a round per step, D numbers per shard down and D up; with "lbfgs" a round per evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from skdist.kernels.mlp_passes import backward, forward, room_for
from skdist.solvers.local_steps import Steps, batch_gradient
from skdist.solvers.network import Array, Network, State
from skdist.solvers.owed_moves import Memory
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset


BEFORE = Memory()  # of the first step


@dataclass(frozen=True, eq=False)
class GradientSums:
    """Loss and gradient of some rows; ``+`` field by field."""

    weight: float
    gradient: Array  # (D,), without the penalty
    square: WeightedMean  # of |G_j / s_j|^2, by weight
    loss: WeightedMean
    diverged: tuple[int, ...] = ()  # shards whose loss or gradient is no number

    def __add__(self, other: GradientSums) -> GradientSums:
        return GradientSums(
            self.weight + other.weight,
            self.gradient + other.gradient,
            self.square + other.square,
            self.loss + other.loss,
            self.diverged + other.diverged,
        )

    @property
    def agreement(self) -> float:
        """``|mean g_j|^2 / mean |g_j|^2`` of the mean gradients g_j."""
        apart = float(self.square.mean) * self.weight**2
        return float(np.dot(self.gradient, self.gradient)) / apart if apart > 0.0 else 1.0


@dataclass(frozen=True)
class PassMeans:
    """What a pass of synchronous steps came to."""

    loss: float
    agreement: float  # mean over the steps
    diverged: tuple[int, ...]
    memory: Memory = BEFORE


class MergedStep(Protocol):
    """A step along the gradients that shards have of a batch."""

    def __call__(
        self, shards: ShardedDataset, network: Network, steps: Steps, state: State,
        starts: Sequence[int], batch: Array, memory: Memory, is_last: bool,
    ) -> tuple[Array, GradientSums, Memory]:  # fmt: skip
        """The values after it, where nothing diverged."""


def gradient_pass(
    shards: ShardedDataset, network: Network, steps: Steps, state: State, starts: Sequence[int],
    order: Array, step: MergedStep | None = None, memory: Memory = BEFORE, is_last: bool = False,
) -> tuple[State, PassMeans]:  # fmt: skip
    """One pass over all rows, in steps of `steps.batch_size`.

    Parameters
    ----------
    shards : ShardedDataset
    network : Network
    steps : Steps
    state : State
    starts : sequence of int
        Number of the first row of every shard, and at the end that of all rows.
    order : ndarray of int, (n,)
        Of all rows, numbered through the shards.
    step : callable, optional
        `whole_step` if it is not given.
    memory : Memory, optional
        What it needs from step to step.
    is_last : bool, default=False
        Whether it is the last pass of a fit.
    """
    values, size, n = state.values, steps.batch_size, len(order)
    agreements, t = list[float](), state.t
    lost: Any = 0.0
    for first in range(0, n, size):
        batch, ends = order[first : first + size], is_last and first + size >= n
        before, t = replace(state, values=values, t=t), t + 1
        with np.errstate(all="ignore"):  # the sums tell
            values, sums, memory = (step or whole_step)(
                shards, network, steps, before, starts, batch, memory, ends
            )
        if sums.diverged:
            return state, PassMeans(np.nan, np.nan, sums.diverged, memory)
        if sums.weight > 0.0:
            penalised = penalty_of(network, before.w) / sums.weight
            lost += (sums.loss.mean + penalised) * len(batch)
            agreements.append(sums.agreement)
    agreement = float(np.mean(agreements)) if agreements else 1.0
    finite = bool(np.isfinite(values[0]).all() and np.isfinite(lost))
    diverged = () if finite else tuple(range(shards.n_shards))
    after = replace(state, values=values, t=t)
    return after, PassMeans(float(lost) / n, agreement, diverged, memory)


def whole_step(
    shards: ShardedDataset, network: Network, steps: Steps, state: State, starts: Sequence[int],
    batch: Array, memory: Memory, is_last: bool,
) -> tuple[Array, GradientSums, Memory]:  # fmt: skip
    """A step along the whole gradient of a batch."""
    values = state.values.copy()
    gradient = rounded_gradient_of if steps.shortened else gradient_of
    told = steps.on_the_way(state.w)
    sums = shards.map_reduce(gradient, network, told, starts, batch)
    if sums.weight > 0.0 and not sums.diverged:
        full = sums.gradient.astype(values.dtype, copy=False)
        along_gradient(network, steps, values, full, sums.weight, state.rate, state.t + 1)
    return values, sums, memory


def along_gradient(
    network: Network, steps: Steps, values: Array, sums: Array, weight: float, rate: float, t: int
) -> None:
    """Change `values` by a step along the sum of a batch's gradients."""
    kind = values.dtype.type
    n_weights, alpha = network.layers.n_weights, network.alpha
    steps.rule.step(values, sums, n_weights, alpha, kind(weight), rate, t)


def gradient_of(
    shard: Shard, network: Network, w: Array, starts: Sequence[int], batch: Array
) -> GradientSums:
    """Loss and gradient of the rows of a batch that a shard has."""
    start, stop = starts[shard.index], starts[shard.index + 1]
    own: NDArray[np.int64] = batch[(batch >= start) & (batch < stop)] - start
    room = network.room(shard, w, len(own))
    with np.errstate(all="ignore"):
        loss, total = batch_gradient(network, room, shard, own)
        return _summed(shard, loss, float(total), room.gradient)


def rounded_gradient_of(
    shard: Shard, network: Network, w: Array, starts: Sequence[int], batch: Array
) -> GradientSums:
    """`gradient_of` at a rounded w, rounded."""
    sums = gradient_of(shard, network, w.astype(shard.X.dtype), starts, batch)
    return replace(sums, gradient=sums.gradient.astype(np.float32))


def _summed(shard: Shard, loss: Any, weight: float, gradient: Array) -> GradientSums:
    if not weight > 0.0:
        nothing = WeightedMean(0.0, np.zeros(()))
        return GradientSums(0.0, np.zeros_like(gradient), nothing, nothing)
    square = float(np.dot(gradient, gradient)) / weight**2
    return GradientSums(
        weight,
        gradient,
        WeightedMean(weight, np.asarray(square)),
        WeightedMean(weight, np.asarray(loss)),
        () if np.isfinite(square) and np.isfinite(loss) else (shard.index,),
    )


def penalty_of(network: Network, w: Array) -> float:
    """``alpha / 2 sum_l |W_l|^2``."""
    squares = sum([float(np.vdot(W, W)) for W in network.layers.weights(w)])
    return 0.5 * network.alpha * squares


def lbfgs(
    shards: ShardedDataset, network: Network, w: Array, options: dict[str, Any],
    report: Callable[[float], None],
) -> OptimizeResult:  # fmt: skip
    """SciPy's L-BFGS-B on the merged loss and gradient of all rows, in float64.

    Parameters
    ----------
    shards : ShardedDataset
    network : Network
    w : ndarray of shape (D,)
        Where to start.
    options : dict
        SciPy's.
    report : callable
        Called with the objective of every evaluation.
    """

    def objective(w: Array) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            sums: GradientSums = shards.map_reduce(full_gradient_of, network, w.copy())
        gradient, n = sums.gradient.copy(), network.layers.n_weights
        gradient[:n] += network.alpha * w[:n]
        gradient /= sums.weight
        value = float(sums.loss.mean) + penalty_of(network, w) / sums.weight
        report(value)
        shards.note(w, loss=value)
        return value, gradient

    def look(intermediate_result: OptimizeResult) -> None:
        if shards.time_is_up:
            raise StopIteration

    return minimize(objective, w, method="L-BFGS-B", jac=True, options=options, callback=look)


def full_gradient_of(shard: Shard, network: Network, w: Array) -> GradientSums:
    """Loss and gradient of all rows of a shard."""
    n = shard.X.shape[0]
    room = room_for(network.layers, w, n, picks_dense=False)
    total = float(n if shard.sample_weight is None else shard.sample_weight.sum())
    if not total > 0.0:
        return _summed(shard, 0.0, 0.0, room.gradient)
    y = network.targets(shard.y)
    with np.errstate(all="ignore"):
        rows = network.inputs(shard.X)
        loss = network.loss_of(y, forward(network.layers, room, rows), shard.sample_weight)
        backward(network.layers, room, rows, y, shard.sample_weight)
        return _summed(shard, loss, total, room.gradient)
