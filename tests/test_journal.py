# SPDX-License-Identifier: BSD-3-Clause
"""Fits that are killed, and begun again: the same model, of the rounds that were left."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import warnings

import dask.array as da
import joblib
import journal_problems
import numpy as np
import pytest
from journal_problems import CLASS, PROBLEMS, Rounds, fitted, model_of
from search_child import search
from sklearn.exceptions import ConvergenceWarning

import skdist
from skdist import _remembered
from skdist._remembered import UNWRITTEN
from skdist.sharding import JournalWarning, _loop, running_fit
from skdist.solvers.owed_moves import PERIOD

HERE = os.path.dirname(__file__)


@pytest.fixture(autouse=True)
def fits_may_end_early():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def watched(name, folder=None):
    """The model, and the numbers of the rounds that were run."""
    watcher = Rounds()
    with skdist.config_context(journal=folder), running_fit([watcher]):
        return model_of(fitted(name)), watcher.numbers


def interrupt():
    raise KeyboardInterrupt


def interrupted(name, folder, last):
    """Interrupted before a round; as scikit-learn's, perceptrons and nets keep what they have."""
    watcher = Rounds(last, interrupt)
    with skdist.config_context(journal=folder), running_fit([watcher]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training interrupted by user")
        with contextlib.suppress(KeyboardInterrupt):
            fitted(name)


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_interrupted_fit_goes_on_where_it_was(name, tmp_path):
    model, rounds = watched(name)
    half = rounds[len(rounds) // 2]
    interrupted(name, tmp_path, half)
    (kept,) = skdist.journals(tmp_path)
    assert (kept.finished, kept.running) == (False, False)
    again, left = watched(name, tmp_path)
    assert again == model
    assert left[-1] == rounds[-1]
    assert len([k for k in left if k < half]) <= 1  # shards that are computed again
    (kept,) = skdist.journals(tmp_path)
    assert kept.finished
    assert watched(name, tmp_path) == (model, [])


SHARES = ["sgd", "sgd regressor", "perceptron by averages", "perceptron by momentum"]


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize(("back", "every"), [(2, 1.0), (7, 1.0), (2, 0.0), (7, 0.0)])
def test_what_shards_owe_is_made_again(name, back, every, tmp_path, monkeypatch):
    """From the last time that all was sent: no journal has it."""
    monkeypatch.setattr(_loop, "EVERY", every)
    with skdist.config_context(wire=0.2):
        model, rounds = watched(name)
        last = rounds[-back]
        interrupted(name, tmp_path, last)
        again, left = watched(name, tmp_path)
        assert again == model
        made_again = [k for k in left if k < last]
        assert len(made_again) <= PERIOD
        assert watched(name, tmp_path) == (model, [])
    assert watched(name)[0] != model


@pytest.fixture
def child(tmp_path_factory):
    """Runs a script in a process of its own: the words that it prints, none if it was killed."""
    folder = tmp_path_factory.mktemp("out")
    out, told = folder / "out", folder / "told"

    def run(*arguments, script="journal_child.py"):
        # Into a file: workers that survive their driver for a while would keep a pipe open.
        with open(out, "w") as file, open(told, "w") as log:  # Dask's log has lines of its own
            process = subprocess.Popen(
                [sys.executable, os.path.join(HERE, script), *map(str, arguments)],
                stdout=file,
                stderr=log,
                start_new_session=True,
            )
            process.wait(timeout=120)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode in (0, -signal.SIGKILL), told.read_text()
        return out.read_text().split() if process.returncode == 0 else []

    return run


def model_and_rounds(output):
    """What journal_child.py prints; (None, []) of one that was killed."""
    digest, *rounds = output or [None]
    return digest, [int(k) for k in rounds]


def test_a_killed_process_loses_the_round_it_was_in(tmp_path, child):
    model, rounds = watched("logistic by lbfgs")
    for last in (9, 20):
        assert child("logistic by lbfgs", tmp_path, last) == []
    assert model_and_rounds(child("logistic by lbfgs", tmp_path)) == (model, rounds[20:])


@pytest.mark.long
@pytest.mark.parametrize("name", PROBLEMS)
def test_killed_in_every_fifth_round(name, tmp_path, child):
    model, rounds = watched(name)
    for last in rounds[1::5]:
        assert child(name, tmp_path, last) == []
    assert child(name, tmp_path)[0] == model


def test_begun_on_threads_and_ended_on_processes(tmp_path, child):
    model, rounds = watched("tweedie")
    assert child("tweedie", tmp_path, 2, "threading") == []
    assert child("tweedie", tmp_path, 4, "loky") == []
    found = child("tweedie", tmp_path, "none", "threading")
    assert model_and_rounds(found) == (model, rounds[4:])


def test_begun_on_a_cluster_and_ended_here(tmp_path, child):
    model, rounds = watched("tweedie")
    assert child("tweedie", tmp_path, 3, "dask") == []
    assert watched("tweedie", tmp_path) == (model, rounds[3:])


def ridge(y=journal_problems.REAL, **parameters):
    return skdist.DistributedRidge(n_shards=4, **parameters).fit(journal_problems.X, y)


def test_what_differs_is_said_and_the_fit_begins_anew(tmp_path):
    interrupted("ridge", tmp_path, 1)
    with skdist.config_context(journal=tmp_path):
        with pytest.warns(JournalWarning, match=r"parameter alpha 1\.0 -> 2\.0\. It was left"):
            ridge(alpha=2.0)
        with pytest.warns(JournalWarning, match="data y '"):
            ridge(y=journal_problems.REAL + 1.0)
        assert "read from the journal" in ridge(n_jobs=2).report_.why[-1]
    assert [kept.finished for kept in skdist.journals(tmp_path)] == [True] * 3


@pytest.mark.parametrize("other", [{"deadline": 1000, "quorum": 0.5}, {"wire": "float32"}])
def test_settings_that_give_another_model_have_a_journal_of_their_own(other, tmp_path):
    model, _ = watched("sgd")
    with skdist.config_context(**other):
        interrupted("sgd", tmp_path, 2)
    (name,) = other.keys() & {"quorum", "wire"}
    with pytest.warns(JournalWarning, match=f"setting {name} {other[name]!r} -> None"):
        assert watched("sgd", tmp_path)[0] == model


def test_a_fit_that_ran_out_of_time_goes_on_without_a_word(tmp_path):
    model, rounds = watched("logistic by lbfgs")
    with skdist.config_context(max_time=1e-6):
        stopped, some = watched("logistic by lbfgs", tmp_path)
    assert stopped != model and 0 < len(some) < len(rounds)
    again, left = watched("logistic by lbfgs", tmp_path)  # a warning would be an error
    assert again == model
    assert 0 < len(left) < len(rounds)


def test_a_fit_that_failed_leaves_nothing(tmp_path):
    with skdist.config_context(journal=tmp_path), pytest.raises(ValueError, match="alpha"):
        ridge(alpha=[1.0, 2.0])
    assert skdist.journals(tmp_path) == ()


def test_a_fit_without_rounds_says_that_the_journal_has_nothing_of_it(tmp_path, monkeypatch):
    model = skdist.DistributedHuberRegressor(epsilon=1.0)
    with skdist.config_context(journal=tmp_path):
        model.fit(journal_problems.X[:50], journal_problems.REAL[:50])
        assert UNWRITTEN in model.report_.why
        assert skdist.journals(tmp_path) == ()
        monkeypatch.setattr(_remembered, "LONG", 0.0)
        with pytest.warns(JournalWarning, match="DistributedHuberRegressor: The journal has noth"):
            model.fit(journal_problems.X[:50], journal_problems.REAL[:50])


def test_random_numbers_are_drawn_once(tmp_path):
    def forest(seed):
        np.random.seed(seed)  # noqa: NPY002 - what estimators without a seed draw from
        model = skdist.DistributedRandomForestClassifier(4, tree_method="hist", n_shards=2)
        model.fit(journal_problems.X, journal_problems.CLASS)
        return model_of(model), np.random.rand()  # noqa: NPY002

    plain = forest(1)
    with skdist.config_context(journal=tmp_path):
        assert forest(1) == plain
        assert forest(2)[0] == plain[0]


def test_journals_are_listed_and_removed(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with skdist.config_context(journal=tmp_path):
        ridge()
        ridge(alpha=3.0)
    first, second = skdist.journals(tmp_path)
    assert first.when <= second.when
    assert (first.estimator, first.method) == ("skdist.linear_model.DistributedRidge", "fit")
    assert first.rounds == 2
    assert 0 < first.bytes < 10_000
    assert skdist.clear_journal(tmp_path) == 2
    assert skdist.journals(tmp_path) == ()
    assert os.listdir(tmp_path) == ["mine.txt"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["file", "file/below", "/proc/nowhere", "/sys/kernel"])
def test_a_folder_that_cannot_be_written_to_is_told_before_the_fit(name, tmp_path):
    (tmp_path / "file").write_text("")
    model = skdist.DistributedRidge(n_shards=4)
    with (
        skdist.config_context(journal=tmp_path / name),
        pytest.raises(OSError, match="cannot be written to"),
    ):
        model.fit(journal_problems.X, journal_problems.REAL)
    assert vars(model) == vars(skdist.DistributedRidge(n_shards=4))


@pytest.mark.parametrize("name", ["perceptron by gradients", "perceptron that stops early"])
def test_a_perceptron_goes_on_from_the_pass_it_kept(name, tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)
    model, rounds = watched(name)
    interrupted(name, tmp_path, rounds[-3])
    again, left = watched(name, tmp_path)
    assert again == model
    assert left[-1] == rounds[-1]
    assert len(left) < len(rounds) / 2


@pytest.mark.parametrize("name", ["torch net", "torch net by gradients"])
def test_a_net_goes_on_from_the_epoch_it_kept(name, tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)
    model, rounds = watched(name)
    interrupted(name, tmp_path, rounds[-2])
    (kept,) = skdist.journals(tmp_path)
    assert kept.rounds < len(rounds) / 2  # of the last epoch; of those before there are states
    again, left = watched(name, tmp_path)
    assert again == model
    assert left[-2:] == rounds[-2:]
    assert len(left) <= 3
    assert watched(name, tmp_path) == (model, [])


@pytest.mark.parametrize("name", ["svc in parallel", "svc by cascade"])
def test_a_search_goes_on_from_the_block_it_kept(name, tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 0.0)
    model, rounds = watched(name)
    interrupted(name, tmp_path, rounds[-3])
    assert watched(name, tmp_path)[0] == model
    assert watched(name, tmp_path)[0] == model


@pytest.mark.parametrize(
    "backend",
    ["threading", *(pytest.param(name, marks=pytest.mark.long) for name in ("loky", "dask"))],
)
def test_a_grid_search_that_was_killed_fits_what_is_left(backend, tmp_path, child):
    expected = [float(score) for score in search().cv_results_["mean_test_score"]]
    assert child(backend, tmp_path, 5, script="search_child.py") == []
    done = [fit for fit in skdist.journals(tmp_path) if fit.finished]
    assert 5 <= len(done) < 19
    before = [os.stat(os.path.join(fit.folder, "rounds")).st_mtime_ns for fit in done]
    assert [float(s) for s in child(backend, tmp_path, script="search_child.py")] == expected
    after = [os.stat(os.path.join(fit.folder, "rounds")).st_mtime_ns for fit in done]
    assert after == before
    assert sum(fit.finished for fit in skdist.journals(tmp_path)) == 19


@pytest.mark.parametrize("where", ["streamed", "on a cluster"])
def test_partitions_of_a_collection_are_recognised(where, tmp_path, request):
    X, y = (da.from_array(values, chunks=150) for values in (journal_problems.X, CLASS))
    X = X.rechunk((150, -1))
    client = request.getfixturevalue("dask_client") if where == "on a cluster" else None
    settings = {"backend": "dask", "client": client} if client else {"backend": "threading"}
    with joblib.parallel_config(**settings), skdist.config_context(journal=tmp_path):
        first = skdist.DistributedLogisticRegression().fit(X, y)
        second = skdist.DistributedLogisticRegression().fit(X + 0.0, y)
        other = skdist.DistributedLogisticRegression().fit(X + 1.0, y)
    assert "read from the journal, 0 were computed" in second.report_.why[-1]
    assert "journal" not in other.report_.why[-1]
    assert model_of(first) == model_of(second)
    assert len(first.report_.shards) == 4


def fit_on_a_full_disk(folder):
    """In a child: files may have 20,000 bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with skdist.config_context(journal=folder):
            model = model_of(fitted("forest"))
    told = [str(w.message) for w in said if w.category is JournalWarning]
    print(model, len(told), "is written no further (File too large)" in told[0])


def test_a_disk_that_becomes_full_leaves_the_fit_alive(tmp_path):
    call = f"import test_journal as t; t.fit_on_a_full_disk({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=HERE, capture_output=True, text=True, check=True
    )
    model, rounds = watched("forest")
    assert done.stdout.split() == [model, "1", "True"]
    again, left = watched("forest", tmp_path)
    assert again == model
    assert 0 < len(left) < len(rounds)
