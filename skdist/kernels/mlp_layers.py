# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of a multilayer perceptron as one flat vector, and the layers as views into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LINE = 64  # bytes of a cache line, and of the widest register


def aligned_empty(shape: int | tuple[int, ...], dtype: Any) -> Array:
    """``np.empty`` that begins with a cache line; NumPy's begins a quarter of a line after it.

    Else every register that is loaded or stored takes parts of two lines.
    """
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(n_bytes + LINE, np.uint8)
    begin = -room.ctypes.data % LINE
    return room[begin : begin + n_bytes].view(dtype).reshape(shape)


@dataclass(frozen=True)
class Layers:
    """The shape of a network: ``a_0 = x``, ``a_l = f(a_(l-1) W_l + b_l)`` for l = 1 ... L.

    The flat vector holds W_1, ..., W_L in C order and then b_1, ..., b_L.

    Parameters
    ----------
    units : tuple of int
        Width of every layer, that of the rows first and that of the outputs last.
    activation : {"identity", "logistic", "tanh", "relu"}
        f of the hidden layers.
    output : {"identity", "logistic", "softmax", "exp"}
        f of the last one.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.kernels.mlp_layers import Layers
    >>> layers = Layers((4, 3, 2), "relu", "softmax")
    >>> layers.n_weights, layers.n_parameters
    (18, 23)
    >>> [W.shape for W in layers.weights(np.zeros(23))]
    [(4, 3), (3, 2)]
    """

    units: tuple[int, ...]
    activation: str
    output: str

    @property
    def n_weights(self) -> int:
        """Length of the part of the vector that is penalised: all but the intercepts."""
        return sum(a * b for a, b in pairwise(self.units))

    @property
    def n_parameters(self) -> int:
        """Length D of the vector."""
        return self.n_weights + sum(self.units[1:])

    def weights(self, flat: Array) -> list[Array]:
        """W_1, ..., W_L as views into the vector, (D,)."""
        ends = np.cumsum([a * b for a, b in pairwise(self.units)])
        pieces = np.split(flat[: self.n_weights], ends[:-1])
        return [p.reshape(ab) for p, ab in zip(pieces, pairwise(self.units), strict=True)]

    def biases(self, flat: Array) -> list[Array]:
        """b_1, ..., b_L as views into the vector, (D,)."""
        return np.split(flat[self.n_weights :], np.cumsum(self.units[1:])[:-1])

    def pack(self, weights: Sequence[Array], biases: Sequence[Array]) -> Array:
        """The flat vector, in the widest dtype of its parts; a copy."""
        return np.concatenate([np.ravel(part) for part in (*weights, *biases)])
