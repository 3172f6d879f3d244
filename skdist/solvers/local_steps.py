# SPDX-License-Identifier: BSD-3-Clause
"""Shards take steps side by side; parameters and moments are averaged every so often.

    (w, m, v)_j = H steps on batches of shard j, from (w, m, v)
    (w, m, v)   = sum_j s_j (w, m, v)_j / sum_j s_j           s_j the weight of the rows of shard j

("Local Adam"; Stich, 2019; Douillard et al., 2023; Iacob et al., 2025: without the moments, shards
of unlike rows pull apart). A step uses B rows of each of m shards. A pass has an m-th of the steps
of one machine, so steps are m times as long: their mean is no noisier for it. Beyond `LONGEST`
times, shards take smaller batches instead, down to `FEWEST_ROWS`.

One shard is plain minibatch descent, batches as scikit-learn cuts them.

Cost: a round per H steps, k D numbers per shard down and up: the D parameters and the moments.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.mlp_layers import aligned_empty
from skdist.kernels.mlp_passes import Room, backward, forward, penalty
from skdist.solvers.network import Array, Network, Rule, State, started
from skdist.summaries import WeightedMean

if TYPE_CHECKING:
    from skdist.sharding import Shard, ShardedDataset

LONGEST = 8
FEWEST_ROWS = 32
# What a round and a step are taken to cost where nobody can measure it: a model must not depend on
# how fast today's network is. Seconds, seconds per number that travels, seconds per operation.
ROUND, PER_NUMBER, PER_OPERATION = 1e-3, 4e-9, 1e-11
SHARE_OF_ROUNDS = 0.1  # of the time, at most
FEWEST_ROUNDS = 4  # of a pass over rows that were not dealt to the shards at random
TIMED_STEPS = 4  # of a round that is only there to be timed


@dataclass(frozen=True)
class Steps:
    """How shards step.

    Parameters
    ----------
    rule : Rule
    batch_size : int
        Rows of a shard's step; of merged gradients, of a step of all.
    n_rows : int
        Of all shards.
    n_shards : int
    local_steps : int
        Between two averages; a pass ends with one in any case.
    shuffle : bool
    seed : int
        Of the order of a shard's rows, with the number of the pass and that of the shard.
    shortened : bool, default=False
        Whether what is averaged, or summed, travels in float32; steps are made, and moments kept
        from round to round, in the dtype of the rows.
    share : float, default=0.0
        Of the entries of a move, or gradient, that shards send, owing the rest; see `owed_moves`.
        0 where all travel.
    """

    rule: Rule
    batch_size: int
    n_rows: int
    n_shards: int
    local_steps: int
    shuffle: bool
    seed: int
    shortened: bool = False
    share: float = 0.0

    def on_the_way(self, values: Array) -> Array:
        """Values as they travel."""
        return values.astype(np.float32) if self.shortened else values

    @property
    def total_batch(self) -> int:
        """Rows of a step of all shards."""
        m = self.n_shards
        rows = max(self.batch_size * min(m, LONGEST), min(FEWEST_ROWS, self.batch_size) * m)
        return min(rows, self.n_rows)

    @property
    def longer(self) -> float:
        """Factor of the step size."""
        return min(self.total_batch / self.batch_size, float(LONGEST))

    @property
    def per_pass(self) -> int:
        """Steps of a pass."""
        return -(-self.n_rows // self.total_batch)

    def batch_of(self, n_own: int) -> int:
        """Rows of a step of a shard that has `n_own`."""
        return max(1, round(self.total_batch * n_own / self.n_rows))


def steps_between_rounds(n_parameters: int, batch: int, per_pass: int, dealt: bool) -> int:
    """H such that rounds take a tenth of the time, by nominal costs.

    Parameters
    ----------
    n_parameters : int
        D; a round moves 6 D numbers: parameters and moments, down and up.
    batch : int
        Rows of a shard's step, which take 6 D operations each.
    per_pass : int
        Steps of a pass.
    dealt : bool
        Whether shards have like rows, having been dealt them at random. Else there are four rounds
        a pass at least.
    """
    a_round = ROUND + PER_NUMBER * 6 * n_parameters
    a_step = PER_OPERATION * 6 * n_parameters * batch
    return _enough_steps(a_round, a_step, per_pass, dealt)


def _enough_steps(a_round: float, a_step: float, per_pass: int, dealt: bool) -> int:
    enough = (1.0 / SHARE_OF_ROUNDS - 1.0) * a_round / a_step
    most = -(-per_pass // (1 if dealt else FEWEST_ROUNDS))
    return int(np.clip(np.ceil(enough), 1, most))


def measured_steps_between_rounds(
    shards: ShardedDataset, network: Network, steps: Steps, w: Array, dealt: bool
) -> int:
    """H such that rounds take a tenth of the time, by the clock: of today's machines and network.

    Parameters
    ----------
    shards : ShardedDataset
    network : Network
    steps : Steps
    w : ndarray of shape (D,)
    dealt : bool
        As of `steps_between_rounds`.

    Notes
    -----
    Cost: two rounds of a few steps that are forgotten; the first loads code and starts workers.
    """
    state, n_steps = started(w, steps.rule, 0.0), min(TIMED_STEPS, steps.per_pass)
    for _ in range(2):
        begin = time.perf_counter()
        with np.errstate(all="ignore"):
            timed: TimedSums = shards.map_reduce(time_steps, network, steps, state, n_steps)
        a_round = time.perf_counter() - begin - timed.seconds
    return _enough_steps(max(a_round, 0.0), timed.seconds / n_steps, steps.per_pass, dealt)


@dataclass(frozen=True, eq=False)
class TimedSums:
    """What the steps of some shards came to, and the seconds of the slowest."""

    sums: StepSums
    seconds: float

    def __add__(self, other: TimedSums) -> TimedSums:
        return TimedSums(self.sums + other.sums, max(self.seconds, other.seconds))


def time_steps(
    shard: Shard, network: Network, steps: Steps, state: State, n_steps: int
) -> TimedSums:
    """`take_steps`, timed."""
    begin = time.perf_counter()
    sums = take_steps(shard, network, steps, state, 0, 0, n_steps, None)
    return TimedSums(sums, time.perf_counter() - begin)


@dataclass(frozen=True, eq=False)
class StepSums:
    """What the steps of some shards came to; ``+`` field by field."""

    place: WeightedMean  # (1 + n_moments, D), by the weight of the rows
    motion: WeightedMean  # |w_j - w|^2, by the weight of the rows
    loss: WeightedMean  # of batches before they were learnt from, by the number of rows
    diverged: tuple[int, ...] = ()  # shards whose parameters or losses are no numbers
    n_shards: int = 1

    def __add__(self, other: StepSums) -> StepSums:
        return StepSums(
            self.place + other.place,
            self.motion + other.motion,
            self.loss + other.loss,
            self.diverged + other.diverged,
            self.n_shards + other.n_shards,
        )


def local_round(
    shards: ShardedDataset, network: Network, steps: Steps, state: State, n_pass: int, first: int,
    order: Array | None, whole: bool = True,
) -> tuple[State, StepSums]:  # fmt: skip
    """Steps `first` ... `first` + H - 1 of a pass on all shards, and the average after them.

    Where it need not be `whole`, shards that are late are left out, if the user allows it.

    Parameters
    ----------
    shards : ShardedDataset
        X (n, d), y (n,) or (n, outputs), weights; the dtype of X is that of the parameters.
    order : ndarray of int or None
        Of one shard's rows, where it is not the shard that draws it.
    """
    n_steps = min(steps.local_steps, steps.per_pass - first)
    told = replace(state, values=steps.on_the_way(state.values))
    with np.errstate(all="ignore"):  # the sums tell
        summed = shards.map_reduce if whole else shards.map_reduce_of_most
        sums: StepSums = summed(take_steps, network, steps, told, n_pass, first, n_steps, order)
    values = sums.place.mean.astype(state.values.dtype, copy=False)
    after = replace(state, values=values, t=state.t + n_steps)
    return after, sums


def take_steps(
    shard: Shard, network: Network, steps: Steps, state: State, n_pass: int, first: int,
    n_steps: int, order: Array | None,
) -> StepSums:  # fmt: skip
    """Steps on one shard's batches number `first` and on, from the state that all shards share."""
    n_own = shard.X.shape[0]
    if order is None:
        order = _order(shard, steps, n_pass)
    size, values = steps.batch_of(n_own), aligned_empty(state.values.shape, shard.X.dtype)
    values[:] = state.values
    room = network.room(shard, values[0], min(size, n_own))
    lost, n_met, rate = 0.0, 0, state.rate * steps.longer
    with np.errstate(all="ignore"):  # the sums tell
        for k in range(n_steps):
            rows = order[(first + k) * size : (first + k + 1) * size]
            loss, total = batch_gradient(network, room, shard, rows)
            if total > 0:
                lost += (loss + penalty(room, network.alpha) / total) * len(rows)
                steps.rule.step(
                    values, room.gradient, network.layers.n_weights, network.alpha, total, rate,
                    state.t + k + 1,
                )  # fmt: skip
            n_met += len(rows)
        place = steps.on_the_way(values)
        return _summed(shard, state, place, lost / max(n_met, 1), n_met)


