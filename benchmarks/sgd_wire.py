# SPDX-License-Identifier: BSD-3-Clause
"""What shorter messages of stochastic gradient descent save, and what they cost in accuracy.

    python benchmarks/sgd_wire.py [--rows 40000] [--features 200000] [--shards 4] [--passes 30]

Sparse rows as of texts: 60 words each, of a vocabulary whose frequencies fall as 1 / rank^1.1, a
twentieth of which says something of y. On a Dask cluster of two processes; bytes are those of
``report_`` without the rows themselves. Neither bytes nor accuracies depend on what else runs.
"""

import argparse
import warnings

import numpy as np
from _two_processes import two_processes
from scipy.sparse import csr_matrix, diags

import skdist

WORDS = 60
WIRES = ("exact", "float32", 0.1, 0.01, 0.001)


def texts(n_rows, n_features, seed=0):
    """Rows of unit length and the classes of 20,000 more."""
    rng = np.random.default_rng(seed)
    frequency = 1.0 / np.arange(1, n_features + 1) ** 1.1
    words = np.searchsorted(np.cumsum(frequency) / frequency.sum(), rng.random(n_rows * WORDS))
    ends = np.arange(0, n_rows * WORDS + 1, WORDS)
    X = csr_matrix((np.ones(len(words)), words, ends), shape=(n_rows, n_features))
    X.sum_duplicates()
    X.data = np.log1p(X.data)
    X = (diags(1.0 / np.sqrt(X.power(2).sum(axis=1).A1)) @ X).tocsr()
    meaning = 3.0 * rng.normal(size=n_features) * (rng.random(n_features) < 0.05)
    z = 5.0 * (X @ meaning)
    return X, (z - np.median(z) + 0.5 * rng.logistic(size=n_rows) > 0).astype(int)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--features", type=int, default=200_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--passes", type=int, default=30)
    asked = parser.parse_args()
    X, y = texts(asked.rows + 20_000, asked.features)
    train, test = slice(asked.rows), slice(asked.rows, None)
    data = sum(part.nbytes for part in (X[train].data, X[train].indices, X[train].indptr)) + (
        8 * asked.rows
    )
    warnings.simplefilter("ignore")  # of few passes, and of data that is small for a cluster
    with two_processes():
        print(f"{'wire':>8} {'passes':>7} {'rounds':>7} {'MB down':>8} {'MB up':>7}"
              f" {'objective':>10} {'accuracy':>9}")  # fmt: skip
        for options in ({"max_iter": asked.passes, "tol": None}, {}):
            for wire in WIRES:
                model = skdist.DistributedSGDClassifier(
                    "log_loss", alpha=1e-5, n_shards=asked.shards, random_state=0, **options
                )
                with skdist.config_context(wire=wire):
                    model.fit(X[train], y[train])
                report = model.report_
                down, up = (report.bytes_down - data) / 1e6, report.bytes_up / 1e6
                print(
                    f"{wire:>8} {model.n_iter_:>7} {report.rounds:>7} {down:>8.1f} {up:>7.1f}"
                    f" {report.extra['objective']:>10.4f} {model.score(X[test], y[test]):>9.4f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
