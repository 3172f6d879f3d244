# SPDX-License-Identifier: BSD-3-Clause
"""Fits on Dask with one and two worker processes, and a simulation of 4 to 256.

    python benchmarks/scaling.py                          # a table
    python benchmarks/scaling.py --write doc/scaling.rst  # the manual's page, and its picture

The rows are Dask arrays that the workers hold. The simulation replays a fit on one worker: every
task takes the time it took there, its share of the pauses between tasks included, and is given to
whoever is free first; a task of several partitions is cut into these; what was before a round's
first task and after its last one (the driver's own work, messages) takes as long as it did, since
that is what does not shrink. What more workers cost, a broadcast to each of them, is added at a
nominal rate. Two workers are simulated too, beside what was measured: how far apart these are is
how far to trust the rest.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait
from sklearn.base import clone

import skdist
from skdist.sharding._folding import even_runs

SIMULATED = (2, 4, 16, 64, 256)
BANDWIDTH = 3e8  # bytes a second to a worker: of a network that is not a fast one
# An estimator, and the partitions of its rows: where solutions are merged, few of them.
FAMILIES = {
    "logistic": (skdist.DistributedLogisticRegression(), 64),
    "ridge": (skdist.DistributedRidge(), 64),
    "SGD": (
        skdist.DistributedSGDClassifier("log_loss", max_iter=10, tol=None, random_state=0),
        16,
    ),
    "forest, replicated": (skdist.DistributedRandomForestClassifier(64, random_state=0), 32),
    "forest, histograms": (
        skdist.DistributedRandomForestClassifier(16, strategy="histogram", random_state=0),
        32,
    ),
    "MLP": (
        skdist.DistributedMLPClassifier(64, sync="local", max_iter=5, tol=0.0, random_state=0),
        16,
    ),
    "SVC": (skdist.DistributedSVC(), 16),
}
FEW_ROWS = {"SVC": 16_000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--write", type=Path, help="an .rst page; the picture goes beside it")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = rows(args.rows)
    lines = {}
    for name in args.families:
        n = min(args.rows, FEW_ROWS.get(name, args.rows))
        one = [fitted(name, X[:n], y[:n], 1) for _ in range(args.runs)]
        two = [fitted(name, X[:n], y[:n], 2)[0] for _ in range(args.runs)]
        seconds, report = sorted(one, key=lambda run: run[0])[len(one) // 2]
        simulated = [simulate(seconds, report, FAMILIES[name][1], workers) for workers in SIMULATED]
        lines[name] = (seconds, statistics.median(two), *simulated)
        print(f"{name:20}" + "".join(f"{value:9.2f}" for value in lines[name]), flush=True)
    if args.write:
        write(args.write, args.rows, lines)


def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 30))
    return X, (X @ rng.normal(size=30) + 3 * rng.normal(size=n) > 0).astype(int)


def fitted(name: str, X: np.ndarray, y: np.ndarray, workers: int) -> tuple[float, object]:
    """Seconds and report of a second fit, on a cluster of its own."""
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    )  # fmt: skip
    model, n_partitions = FAMILIES[name]
    with cluster, Client(cluster):
        few = slice(None, max(len(X) // 8, 4_000))
        clone(model).fit(*placed(X[few], y[few], n_partitions))  # loads and compiles
        X, y = placed(X, y, n_partitions)
        start = time.perf_counter()
        report = clone(model).fit(X, y).report_
        return time.perf_counter() - start, report


def placed(X: np.ndarray, y: np.ndarray, n_partitions: int) -> tuple[da.Array, da.Array]:
    """The rows, at the workers."""
    size = -(-len(X) // n_partitions)
    arrays = dask.persist(
        da.from_array(X, chunks=(size, -1)), da.from_array(y, chunks=size), optimize_graph=False
    )
    wait(arrays)
    return arrays


def simulate(seconds: float, report, n_partitions: int, workers: int) -> float:
    """Seconds with so many workers, from the tasks of a fit on one."""
    rounds = by_round(report.tasks)
    busy = {k: max(t.stop for t in r) - min(t.start for t in r) for k, r in rounds.items()}
    kept = len(report.tasks) / max(report.n_tasks, 1)  # a long fit remembers its last tasks only
    parts = {k: shares(tasks, busy[k], n_partitions) for k, tasks in rounds.items()}
    spread = sum(makespan(part, workers) for part in parts.values())
    broadcast = (workers - 1) * report.bytes_down / max(report.n_tasks, 1) / BANDWIDTH
    between = max(seconds - sum(busy.values()) / kept, 0.0)
    return between + (spread + broadcast * len(rounds)) / kept


def by_round(tasks: list) -> dict[int, list]:
    """The tasks of each round."""
    rounds = defaultdict(list)
    for task in tasks:
        rounds[task.round].append(task)
    return rounds


def shares(tasks: list, busy: float, n_partitions: int) -> list[float]:
    """Seconds of each partition of a round on one worker, the pauses between tasks shared out."""
    counts = Counter(task.name for task in tasks)
    n_runs = len(even_runs(n_partitions, 1))
    own = []
    for task in tasks:
        is_run = task.name != "merge" and counts[task.name] == n_runs
        n_parts = n_partitions // n_runs if is_run else 1
        own += [max(task.stop - task.start, 1e-6) / n_parts] * n_parts
    return [seconds * busy / sum(own) for seconds in own]


def makespan(tasks: list[float], workers: int) -> float:
    """When the last is done, of tasks that are started in order by whoever is free."""
    free = [0.0] * workers
    for task in tasks:
        first = free.index(min(free))
        free[first] += task
    return max(free)


# -- the page ------------------------------------------------------------------------------------

PAGE = """\
.. This page is written by benchmarks/scaling.py.

