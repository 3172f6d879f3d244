# SPDX-License-Identifier: BSD-3-Clause
"""Solvers of the linear machine with the hinge, side by side: seconds to the same certificate.

Each of skdist's fits rows of several shapes in this process, the medians of runs in turn; "auto"
says which one it takes. A fit that has no certificate of 1e-8 of the objective within `--most`
seconds is shown as ">". Beside them liblinear (scikit-learn's LinearSVC at its default settings),
and how far above the minimum it ended.

    python benchmarks/hinge_solvers.py                       # all shapes, C = 1
    python benchmarks/hinge_solvers.py --C 0.1 1 100 --only "sparse 8,000"
"""

from __future__ import annotations

import statistics
import time
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

import numpy as np
from linear_svc import dense_rows, objective, text_rows
from scipy.sparse import csr_array, random_array
from sklearn.svm import LinearSVC

from skdist import DistributedLinearSVC, config_context

SOLVERS = ("interior_point", "dual_ascent", "cocoa", "auto")


def sparse_rows(n: int, d: int, n_entries: int) -> tuple[csr_array, np.ndarray]:
    """Rows of normal entries at drawn places, in two classes that overlap."""
    rng = np.random.default_rng(0)
    X = random_array((n, d), density=n_entries / d, rng=rng, format="csr")
    X.data = rng.standard_normal(X.nnz)
    noise = 0.5 * np.sqrt(n_entries) * rng.standard_normal(n)
    return X, (X @ rng.standard_normal(d) + noise > 0).astype(np.int64)


SHAPES = {
    "sparse 500 x 20,000, 50 a row": (sparse_rows, 500, 20_000, 50),
    "sparse 2,000 x 20,000, 50 a row": (sparse_rows, 2_000, 20_000, 50),
    "sparse 2,000 x 20,000, 2,000 a row": (sparse_rows, 2_000, 20_000, 2_000),
    "sparse 8,000 x 1,900, 20 a row": (sparse_rows, 8_000, 1_900, 20),
    "text 2,000 x 1,900": (text_rows, 2_000, 1_900),
    "text 20,000 x 1,900": (text_rows, 20_000, 1_900),
    "dense 200 x 5,000": (dense_rows, 200, 5_000),
    "dense 2,000 x 1,000": (dense_rows, 2_000, 1_000),
    "dense 10,000 x 500": (dense_rows, 10_000, 500),
}


def timed(model: Any, X: Any, y: np.ndarray) -> float:
    """Seconds of a fit."""
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def row_of(X: Any, y: np.ndarray, C: float, options: Any) -> str:
    """A row of the table."""
    models: dict[str, Any] = {
        solver: DistributedLinearSVC(loss="hinge", C=C, solver=solver) for solver in SOLVERS
    }
    models["liblinear"] = LinearSVC(loss="hinge", C=C, random_state=0)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    with config_context(max_time=options.most):
        for _ in range(options.runs):
            for name, model in models.items():
                if max(seconds[name], default=0.0) < options.most:
                    seconds[name].append(timed(model, X, y))
    lowest = min(objective(model, X, y) for model in models.values())
    cells = []
    for name, model in models.items():
        report = getattr(model, "report_", None)
        ended = report is None or report.certificate <= 1.01e-8 * report.extra["objective"]
        cells.append(f"{'' if ended else '>'}{statistics.median(seconds[name]):.4f}".rjust(14))
    above = objective(models["liblinear"], X, y) / lowest - 1.0
    return "".join(cells) + f"{above:14.0e}  {models['auto'].report_.method}"


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], help="beginnings of names of shapes")
    parser.add_argument("--C", nargs="+", type=float, default=[1.0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--most", type=float, default=60.0, help="seconds of a fit")
    options = parser.parse_args()
    for solver in SOLVERS:  # what compiles and loads is not in the figures
        for rows in (sparse_rows(100, 50, 5), dense_rows(100, 20)):
            DistributedLinearSVC(loss="hinge", solver=solver).fit(*rows)
    print(f"{'seconds':44s}" + "".join(f"{name:>14s}" for name in (*SOLVERS, "liblinear", "above")))
    for name, (make, *size) in SHAPES.items():
        if name.startswith(tuple(options.only)):
            X, y = make(*size)
            for C in options.C:
                print(f"{name:36s}C={C:<6g}" + row_of(X, y, C, options), flush=True)


if __name__ == "__main__":
    main()
