# SPDX-License-Identifier: BSD-3-Clause
"""Run as a program: fits a collection five times larger than the memory this process may add.

    python limited_fit.py FAMILY MEBIBYTES

The limit is on what the system lets a process write to (``RLIMIT_DATA``): unlike the address space
it does not count what BLAS and numba only map, unlike the resident set it does count all that is
allocated, and whoever exceeds it gets a MemoryError. It is set when everything is imported and
compiled, by a fit of a few rows.
"""

import re
import resource
import sys
import warnings

import dask.array as da
import numpy as np

import skdist

TIMES = 5
D = 20
ROWS = 10_000  # of a partition: 1.6 MB
MODELS = {
    "logistic": lambda: skdist.DistributedLogisticRegression(),
    "SGD": lambda: skdist.DistributedSGDClassifier(max_iter=2, tol=None, random_state=0),
    "forest": lambda: skdist.DistributedRandomForestClassifier(
        4, max_depth=6, strategy="histogram", random_state=0
    ),
    "MLP": lambda: skdist.DistributedMLPClassifier(8, max_iter=1, tol=0.0, random_state=0),
    "ridge": lambda: skdist.DistributedRidge(),
    "gathering": lambda: Gathering(),
}


class Gathering:
    """What nobody should do, to see that the limit is one."""

    n_shards_ = 1

    def fit(self, X, y):
        X.compute()
        return self


def block(_, block_id=None):
    """Rows of one partition, a function of its number."""
    return np.random.default_rng(block_id[0]).normal(size=(ROWS, D))


def rows(n_blocks):
    chunks = ((ROWS,) * n_blocks, (D,))
    X = da.map_blocks(block, da.zeros((n_blocks, 1), chunks=1), chunks=chunks, dtype=float)
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def writable():
    """Bytes that this process may write to."""
    with open("/proc/self/status", encoding="ascii") as file:
        return int(re.search(r"VmData:\s+(\d+) kB", file.read())[1]) << 10


def main(family, mebibytes):
    warnings.simplefilter("ignore")
    limit = int(mebibytes) << 20
    n_blocks = -(-TIMES * limit // (8 * D * ROWS))
    MODELS[family]().fit(*rows(3))
    before = writable()
    resource.setrlimit(resource.RLIMIT_DATA, (before + limit, before + limit))
    model = MODELS[family]().fit(*rows(n_blocks))
    print(model.n_shards_, n_blocks, (writable() - before) >> 20)


if __name__ == "__main__":
    main(*sys.argv[1:])
