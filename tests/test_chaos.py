# SPDX-License-Identifier: BSD-3-Clause
"""Fits in which somebody is killed at a time drawn from a seed, counted.

    pytest tests/test_chaos.py --long

does 200 kills of workers and 50 of drivers; without ``--long`` it is a few of each. The seed of a
trial that failed is in its message: ``drawn(seed, ...)`` is that trial again.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

import joblib
import journal_problems
import numpy as np
import pytest
from chaos import Killer, drawn, outputs, take_rows
from chaos_child import DRIVERS
from journal_problems import Rounds, fitted, model_of
from shard_tasks import loky_workers

import skdist
from skdist.sharding import running_fit

pytestmark = pytest.mark.timed

WORKERS = ("loky", "dask")
CHILD = Path(__file__).parent / "chaos_child.py"


@pytest.fixture(autouse=True)
def problems_as_they_were(monkeypatch):
    """Other tests have the problems' own rows."""
    for name in ("X", "REAL", "COUNT", "CLASS", "PAIR"):
        monkeypatch.setattr(journal_problems, name, getattr(journal_problems, name))


@pytest.fixture
def first_seed():
    """Another one in every run, but for CI; printed where a test fails."""
    return 0 if "CI" in os.environ else random.SystemRandom().randrange(10**6)


def quiet(name):
    """The fit, without what it says of convergence and of skew: fits are short here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fitted(name)


def undisturbed(trial):
    """The model of one thread, and how many rounds it took."""
    take_rows(trial)
    rounds = Rounds()
    with joblib.parallel_config(n_jobs=1), running_fit([rounds]):
        return quiet(trial.name), len(rounds.numbers)


def with_a_worker_killed(trial, request):
    """The trial's model, and the workers that were killed for it."""
    if trial.backend == "dask":
        client = request.getfixturevalue("cluster_of_two").client()
        where, pids = {"client": client}, lambda: list(client.run(os.getpid).values())
    else:
        where, pids = {"n_jobs": 2}, loky_workers
    _, n_rounds = undisturbed(trial)
    killer = Killer(int(trial.moment * n_rounds), trial.delay, pids)
    with joblib.parallel_config(backend=trial.backend, **where), running_fit([killer]):
        model = quiet(trial.name)
    killer.wait()
    return model, killer.killed


def assert_workers_may_die(first, count, request):
    """Do so many trials; the model is always that of one thread. Returns how many were killed."""
    killed = 0
    for seed in range(first, first + count):
        trial = drawn(seed, WORKERS)
        print(trial, flush=True)
        expected, _ = undisturbed(trial)
        model, victims = with_a_worker_killed(trial, request)
        killed += len(victims)
        if trial.backend == "loky":
            assert model_of(model) == model_of(expected), trial
        np.testing.assert_allclose(
            outputs(model), outputs(expected), rtol=1e-5, atol=1e-5, err_msg=str(trial)
        )
    print(f"{count} fits, {killed} workers killed, {count} models as of one thread")
    return killed


def assert_drivers_may_die(first, count, folder):
    """Do so many trials; what is resumed ends with the model of an undisturbed fit."""
    done, seed, computed = 0, first, []
    while done < count:
        seed += 1
        trial = drawn(seed, DRIVERS)
        journal = folder / str(seed)
        expected, n_rounds = undisturbed(trial)
        if not killed_on_the_way(trial, journal, int(trial.moment * n_rounds)):
            continue  # it was done before it could be killed
        again = subprocess.run(
            [sys.executable, CHILD, str(seed), journal], capture_output=True, text=True
        )
        assert again.returncode == 0, f"{trial}\n{again.stderr}"
        digest, rounds = again.stdout.split()
        assert digest == model_of(expected), trial
        computed.append(int(rounds) / n_rounds)
        done += 1
    again = statistics.mean(computed)
    print(f"{done} drivers killed, {done} models as if not; {again:.0%} of the rounds done again")
    return again


def killed_on_the_way(trial, journal, n_rounds):
    """Whether a driver was killed, once its journal had so many rounds, before its end."""
    child = subprocess.Popen(
        [sys.executable, CHILD, str(trial.seed), journal],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while child.poll() is None and rounds_in(journal) < max(n_rounds, 1):
        time.sleep(0.005)
    time.sleep(trial.delay)
    child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def rounds_in(journal):
    """How many rounds are in the one journal of a folder."""
    return sum(entry.rounds for entry in skdist.journals(journal)) if journal.exists() else 0


@pytest.mark.timeout(600)
def test_some_workers_die(first_seed, request):
    assert assert_workers_may_die(first_seed, 4, request) >= 2


@pytest.mark.timeout(600)
def test_some_drivers_die(first_seed, tmp_path):
    assert_drivers_may_die(first_seed, 2, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_two_hundred_workers_die(first_seed, request):
    killed, first = 0, first_seed
    while killed < 200:
        killed += assert_workers_may_die(first, 20, request)
        first += 20


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_fifty_drivers_die(first_seed, tmp_path):
    assert assert_drivers_may_die(first_seed, 50, tmp_path) < 0.8
