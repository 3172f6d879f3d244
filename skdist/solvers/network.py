# SPDX-License-Identifier: BSD-3-Clause
"""What the training of a network is asked for, and where it stands: values that tasks are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.mlp_inputs import Inputs, inputs_of
from skdist.kernels.mlp_layers import Layers
from skdist.kernels.mlp_passes import LOSSES, Room, forward, room_for

if TYPE_CHECKING:
    from skdist.sharding import Shard

Array = NDArray[Any]  # of float32 or float64, as the rows are


@dataclass(frozen=True, eq=False)
class State:
    """Where training stands.

    Parameters
    ----------
    values : ndarray of shape (1 + n_moments, D)
        The parameters, and below them what the rule remembers of past gradients.
    t : int
        Steps made, which Adam corrects its moments by.
    rate : float
        Step size, before the schedule's next change.
    """

    values: Array
    t: int
    rate: float

    @property
    def w(self) -> Array:
        """The parameters, (D,)."""
        w: Array = self.values[0]
        return w


class Rule(Protocol):
    """How a gradient becomes a step."""

    @property
    def n_moments(self) -> int:
        """Vectors that it remembers."""

    def step(
        self, values: Array, sums: Array, n_weights: int, alpha: float, weight: Any, rate: float,
        t: int,
    ) -> None:  # fmt: skip
        """Change `values` by step t (from 1) along ``(sums + alpha w) / weight``.

        `weight` is a NumPy scalar, of the dtype of `values` or float64.
        """


@dataclass(frozen=True)
class Adam:
    """Kingma & Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    `wide` takes the step size as float64 whatever the parameters are, as scikit-learn's arrays do:
    float32 parameters then take twice as long.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    wide: bool = True
    n_moments = 2

    def step(
        self, values: Array, sums: Array, n_weights: int, alpha: float, weight: Any, rate: float,
        t: int,
    ) -> None:  # fmt: skip
        """See `Rule`."""
        from skdist.kernels.mlp_updates import adam_step  # numba, when it is needed

        kind = values.dtype.type
        rest_1, rest_2 = kind(1 - self.beta_1), kind(1 - self.beta_2)
        corrected = rate * np.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        adam_step(
            *values, sums, n_weights, kind(alpha), weight, kind(self.beta_1), rest_1,
            kind(self.beta_2), rest_2, kind(self.epsilon),
            np.float64(corrected) if self.wide else kind(corrected),
        )  # fmt: skip


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with momentum, Nesterov's or plain."""

    momentum: float = 0.9
    nesterov: bool = True
    n_moments = 1

    def step(
        self, values: Array, sums: Array, n_weights: int, alpha: float, weight: Any, rate: float,
        t: int,
    ) -> None:  # fmt: skip
        """See `Rule`."""
        from skdist.kernels.mlp_updates import momentum_step  # numba, when it is needed

        kind = values.dtype.type
        momentum_step(
            *values, sums, n_weights, kind(alpha), weight, kind(self.momentum),
            self.nesterov, kind(rate),
        )  # fmt: skip


@dataclass(frozen=True)
class Network:
    """What is minimised: ``1/n sum_i s_i loss(y_i, a_L(x_i)) + alpha / (2 n) sum_l |W_l|^2``.

    With minibatches n is the weight of the batch, as in scikit-learn.

    Parameters
    ----------
    layers : Layers
    loss : {"log_loss", "squared_error", "poisson"}
    n_classes : int
        y holds numbers of so many classes, if they are more than two; else it holds the outputs.
    alpha : float
    usual : ndarray of shape (d,), optional
        What the entries of sparse rows were counted from, if not from zero.
    """

    layers: Layers
    loss: str
    n_classes: int
    alpha: float
    usual: Array | None = field(default=None, compare=False)

    def room(self, shard: Shard, w: Array, n_rows: int) -> Room:
        """Buffers for batches of rows of a shard."""
        return room_for(self.layers, w, n_rows, picks_dense=isinstance(shard.X, np.ndarray))

    def inputs(self, X: Any, rows: Array | None = None, buffer: Array | None = None) -> Inputs:
        """The given rows of a shard's X, or all; see `inputs_of`."""
        return inputs_of(X, rows, buffer, self.usual)

    def targets(self, y: Array) -> Array:
        """What the outputs of rows should be, (n, units[-1])."""
        if self.n_classes > 2:
            return np.asarray(y[:, None] == np.arange(self.n_classes, dtype=y.dtype))
        return y.reshape(len(y), self.layers.units[-1])

    def loss_of(self, y: Array, outputs: Array, weight: Array | None) -> Any:
        """Mean loss of rows, without the penalty."""
        return LOSSES[self.loss, self.layers.output](y, outputs, weight)


def started(w: Array, rule: Rule, rate: float) -> State:
    """At the parameters w, nothing remembered."""
    values = np.zeros((1 + rule.n_moments, len(w)), w.dtype)
    values[0] = w
    return State(values, 0, float(rate))


def outputs_of(network: Network, w: Array, X: Any) -> Array:
    """The outputs for the rows X, (n, units[-1])."""
    room = room_for(network.layers, w, X.shape[0], picks_dense=False)
    outputs: Array = forward(network.layers, room, network.inputs(X))
    return outputs
