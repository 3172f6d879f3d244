# SPDX-License-Identifier: BSD-3-Clause
"""Kernel machines side by side: seconds to fit and to predict, and the score on rows held out.

skdist, scikit-learn and, where it is installed, scikit-learn-intelex, each in a fresh process, in
turn; the ratios are of medians over the runs. Every process first fits 4,000 rows, so that loading
is not in "fit s". The rbf kernel with gamma="scale", C = 1, a cache of 1,000 MB; the first four
fifths of the rows are fitted, the others predicted. How good the optimum is, svm_sizes.py shows.

    python benchmarks/kernel_svm.py --data adult.npz
    python benchmarks/kernel_svm.py --data flights.npz --target delay --regression --rows 12000
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _forests import add_data_options, read_data, seconds
from _side_by_side import Figures, in_turn, print_table, ratios, run_child
from joblib import cpu_count
from sklearn.preprocessing import scale
from svm_sizes import made_rows

MODULES = {"skdist": "skdist", "sklearn": "sklearn.svm", "sklearnex": "sklearnex.svm"}
WARM_UP_ROWS = 4_000  # enough for skdist to take the path that it will take for more


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit and predict the rows of the file."""

    who: str
    file: str
    regression: bool


def measure(job: Job) -> Figures:
    """Seconds and score in this process."""
    with np.load(job.file) as arrays:
        X, y = arrays["X"], arrays["y"]
    k = len(y) * 4 // 5
    make_model(job).fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS]).predict(X[:WARM_UP_ROWS])
    model = make_model(job)
    figures = {"fit s": seconds(lambda: model.fit(X[:k], y[:k]))}
    figures["predict s"] = seconds(lambda: model.predict(X[k:]))
    return {**figures, "support": len(model.support_) / k, "score": model.score(X[k:], y[k:])}


def make_model(job: Job) -> Any:
    """The contestant's model."""
    name = "SVR" if job.regression else "SVC"
    name = f"Distributed{name}" if job.who == "skdist" else name
    return getattr(import_module(MODULES[job.who]), name)(cache_size=1000)


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=25_000, help="the first ones; 0: all")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=tuple(MODULES), default=list(MODULES))
    add_data_options(parser)
    options = parser.parse_args()
    X, y = read_data(options) if options.data else made_rows(options.rows or 25_000)
    X, y = np.asarray(X, np.float64)[: options.rows or None], y[: options.rows or None]
    X, y = scale(X), scale(y) if options.regression else y
    whos = [who for who in options.only if find_spec(MODULES[who].partition(".")[0])]
    with TemporaryDirectory() as folder:
        file = str(Path(folder, "rows.npz"))
        np.savez(file, X=X, y=y)
        jobs = {who: Job(who, file, options.regression) for who in whos}
        found = in_turn(
            whos, lambda who: run_child(Path(__file__), asdict(jobs[who])), options.runs
        )
    title = f"{len(y) * 4 // 5:,} x {X.shape[1]}, {len(y) - len(y) * 4 // 5:,} predicted, "
    title += f"runs: {options.runs}, cores: {cpu_count()}"
    print_table(title, {**found, **ratios(found, "skdist", ["fit s", "predict s"])})


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        main()
