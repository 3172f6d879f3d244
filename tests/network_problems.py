# SPDX-License-Identifier: BSD-3-Clause
"""Small problems for networks, and three-line shards for solvers."""

from functools import reduce
from operator import add

import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from skdist.kernels.mlp_layers import Layers
from skdist.sharding import Shard
from skdist.solvers.network import Network
from skdist.solvers.unkept_loop import UnkeptLoop


def digits(dtype=np.float64):
    """Rows to fit and rows to predict, in an order drawn at random: X, y, X_test, y_test."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = (X[order] / 16).astype(dtype), y[order]
    return X[:1400], y[:1400], X[1400:], y[1400:]


def numbers(n=600, d=5, dtype=np.float64):
    """X and a smooth function of it with noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    y = np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2] + 0.05 * rng.standard_normal(n)
    return X.astype(dtype), y.astype(dtype)


def network(units=(5, 4, 3), activation="tanh", output="softmax", loss="log_loss", alpha=0.1):
    """A small network, and parameters to start from."""
    layers = Layers(units, activation, output)
    n_classes = units[-1] if output == "softmax" else 0
    w = 0.3 * np.random.default_rng(1).standard_normal(layers.n_parameters)
    return Network(layers, loss, n_classes, alpha), w


class SerialShards:
    """Shards here, one after the other."""

    def __init__(self, X, y, weight=None, n_shards=1):
        self.n_shards = n_shards
        pieces = np.array_split(np.arange(len(y)), n_shards)
        self.starts = (0, *np.cumsum([len(p) for p in pieces]).tolist())
        self.shards = [
            Shard(
                X[p],
                y[p],
                None if weight is None else weight[p],
                range(self.starts[j], self.starts[j + 1]),
                index=j,
                n_shards=n_shards,
            )
            for j, p in enumerate(pieces)
        ]

    def map(self, function, *broadcast):
        return [function(shard, *broadcast) for shard in self.shards]

    def map_reduce(self, function, *broadcast):
        return reduce(add, self.map(function, *broadcast))

    def map_reduce_carrying(self, function, carried, *broadcast):
        before = carried or [None] * self.n_shards
        found = [function(s, own, *broadcast) for s, own in zip(self.shards, before, strict=True)]
        summaries, own = zip(*found, strict=True)
        return reduce(add, summaries), own

    def note(self, state=None, **values):
        """Nobody watches."""

    time_is_up = False

    def loop(self):
        return UnkeptLoop()


def parameters(model):
    """All parameters of a fitted network, one after the other."""
    return np.concatenate([np.ravel(a) for a in (*model.coefs_, *model.intercepts_)])


def one_blas_thread():
    """scikit-learn's own products, summed in the order of one thread."""
    return threadpool_limits(1, user_api="blas")
