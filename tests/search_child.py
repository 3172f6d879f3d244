# SPDX-License-Identifier: BSD-3-Clause
"""A grid search in a process of its own that may be killed: ``BACKEND FOLDER [N_FITS]``.

It kills itself, workers and all, when so many fits have ended. Prints the scores.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import warnings

import joblib
import numpy as np
from journal_problems import CLASS, X
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdist


def search():
    model = make_pipeline(StandardScaler(), skdist.DistributedLogisticRegression(n_shards=4))
    grid = {"distributedlogisticregression__C": np.logspace(-2, 2, 6)}
    return GridSearchCV(model, grid, cv=3, n_jobs=2).fit(X, CLASS)


def kill_after(n_fits, folder):
    while True:
        if sum(fit.finished for fit in skdist.journals(folder)) >= n_fits:
            os.killpg(0, signal.SIGKILL)
        time.sleep(0.005)


def main(backend, folder, n_fits=None):
    if n_fits is not None:
        threading.Thread(target=kill_after, args=(int(n_fits), folder), daemon=True).start()
    with contextlib.ExitStack() as stack:
        options = {"n_jobs": 2}
        if backend == "dask":
            from distributed import Client, LocalCluster

            cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
            options = {"client": stack.enter_context(Client(stack.enter_context(cluster)))}
        stack.enter_context(joblib.parallel_config(backend=backend, **options))
        stack.enter_context(skdist.config_context(journal=folder))
        print(*search().cv_results_["mean_test_score"])


if __name__ == "__main__":
    warnings.simplefilter("error", skdist.sharding.JournalWarning)
    main(*sys.argv[1:])
