# SPDX-License-Identifier: BSD-3-Clause
"""What parameters in float32 on the way save perceptrons, and what they cost in accuracy.

    python benchmarks/mlp_wire.py [--rows 40000] [--seeds 5]

Rows in float64 of 50 features, of which products of pairs say the class; 64 units, four shards on
a Dask cluster of two processes. Bytes are those of ``report_`` without the rows themselves. Neither
bytes nor accuracies depend on what else runs.
"""

import argparse
import warnings

import numpy as np
from _two_processes import two_processes

import skdist


def products(n, seed=0):
    """Rows and classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 50))
    z = (X[:, :10] * X[:, 10:20]).sum(axis=1) / np.sqrt(10) + 0.3 * rng.normal(size=n)
    return X, (z > 0).astype(int)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=20)
    asked = parser.parse_args()
    X, y = products(asked.rows + 20_000)
    train, test = slice(asked.rows), slice(asked.rows, None)
    data = X[train].nbytes + asked.rows  # two classes travel as booleans
    warnings.simplefilter("ignore")  # of few passes
    with two_processes():
        print(f"{'sync':>9} {'wire':>8} {'MB down':>8} {'MB up':>6} {'loss':>7}  accuracy")
        for sync, seeds, more in (
            ("local", range(asked.seeds), {}),
            ("gradient", range(1), {"batch_size": 1_000}),
        ):
            for wire in ("exact", "float32"):
                found = []
                for seed in seeds:
                    model = skdist.DistributedMLPClassifier(
                        64, n_shards=4, sync=sync, max_iter=asked.passes, random_state=seed, **more
                    )
                    with skdist.config_context(wire=wire):
                        model.fit(X[train], y[train])
                    found.append((model.loss_, model.score(X[test], y[test])))
                report, (loss, accuracy) = model.report_, np.mean(found, axis=0)
                down, up = (report.bytes_down - data) / 1e6, report.bytes_up / 1e6
                each = ", ".join(f"{score:.4f}" for _, score in found)
                print(
                    f"{sync:>9} {wire:>8} {down:>8.1f} {up:>6.1f} {loss:>7.4f}  {accuracy:.4f}"
                    f" ({each})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
