# SPDX-License-Identifier: BSD-3-Clause
"""A convolutional net on two processes beside skorch on one: seconds to an accuracy, and bytes.

Every contestant gets the batch size and the step size of `--batches` and `--rates` at which it
needs the fewest seconds, by the mean of `--tuning-runs` seeds, and then runs in fresh processes,
in turn, with other seeds. "to target s" are seconds of training until the test accuracy is reached;
it is looked at eight times an epoch, which is not timed.
Every process first fits a few rows, so that starting workers and importing torch is not in it.
Merged gradients take the steps of one process: they get skorch's sizes, and are there for the
bytes that an all-reduce would move.

    python benchmarks/torch_nets.py                            # scikit-learn's 8x8 digits
    python benchmarks/torch_nets.py --data mnist10k.npz --target 0.97 --runs 5

`--data` has X (n, side * side) in [0, 1] and y of 10 classes; the last fifth of the rows is for
testing. "MB an epoch" is what went down and up, but for the rows.
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

# name -> (module of the class, the class, its parameters, where it runs, whose sizes it gets)
CONTESTANTS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any], str | None]] = {
    "skorch, 1 process, 2 threads": ("skorch", "NeuralNetClassifier", {}, {}, None),
    "skorch, the same, fused Adam": (
        "skorch", "NeuralNetClassifier", {"optimizer__fused": True}, {}, None,
    ),
    "local, 2 processes": (
        "skdist", "DistributedNeuralNetClassifier", {"n_shards": 2},
        {"backend": "loky", "n_jobs": 2}, None,
    ),
    "gradient, 2 processes": (
        "skdist", "DistributedNeuralNetClassifier", {"n_shards": 2, "sync": "gradient"},
        {"backend": "loky", "n_jobs": 2}, "skorch, 1 process, 2 threads",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One contestant's task: fits at some batch sizes and step sizes."""

    who: str
    data: str | None
    tries: tuple[tuple[int, float], ...]
    target: float
    epochs: int
    seeds: tuple[int, ...]


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
    """The quickest of a job's batch sizes and step sizes, in this process.

    Seconds an epoch are the least of all fits at a batch size, which others on the machine disturb
    least; epochs are the mean of the seeds.
    """
    import torch

    X, y = read_images(job.data)
    last = len(y) * 4 // 5
    torch.set_num_threads(2)
    with joblib.parallel_config(**CONTESTANTS[job.who][3]):
        fit(job, X[:256], y[:256], X[last:], y[last:], *job.tries[0], job.seeds[0], epochs=1)
        runs = [
            fit(job, X[:last], y[:last], X[last:], y[last:], *sizes, seed)
            for sizes in job.tries
            for seed in job.seeds
        ]
    least = {run["batch"]: float("inf") for run in runs}
    for run in runs:
        least[run["batch"]] = min(least[run["batch"]], run["s an epoch"])

    def seconds(sizes: tuple[int, float]) -> float:
        own = [run["to target epochs"] for run in runs if (run["batch"], run["lr"]) == sizes]
        return least[sizes[0]] * float(np.mean(own))

    best = min(job.tries, key=seconds)
    return next(run for run in runs if (run["batch"], run["lr"]) == best)


def fit(
    job: Job, X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, batch: int,
    rate: float, seed: int, epochs: int | None = None,
) -> Figures:  # fmt: skip
    """Seconds and epochs to the target, and bytes, of one fit."""
    import torch
    from _conv_net import Clock, ConvNet

    home, name, own, _, _ = CONTESTANTS[job.who]
    clock = Clock(X_test, y_test, job.target, len(y) // 8)
    torch.manual_seed(seed)
    net = getattr(import_module(home), name)(
        ConvNet, module__side=X.shape[-1], criterion=torch.nn.CrossEntropyLoss, lr=rate,
        optimizer=torch.optim.Adam, batch_size=batch, max_epochs=epochs or job.epochs,
        train_split=None, iterator_train__shuffle=True, callbacks=[("clock", clock)], verbose=0,
        device="cpu", **own,
    ).fit(X, y)  # fmt: skip
    n_epochs, missed = clock.n_rows / len(y), max(clock.accuracies) < job.target
    moved = net.report_.bytes_down + net.report_.bytes_up - X.nbytes if home == "skdist" else 0
    return {
        "to target s": float("inf") if missed else clock.seconds,
        "to target epochs": float("inf") if missed else n_epochs,
        "s an epoch": clock.seconds / n_epochs,
        "accuracy": max(clock.accuracies),
        "MB an epoch": max(moved, 0) / n_epochs / 1e6,
        "H": float(net.report_.extra.get("local_steps", 1)) if moved else 0.0,
        "batch": float(batch),
        "lr": rate,
    }


def best_sizes(options: Namespace, who: str) -> tuple[int, float]:
    """The batch size and the step size that suit a contestant."""
    tries = tuple((batch, rate) for batch in options.batches for rate in options.rates)
    seeds = tuple(range(100, 100 + options.tuning_runs))
    job = Job(who, options.data, tries, options.target, options.epochs, seeds)
    best = run_child(Path(__file__), asdict(job))
    if best is None:
        raise RuntimeError(f"{who} failed at every batch size and step size")
    return int(best["batch"]), best["lr"]


def parsed(arguments: list[str]) -> Namespace:
    """What the command line says."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="an .npz file; scikit-learn's digits without it")
    parser.add_argument("--target", type=float, default=0.97)
    parser.add_argument("--epochs", type=int, default=8, help="at most")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tuning-runs", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 2e-3, 4e-3, 8e-3])
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    return parser.parse_args(arguments)


def main(options: Namespace) -> None:
    """Tune, run in turn, print."""
    sizes: dict[str, tuple[int, float]] = {}
    for who in options.only:
        borrowed = CONTESTANTS[who][4]
        sizes[who] = sizes[borrowed] if borrowed in sizes else best_sizes(options, who)
        print(f"{who}: batches of {sizes[who][0]}, lr={sizes[who][1]:g}", flush=True)
    seeds = {who: iter(range(options.runs)) for who in options.only}

    def run(who: str) -> Figures | None:
        own = (sizes[who],)
        job = Job(who, options.data, own, options.target, 2 * options.epochs, (next(seeds[who]),))
        return run_child(Path(__file__), asdict(job))

    medians = in_turn(options.only, run, options.runs)
    print_table(f"to accuracy {options.target}, medians of {options.runs} runs", medians)
    first = next(iter(medians.values()))["to target s"]
    for who, figures in medians.items():
        print(f"{who}: {figures['to target s'] / first:.2f} x the seconds of the first")


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        given = json.loads(sys.argv[1])
        given["tries"], given["seeds"] = tuple(map(tuple, given["tries"])), tuple(given["seeds"])
        print(json.dumps(measure(Job(**given))))
    else:
        main(parsed(sys.argv[1:]))
