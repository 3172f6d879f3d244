# SPDX-License-Identifier: BSD-3-Clause
"""A driver to be killed: ``SEED FOLDER`` fits the trial with a journal and prints its digest."""

import sys
import warnings

import joblib
from chaos import Pause, drawn, take_rows
from journal_problems import fitted, model_of

import skdist
from skdist.sharding import running_fit

DRIVERS = ("loky", "threading")


def main(seed, folder):
    trial = drawn(int(seed), DRIVERS)
    take_rows(trial)
    watcher = Pause()
    with (
        joblib.parallel_config(backend=trial.backend, n_jobs=2),
        skdist.config_context(journal=folder),
        running_fit([watcher]),
    ):
        print(model_of(fitted(trial.name)), len(watcher.numbers), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
