# SPDX-License-Identifier: BSD-3-Clause
"""Stochastic gradient descent beside scikit-learn's: seconds, CPU seconds, and the objective.

Each in a fresh process, in turn, on the same rows: as they come, and sorted by label. Every process
first fits 30,000 rows, so that loading compiled code is not in "fit s". "objective" is what both
minimise, on the rows that are fitted: the mean loss and the penalty; "accuracy" is of other rows.

    python benchmarks/linear_sgd.py                      # 260,000 x 20, logistic, 20 passes
    python benchmarks/linear_sgd.py --rows 40000 --columns 108 --loss hinge
    python benchmarks/linear_sgd.py --data mine.npz --target y --passes 5 --runs 5

Made rows: two classes that overlap, columns that are normal and some of them much alike. Columns of
all data are scaled to variance 1.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _forests import PARTS, add_data_options, read_data, seconds
from _side_by_side import Figures, in_turn, print_table, ratios, run_child
from joblib import cpu_count

MODULES = {"skdist": "skdist", "sklearn": "sklearn.linear_model"}
ORDERS = ("as they come", "sorted by label")
LOSSES = ("log_loss", "hinge", "squared_hinge", "modified_huber")
WARM_UP_ROWS = 30_000


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit the rows in `folder`."""

    who: str
    folder: str
    order: str
    parameters: dict[str, Any] = field(default_factory=dict)


def make_rows(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """X (n, d) and labels of 0 and 1, a third of them 1."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    X[:, d // 2 :] = 0.7 * X[:, : d - d // 2] + 0.3 * X[:, d // 2 :]
    z = X @ rng.standard_normal(d) + rng.logistic(size=n)
    return X, (z > np.quantile(z, 2 / 3)).astype(np.int64)


@contextmanager
def rows_on_disk(X: np.ndarray, y: np.ndarray) -> Iterator[str]:
    """A folder with the first four fifths to fit, in both orders, and the last to predict."""
    X = np.asarray(X, np.float64)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    last = len(y) * 4 // 5
    with TemporaryDirectory() as folder:
        for order in ORDERS:
            rows = np.arange(last)
            if order == ORDERS[1]:
                rows = np.argsort(y[:last], kind="stable")
            parts = (X[rows], X[last:], y[rows], y[last:])
            Path(folder, order).mkdir()
            for name, part in zip(PARTS, parts, strict=True):
                np.save(Path(folder, order, name), np.ascontiguousarray(part))
        yield folder


def measure(job: Job) -> Figures:
    """Seconds and quality of one fit in this process."""
    X, X_test, y, y_test = (np.load(Path(job.folder, job.order, f"{p}.npy")) for p in PARTS)
    name = "SGDClassifier" if job.who == "sklearn" else "DistributedSGDClassifier"
    make = getattr(import_module(MODULES[job.who]), name)
    few = np.linspace(0, len(y) - 1, min(len(y), WARM_UP_ROWS)).astype(int)  # of all labels
    make(**job.parameters).fit(X[few], y[few])
    model, spent = make(**job.parameters), time.process_time()
    figures = {"fit s": seconds(lambda: model.fit(X, y))}
    figures["CPU s"] = time.process_time() - spent
    return {**figures, "objective": objective(model, X, y), "accuracy": model.score(X_test, y_test)}


def objective(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Mean loss and penalty."""
    margin = model.decision_function(X) * np.where(y == model.classes_[1], 1.0, -1.0)
    short = np.maximum(1.0 - margin, 0.0)
    losses = {
        "log_loss": np.logaddexp(0.0, -margin),
        "hinge": short,
        "squared_hinge": short**2,
        "modified_huber": np.where(margin < -1.0, -4.0 * margin, short**2),
    }
    return float(losses[model.loss].mean() + model.alpha / 2.0 * np.square(model.coef_).sum())


def compare(options: Namespace, folder: str, order: str) -> None:
    """Print the table of one order."""
    parameters = {"loss": options.loss, "max_iter": options.passes, "tol": None, "random_state": 0}

    def run(who: str) -> Figures | None:
        return run_child(Path(__file__), asdict(Job(who, folder, order, parameters)))

    found = in_turn(MODULES, run, options.runs)
    quotients = ratios(found, "skdist", ["fit s", "CPU s", "objective"])
    print_table(f"Rows {order}, {options.loss}, {options.passes} passes", {**found, **quotients})


def main() -> None:
    """Print both tables."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=260_000, help="to fit; a quarter more are made")
    parser.add_argument("--columns", type=int, default=20, help="at least 2")
    parser.add_argument("--loss", choices=LOSSES, default="log_loss")
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    add_data_options(parser)
    options = parser.parse_args()
    n = options.rows + options.rows // 4
    X, y = read_data(options) if options.data else make_rows(n, options.columns)
    print(f"{len(y) * 4 // 5:,} x {X.shape[1]}, runs: {options.runs}, cores: {cpu_count()}")
    with rows_on_disk(X, y) as folder:
        for order in ORDERS:
            compare(options, folder, order)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        main()
