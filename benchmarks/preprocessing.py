# SPDX-License-Identifier: BSD-3-Clause
"""Transformers side by side: seconds to fit rows in memory, and peak memory.

skdist, scikit-learn and, where it is installed, dask-ml on a Dask array or dataframe of the same
rows, each in a fresh process, in turn; the ratios are of medians over the runs. Every process first
fits 10,000 rows, so that loading is not in "fit s".

    python benchmarks/preprocessing.py                        # 2,000,000 x 30
    python benchmarks/preprocessing.py --only standard pca --runs 5
    python benchmarks/preprocessing.py --dask-ml /path/to/python   # dask-ml lives in another place

Columns of numbers are normal, one value in fifty is missing ("mode": rounded to tenths); those of
categories hold up to 100 whole numbers or texts, the first five columns only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

ROWS_OF_WARM_UP = 10_000
CATEGORY_COLUMNS = 5
# name -> module behind "sklearn." or "dask_ml.", class, parameters, kind of rows
TASKS = {
    "standard": ("preprocessing", "StandardScaler", {}, "holes"),
    "range": ("preprocessing", "MinMaxScaler", {}, "holes"),
    "greatest": ("preprocessing", "MaxAbsScaler", {}, "holes"),
    "mean": ("impute", "SimpleImputer", {"strategy": "mean"}, "holes"),
    "median": ("impute", "SimpleImputer", {"strategy": "median"}, "holes"),
    "mode": ("impute", "SimpleImputer", {"strategy": "most_frequent"}, "tenths"),
    "pca": ("decomposition", "PCA", {}, "numbers"),
    "ordinal": ("preprocessing", "OrdinalEncoder", {}, "codes"),
    "one-hot": ("preprocessing", "OneHotEncoder", {}, "codes"),
    "texts": ("preprocessing", "OrdinalEncoder", {}, "texts"),
    "categories": ("preprocessing", "OrdinalEncoder", {}, "categories"),
}


def make_rows(kind: str, n: int, d: int) -> Any:
    """The rows of a task."""
    rng = np.random.default_rng(0)
    if kind in ("codes", "texts", "categories"):
        codes = rng.integers(0, 100, (n, min(d, CATEGORY_COLUMNS)))
        if kind == "codes":
            return codes
        from pandas import DataFrame

        names = np.array([f"name {k}" for k in range(100)], object)
        frame = DataFrame({f"x{j}": names[column] for j, column in enumerate(codes.T)})
        return frame.astype("category") if kind == "categories" else frame
    X = rng.standard_normal((n, d)) + 3.0
    if kind == "tenths":
        X = np.round(X, 1)
    if kind != "numbers":
        X[rng.random((n, d), np.float32) < 0.02] = np.nan
    return X


def make_model(who: str, task: str) -> Any:
    """The contestant's transformer."""
    module, name, parameters, _ = TASKS[task]
    if who == "skdist":
        return getattr(import_module("skdist"), f"Distributed{name}")(**parameters)
    home = import_module(f"{'dask_ml' if who == 'dask-ml' else 'sklearn'}.{module}")
    return getattr(home, name)(**parameters)


def as_collection(X: Any) -> Any:
    """Rows as dask-ml takes them, in 16 pieces."""
    size = -(-len(X) // 16)
    if isinstance(X, np.ndarray):
        from dask.array import from_array

        return from_array(X, chunks=(size, -1))
    from dask.dataframe import from_pandas

    return from_pandas(X, chunksize=size)


def measure(job: dict[str, Any]) -> dict[str, float]:
    """Seconds and peak memory of one fit in this process."""
    from _forests import memory, seconds

    who, task = job["who"], job["task"]
    X = make_rows(TASKS[task][3], job["rows"], job["columns"])
    few = X[:ROWS_OF_WARM_UP]
    few, X = map(as_collection, (few, X)) if who == "dask-ml" else (few, X)
    make_model(who, task).fit(few)
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far was that of making the rows
    start, model, spent = memory("VmRSS"), make_model(who, task), time.process_time()
    figures = {"fit s": seconds(lambda: model.fit(X)), "CPU s": time.process_time() - spent}
    return {**figures, "added MB": memory("VmHWM") - start}


def run_elsewhere(python: str, job: dict[str, Any]) -> dict[str, float] | None:
    """What a fresh process of an interpreter measured; None where it cannot."""
    command = [python, "-W", "ignore", __file__, json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        missing = "ModuleNotFoundError" in reason
        print(f"{job['task']}, {job['who']}: {'not installed' if missing else reason}")
        return None
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def compare(task: str, options: Any) -> None:
    """Print the table of one task."""
    from _side_by_side import in_turn, print_table, ratios

    def run(who: str) -> dict[str, float] | None:
        python = options.dask_ml if who == "dask-ml" else sys.executable
        job = {"who": who, "task": task, "rows": options.rows, "columns": options.columns}
        return run_elsewhere(python, job)

    has_peer = task not in ("greatest", "mode", "texts")  # dask-ml has no such class or strategy
    found = in_turn(["skdist", "sklearn", *["dask-ml"] * has_peer], run, options.runs)
    title = f"{task}: {options.rows:,} x {options.columns}, runs: {options.runs}"
    print_table(title, {**found, **ratios(found, "skdist", ("fit s", "CPU s"))})


def main() -> int:
    """Compare on made rows."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--dask-ml", default=sys.executable, help="a Python that has dask-ml")
    options = parser.parse_args()
    for task in options.only:
        compare(task, options)
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        sys.path.insert(0, str(Path(__file__).parent))
        print(json.dumps(measure(json.loads(sys.argv[1]))))
    else:
        raise SystemExit(main())
