# SPDX-License-Identifier: BSD-3-Clause
"""Trials drawn from a seed: which estimator, on what rows, where, and who is killed when."""

import os
import random
import signal
import threading
import time
from dataclasses import asdict, dataclass

import journal_problems as problems
import numpy as np
from journal_problems import PROBLEMS, Rounds


@dataclass(frozen=True)
class Trial:
    """One fit that is disturbed.

    Parameters
    ----------
    seed : int
    name : str
        Of the problem.
    backend : str
    n_rows : int
    moment : float
        Share of the undisturbed fit's rounds after which somebody is killed.
    delay : float
        Seconds into that round.
    """

    seed: int
    name: str
    backend: str
    n_rows: int
    moment: float
    delay: float

    def __str__(self):
        return ", ".join(f"{key}={value!r}" for key, value in asdict(self).items())


def drawn(seed, backends):
    """The trial of a seed."""
    draw = random.Random(seed)
    return Trial(
        seed=seed,
        name=draw.choice(sorted(PROBLEMS)),
        backend=draw.choice(backends),
        n_rows=draw.choice([400, 600, 1500, 4000]),
        moment=draw.random(),
        delay=draw.choice([0.0, 0.002, 0.01, 0.05]),
    )


def take_rows(trial):
    """Let the problems have the rows of this trial."""
    X, real, count, classes = problems.rows(trial.n_rows, seed=trial.seed)
    problems.X, problems.REAL, problems.COUNT, problems.CLASS = X, real, count, classes
    problems.PAIR = (classes > 0).astype(int)


def outputs(model):
    """What the model says of some rows."""
    return np.asarray(model.predict(problems.X[:200].astype(np.float32)), float)


class Pause(Rounds):
    """Rounds that take a little longer, so that there is time to be killed in."""

    def begins(self, round):
        super().begins(round)
        time.sleep(0.01)


class Killer(Rounds):
    """Kills a worker some time into a round.

    Parameters
    ----------
    number : int
        Of the round.
    delay : float
        Seconds.
    pids : callable
        ``pids() -> list``, of which the first is killed.
    """

    def __init__(self, number, delay, pids):
        super().__init__(number, self._strike_later)
        self._delay, self._pids, self._timer, self.killed = delay, pids, None, []

    def _strike_later(self):
        # Who they are is asked now: a scheduler that is asked later may be busy with this fit.
        pids = self._pids()[:1]
        self._timer = threading.Timer(self._delay, self._strike, [pids])
        self._timer.start()

    def _strike(self, pids):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            self.killed.append(pid)

    def wait(self):
        """Until it has struck, if it was to."""
        if self._timer is not None:
            self._timer.join()
