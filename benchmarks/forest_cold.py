# SPDX-License-Identifier: BSD-3-Clause
"""What the first fit of a process costs, compilation included, and the peak of its memory.

    skdist, cold    numba's cache is an empty folder: the first fit ever on this machine
    skdist          the folder that the cold run has filled: the first fit of any later process
    sklearn, ...    the peers, which come compiled

Each in a fresh process, in turn; medians over the runs. "import s" is the import of the package,
"fit s" the first fit, "again s" the same fit once more. "start MB" is the memory before the first
fit (the data, Python, what is imported), "peak MB" the most until after the first predict.

    python benchmarks/forest_cold.py                          # 100,000 x 20 to fit, 100 trees
    python benchmarks/forest_cold.py --rows 10000 --runs 5
    python benchmarks/forest_cold.py --data mine.npz --target y
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from tempfile import TemporaryDirectory

from _forests import Job, add_data_options, cheap_classes, contestants, read_data, split_to_disk
from _side_by_side import Figures, in_turn, print_table, ratios
from joblib import cpu_count

COLD = "skdist, cold"
SHOWN = ("import s", "fit s", "again s", "predict s", "start MB", "peak MB")
COMPARED = ("fit s", "again s", "peak MB")


def measure(who: str, folder: str, regression: bool, caches: list[TemporaryDirectory]) -> Figures:
    """One first fit. A cold run starts a new cache, which the runs after it use."""
    if who == COLD:
        caches.append(TemporaryDirectory())
    job = Job(who.split(",")[0], folder, regression, {"n_estimators": 100}, warm_up=False)
    figures = job.run(NUMBA_CACHE_DIR=caches[-1].name)
    return figures and {name: figures[name] for name in SHOWN}


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows to fit")
    parser.add_argument("--columns", type=int, default=20, help="at least 6")
    parser.add_argument("--peers", help="sklearn,sklearnex,lightgbm (default: the first two)")
    parser.add_argument("--runs", type=int, default=3)
    add_data_options(parser)
    options = parser.parse_args()
    whos, caches = [COLD, *contestants(options.peers)], []
    made = (options.rows + options.rows // 4, options.columns)
    X, y = read_data(options) if options.data else cheap_classes(*made)
    title = f"First fit: {X.shape[0]:,} x {X.shape[1]}, runs: {options.runs}, cores: {cpu_count()}"
    with split_to_disk(X, y) as folder:
        found = in_turn(
            whos, lambda who: measure(who, folder, options.regression, caches), options.runs
        )
    for cache in caches:
        cache.cleanup()
    print_table(title, {**found, **ratios(found, "skdist", COMPARED)})


if __name__ == "__main__":
    main()
