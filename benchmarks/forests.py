# SPDX-License-Identifier: BSD-3-Clause
"""Random forests side by side: seconds to fit and to predict, quality, peak memory.

skdist, scikit-learn and, where it is installed, scikit-learn-intelex, each in a fresh process, in
turn; the ratios are of medians over the runs. Every process first fits 30,000 rows, so
that loading and compiling code is not in "fit s" but in "first s" (see forest_cold.py for that).

    python benchmarks/forests.py                              # all made problems
    python benchmarks/forests.py --problem regression --runs 5
    python benchmarks/forests.py --peers sklearn,sklearnex,lightgbm
    python benchmarks/forests.py --data mine.npz --target y   # arrays X and y; --regression

Classification: 100 trees, everything else the default. Regression: 50 trees,
``max_features=1/3, min_samples_leaf=5``. A fifth of the rows, drawn at random, is predicted.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable

import numpy as np
from _forests import Job, add_data_options, contestants, read_data, split_to_disk
from _side_by_side import in_turn, print_table, ratios
from joblib import cpu_count
from sklearn.datasets import make_classification, make_friedman1

CLASSIFIER = {"n_estimators": 100}
REGRESSOR = {"n_estimators": 50, "max_features": 1 / 3, "min_samples_leaf": 5}
COMPARED = ("fit s", "predict s", "peak MB")


def two_classes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Twenty columns, half of them informative, eight clusters a class."""
    return make_classification(n, 20, n_informative=10, n_clusters_per_class=8, random_state=0)


def many_classes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """26 classes, a tenth as many rows as the other problems."""
    return make_classification(
        n // 10, 16, n_informative=12, n_classes=26, n_clusters_per_class=2, random_state=0
    )


def friedman(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Friedman's first function of five of ten columns, noise of one standard deviation."""
    return make_friedman1(n, noise=1.0, random_state=0)


Problem = Callable[[int], tuple[np.ndarray, np.ndarray]]
PROBLEMS: dict[str, Problem] = {
    "two-classes": two_classes,
    "many-classes": many_classes,
    "regression": friedman,
}


def compare(
    name: str, X: np.ndarray, y: np.ndarray, regression: bool, whos: list[str], n_runs: int
) -> bool:
    """Print one problem's table; returns whether all contestants finished."""
    parameters = REGRESSOR if regression else CLASSIFIER
    title = f"{name}: {X.shape[0]:,} x {X.shape[1]}, runs: {n_runs}, cores: {cpu_count()}"
    with split_to_disk(X, y) as folder:
        found = in_turn(whos, lambda who: Job(who, folder, regression, parameters).run(), n_runs)
    print_table(title, {**found, **ratios(found, "skdist", COMPARED)})
    return len(found) == len(whos)


def main() -> int:
    """Compare on the user's data, or on every made problem."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--problem", choices=PROBLEMS, help="one made problem (default: all)")
    parser.add_argument("--rows", type=int, default=200_000, help="of the made problems")
    parser.add_argument("--peers", help="sklearn,sklearnex,lightgbm (default: the first two)")
    parser.add_argument("--runs", type=int, default=3)
    add_data_options(parser)
    options = parser.parse_args()
    whos = contestants(options.peers)
    if options.data:
        X, y = read_data(options)
        return not compare(options.data.name, X, y, options.regression, whos, options.runs)
    finished = True
    for name in [options.problem] if options.problem else PROBLEMS:
        X, y = PROBLEMS[name](options.rows)
        finished &= compare(name, X, y, name == "regression", whos, options.runs)
    return not finished


if __name__ == "__main__":
    raise SystemExit(main())
