# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C in a fit, as a signal: it stops within a round, calls off the rest, leaves a journal."""

import sys
import threading
import time

import joblib
import numpy as np
import pytest
from quiet_watcher import QuietWatcher
from shard_tasks import interrupt_this_process
from sklearn.datasets import make_classification

import skdist
from skdist.sharding import running_fit

pytestmark = pytest.mark.timed

X, Y = make_classification(60_000, 20, random_state=0)


class Presses(QuietWatcher):
    """Watches a fit, and presses Ctrl-C a little after a round has begun."""

    def __init__(self, number=None):
        self.number, self.began, self.pressed_at = number, {}, None

    def begins(self, round):
        self.began[round.number] = time.perf_counter()
        if round.number == self.number:
            threading.Timer(0.02, self._press).start()

    def _press(self):
        self.pressed_at = time.perf_counter()
        interrupt_this_process()


def new_model():
    return skdist.DistributedLogisticRegression(
        C=1e-3, solver="gradient_descent", max_iter=300, tol=1e-6, n_shards=8
    )


def fit(model, watcher, journal=None):
    with skdist.config_context(journal=journal), running_fit([watcher]):
        return model.fit(X, Y)


def n_unfinished(dask_scheduler):
    """Tasks that a scheduler would still have run."""
    waits = {"waiting", "queued", "no-worker", "processing"}
    return sum(task.state in waits for task in dask_scheduler.tasks.values())


@pytest.fixture(params=["threading", "loky", "dask"])
def anywhere(request):
    options = {"n_jobs": 2}
    if request.param == "dask":
        options = {"client": request.getfixturevalue("dask_client")}
    with joblib.parallel_config(backend=request.param, **options):
        yield request.param


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_ctrl_c_stops_a_fit_within_a_round_and_it_goes_on_from_its_journal(
    anywhere, tmp_path, request
):
    calm, model, hand = Presses(), new_model(), Presses(10)
    whole = fit(new_model(), calm)
    assert len(calm.began) > 20
    before = dict(vars(model))
    with pytest.raises(KeyboardInterrupt):
        fit(model, hand, tmp_path)
    assert time.perf_counter() - hand.pressed_at < 5.0
    assert sum(began > hand.pressed_at for began in hand.began.values()) <= 1
    assert len(hand.began) < len(calm.began)
    assert vars(model) == before
    if anywhere == "dask":
        client, deadline = request.getfixturevalue("dask_client"), time.monotonic() + 10.0
        while client.run_on_scheduler(n_unfinished):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    (kept,) = skdist.journals(tmp_path)
    assert (kept.finished, kept.running) == (False, False)
    rest = Presses()
    resumed = fit(model, rest, tmp_path)
    np.testing.assert_allclose(resumed.coef_, whole.coef_, rtol=1e-12)  # bits but on Dask
    assert max(rest.began) == max(calm.began)
    assert len(rest.began) <= len(calm.began) - 9


class PressesInFinaliser(QuietWatcher):
    """Presses Ctrl-C while a finaliser runs, from which no exception gets out."""

    def __init__(self, number):
        self.number, self.began = number, []

    def begins(self, round):
        self.began.append(round.number)
        if round.number == self.number:
            Finalised()


class Finalised:
    """Presses Ctrl-C when it is let go of."""

    def __del__(self):
        interrupt_this_process()
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:  # until the signal has been seen, which ends this
            pass


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_ctrl_c_inside_a_finaliser_is_not_lost():
    hook, model, hand = sys.unraisablehook, new_model(), PressesInFinaliser(10)
    with pytest.raises(KeyboardInterrupt):
        fit(model, hand)
    assert hand.began == list(range(11))
    assert not hasattr(model, "coef_")
    assert sys.unraisablehook is hook


def test_a_fit_whose_last_round_lost_ctrl_c_is_interrupted_all_the_same():
    with pytest.raises(KeyboardInterrupt), running_fit():
        Finalised()


def test_other_exceptions_of_finalisers_are_shown_to_who_looked_before(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: seen.append(unraisable.exc_type))
    with running_fit():
        Failing()
    assert seen == [ZeroDivisionError]


class Failing:
    """Fails when it is let go of."""

    def __del__(self):
        1 / 0  # noqa: B018
