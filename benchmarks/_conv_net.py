# SPDX-License-Identifier: BSD-3-Clause
"""The net of `torch_nets.py`, in a file that other processes can import it from."""

from __future__ import annotations

import time
from typing import Any

from skorch.callbacks import Callback
from torch import Tensor, max_pool2d, nn, relu


class ConvNet(nn.Module):
    """Two convolutions and two dense layers, for square grey images of 10 classes."""

    def __init__(self, side: int, n_maps: int = 16, n_hidden: int = 128) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, n_maps, 3, padding=1)
        self.second = nn.Conv2d(n_maps, 2 * n_maps, 3, padding=1)
        self.hidden = nn.Linear(2 * n_maps * (side // 4) ** 2, n_hidden)
        self.out = nn.Linear(n_hidden, 10)

    def forward(self, X: Tensor) -> Tensor:
        """Scores of images, (n, 1, side, side)."""
        X = max_pool2d(relu(self.first(X)), 2)
        X = max_pool2d(relu(self.second(X)), 2)
        return self.out(relu(self.hidden(X.flatten(1))))


class Clock(Callback):
    """Seconds of training until the accuracy on other rows is reached, which is looked at often.

    Parameters
    ----------
    X, y : the other rows
    target : float
        The accuracy.
    every : int
        Rows between two looks, which are not timed. Averages are looked at when a round is over.
    """

    def __init__(self, X: Any = None, y: Any = None, target: float = 1.0, every: int = 1) -> None:
        self.X, self.y, self.target, self.every = X, y, target, every

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start."""
        self.seconds, self.n_rows, self.accuracies = 0.0, 0, [0.0]
        self._next, self._since = self.every, time.perf_counter()

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Stop, measure, and go on unless that was enough."""
        if not kwargs["training"]:
            return
        self.n_rows += net.history[-1, "batches", -1, "train_batch_size"]
        if self.n_rows < self._next:
            return
        self.seconds += time.perf_counter() - self._since
        self.accuracies.append(float((net.predict(self.X) == self.y).mean()))
        if self.accuracies[-1] >= self.target:
            raise KeyboardInterrupt  # what skorch ends a fit with, its state kept
        self._next, self._since = self.n_rows + self.every, time.perf_counter()
