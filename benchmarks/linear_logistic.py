# SPDX-License-Identifier: BSD-3-Clause
"""Logistic regression side by side: seconds to fit, and the objective that is reached.

skdist, scikit-learn with its default solver (lbfgs) and with newton-cholesky, and
scikit-learn-intelex, each in a fresh process, in turn; the ratios are of medians over the runs.
Every process first fits 2,000 rows, so that loading is not in "fit s"; "CPU s" is the time of all
threads together. "above" is how far the objective lies above the lowest one in the table: at their
default tolerances the contestants do not stop equally near the minimum.

    python benchmarks/linear_logistic.py                             # made rows, two classes
    python benchmarks/linear_logistic.py --rows 20000 --columns 20 --classes 10
    python benchmarks/linear_logistic.py --data mine.npz --runs 5    # arrays X and y
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _forests import memory, seconds
from _side_by_side import Figures, in_turn, print_table, ratios, run_child
from joblib import cpu_count
from scipy.special import logsumexp

WARM_UP_ROWS = 2_000
WHOS = ("skdist", "lbfgs", "newton-cholesky", "intelex")


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit the rows in `folder`."""

    who: str
    folder: str
    C: float


def made_rows(n: int, d: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes that overlap, columns that are correlated."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) @ (np.eye(d) + rng.standard_normal((d, d)) / np.sqrt(d))
    X /= X.std(axis=0)
    scores = 2.0 * X @ rng.standard_normal((d, n_classes)) / np.sqrt(d)
    return X, (scores + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def own_rows(path: Path, target: str) -> tuple[np.ndarray, np.ndarray]:
    """X, its columns made to have the mean 0 and the deviation 1, and y, of the user's file."""
    with np.load(path) as arrays:
        X, y = arrays["X"].astype(np.float64), arrays[target]
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0), y


def make_model(job: Job) -> Any:
    """The contestant's model."""
    if job.who == "skdist":
        from skdist import DistributedLogisticRegression

        return DistributedLogisticRegression(C=job.C)
    if job.who == "intelex":
        from sklearnex.linear_model import LogisticRegression
    else:
        from sklearn.linear_model import LogisticRegression
    solver = job.who if job.who == "newton-cholesky" else "lbfgs"
    return LogisticRegression(C=job.C, max_iter=500, solver=solver)


def objective(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """C times the sum of the losses, and half the squares of the coefficients."""
    z = X @ model.coef_.T + model.intercept_
    z = np.column_stack([np.zeros(len(z)), z]) if len(model.coef_) == 1 else z
    own = z[np.arange(len(z)), np.searchsorted(model.classes_, y)]
    return float(model.C * np.sum(logsumexp(z, axis=1) - own) + 0.5 * np.sum(model.coef_**2))


def measure(job: Job) -> Figures:
    """Seconds, memory and objective of one fit in this process."""
    X, y = (np.load(Path(job.folder, f"{name}.npy")) for name in "Xy")
    make_model(job).fit(X[:: len(X) // WARM_UP_ROWS + 1], y[:: len(X) // WARM_UP_ROWS + 1])
    start, model, spent = memory("VmRSS"), make_model(job), time.process_time()
    figures = {"fit s": seconds(lambda: model.fit(X, y))}
    figures["CPU s"] = time.process_time() - spent
    figures["added MB"] = memory("VmHWM") - start
    return {**figures, "objective": objective(model, X, y)}


def compare(name: str, X: np.ndarray, y: np.ndarray, options: Any) -> bool:
    """Print one table; returns whether all contestants finished."""
    with TemporaryDirectory() as folder:
        np.save(Path(folder, "X.npy"), np.ascontiguousarray(X))
        np.save(Path(folder, "y.npy"), y)
        jobs = {who: asdict(Job(who, folder, options.C)) for who in WHOS}
        found = in_turn(WHOS, lambda who: run_child(Path(__file__), jobs[who]), options.runs)
    least = min((figures["objective"] for figures in found.values()), default=1.0)
    for figures in found.values():
        figures["above"] = figures["objective"] / least - 1.0
    title = f"{name}: {X.shape[0]:,} x {X.shape[1]:,}, {len(np.unique(y))} classes, "
    title += f"C = {options.C:g}, runs: {options.runs}, cores: {cpu_count()}"
    print_table(title, {**found, **ratios(found, "skdist", ("fit s", "CPU s"))})
    return len(found) == len(WHOS)


def main() -> int:
    """Compare on made rows or on the user's."""
    warnings.simplefilter("ignore")
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--C", type=float, default=1.0)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--data", type=Path, metavar="FILE.npz", help="a file that holds X and y")
    parser.add_argument("--target", default="y", help="name of y in the file (default: y)")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if options.data:
        name, (X, y) = options.data.name, own_rows(options.data, options.target)
    else:
        name, (X, y) = "made", made_rows(options.rows, options.columns, options.classes)
    return not compare(name, X, y, options)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        raise SystemExit(main())
