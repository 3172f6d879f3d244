# SPDX-License-Identifier: BSD-3-Clause
"""What local steps cost a multilayer perceptron in accuracy: shards at equal passes over the rows.

DistributedMLPClassifier, one hidden layer of 64, Adam, ``sync="local"``, on 1, 2, 4 and 8 shards;
three quarters of the rows are fitted, accuracy is that on the others, the mean over seeds. In the
last row of a table batches are divided by the number of shards instead of steps being lengthened,
so that there are as many steps as on one shard.

    python benchmarks/mlp_shards.py                                     # digits, 40 passes
    python benchmarks/mlp_shards.py --data letter.npz --passes 25
"""

from __future__ import annotations

import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from statistics import mean

import numpy as np
from _forests import add_data_options, read_data
from _side_by_side import print_table
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from skdist import DistributedMLPClassifier

SHARDS = (1, 2, 4, 8)
BATCH = 200


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")  # of passes that were not enough
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    add_data_options(parser)
    options = parser.parse_args()
    X, y = read_data(options) if options.data else load_digits(return_X_y=True)
    X = scale(np.asarray(X, np.float64))

    def accuracy(n_shards: int, batch_size: int, seed: int) -> float:
        X_fit, X_test, y_fit, y_test = train_test_split(X, y, random_state=seed, stratify=y)
        model = DistributedMLPClassifier(
            (64,),
            sync="local",
            n_shards=n_shards,
            batch_size=batch_size,
            max_iter=options.passes,
            n_iter_no_change=options.passes,
            random_state=seed,
        )
        return model.fit(X_fit, y_fit).score(X_test, y_test)

    def of_shards(batch_of: dict[int, int]) -> dict[str, float]:
        seeds = range(options.seeds)
        return {str(m): mean(accuracy(m, batch_of[m], seed) for seed in seeds) for m in SHARDS}

    rows = {
        f"batches of {BATCH} per shard": of_shards(dict.fromkeys(SHARDS, BATCH)),
        f"batches of {BATCH} in all": of_shards({m: BATCH // m for m in SHARDS}),
    }
    title = f"{len(y):,} x {X.shape[1]}, {options.passes} passes, mean of {options.seeds} seeds; "
    print_table(title + "shards:", rows)


if __name__ == "__main__":
    main()
