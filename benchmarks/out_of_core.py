# SPDX-License-Identifier: BSD-3-Clause
"""Fits of files that no memory of the process holds: time and memory, beside reading them once.

    python benchmarks/out_of_core.py --gb 20 --memory-gb 3
    python benchmarks/out_of_core.py --gb 2 --memory-gb 1.5 --peers-python ../peers/bin/python

Makes parquet files of random float32 rows from a fixed seed, fits them in processes that may
allocate --memory-gb (``RLIMIT_DATA``: pages of files that are only mapped do not count), and
removes them. "reading" computes every partition once and drops it: the least that any fit can
take. Fits of many passes keep the rows on the local disk, in a temporary folder, as large as the
files. Parameters are those of somebody who knows how many rows there are (`SAID`): the defaults of
perceptrons, batches of 200 rows, and of forests, a hundred trees of as many rows as there are, are
for thousands of times fewer.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

D = 30
FILE_ROWS = 500_000  # 60 MB
FITS = ("reading", "logistic", "sgd", "forest", "mlp", "scaler+ridge")
PEERS = ("dask-ml Incremental", "dask-ml GLM")
NAMES = [f"x{j}" for j in range(D)]
SAID = {
    "sgd": "5 passes",
    "forest": "10 trees of depth 8, a tenth of the rows each",
    "mlp": "32 units, batches of 4,096, a pass",
    "dask-ml Incremental": "5 passes",
    "dask-ml GLM": "L-BFGS",
}


def main() -> None:
    args = parsed()
    folder = Path(tempfile.mkdtemp(prefix="skdist-rows-", dir=args.folder))
    try:
        n_bytes = write(folder, args.gb)
        n_files = len(list(folder.iterdir()))
        print(f"{n_bytes / 1e9:.2f} GB in {n_files} files, {n_files * FILE_ROWS:,} rows of {D}")
        print(f"each fit may allocate {args.memory_gb} GB, {args.threads} threads\n")
        print(f"{'':22}{'seconds':>9}{'x reading':>11}{'peak GB':>9}{'score':>8}")
        once = None
        for name in args.fits:
            seconds = measured(name, folder, args, sys.executable, once)
            once = seconds if name == "reading" else once
        for name in args.peers if args.peers_python else ():
            measured(name, folder, args, args.peers_python, once)
    finally:
        shutil.rmtree(folder)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", type=float, default=20.0)
    parser.add_argument("--memory-gb", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", default=None, help="where the files are made")
    parser.add_argument("--fits", nargs="*", default=FITS, choices=FITS)
    parser.add_argument("--minutes", type=float, default=30.0, help="of a fit, at most")
    parser.add_argument("--peers-python", default=None, help="an interpreter that has dask-ml")
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--child", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], Path(args.child[1]), args.memory_gb, args.threads)
        sys.exit()
    free = shutil.disk_usage(args.folder or tempfile.gettempdir()).free / 1e9
    if free < 2.5 * args.gb:
        sys.exit(f"{free:.0f} GB of disk are free; {2.5 * args.gb:.0f} GB are needed.")
    return args


# -- the files -----------------------------------------------------------------------------------


def write(folder: Path, gigabytes: float) -> int:
    """Files of this size together; the same ones every time."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    w = np.random.default_rng(0).normal(size=D).astype(np.float32) / np.sqrt(D)
    n_files = max(1, round(gigabytes * 1e9 / (4 * (D + 1) * FILE_ROWS)))
    for k in range(n_files):
        rng = np.random.default_rng((1, k))
        X = rng.standard_normal((D, FILE_ROWS), np.float32)
        number = w @ X + rng.standard_normal(FILE_ROWS, np.float32)
        columns = dict(zip(NAMES, X, strict=True))
        columns["number"], columns["label"] = number, (number > 0).astype(np.int8)
        path = folder / f"{k:05}.parquet"
        parquet.write_table(pa.table(columns), path, compression="none", use_dictionary=False)
    return sum(path.stat().st_size for path in folder.iterdir())


# -- one measurement -----------------------------------------------------------------------------


def measured(
    name: str, folder: Path, args: argparse.Namespace, python: str, once: float | None
) -> float:
    """Seconds of a fit in a process of its own; prints its line."""
    options = ["--memory-gb", str(args.memory_gb), "--threads", str(args.threads)]
    command = [python, __file__, *options, "--child", name, str(folder)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60 * args.minutes)
    except subprocess.TimeoutExpired:
        print(f"{name:22}not over after {args.minutes:g} minutes  {SAID.get(name, '')}", flush=True)
        return float("nan")
    found = re.search(r"seconds=(\S+) peak=(\S+) score=(\S+)", done.stdout)
    if not found:
        print(f"{name:22}failed: {done.stdout.strip().splitlines()[-1:] or done.returncode}")
        return float("nan")
    seconds, peak, score = map(float, found.groups())
    times = f"{seconds / once:11.2f}" if once else f"{'':11}"
    print(
        f"{name:22}{seconds:9.1f}{times}{peak:9.2f}{score:8.4f}  {SAID.get(name, '')}", flush=True
    )
    return seconds


