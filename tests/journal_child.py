# SPDX-License-Identifier: BSD-3-Clause
"""A process that fits with a journal and may kill itself: ``NAME FOLDER [ROUND] [BACKEND]``.

Prints the digest of the model, and the numbers of the rounds that it ran.
"""

import contextlib
import os
import signal
import sys
import warnings

import joblib
from journal_problems import Rounds, fitted, model_of

import skdist
from skdist.sharding import running_fit


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def main(name, folder, last="none", backend="threading"):
    watcher = Rounds(None if last == "none" else int(last), kill)
    with contextlib.ExitStack() as stack:
        if backend == "dask":
            from distributed import Client, LocalCluster

            cluster = stack.enter_context(
                LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
            )
            client = stack.enter_context(Client(cluster))
            stack.enter_context(joblib.parallel_config(backend="dask", client=client))
        else:
            stack.enter_context(joblib.parallel_config(backend=backend, n_jobs=2))
        stack.enter_context(skdist.config_context(journal=folder))
        stack.enter_context(running_fit([watcher]))
        print(model_of(fitted(name)), *watcher.numbers)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
