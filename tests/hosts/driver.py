# SPDX-License-Identifier: BSD-3-Clause
"""The driver of the tests of several hosts: fits again and again, and prints each model.

``python driver.py scheduler-address CA CERT KEY workers fits``; CA may be "none". Waits until there
are so many workers, says how many there are, and prints one line of JSON per fit.
"""

import json
import sys
import time

import joblib
import numpy as np
from distributed import Client
from distributed.security import Security

from skdist import DistributedLogisticRegression, DistributedRandomForestClassifier


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 12))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=6000) > 0).astype(int)


def estimators():
    """One of many rounds, and one whose shards pass values to each other."""
    return (
        DistributedLogisticRegression(solver="lbfgs", tol=1e-6, n_shards=6),
        DistributedRandomForestClassifier(12, max_depth=6, random_state=0, n_shards=3),
    )


def described(model):
    """Numbers that tell one model from another, and what the fit cost."""
    X, _ = data()
    return {
        "p": model.predict_proba(X[:50])[:, 1].tolist(),
        "retries": model.report_.retries,
        "strategy": model.report_.strategy,
        "bytes_down": model.report_.bytes_down,
    }


def fit_all():
    X, y = data()
    return [described(model.fit(X, y)) for model in estimators()]


def workers_of(client, count):
    """How many workers there are, after at most a minute of waiting for as many as `count`."""
    begun = time.monotonic()
    while len(client.nthreads()) != count and time.monotonic() < begun + 60:
        time.sleep(0.2)
    return len(client.nthreads())


def main(address, ca, cert, key, workers, fits):
    security = None
    if ca != "none":
        security = Security(
            tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True
        )
    with Client(address, security=security, timeout=10) as client:
        print(workers_of(client, int(workers)), "workers", flush=True)
        with joblib.parallel_config(backend="dask"):
            for _ in range(int(fits)):
                print(json.dumps(fit_all()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
