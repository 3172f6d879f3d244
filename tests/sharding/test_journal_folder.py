# SPDX-License-Identifier: BSD-3-Clause
"""Journals of fits that are written with the parts alone, no estimator."""

import os

import numpy as np
import pytest
import shard_tasks as tasks

import skdist
from skdist.sharding import (
    JournalWarning,
    Recall,
    Request,
    _journal,
    open_journal,
    running_fit,
    shard_rows,
)

REQUEST = Request("skdist.Sum", "fit", {"a": 1}, {"X": "0"})
X = np.arange(80.0).reshape(-1, 1)


def power_sum(shard, power, folder):
    tasks.tally(folder)
    return float((shard.X**power).sum())


class StopsAt:
    """Interrupts a fit when a task's result comes."""

    def __init__(self, task):
        self.task = task

    def begins(self, round):
        pass

    def arrived(self, round, task):
        if task == self.task:
            raise KeyboardInterrupt

    def ends(self, round):
        pass


def fit(folder, tallied, power=2, watchers=(), request=REQUEST):
    """Two rounds of 8 tasks."""
    tallied.mkdir(exist_ok=True)
    with (
        open_journal(str(folder), request) as journal,
        running_fit(watchers, recall=Recall(journal)),
    ):
        shards = shard_rows(X, n_shards=8, n_jobs=1)
        first = shards.map_reduce(power_sum, 1, str(tallied))
        found = shards.map_reduce(power_sum, power, str(tallied))
        journal.finish()
        return first, found


def runs(tallied):
    return len(os.listdir(tallied))


def test_within_a_round_tasks_that_are_done_are_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_journal, "PIECES_EVERY", 0.0)
    tallied = tmp_path / "tally"
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "journal", tallied, watchers=[StopsAt(5)])
    assert runs(tallied) == 6
    assert fit(tmp_path / "journal", tallied) == (X.sum(), (X**2).sum())
    assert runs(tallied) == 16
    (kept,) = skdist.journals(tmp_path / "journal")
    assert (kept.rounds, kept.finished) == (2, True)


def test_another_question_drops_what_follows(tmp_path):
    tallied = tmp_path / "tally"
    fit(tmp_path / "journal", tallied)
    with pytest.warns(JournalWarning, match="Round 1 of the fit asks for power_sum of 8 tasks"):
        assert fit(tmp_path / "journal", tallied, power=3) == (X.sum(), (X**3).sum())
    assert runs(tallied) == 24
    fit(tmp_path / "journal", tallied, power=3)
    assert runs(tallied) == 24


def test_fits_of_one_request_at_once_have_a_folder_each(tmp_path):
    with open_journal(str(tmp_path), REQUEST) as a, open_journal(str(tmp_path), REQUEST) as b:
        assert a.folder != b.folder
        assert [kept.running for kept in skdist.journals(tmp_path)] == [True, True]
        assert skdist.clear_journal(tmp_path) == 0
        a.drawn("x", lambda: 1)
    assert skdist.journals(tmp_path) == ()  # of no use: nothing was computed


def test_requests_say_what_differs():
    other = Request("skdist.Sum", "fit_shard", {"a": 2, "b": None}, {"X": "1"}, format=7)
    assert REQUEST.differences(other) == [
        "method 'fit' -> 'fit_shard'",
        "format 1 -> 7",
        "parameter a 1 -> 2",
        "data X '0' -> '1'",
    ]
    assert REQUEST.name != other.name
    assert REQUEST.name == Request("skdist.Sum", "fit", {"a": 1}, {"X": "0"}).name


def a_generator(shard):
    return np.random.default_rng(shard.index)


def test_what_has_no_form_in_a_journal_is_told_once(tmp_path):
    with open_journal(str(tmp_path), REQUEST) as journal, running_fit(recall=Recall(journal)):
        shards = shard_rows(X, n_shards=2, n_jobs=1)
        with pytest.warns(JournalWarning, match=r"Sum-.* brought up a numpy\.random.* left out"):
            shards.map(a_generator)
        shards.map(a_generator)
        assert journal.is_empty
