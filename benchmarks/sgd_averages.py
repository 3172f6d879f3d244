# SPDX-License-Identifier: BSD-3-Clause
"""What averages of SGD's iterates are worth on one shard and on several: the objective reached.

DistributedSGDClassifier by the logistic loss for some passes over all rows, columns scaled to mean
0 and variance 1: without an average, averaged from the first row (``average=True``), and from the
second pass on (``average=n``); the mean over seeds. Less is better.

    python benchmarks/sgd_averages.py                       # made rows, 1 and 4 shards
    python benchmarks/sgd_averages.py --data adult.npz --learning-rate invscaling --eta0 0.01
"""

from __future__ import annotations

import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from statistics import mean

import numpy as np
from _forests import add_data_options, read_data
from _side_by_side import print_table
from linear_sgd import make_rows, objective
from sklearn.preprocessing import scale

from skdist import DistributedSGDClassifier


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")  # of passes that were not enough
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--learning-rate", default="optimal")
    parser.add_argument("--eta0", type=float, default=0.01)
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--seeds", type=int, default=3)
    add_data_options(parser)
    options = parser.parse_args()
    X, y = read_data(options) if options.data else make_rows(100_000, 20)
    X = scale(np.asarray(X, np.float64))
    averages = {"no average": False, "average=True": True, "average=n": len(y)}

    def reached(n_shards: int, average: bool | int) -> float:
        return mean(
            objective(
                DistributedSGDClassifier(
                    loss="log_loss",
                    learning_rate=options.learning_rate,
                    eta0=options.eta0,
                    max_iter=options.passes,
                    tol=None,
                    average=average,
                    n_shards=n_shards,
                    random_state=seed,
                ).fit(X, y),
                X,
                y,
            )
            for seed in range(options.seeds)
        )

    title = f"{len(y):,} x {X.shape[1]}, learning_rate={options.learning_rate!r}, "
    title += f"{options.passes} passes, mean of {options.seeds} seeds"
    rows = {
        f"shards: {n_shards}": {name: reached(n_shards, how) for name, how in averages.items()}
        for n_shards in options.shards
    }
    print_table(title, rows)


if __name__ == "__main__":
    main()