============
More workers
============

Seconds to fit {n:,} rows of 30 features (kernel machines: {few:,}) that the workers of a Dask
cluster hold: **measured** with one and two worker processes of one thread each, **simulated** with
2 to 256. The simulation replays the tasks of the fit on one worker: each takes the time it took
there, and is started by whoever is free; one of several partitions is cut into these; what was not
a task takes as long as it did; sending a broadcast to more workers is added at 300 MB a second. It
knows nothing of workers that are unlike, or of a network that is full. The two columns for two
workers say how far to trust it, on a machine where driver and scheduler shared two cores with them.

.. list-table::
   :header-rows: 1

   * - fit
     - 1, measured
     - 2, measured
{heads}
{lines}

.. image:: scaling.png
   :alt: Seconds to fit over workers: measured for one and two, simulated for more.

Where lines bend upwards, the driver's own work and its messages are what is left. Parameters that
are averaged (SGD, MLP), and kernel machines, have 16 partitions here, and cannot use more workers:
more of them would be another model.
"""


def write(path: Path, n: int, lines: dict[str, tuple[float, ...]]) -> None:
    """The page and the picture."""
    table = "\n".join(
        "\n".join([f"   * - {name}", *(f"     - {value:.2f}" for value in values)])
        for name, values in lines.items()
    )
    heads = "\n".join(f"     - {workers}, simulated" for workers in SIMULATED)
    page = PAGE.format(n=n, few=min(FEW_ROWS.values()), heads=heads, lines=table)
    path.write_text(page, encoding="utf-8")
    draw(path.with_suffix(".png"), lines)


def draw(path: Path, lines: dict[str, tuple[float, ...]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    colours = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
    fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, (one, two, *more)), colour in zip(lines.items(), colours, strict=False):
        ax.plot([1, 2], [one, two], "o-", color=colour, label=name)
        ax.plot([1, *SIMULATED], [one, *more], "--", color=colour)
    ax.set(xscale="log", yscale="log", xlabel="workers", ylabel="seconds")
    ax.set_xticks([1, *SIMULATED], [1, *SIMULATED])
    ax.set_title("dots: measured; dashes: simulated from the tasks of one worker")
    fig.legend(fontsize="small", loc="outside right center")
    fig.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
