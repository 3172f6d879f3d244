# SPDX-License-Identifier: BSD-3-Clause
"""What shorter messages save perceptrons, and what they cost in accuracy.

    python benchmarks/mlp_wire.py [--rows 40000] [--seeds 5] [--only averages]

Rows in float64 of 50 features, of which products of pairs say the class; 64 units, four shards on
a Dask cluster of two processes. Averages are by Adam, a round for every 10 steps where there are
shares; merged gradients by momentum where there are. Of each kind of message the step size is the
best of four, by accuracy on rows that are neither those of the fit nor those of the table. Bytes
are those of ``report_`` without the rows themselves. Neither bytes nor accuracies depend on what
else runs.
"""

import argparse
import warnings
from contextlib import nullcontext

import numpy as np
from _two_processes import two_processes

import skdist


RATES = {"adam": (5e-4, 1e-3, 2e-3, 4e-3), "sgd": (0.05, 0.1, 0.2, 0.4)}
SHARES = ("exact", "float32", 0.1, 0.03, 0.01)
# name -> (parameters, wires, whether of one seed alone)
KINDS = {
    "averages": ({"sync": "local"}, ("exact", "float32"), False),
    "averages, H = 10": ({"sync": "local", "local_steps": 10}, SHARES, False),
    "gradients": ({"sync": "gradient", "batch_size": 1_000}, ("exact", "float32"), True),
    "gradients, sgd": (
        {"sync": "gradient", "batch_size": 1_000, "solver": "sgd"},
        SHARES,
        True,
    ),
}


def products(n, seed=0):
    """Rows and classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 50))
    z = (X[:, :10] * X[:, 10:20]).sum(axis=1) / np.sqrt(10) + 0.3 * rng.normal(size=n)
    return X, (z > 0).astype(int)


def fitted(X, y, passes, wire, parameters):
    """A perceptron."""
    model = skdist.DistributedMLPClassifier(64, n_shards=4, max_iter=passes, tol=0.0, **parameters)
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
    train = slice(asked.rows)
    tune, test = slice(asked.rows, asked.rows + 10_000), slice(asked.rows + 10_000, None)
    data = X[train].nbytes + asked.rows  # two classes travel as booleans
    warnings.simplefilter("ignore")  # of few passes
    print(f"{'':>16} {'wire':>8} {'step':>6} {'MB down':>8} {'MB up':>6} {'loss':>7}  accuracy")
    for kind in asked.only:
        parameters, wires, one_seed = KINDS[kind]
        rates = RATES[parameters.get("solver", "adam")]
        for wire in wires:
            tried = {
                rate: fitted(  # here: the model is the same
                    X[train], y[train], asked.passes, wire,
                    {**parameters, "learning_rate_init": rate, "random_state": 100},
                ).score(X[tune], y[tune])
                for rate in rates
            }  # fmt: skip
            rate, found = max(tried, key=tried.get), []
            for seed in range(1 if one_seed else asked.seeds):
                chosen = {**parameters, "learning_rate_init": rate, "random_state": seed}
                with two_processes() if seed == 0 else nullcontext():  # bytes are alike
                    model = fitted(X[train], y[train], asked.passes, wire, chosen)
                report = model.report_ if seed == 0 else report
                found.append((model.loss_, model.score(X[test], y[test])))
            loss, accuracy = np.mean(found, axis=0)
            down, up = (report.bytes_down - data) / 1e6, report.bytes_up / 1e6
            each = ", ".join(f"{score:.4f}" for _, score in found)
            print(
                f"{kind:>16} {wire:>8} {rate:>6g} {down:>8.1f} {up:>6.1f} {loss:>7.4f}"
                f"  {accuracy:.4f} ({each})",
                flush=True,
            )


if __name__ == "__main__":
    main()
