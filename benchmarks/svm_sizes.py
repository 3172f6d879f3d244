# SPDX-License-Identifier: BSD-3-Clause
"""Seconds and memory of a kernel machine's fit over the number of rows, as a table and a picture.

skdist, scikit-learn and, where it is installed, scikit-learn-intelex, each in a fresh process, in
turn, after a first fit of 4,000 rows that is not timed; medians over the runs. Two classes that
overlap, the rbf kernel with gamma="scale", C = 1, a cache of 1,000 MB. "dual" is the objective that
all of them maximise, computed here from the fitted model, "below" by what share it lies below the
highest of the row; "added MB" is by how much the process grew in the fit, "CPU s" the time of all
threads together.

    python benchmarks/svm_sizes.py                                     # n = 5,000 ... 100,000
    python benchmarks/svm_sizes.py --quick                             # the small end of it
    python benchmarks/svm_sizes.py --data mine.npz --plot sizes.png    # needs matplotlib
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _forests import memory, seconds
from _side_by_side import Figures, in_turn, print_table, ratios, run_child
from joblib import cpu_count

ROWS, QUICK_ROWS = (5_000, 10_000, 20_000, 40_000, 100_000), (2_500, 5_000)
WARM_UP_ROWS = 4_000  # enough for skdist to take the path that it will take for more
PARAMETERS = {"cache_size": 1000}
PIECE = 2_000  # rows of the kernel matrix at a time, where the objective is computed
Table = dict[str, dict[str, Figures]]


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit the first `n` rows of the file."""

    who: str
    file: str
    n: int


# -- rows ------------------------------------------------------------------------------------------


def made_rows(n: int, d: int = 19) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, of which products of columns and noise decide: three in ten support vectors."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    score = X[:, 0] * X[:, 1] + X[:, 2] + np.sin(2 * X[:, 3]) + 0.4 * rng.standard_normal(n)
    return X, (score > 0).astype(np.int64)


def own_rows(options: Any) -> tuple[np.ndarray, np.ndarray]:
    """X, its columns made to have the mean 0 and the deviation 1, and y, of the user's file."""
    with np.load(options.data) as arrays:
        X, y = arrays["X"].astype(np.float64), arrays[options.target]
    scale = X.std(axis=0)
    order = np.random.default_rng(0).permutation(len(y))
    return ((X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0))[order], y[order]


# -- the child -------------------------------------------------------------------------------------


def measure(job: Job) -> Figures:
    """Seconds, memory and objective of one fit in this process."""
    with np.load(job.file) as arrays:
        X, y = arrays["X"][: job.n], arrays["y"][: job.n]
    make_model(job.who).fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS])
    start, model, spent = memory("VmRSS"), make_model(job.who), time.process_time()
    figures = {"fit s": seconds(lambda: model.fit(X, y))}
    figures["CPU s"] = time.process_time() - spent
    figures["added MB"] = memory("VmHWM") - start
    figures["support"] = len(model.support_) / job.n
    return {**figures, "dual": objective(model, X)}


def make_model(who: str) -> Any:
    """The contestant's model."""
    modules = {"skdist": "skdist", "sklearn": "sklearn.svm", "sklearnex": "sklearnex.svm"}
    name = "DistributedSVC" if who == "skdist" else "SVC"
    return getattr(import_module(modules[who]), name)(**PARAMETERS)


def objective(model: Any, X: np.ndarray) -> float:
    """Sum of a less a'Qa / 2."""
    vectors, coef = X[model.support_], np.ravel(model.dual_coef_)
    gamma = 1.0 / (X.shape[1] * X.var())
    squares, total = np.einsum("ij,ij->i", vectors, vectors), 0.0
    for start in range(0, len(coef), PIECE):
        own = slice(start, start + PIECE)
        apart = squares[own, None] + squares - 2.0 * (vectors[own] @ vectors.T)
        total += float(coef[own] @ (np.exp(-gamma * np.maximum(apart, 0.0)) @ coef))
    return float(np.abs(coef).sum()) - 0.5 * total


# -- the table -------------------------------------------------------------------------------------


def compare(X: np.ndarray, y: np.ndarray, sizes: list[int], whos: list[str], n_runs: int) -> Table:
    """Everybody's figures for every number of rows."""
    table: Table = {}
    with TemporaryDirectory() as folder:
        file = str(Path(folder, "rows.npz"))
        np.savez(file, X=X, y=y)
        for n in sizes:
            jobs = {who: Job(who, file, n) for who in whos}
            found = in_turn(whos, lambda who, jobs=jobs: child(jobs[who]), n_runs)
            highest = max((figures["dual"] for figures in found.values()), default=1.0)
            for figures in found.values():
                figures["below"] = 1.0 - figures["dual"] / highest
            show(n, found, n_runs)
            table[f"{n:,}"] = found
    return table


def child(job: Job) -> Figures | None:
    """What a fresh process measured."""
    return run_child(Path(__file__), asdict(job))


def show(n: int, found: dict[str, Figures], n_runs: int) -> None:
    """Print what was found for one number of rows."""
    title = f"SVC, {n:,} rows, runs: {n_runs}, cores: {cpu_count()}"
    names = ("fit s", "CPU s", "added MB")
    print_table(title, {**found, **ratios(found, "skdist", names)})
    sys.stdout.flush()


def plot(path: str, table: Table) -> None:
    """Seconds and memory over the number of rows."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, name in zip(axes, ("fit s", "added MB"), strict=True):
        for who in dict.fromkeys(who for found in table.values() for who in found):
            points = [(n, found[who][name]) for n, found in table.items() if who in found]
            axis.loglog([int(n.replace(",", "")) for n, _ in points], [v for _, v in points], "o-")
            axis.lines[-1].set_label(who)
        axis.set(xlabel="rows", ylabel=name)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path)


def main() -> None:
    """Print the tables, and draw them if asked to."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+")
    parser.add_argument("--peers", help="sklearn,sklearnex (default: those installed)")
    parser.add_argument("--data", type=Path, metavar="FILE.npz", help="a file that holds X and y")
    parser.add_argument("--target", default="y", help="name of y in the file (default: y)")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot", metavar="FILE", help="draw seconds and memory, too")
    options = parser.parse_args()
    sizes = list(options.rows or (QUICK_ROWS if options.quick else ROWS))
    X, y = own_rows(options) if options.data else made_rows(max(sizes))
    installed = [who for who in ("sklearn", "sklearnex") if find_spec(who)]
    whos = ["skdist", *(options.peers.split(",") if options.peers else installed)]
    table = compare(X, y, [n for n in sizes if n <= len(y)], whos, options.runs)
    if options.plot:
        plot(options.plot, table)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        main()
