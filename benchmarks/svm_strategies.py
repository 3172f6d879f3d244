# SPDX-License-Identifier: BSD-3-Clause
"""One kernel machine on all shards, or a cascade of them: seconds, rounds and bytes.

    parallel   all shards compute kernel rows for one optimisation: two rounds per block
    cascade    shards are solved apart, support vectors merged pairwise, violators fed back

on problems of few, some and many support vectors, on threads and on a Dask cluster of two worker
processes on this machine. Both strategies end at the optimum of all rows: "dual" shows it. Bytes
are those that the driver sent and got, the rows of X once; "s" is the best of the runs.

    python benchmarks/svm_strategies.py                     # 20,000 rows; needs skdist[dask]
    python benchmarks/svm_strategies.py --rows 50000 --columns 50 --runs 3
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import numpy as np
from _side_by_side import Figures, print_table
from _two_processes import two_processes

from skdist import DistributedSVC

PROBLEMS = {"few": (0.0, 100.0), "some": (0.4, 1.0), "many": (1.4, 1.0)}  # noise, C
STRATEGIES = ("parallel", "cascade")
MEGABYTE = 1 << 20


def made_rows(n: int, d: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, of which a product of columns and noise decide."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    return X, (X[:, 0] * X[:, 1] + X[:, 2] + noise * rng.standard_normal(n) > 0).astype(np.int64)


@contextmanager
def threads() -> Iterator[None]:
    """All cores."""
    with joblib.parallel_config(backend="threading", n_jobs=-1):
        yield


def figures_of(X: np.ndarray, y: np.ndarray, C: float, strategy: str, options) -> Figures:
    """The best of some runs."""
    runs = []
    for _ in range(options.runs):
        start = time.perf_counter()
        model = DistributedSVC(
            C=C, gamma=options.gamma, strategy=strategy, n_shards=options.shards, cache_size=1000
        ).fit(X, y)
        runs.append((time.perf_counter() - start, model.report_))
    spent, report = min(runs, key=lambda run: run[0])
    return {
        "s": spent,
        "support": report.extra["support_fraction"],
        "rounds": report.rounds,
        "blocks": report.extra["passes"],
        "MB down": report.bytes_down / MEGABYTE,
        "MB up": report.bytes_up / MEGABYTE,
        "dual": report.extra["dual"],
        "gap": report.certificate,
    }


def main() -> None:
    """Print a table for each place."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--gamma", type=float, default=0.05)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    for place, where in (("threads", threads), ("Dask, two processes", two_processes)):
        table = {}
        with where():
            small = made_rows(3_000, options.columns, 0.4)
            for strategy in STRATEGIES:  # what is compiled is not timed
                figures_of(*small, 1.0, strategy, options)
            for name, (noise, C) in PROBLEMS.items():
                X, y = made_rows(options.rows, options.columns, noise)
                for strategy in STRATEGIES:
                    table[f"{name}, {strategy}"] = figures_of(X, y, C, strategy, options)
        title = f"{place}: {options.rows:,} x {options.columns}, {options.shards} shards, "
        print_table(f"{title}runs: {options.runs}, cores: {joblib.cpu_count()}", table)


if __name__ == "__main__":
    main()
