# SPDX-License-Identifier: BSD-3-Clause
"""Multilayer perceptrons beside scikit-learn's: seconds, CPU seconds, accuracy.

Each in a fresh process, in turn, on the same float32 rows; with as many BLAS threads as the library
finds for scikit-learn ("sklearn") and with one ("sklearn, 1 thread"). skdist runs by default, on
one shard, and with merged gradients.

    python benchmarks/mlp_fit.py                            # 8,000 x 784, 256 hidden, 20 passes
    python benchmarks/mlp_fit.py --data mnist10k.npz --runs 5  # X and y; a fifth is predicted

Made rows: ten classes of noisy prototypes. Every process first fits 1,000 rows, so that loading
compiled code is not in "fit s".
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _forests import PARTS, add_data_options, read_data, seconds
from _side_by_side import Figures, in_turn, print_table, ratios, run_child
from joblib import cpu_count

CONTESTANTS: dict[str, dict[str, Any]] = {
    "skdist": {},
    "skdist, 1 shard": {"n_shards": 1},
    "skdist, gradient": {"n_shards": 2, "sync": "gradient"},
    "sklearn": {},
    "sklearn, 1 thread": {},
}
CLASSES = {"skdist": ("skdist", "DistributedMLPClassifier")}
CLASSES["sklearn"] = ("sklearn.neural_network", "MLPClassifier")


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit the rows in `folder`."""

    who: str
    folder: str
    parameters: dict[str, Any] = field(default_factory=dict)


def make_rows(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """X (n, d) and labels 0 ... 9: prototypes, three for each class, and noise."""
    rng = np.random.default_rng(seed)
    y, which = rng.integers(10, size=n), rng.integers(3, size=n)
    prototypes = rng.standard_normal((10, 3, d)) * (rng.random((10, 3, d)) < 0.1)
    return prototypes[y, which] + 0.6 * rng.standard_normal((n, d)), y


def measure(job: Job) -> Figures:
    """Seconds and quality of one fit in this process."""
    X, X_test, y, y_test = (np.load(Path(job.folder, f"{part}.npy")) for part in PARTS)
    warnings.simplefilter("ignore")
    module, name = CLASSES[job.who.split(",")[0]]
    make = getattr(import_module(module), name)
    make(**job.parameters).fit(X[:1000], y[:1000])
    model, spent = make(**job.parameters), time.process_time()
    figures = {"fit s": seconds(lambda: model.fit(X, y))}
    figures["CPU s"] = time.process_time() - spent
    return {**figures, "loss": float(model.loss_), "accuracy": model.score(X_test, y_test)}


def save_rows(X: np.ndarray, y: np.ndarray, folder: str) -> None:
    """The first four fifths to fit, and the last to predict; columns of variance 1."""
    X = ((X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)).astype(np.float32)
    last = len(y) * 4 // 5
    for name, part in zip(PARTS, (X[:last], X[last:], y[:last], y[last:]), strict=True):
        np.save(Path(folder, name), np.ascontiguousarray(part))


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8_000, help="to fit; a quarter more are made")
    parser.add_argument("--columns", type=int, default=784)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256])
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    add_data_options(parser)
    options = parser.parse_args()
    n = options.rows + options.rows // 4
    X, y = read_data(options) if options.data else make_rows(n, options.columns)
    print(f"{len(y) * 4 // 5:,} x {X.shape[1]}, runs: {options.runs}, cores: {cpu_count()}")
    shared = {"hidden_layer_sizes": options.hidden, "max_iter": options.passes, "random_state": 0}
    with TemporaryDirectory() as folder:
        save_rows(X, y, folder)

        def run(who: str) -> Figures | None:
            job = Job(who, folder, {**shared, **CONTESTANTS[who]})
            threads = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            return run_child(Path(__file__), asdict(job), **(threads if "thread" in who else {}))

        found = in_turn(CONTESTANTS, run, options.runs)
        quotients = ratios(found, "skdist", ["fit s", "CPU s"])
        print_table(f"hidden {options.hidden}, {options.passes} passes", {**found, **quotients})


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        main()
