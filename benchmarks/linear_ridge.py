# SPDX-License-Identifier: BSD-3-Clause
"""Least squares side by side: seconds to fit, peak memory, and how far coefficients differ.

skdist, scikit-learn and, where it is installed, scikit-learn-intelex, each in a fresh process, in
turn; the ratios are of medians over the runs. Every process first fits 20,000 rows, so that loading
is not in "fit s"; "CPU s" is the time of all its threads together. "differs" is the largest
difference of a coefficient from what LAPACK finds by the triangular factor of the rows (for the
lasso and the elastic net: from scikit-learn), over the largest coefficient.

    python benchmarks/linear_ridge.py                        # 1,000,000 x 100, ridge
    python benchmarks/linear_ridge.py --model lasso --rows 200000 --columns 500
    python benchmarks/linear_ridge.py --dtype float32 --weights --shift 1000

Columns are normal with means of up to `--shift` standard deviations; y is a sum of them and noise.
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

HOMES = {
    "skdist": "skdist",
    "sklearn": "sklearn.linear_model",
    "sklearnex": "sklearnex.linear_model",
}
MODELS = {
    "ridge": ("Ridge", {"alpha": 1.0}),
    "least-squares": ("LinearRegression", {}),
    "lasso": ("Lasso", {"alpha": 0.1, "tol": 1e-8}),
    "elastic-net": ("ElasticNet", {"alpha": 0.1, "tol": 1e-8}),
}
WARM_UP_ROWS = 20_000


@dataclass(frozen=True)
class Job:
    """One contestant's task: fit the rows in `folder`."""

    who: str
    folder: str
    model: str
    weighted: bool


def make_rows(n: int, d: int, dtype: str, shift: float) -> dict[str, np.ndarray]:
    """X, y and weights."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), np.float32).astype(dtype)
    X += (shift * rng.random(d)).astype(dtype)
    y = X @ rng.standard_normal(d) + rng.standard_normal(n)
    return {"X": X, "y": y, "weight": rng.random(n)}


def measure(job: Job) -> Figures:
    """Seconds and peak memory of one fit in this process; the coefficients go to the folder."""
    X, y, weight = (np.load(Path(job.folder, f"{name}.npy")) for name in ("X", "y", "weight"))
    weight = weight if job.weighted else None
    few = None if weight is None else weight[:WARM_UP_ROWS]
    make_model(job).fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS], few)
    start, model, spent = memory("VmRSS"), make_model(job), time.process_time()
    figures = {"fit s": seconds(lambda: model.fit(X, y, weight))}
    figures["CPU s"] = time.process_time() - spent
    np.save(Path(job.folder, f"coef_{job.who}"), model.coef_)
    return {**figures, "added MB": memory("VmHWM") - start}


def make_model(job: Job) -> Any:
    """The contestant's model."""
    name, parameters = MODELS[job.model]
    name = f"Distributed{name}" if job.who == "skdist" else name
    return getattr(import_module(HOMES[job.who]), name)(**parameters)


def knows(who: str, model: str) -> bool:
    """Whether a peer has this model."""
    return hasattr(import_module(HOMES[who]), MODELS[model][0])


def reference(rows: dict[str, np.ndarray], weighted: bool, alpha: float) -> np.ndarray:
    """Coefficients by the triangular factor of the rows, which squares nothing."""
    X, y = rows["X"].astype(np.float64), rows["y"]
    w = rows["weight"] if weighted else np.ones(len(y))
    X -= w @ X / w.sum()
    X *= np.sqrt(w)[:, None]
    penalty = np.sqrt(alpha) * np.eye(X.shape[1])
    R = np.linalg.qr(np.vstack([np.linalg.qr(X, mode="r"), penalty]), mode="r")
    right = X.T @ (np.sqrt(w) * (y - w @ y / w.sum()))
    return np.linalg.solve(R, np.linalg.solve(R.T, right))


def compare(options: Any, whos: list[str]) -> bool:
    """Print the table; returns whether all contestants finished."""
    rows = make_rows(options.rows, options.columns, options.dtype, options.shift)
    with TemporaryDirectory() as folder:
        for name, array in rows.items():
            np.save(Path(folder, name), array)
        best = None
        if options.model in ("ridge", "least-squares"):
            best = reference(rows, options.weights, float(options.model == "ridge"))
        del rows
        found = in_turn(
            whos,
            lambda who: run_child(
                Path(__file__), asdict(Job(who, folder, options.model, options.weights))
            ),
            options.runs,
        )
        for who, figures in found.items():
            coef = np.load(Path(folder, f"coef_{who}.npy"))
            against = np.load(Path(folder, "coef_sklearn.npy")) if best is None else best
            figures["differs"] = float(np.abs(coef - against).max() / np.abs(against).max())
    title = (
        f"{options.model}: {options.rows:,} x {options.columns} {options.dtype}, "
        f"runs: {options.runs}, cores: {cpu_count()}"
    )
    print_table(title, {**found, **ratios(found, "skdist", ("fit s", "CPU s"))})
    return len(found) == len(whos)


def main() -> int:
    """Compare on made rows."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default="ridge")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64")
    parser.add_argument("--shift", type=float, default=3.0)
    parser.add_argument("--weights", action="store_true", help="with sample weights")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    peers = [
        who for who in ("sklearn", "sklearnex") if find_spec(who) and knows(who, options.model)
    ]
    return not compare(options, ["skdist", *peers])


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
    else:
        raise SystemExit(main())
