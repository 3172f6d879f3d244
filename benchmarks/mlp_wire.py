# SPDX-License-Identifier: BSD-3-Clause
"""What shorter messages save perceptrons, and what they cost in accuracy.

    python benchmarks/mlp_wire.py [--rows 40000] [--seeds 5] [--only averages]

Rows in float64 of 50 features, of which products of pairs say the class; 64 units, four shards on
a Dask cluster of two processes. Shares are sent of averages by Adam, a round for every 10 steps,
and of merged gradients along which momentum steps; there every kind of message has the step size
that is best on rows of neither the fit nor the table. Bytes are those of ``report_`` without the
rows themselves. Neither bytes nor accuracies depend on what else runs.
"""

import argparse
import warnings

import numpy as np
from _two_processes import two_processes

import skdist

ADAMS, MOMENTUMS = (5e-4, 1e-3, 2e-3), (0.03, 0.1, 0.2)
SHARES = ("exact", "float32", 0.1, 0.03, 0.01)
BATCHES = {"sync": "gradient", "batch_size": 1_000}
# name -> (parameters, step sizes, wires, seeds at most)
KINDS = {
    "averages": ({"sync": "local"}, (1e-3,), ("exact", "float32"), 99),
    "gradients": (BATCHES, (1e-3,), ("exact", "float32"), 1),
    "often": ({"sync": "local", "local_steps": 10}, ADAMS, SHARES, 99),
    "momentum": ({**BATCHES, "solver": "sgd"}, MOMENTUMS, SHARES, 1),
}


def products(n, seed=0):
    """Rows and classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 50))
    z = (X[:, :10] * X[:, 10:20]).sum(axis=1) / np.sqrt(10) + 0.3 * rng.normal(size=n)
    return X, (z > 0).astype(int)


def fitted(X, y, passes, wire, rate, seed, parameters):
    """A perceptron."""
    model = skdist.DistributedMLPClassifier(
        64, n_shards=4, max_iter=passes, learning_rate_init=rate, random_state=seed, **parameters
    )
    with skdist.config_context(wire=wire):
        return model.fit(X, y)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--only", choices=KINDS, nargs="*", default=list(KINDS))
    asked = parser.parse_args()
    X, y = products(asked.rows + 30_000)
    n = asked.rows
    train, test, tune = slice(n), slice(n, n + 20_000), slice(n + 20_000, None)
    data = X[train].nbytes + n  # two classes travel as booleans
    warnings.simplefilter("ignore")  # of few passes
    print(f"{'':>9} {'wire':>8} {'step':>6} {'MB down':>8} {'MB up':>6} {'loss':>7}  accuracy")
    for kind in asked.only:
        parameters, rates, wires, n_seeds = KINDS[kind]
        for wire in wires:
            given = (X[train], y[train], asked.passes, wire)
            rate = rates[0]
            if len(rates) > 1:  # here: the model is the same
                tried = [fitted(*given, r, 100, parameters).score(X[tune], y[tune]) for r in rates]
                rate = rates[int(np.argmax(tried))]
            with two_processes():
                first = fitted(*given, rate, 0, parameters)
            seeds = range(1, min(asked.seeds, n_seeds))
            models = [first, *(fitted(*given, rate, seed, parameters) for seed in seeds)]
            scores = [model.score(X[test], y[test]) for model in models]
            loss, report = np.mean([model.loss_ for model in models]), first.report_
            down, up = (report.bytes_down - data) / 1e6, report.bytes_up / 1e6
            print(
                f"{kind:>9} {wire:>8} {rate:>6g} {down:>8.1f} {up:>6.1f} {loss:>7.4f}"
                f"  {np.mean(scores):.4f} ({', '.join(f'{score:.4f}' for score in scores)})",
                flush=True,
            )


if __name__ == "__main__":
    main()
