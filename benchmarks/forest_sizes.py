# SPDX-License-Identifier: BSD-3-Clause
"""Seconds to fit 100 trees over the number of rows and of columns, as a table.

skdist, scikit-learn and, where it is installed, scikit-learn-intelex, each in a fresh process, in
turn, after a first fit of 30,000 rows that is not timed; medians over the runs. Two classes,
float32, full depth. `n` counts the rows that are fitted.

    python benchmarks/forest_sizes.py             # n = 1e4 ... 3e5, d = 10 ... 200: an hour or so
    python benchmarks/forest_sizes.py --quick     # the small end of it, one run
    python benchmarks/forest_sizes.py --rows 1000000 --columns 50 --peers sklearnex --runs 1
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from itertools import product

from _forests import Job, cheap_classes, contestants, split_to_disk
from _side_by_side import Figures, in_turn, print_table, ratios
from joblib import cpu_count

ROWS, COLUMNS = (10_000, 30_000, 100_000, 300_000), (10, 50, 200)
QUICK_ROWS, QUICK_COLUMNS = (3_000, 10_000), (10, 50)
PARAMETERS = {"n_estimators": 100}


def cell(n: int, d: int, whos: list[str], n_runs: int) -> Figures:
    """One line of the table: everybody's seconds and the ratios."""
    with split_to_disk(*cheap_classes(n + n // 4, d)) as folder:
        found = in_turn(whos, lambda who: Job(who, folder, False, PARAMETERS).run(), n_runs)
    line = {f"{who} s": figures["fit s"] for who, figures in found.items()}
    quotients = ratios(found, "skdist", ["fit s"])
    return {**line, **{f"/ {name.split()[-1]}": q["fit s"] for name, q in quotients.items()}}


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+")
    parser.add_argument("--columns", type=int, nargs="+", help="each at least 6")
    parser.add_argument("--peers", help="sklearn,sklearnex,lightgbm (default: the first two)")
    parser.add_argument("--runs", type=int, help="default: 3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    columns = options.columns or (QUICK_COLUMNS if options.quick else COLUMNS)
    n_runs, whos = options.runs or (1 if options.quick else 3), contestants(options.peers)
    table = {f"{n:,} x {d}": cell(n, d, whos, n_runs) for n, d in product(rows, columns)}
    print_table(f"Fit, 100 trees, runs: {n_runs}, cores: {cpu_count()}", table)


if __name__ == "__main__":
    main()