def _order(shard: Shard, steps: Steps, n_pass: int) -> NDArray[np.int64]:
    n_own = shard.X.shape[0]
    if not steps.shuffle:
        return np.arange(n_own)
    return np.random.default_rng((steps.seed, n_pass, shard.index)).permutation(n_own)


def batch_gradient(network: Network, room: Room, shard: Shard, rows: Array) -> tuple[Any, Any]:
    """Mean loss of a batch and its weight; the sum of its gradients is in the room."""
    weight = None if shard.sample_weight is None else shard.sample_weight[rows]
    total = room.gradient.dtype.type(len(rows)) if weight is None else weight.sum()
    if not total > 0:
        return 0.0, 0.0
    X, y = network.inputs(shard.X, rows, room.rows), network.targets(shard.y[rows])
    loss = network.loss_of(y, forward(network.layers, room, X), weight)
    backward(network.layers, room, X, y, weight)
    return loss, total


def _summed(shard: Shard, state: State, values: Array, loss: Any, n_met: int) -> StepSums:
    weight = float(shard.X.shape[0] if shard.sample_weight is None else shard.sample_weight.sum())
    move = values[0] - state.w
    motion = float(np.dot(move, move))
    finite = np.isfinite(motion) and np.isfinite(loss)
    return StepSums(
        WeightedMean(weight, values),
        WeightedMean(weight, np.asarray(motion)),
        WeightedMean(float(n_met), np.asarray(loss)),
        () if finite else (shard.index,),
    )