def child(name: str, folder: Path, memory_gb: float, threads: int) -> None:
    """The fit, with a limit on what may be allocated."""
    import resource

    import dask
    import dask.dataframe as dd
    import joblib

    warnings.simplefilter("ignore")
    limit = int(memory_gb * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    rows = dd.read_parquet(folder)
    watch = Watch(name)
    workers = dask.config.set(scheduler="threads", num_workers=threads)
    with joblib.parallel_config(backend="threading", n_jobs=threads), workers, watch:
        score = RUNS[name](rows)
    print(f"seconds={watch.seconds} peak={watch.peak / 1e9} score={score}")


class Watch:
    """Seconds, and the most memory that was anybody's but a file's; says where it is, on stderr."""

    def __init__(self, name: str) -> None:
        self.name, self.seconds, self.peak = name, 0.0, 0
        self._over = threading.Event()

    def __enter__(self) -> Watch:
        self._start = time.perf_counter()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        last = self._start
        while not self._over.wait(0.02):
            held = anonymous_memory()
            self.peak = max(self.peak, held)
            if time.perf_counter() - last > 20:
                last = time.perf_counter()
                print(f"  {self.name}: {last - self._start:.0f} s, {held / 1e9:.2f} GB",
                      file=sys.stderr, flush=True)  # fmt: skip


def anonymous_memory() -> int:
    """Bytes in memory that no file backs."""
    with open("/proc/self/status", encoding="ascii") as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read())[1]) << 10


# -- what is run ---------------------------------------------------------------------------------


def reading(rows):
    import dask

    counts = [dask.delayed(len)(part) for part in parts(rows)]
    return sum(dask.compute(*counts)) * 0.0


def parts(rows):
    """The partitions as files have them: Dask would read several at once."""
    import dask

    with dask.config.set({"optimization.tune.active": False}):
        return rows.to_delayed()


def fitted(model, rows):
    model.fit(rows[NAMES], rows["label"])
    few = rows.partitions[0]
    return model.score(few[NAMES], few["label"])


def logistic(rows):
    from skdist import DistributedLogisticRegression

    return fitted(DistributedLogisticRegression(), rows)


def sgd(rows):
    from skdist import DistributedSGDClassifier

    model = DistributedSGDClassifier("log_loss", max_iter=5, tol=None, random_state=0)
    return fitted(model, rows)


def forest(rows):
    from skdist import DistributedRandomForestClassifier

    model = DistributedRandomForestClassifier(10, max_depth=8, max_samples=0.1, random_state=0)
    return fitted(model, rows)


def mlp(rows):
    from skdist import DistributedMLPClassifier

    model = DistributedMLPClassifier(32, batch_size=4_096, max_iter=1, random_state=0)
    return fitted(model, rows)


def scaler_and_ridge(rows):
    from skdist import DistributedRidge
    from skdist.preprocessing import DistributedStandardScaler

    scaler = DistributedStandardScaler().fit(rows[NAMES])
    model = DistributedRidge().fit(scaler.transform(rows[NAMES]), rows["number"])
    few = rows.partitions[0]
    return model.score(scaler.transform(few[NAMES]), few["number"])


def incremental(rows):
    from dask_ml.wrappers import Incremental
    from sklearn.linear_model import SGDClassifier

    model = Incremental(SGDClassifier(loss="log_loss", random_state=0))
    X, y = arrays(rows)
    for _ in range(5):
        model.partial_fit(X, y, classes=[0, 1])
    return model.score(X.blocks[0].compute(), y.blocks[0].compute())


def glm(rows):
    from dask_ml.linear_model import LogisticRegression

    X, y = arrays(rows)
    model = LogisticRegression(solver="lbfgs").fit(X, y)
    return float((model.predict(X.blocks[0].compute()) == y.blocks[0].compute()).mean())


def arrays(rows):
    """X and y as Dask arrays of known chunks."""
    import dask.array as da
    import numpy as np

    X, y = [], []
    for part in parts(rows):
        X.append(da.from_delayed(part[NAMES].values, (FILE_ROWS, D), np.float32))
        y.append(da.from_delayed(part["label"].values, (FILE_ROWS,), np.int8))
    return da.concatenate(X), da.concatenate(y)


RUNS = {
    "reading": reading,
    "logistic": logistic,
    "sgd": sgd,
    "forest": forest,
    "mlp": mlp,
    "scaler+ridge": scaler_and_ridge,
    "dask-ml Incremental": incremental,
    "dask-ml GLM": glm,
}

if __name__ == "__main__":
    main()
