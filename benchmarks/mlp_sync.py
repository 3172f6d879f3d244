# SPDX-License-Identifier: BSD-3-Clause
"""What a multilayer perceptron of four shards loses by talking less: accuracy, rounds, bytes.

Merged gradients (a round for every step) and local steps (a round for every 1, 7 or 28), with the
optimiser's moments averaged as the parameters are, and with moments that every shard keeps to
itself. Shards of rows in random order, and of rows sorted by label. All make the same passes over
the rows in batches of 64 per shard, by Adam; each is shown at the step size that is best for it.

    python benchmarks/mlp_sync.py                                # made rows, 20-64-64-5
    python benchmarks/mlp_sync.py --data letter.npz --passes 20  # a file of arrays X and y
    python benchmarks/mlp_sync.py --plot sync.png                # and a picture (needs matplotlib)

Bytes are those of the parameters and moments that travel, down and up, of all shards.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.datasets import make_classification

from skdist.kernels.mlp_layers import Layers
from skdist.sharding import Shard, ShardedDataset, shard_rows
from skdist.solvers.gradient_sync import gradient_pass
from skdist.solvers.local_steps import Steps, StepSums, local_round, take_steps
from skdist.solvers.network import Adam, Network, State, outputs_of, started

N_SHARDS, BATCH = 4, 64
RATES = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2)
SEEDS = (0, 1)
ORDERS = ("random order", "sorted by label")


@dataclass(frozen=True)
class Method:
    """How shards are kept in step: H local steps, or none; whether moments travel."""

    local_steps: int
    moments: bool = True

    @property
    def name(self) -> str:
        """What a table calls it."""
        if self.local_steps == 0:
            return "gradient"
        return f"local, H = {self.local_steps}" + ("" if self.moments else ", own moments")

    @property
    def vectors(self) -> int:
        """Vectors of D numbers in a round, one way."""
        return 1 if self.local_steps == 0 or not self.moments else 3


METHODS = (Method(0), *(Method(h, moments) for h in (1, 7, 28) for moments in (True, False)))


@dataclass(frozen=True, eq=False)
class Task:
    """Rows to fit in shards, a network, and rows to be judged by."""

    shards: ShardedDataset
    network: Network
    w: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def accuracy(self, w: np.ndarray) -> float:
        """On the rows that are not fitted."""
        return float(
            np.mean(outputs_of(self.network, w, self.X_test).argmax(axis=1) == self.y_test)
        )


@dataclass(frozen=True)
class Curve:
    """Accuracy after every pass, of one method at one step size; means over the seeds."""

    rate: float
    rounds: tuple[int, ...]
    megabytes: tuple[float, ...]
    accuracy: tuple[float, ...]


def make_task(X: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], order: str, seed: int) -> Task:
    """Four fifths to fit, cut into shards as they are ordered."""
    X = ((X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)).astype(np.float32)
    classes, codes = np.unique(y, return_inverse=True)
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(y))
    rows, test = np.split(mixed, [len(y) * 4 // 5])
    if order == ORDERS[1]:
        rows = rows[np.argsort(codes[rows], kind="stable")]
    layers = Layers((X.shape[1], *hidden, len(classes)), "relu", "softmax")
    w = np.zeros(layers.n_parameters, np.float32)
    for W in layers.weights(w):  # Glorot's, as scikit-learn draws them
        bound = np.sqrt(6.0 / sum(W.shape))
        W[:] = rng.uniform(-bound, bound, W.shape)
    shards = shard_rows(X[rows], codes[rows].astype(np.float32), n_shards=N_SHARDS)
    return Task(shards, Network(layers, "log_loss", len(classes), 1e-4), w, X[test], codes[test])


def private_steps(
    shard: Shard, network: Network, steps: Steps, states: list[State], *where: Any
) -> tuple[StepSums, np.ndarray]:
    """Steps of a shard from parameters that all share, and moments of its own."""
    sums = take_steps(shard, network, steps, states[shard.index], *where, None)
    return sums, sums.place.mean


def passes(task: Task, method: Method, rate: float, n_passes: int, seed: int) -> Iterator[Any]:
    """Yield the parameters and the number of rounds after every pass."""
    n, h = task.shards.n_samples, method.local_steps
    steps = Steps(Adam(), BATCH if h else BATCH * N_SHARDS, n, N_SHARDS, h, True, seed)
    state = started(task.w, steps.rule, rate / steps.longer if h else rate)
    states, rng, n_rounds = [state] * N_SHARDS, np.random.default_rng(seed), 0
    starts = (0, *(rows.stop for rows in task.shards.rows))
    for n_pass in range(n_passes):
        if h == 0:
            order = rng.permutation(n)
            state, _ = gradient_pass(task.shards, task.network, steps, state, starts, order)
            n_rounds = state.t
        for first in range(0, steps.per_pass if h else 0, h or 1):
            if method.moments:
                where = (n_pass, first, None)
                state, _ = local_round(task.shards, task.network, steps, state, *where)
            else:
                states = private_round(task, steps, states, n_pass, first)
                state = states[0]
            n_rounds += 1
        yield state.w, n_rounds


def private_round(
    task: Task, steps: Steps, states: list[State], n_pass: int, first: int
) -> list[State]:
    """`local_round`, every shard going on with its own moments."""
    n_steps = min(steps.local_steps, steps.per_pass - first)
    where = (states, n_pass, first, n_steps)
    done = task.shards.map(private_steps, task.network, steps, *where)
    weights = [sums.place.weight for sums, _ in done]
    w = np.average([values[0] for _, values in done], axis=0, weights=weights)
    after = []
    for state, (_, values) in zip(states, done, strict=True):
        values = values.copy()
        values[0] = w
        after.append(replace(state, values=values, t=state.t + n_steps))
    return after


def curve(tasks: list[Task], method: Method, rate: float, n_passes: int) -> Curve:
    """The mean over tasks that differ in their seed."""
    found = []
    for seed, task in enumerate(tasks):
        run = passes(task, method, rate, n_passes, seed)
        found.append([(n_rounds, task.accuracy(w)) for w, n_rounds in run])
    rounds = [n_rounds for n_rounds, _ in found[0]]
    each = 2 * N_SHARDS * method.vectors * tasks[0].w.nbytes / 1e6
    accuracy = np.mean([[a for _, a in one] for one in found], axis=0)
    return Curve(rate, tuple(rounds), tuple(each * r for r in rounds), tuple(accuracy.tolist()))


def best_curves(tasks: list[Task], n_passes: int) -> dict[str, Curve]:
    """Every method at its best step size."""
    found = {}
    for method in METHODS:
        curves = [curve(tasks, method, rate, n_passes) for rate in RATES]
        found[method.name] = max(curves, key=lambda c: c.accuracy[-1])
    return found


def print_curves(order: str, curves: dict[str, Curve]) -> None:
    """The table of one order."""
    print(f"\nRows in {order}" if order == ORDERS[0] else f"\nRows {order}")
    print(
        f"{'method':28s} {'step':>7s} {'rounds':>7s} {'MB':>8s} {'half way':>9s} {'accuracy':>9s}"
    )
    for name, one in curves.items():
        half = one.accuracy[len(one.accuracy) // 2 - 1]
        print(
            f"{name:28s} {one.rate:7.4f} {one.rounds[-1]:7d} {one.megabytes[-1]:8.1f} {half:9.4f} "
            f"{one.accuracy[-1]:9.4f}"
        )


def plot(path: str, both: dict[str, dict[str, Curve]]) -> None:
    """Accuracy over rounds, and over bytes."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 8), sharey="row", layout="constrained")
    for row, (order, curves) in zip(axes, both.items(), strict=True):
        for name, one in curves.items():
            style = "--" if "own" in name else "-"
            row[0].plot(one.rounds, one.accuracy, style, marker=".", label=name)
            row[1].plot(one.megabytes, one.accuracy, style, marker=".", label=name)
        for axis, what in zip(row, ("rounds", "MB down and up"), strict=True):
            axis.set(xscale="log", xlabel=what, ylabel="accuracy", title=f"rows: {order}")
    axes[0, 0].legend(fontsize="small")
    figure.savefig(path, dpi=120)


def read_rows(options: Namespace) -> tuple[np.ndarray, np.ndarray]:
    """X and y of the file, or made ones."""
    if options.data:
        file = np.load(options.data)
        return file["X"], file["y"]
    return make_classification(
        30_000,
        20,
        n_informative=15,
        n_redundant=0,
        n_classes=5,
        n_clusters_per_class=6,
        flip_y=0.02,
        random_state=0,
    )


def main() -> None:
    """Print both tables."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE", help=".npz with arrays X and y")
    parser.add_argument("--passes", type=int, default=12)
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 64])
    parser.add_argument("--plot", metavar="FILE", help="draw the tables, too")
    options = parser.parse_args()
    X, y = read_rows(options)
    print(f"{len(y) * 4 // 5:,} x {X.shape[1]}, {N_SHARDS} shards, {options.passes} passes")
    both = {}
    for order in ORDERS:
        tasks = [make_task(X, y, tuple(options.hidden), order, seed) for seed in SEEDS]
        both[order] = best_curves(tasks, options.passes)
        print_curves(order, both[order])
    if options.plot:
        plot(options.plot, both)


if __name__ == "__main__":
    main()
