# SPDX-License-Identifier: BSD-3-Clause
"""Linear support vector machines side by side: seconds to fit, and the objective that is reached.

skdist and scikit-learn (liblinear), each in a fresh process, in turn; the ratios are of medians
over the runs. Every process first fits 2,000 rows, so that loading is not in "fit s"; "CPU s" is
the time of all threads together. "objective" is liblinear's, summed over the classes, and "above"
how far it lies above the lowest one in the table.

liblinear's fit of the hinge often ends at `max_iter` above the minimum: that is no equal quality,
and the figure of "above" says so. `--max-iter` lets both go on.

    python benchmarks/linear_svc.py                            # made rows, both losses
    python benchmarks/linear_svc.py --loss hinge --rows 20000 --max-iter 100000
    python benchmarks/linear_svc.py --data mine.npz            # arrays X and y
    python benchmarks/linear_svc.py --text 20000               # CSR, 50,000 columns
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
from scipy.sparse import csr_matrix, diags, issparse, load_npz, save_npz

LOSSES = ("squared_hinge", "hinge")
WARM_UP_ROWS = 2_000


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit the rows in `folder`."""

    who: str
    folder: str
    loss: str
    C: float
    max_iter: int
    solver: str


# -- rows ----------------------------------------------------------------------------------------


def dense_rows(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that overlap, columns that are correlated."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) @ (np.eye(d) + rng.standard_normal((d, d)) / np.sqrt(d))
    X /= X.std(axis=0)
    score = X @ rng.standard_normal(d) / np.sqrt(d)
    return X, (score + 0.7 * rng.standard_normal(n) > 0).astype(np.int64)


def text_rows(n: int, d: int = 50_000, words: int = 80) -> tuple[csr_matrix, np.ndarray]:
    """Rows like texts: words by Zipf's law, weighed by rarity, of length 1."""
    rng = np.random.default_rng(0)
    frequency = np.arange(1, d + 1) ** -1.1
    columns = rng.choice(d, size=n * words, p=frequency / frequency.sum())
    rows = np.repeat(np.arange(n), words)
    X = csr_matrix((np.ones(n * words), (rows, columns)), shape=(n, d))
    X.data = 1.0 + np.log(X.data)
    X = X @ diags(np.log(n / (1.0 + np.bincount(X.indices, minlength=d))))
    X = diags(1.0 / np.sqrt(X.multiply(X).sum(axis=1).A1)) @ X
    score = X @ (rng.standard_normal(d) * (rng.random(d) < 0.3))
    noise = score.std() * rng.standard_normal(n)
    return csr_matrix(X), (score + noise > 0).astype(np.int64)


def own_rows(options: Any) -> tuple[np.ndarray, np.ndarray]:
    """X, its columns made to have the mean 0 and the deviation 1, and y, of the user's file."""
    with np.load(options.data) as arrays:
        X, y = arrays["X"].astype(np.float64), arrays[options.target]
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0), y


# -- the child -----------------------------------------------------------------------------------


def measure(job: Job) -> Figures:
    """Seconds, memory and objective of one fit in this process."""
    X, y = read_rows(job.folder)
    make_model(job).set_params(max_iter=10).fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS])
    start, model, spent = memory("VmRSS"), make_model(job), time.process_time()
    figures = {"fit s": seconds(lambda: model.fit(X, y))}
    figures["CPU s"] = time.process_time() - spent
    figures["added MB"] = memory("VmHWM") - start
    return {**figures, "iterations": float(model.n_iter_), "objective": objective(model, X, y)}


def make_model(job: Job) -> Any:
    """The contestant's model."""
    parameters = {"loss": job.loss, "C": job.C, "max_iter": job.max_iter}
    if job.who == "skdist":
        from skdist import DistributedLinearSVC

        return DistributedLinearSVC(**parameters, solver=job.solver)
    from sklearn.svm import LinearSVC

    return LinearSVC(**parameters, random_state=0)


def objective(model: Any, X: Any, y: np.ndarray) -> float:
    """liblinear's, of all classes together."""
    classes = model.classes_[1:] if len(model.classes_) == 2 else model.classes_
    total = 0.5 * float(np.sum(model.coef_**2) + np.sum(model.intercept_**2))
    for label, w, b in zip(classes, model.coef_, model.intercept_, strict=True):
        hinge = np.maximum(0.0, 1.0 - np.where(y == label, 1.0, -1.0) * (X @ w + b))
        total += model.C * float(np.sum(hinge if model.loss == "hinge" else hinge**2))
    return total


def write_rows(folder: str, X: Any, y: np.ndarray) -> None:
    """For children to read."""
    np.save(Path(folder, "y.npy"), y)
    if issparse(X):
        save_npz(Path(folder, "X.npz"), X)
    else:
        np.save(Path(folder, "X.npy"), np.ascontiguousarray(X))


def read_rows(folder: str) -> tuple[Any, np.ndarray]:
    """X and y."""
    sparse = Path(folder, "X.npz")
    X = load_npz(sparse) if sparse.exists() else np.load(Path(folder, "X.npy"))
    return X, np.load(Path(folder, "y.npy"))


# -- the table -------------------------------------------------------------------------------------


def compare(name: str, X: Any, y: np.ndarray, loss: str, options: Any) -> bool:
    """Print one table; returns whether both contestants finished."""
    whos = ("skdist", "sklearn")
    with TemporaryDirectory() as folder:
        write_rows(folder, X, y)
        jobs = {
            who: Job(who, folder, loss, options.C, options.max_iter, options.solver) for who in whos
        }
        found = in_turn(
            whos, lambda who: run_child(Path(__file__), asdict(jobs[who])), options.runs
        )
    least = min((figures["objective"] for figures in found.values()), default=1.0)
    for figures in found.values():
        figures["above"] = figures["objective"] / least - 1.0
    title = f"{name}, {loss}: {X.shape[0]:,} x {X.shape[1]:,}, {len(np.unique(y))} classes, "
    title += f"C = {options.C:g}, runs: {options.runs}, cores: {cpu_count()}"
    print_table(title, {**found, **ratios(found, "skdist", ("fit s", "CPU s"))})
    return len(found) == len(whos)


def main() -> int:
    """Compare on made rows or on the user's."""
    warnings.simplefilter("ignore")
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--loss", choices=LOSSES, help="one loss (default: both)")
    parser.add_argument("--C", type=float, default=1.0)
    parser.add_argument("--max-iter", type=int, default=1000)
    parser.add_argument("--solver", default="auto", help="of skdist")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--text", type=int, metavar="N", help="N sparse rows like texts instead")
    parser.add_argument("--data", type=Path, metavar="FILE.npz", help="a file that holds X and y")
    parser.add_argument("--target", default="y", help="name of y in the file (default: y)")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if options.data:
        name, (X, y) = options.data.name, own_rows(options)
    elif options.text:
        name, (X, y) = "text", text_rows(options.text)
    else:
        name, (X, y) = "made", dense_rows(options.rows, options.columns)
    losses = [options.loss] if options.loss else LOSSES
    finished = True
    for loss in losses:
        finished &= compare(name, X, y, loss, options)
    return not finished


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        raise SystemExit(main())
