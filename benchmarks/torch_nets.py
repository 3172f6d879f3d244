# SPDX-License-Identifier: BSD-3-Clause
"""A convolutional net on two processes beside skorch on one: seconds to an accuracy, and bytes.

Each contestant in a fresh process, in turn, several times; "to target s" are seconds of training
until the test accuracy is reached, at the step size of `--rates` that was quickest for the
contestant (a contestant that needs more than `--epochs` is out). Every process first fits a few
rows, so that starting workers and importing torch is not in it.

    python benchmarks/torch_nets.py                            # scikit-learn's 8x8 digits
    python benchmarks/torch_nets.py --data mnist.npz --target 0.97 --runs 5

`--data` has X (n, side * side) in [0, 1] and y of 10 classes; the last fifth of the rows is for
testing. "MB an epoch" is what went down and up; merged gradients are what all-reduce would move.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from _side_by_side import Figures, in_turn, print_table, run_child

BATCH = 64
# name -> (module of the class, the class, its parameters, where it runs)
CONTESTANTS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "skorch, 1 process, 2 threads": ("skorch", "NeuralNetClassifier", {}, {}),
    "local, 2 processes": (
        "skdist", "DistributedNeuralNetClassifier", {"n_shards": 2},
        {"backend": "loky", "n_jobs": 2},
    ),
    "local, 2 threads": (
        "skdist", "DistributedNeuralNetClassifier", {"n_shards": 2},
        {"backend": "threading", "n_jobs": 2},
    ),
    "gradient, 2 processes": (
        "skdist", "DistributedNeuralNetClassifier", {"n_shards": 2, "sync": "gradient"},
        {"backend": "loky", "n_jobs": 2},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One contestant's task."""

    who: str
    data: str | None
    rate: float
    target: float
    epochs: int
    seed: int


def read_images(path: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 1, side, side), float32, and their classes."""
    if path is None:
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(y))
        X, y = X[order] / 16.0, y[order]
    else:
        with np.load(path) as file:
            X, y = file["X"], file["y"]
    side = int(np.sqrt(X.shape[1]))
    return X.reshape(-1, 1, side, side).astype(np.float32), y.astype(np.int64)


def measure(job: Job) -> Figures:
    """Seconds to the target, epochs, bytes, in this process."""
    import torch
    from _conv_net import Clock, ConvNet

    X, y = read_images(job.data)
    last = len(y) * 4 // 5
    home, name, own, where = CONTESTANTS[job.who]
    cls = getattr(import_module(home), name)
    clock = Clock(X[last:], y[last:], job.target)
    torch.set_num_threads(2)
    torch.manual_seed(job.seed)
    net = cls(
        ConvNet, module__side=X.shape[-1], criterion=torch.nn.CrossEntropyLoss, lr=job.rate,
        optimizer=torch.optim.Adam, batch_size=BATCH, max_epochs=job.epochs, train_split=None,
        iterator_train__shuffle=True, callbacks=[("clock", clock)], verbose=0, device="cpu", **own,
    )  # fmt: skip
    with joblib.parallel_config(**where):
        net.set_params(max_epochs=1).fit(X[: 4 * BATCH], y[: 4 * BATCH])
        net.set_params(max_epochs=job.epochs).fit(X[:last], y[:last])
    n_epochs = len(net.history)
    reached = max(clock.accuracies) >= job.target
    moved = net.report_.bytes_down + net.report_.bytes_up if home == "skdist" else 0
    shipped = 2 * X[:last].nbytes / 2 if moved else 0  # the rows, once, are no part of an epoch
    return {
        "to target s": clock.seconds if reached else float("inf"),
        "s an epoch": clock.seconds / n_epochs,
        "epochs": float(n_epochs),
        "accuracy": max(clock.accuracies),
        "MB an epoch": max(moved - shipped, 0.0) / n_epochs / 1e6,
        "local steps": float(net.report_.extra.get("local_steps", 0)) if moved else 0.0,
    }


def best_rates(options: Namespace, contestants: list[str]) -> dict[str, float]:
    """For each contestant the step size that reaches the target in the fewest epochs."""
    best = {}
    for who in contestants:
        tried = {}
        for rate in options.rates:
            job = Job(who, options.data, rate, options.target, options.epochs, seed=100)
            figures = run_child(Path(__file__), asdict(job))
            if figures is not None:
                tried[rate] = (figures["to target s"] == float("inf"), figures["epochs"])
                print(f"  {who}, lr={rate:g}: {figures}", file=sys.stderr)
        best[who] = min(tried, key=lambda rate: tried[rate])
    return best


def parsed(arguments: list[str]) -> Namespace:
    """What the command line says."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="an .npz file; scikit-learn's digits without it")
    parser.add_argument("--target", type=float, default=0.97)
    parser.add_argument("--epochs", type=int, default=30, help="at most")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rates", type=float, nargs="+", default=[5e-4, 1e-3, 2e-3, 4e-3])
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    return parser.parse_args(arguments)


def main(options: Namespace) -> None:
    """Tune, run in turn, print."""
    rates = best_rates(options, options.only)
    seeds = {who: iter(range(options.runs)) for who in options.only}

    def run(who: str) -> Figures | None:
        job = Job(who, options.data, rates[who], options.target, options.epochs, next(seeds[who]))
        return run_child(Path(__file__), asdict(job))

    medians = in_turn(options.only, run, options.runs)
    for who, figures in medians.items():
        figures["lr"] = rates[who]
    print_table(f"to accuracy {options.target}, batches of {BATCH}", medians)
    first = next(iter(medians.values()))["to target s"]
    for who, figures in medians.items():
        print(f"{who}: {figures['to target s'] / first:.2f} x the seconds of the first")


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        main(parsed(sys.argv[1:]))
