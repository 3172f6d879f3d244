# SPDX-License-Identifier: BSD-3-Clause
"""When training stops, and what it keeps."""

import numpy as np
import pytest
from network_problems import SerialShards
from numpy.testing import assert_array_equal

from skdist.solvers.diverged import Diverged
from skdist.solvers.network import State
from skdist.solvers.network_training import PassResult, Progress, Round, Schedule, train

RATE = 0.1


def state(value=0.0, rate=RATE):
    return State(np.full((2, 3), value), 0, rate)


def scripted(losses):
    """Passes that end with these losses, parameters being the number of the pass."""

    def run(now, n_pass, memory):
        loss = losses[n_pass]
        if np.isnan(loss):
            raise Diverged("no number")
        rounds = (Round(n_pass + 1, 1, loss, 1.0),)
        return PassResult(state(n_pass + 1.0, now.rate), loss, rounds, memory)

    return passing(run)


def passing(run):
    """A function as a `Pass`: of shards that nobody watches."""
    run.shards = SerialShards(np.zeros((1, 1)), np.zeros(1))
    run.skip = lambda n_passes: None
    return run


def trained(losses, kind="constant", patience=1, tol=0.1, **how):
    schedule = Schedule(kind, RATE, 0.5)
    how = {"max_iter": len(losses), "n_rows": 10, **how}
    start = state()
    return train(
        scripted(losses), start, Progress(), schedule, tol=tol, n_iter_no_change=patience, **how
    )


def test_it_stops_when_the_loss_gets_no_better():
    fit = trained([1.0, 0.5, 0.45, 0.44, 0.3])
    assert (fit.n_iter, fit.stopped) == (4, True)
    assert fit.progress.losses == (1.0, 0.5, 0.45, 0.44)
    assert fit.progress.best_loss == 0.44
    assert len(fit.history) == 4


def test_it_ends_with_max_iter():
    fit = trained([1.0, 0.5, 0.2])
    assert (fit.n_iter, fit.stopped) == (3, False)


def test_an_adaptive_step_size_is_divided_by_five():
    fit = trained([1.0, 1.0, 1.0, 1.0, 1.0], "adaptive")
    assert fit.state.rate == pytest.approx(RATE / 25)
    assert not fit.stopped
    fit = trained([1.0] * 40, "adaptive")
    assert fit.stopped
    assert fit.state.rate <= 1e-6


def test_inverse_scaling_counts_rows():
    fit = trained([1.0, 0.5], "invscaling")
    assert fit.state.rate == RATE / (20 + 1) ** 0.5
    assert trained([1.0, 0.5], "invscaling", n_met=100).state.rate == RATE / 121**0.5


def test_scores_decide_and_the_best_parameters_are_kept():
    scores = {1.0: 0.5, 2.0: 0.9, 3.0: 0.8, 4.0: 0.7, 5.0: 0.95}
    fit = trained([1.0] * 5, score=lambda w: scores[w[0]])
    assert fit.n_iter == 4
    assert fit.progress.best_score == 0.9
    assert_array_equal(fit.progress.best_w, 2.0)
    assert fit.progress.scores == (0.5, 0.9, 0.8, 0.7)


def test_what_was_good_is_kept_when_it_diverges():
    with pytest.raises(Diverged) as caught:
        trained([1.0, 0.5, np.nan])
    kept = caught.value.trained
    assert kept.n_iter == 2
    assert_array_equal(kept.state.w, 2.0)


def test_an_interrupt_keeps_what_there_is():
    def run(now, n_pass, memory):
        if n_pass == 2:
            raise KeyboardInterrupt
        return scripted([3.0, 2.0])(now, n_pass, memory)

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fit = train(
            passing(run), state(), Progress(), Schedule("constant", RATE, 0.5), max_iter=9, tol=0.0,
            n_iter_no_change=9, n_rows=1,
        )  # fmt: skip
    assert (fit.n_iter, fit.stopped) == (2, True)


def test_what_is_printed():
    lines = []
    trained([1.0, 1.0, 1.0], tell=lines.append)
    assert lines[0] == "Iteration 1, loss = 1.00000000"
    assert lines[-1].startswith("Training loss did not improve more than tol=0.1")
    assert lines[-1].endswith("Stopping.")
    lines.clear()
    trained([1.0, 1.0, 1.0], "adaptive", tell=lines.append)
    assert lines[-1].endswith("Setting learning rate to 0.020000")
