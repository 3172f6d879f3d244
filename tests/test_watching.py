# SPDX-License-Identifier: BSD-3-Clause
"""What a user sees of a fit: its report, as a value, as text and as HTML; what ``verbose`` says."""

import builtins
import pickle
import re
from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification

import skdist
from skdist._report import FitReport, ShardFacts
from skdist._report_text import in_bytes
from skdist._status_line import StatusLine, status_line_of
from skdist.sharding import Round, running_fit, shard_rows

X, Y = make_classification(1200, 8, n_informative=4, random_state=0)
FITS = {
    "logistic": lambda: skdist.DistributedLogisticRegression(n_shards=3),
    "svc": lambda: skdist.DistributedSVC(n_shards=3, strategy="parallel"),
    "sgd": lambda: skdist.DistributedSGDClassifier(
        n_shards=3, random_state=0, max_iter=5, tol=None
    ),
    "mlp": lambda: skdist.DistributedMLPClassifier(
        (4,), n_shards=3, random_state=0, max_iter=3, n_iter_no_change=9
    ),
    "forest": lambda: skdist.DistributedRandomForestClassifier(
        n_estimators=3, n_shards=3, tree_method="hist", strategy="histogram", random_state=0
    ),
}
NOTED = {
    "logistic": {"objective", "certificate"},
    "svc": {"objective", "certificate", "violation"},
    "sgd": {"objective", "loss", "agreement"},
    "mlp": {"loss", "agreement", "passes"},
    "forest": {"trees"},
}
quietly = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@quietly
@pytest.mark.parametrize("name", FITS)
def test_a_report_has_the_tasks_the_trace_and_the_seconds_of_its_fit(name):
    with joblib.parallel_config(backend="threading", n_jobs=2):
        report = FITS[name]().fit(X, Y).report_
    assert report.n_tasks == len(report.tasks) > 3
    assert max(task.round for task in report.tasks) < report.rounds
    assert set().union(*(note.values for note in report.trace)) == NOTED[name]
    rounds = [note.round for note in report.trace]
    assert rounds == sorted(rounds)
    assert rounds[-1] < report.rounds
    assert report.compute > 0.0 <= report.waiting
    assert report.compute == pytest.approx(sum(t.stop - t.start for t in report.tasks), rel=0.5)
    assert report.compute <= 2 * (sum(report.seconds.values()) + 0.5)
    assert report.memory["driver"] > 1 << 20
    if name == "logistic":
        assert report.trace[-1].values["certificate"] == report.certificate


@quietly
def test_a_model_with_a_report_stays_small_when_it_is_pickled():
    model = skdist.DistributedSGDClassifier(n_shards=8, random_state=0, max_iter=400, tol=None)
    model.fit(X, Y)
    assert model.report_.n_tasks > len(model.report_.tasks) == 2048
    kilobytes = len(pickle.dumps(model)) / 1000
    assert kilobytes < 300
    assert pickle.loads(pickle.dumps(model)).report_ == model.report_


def report_of_everything():
    return FitReport(
        method="newton",
        strategy="average",
        exact=False,
        why=("Because of this.", "And of <that>."),
        rounds=3,
        bytes_down=1_234_567,
        bytes_up=890,
        retries=2,
        seconds={"prepare": 0.5, "solve": 12.25},
        certificate=1.5e-7,
        shards=(
            ShardFacts(range(100), 100.0, (0.5, 0.5), 0.01),
            ShardFacts(range(100, 220), 120.0, (0.4, 0.6), 0.31),
        ),
        compute=20.0,
        waiting=3.0,
        transfer=0.25,
        memory={"driver": 210_000_000, "a": 5, "b": 90_000_000},
        n_tasks=6,
    )


def test_a_report_can_be_read():
    assert str(report_of_everything()).splitlines() == [
        "method       newton",
        "strategy     average; depends on the shards",
        "shards       2 of 100 to 120 rows, skew of y up to 0.31",
        "rounds       3, 6 tasks, 2 of them again",
        "moved        1.23 MB down, 890 bytes up",
        "seconds      prepare 0.5, solve 12.2",
        "in rounds    computing 20 s, waiting 3 s, transfer 0.25 s",
        "peak memory  driver 210 MB, b 90 MB",
        "certificate  at most 1.5e-07 to gain",
        "why          Because of this. And of <that>.",
    ]
    assert "&lt;that&gt;" in report_of_everything()._repr_html_()
    assert "tasks=(" not in repr(report_of_everything())


def test_nothing_is_said_of_how_alike_one_shard_is():
    report = replace(report_of_everything(), shards=report_of_everything().shards[:1])
    assert "shards       1 of 100 rows\n" in str(report)


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (2.5e9, "2.5 GB")]
)
def test_bytes_have_the_unit_that_suits_them(n, text):
    assert in_bytes(n) == text


def test_the_diagram_of_a_fitted_estimator_has_its_report_folded_below():
    model = skdist.DistributedLogisticRegression(n_shards=3)
    before = model._repr_html_()
    assert "skdist-report" not in before
    html = model.fit(X, Y)._repr_html_()
    assert html.count("<details><summary>How it was fitted</summary>") == 1
    assert html.index("sk-container") < html.index("How it was fitted")
    for said in ("newton", "3 of 400 rows", "peak memory", "certificate"):
        assert said in html
    assert model._repr_mimebundle_()["text/html"].endswith("</details>")


class Terminal:
    """Standard output that says it is one, or not."""

    def __init__(self, monkeypatch, is_one):
        self.written = []
        monkeypatch.setattr("sys.stdout.isatty", lambda: is_one, raising=False)
        monkeypatch.setattr(builtins, "print", self._print)

    def _print(self, text, end="\n", flush=False):
        self.written.append(text + end)


def column_sums(shard):
    return shard.X.sum(axis=0)


def fit_three_rounds(line):
    with running_fit() as fit:
        fit.watchers = [line]
        shards = shard_rows(X, n_shards=3, n_jobs=1)
        for k in range(3):
            shards.map_reduce(column_sums)
            shards.note(objective=1.0 / (k + 1), certificate=0.5)
        line.close()


def test_on_a_terminal_one_line_is_written_over_itself(monkeypatch):
    monkeypatch.setattr("skdist._status_line.ON_TERMINAL", 0.0)
    terminal = Terminal(monkeypatch, True)
    fit_three_rounds(StatusLine("Model", most=30))
    *lines, erased = terminal.written
    assert all(line.endswith("\r") for line in lines)
    assert "\n" not in "".join(terminal.written)
    assert not erased.strip()
    pattern = (
        r"\[Model\] round 3 \(column_sums\), 3 of 3 tasks; objective 0\.333333; certificate 0\.5; "
        r"[\d,]+ rows/s; \d+ s; at most \d+ s left *\r"
    )
    assert re.fullmatch(pattern, lines[-1])


def test_where_rounds_are_parts_of_passes_the_line_counts_passes(monkeypatch):
    line = StatusLine("Model", most=10)
    with running_fit() as fit:
        fit.n_rows, fit.ledger.began = 100, 0.0
        monkeypatch.setattr("time.perf_counter", lambda: 8.0)
        line.begins(Round(7, "f", 2))
        line.noted({"loss": 0.5, "passes": 2.0})
        assert "loss 0.5; passes 2; 25 rows/s; 8 s; at most 32 s left" in line.text()
        line.noted({"loss": 0.4, "score": 0.9})
        assert "score 0.9; 25 rows/s; 8 s; at most 32 s left" in line.text()


@quietly
@pytest.mark.parametrize("sync", ["local", "gradient"])
def test_passes_of_networks_are_noted_up_to_the_last(sync):
    model = FITS["mlp"]().set_params(sync=sync, batch_size=100, local_steps="auto").fit(X, Y)
    passes = [note.values["passes"] for note in model.report_.trace]
    assert passes == sorted(passes)
    assert passes[-1] == model.n_iter_ == 3
    assert 0.0 < passes[0] <= 1.0


def test_elsewhere_a_line_is_printed_now_and_then(monkeypatch):
    terminal = Terminal(monkeypatch, False)
    fit_three_rounds(StatusLine("Model"))
    assert terminal.written == []
    monkeypatch.setattr("skdist._status_line.ELSEWHERE", 0.0)
    fit_three_rounds(StatusLine("Model"))
    assert terminal.written
    assert all(line.endswith("\n") for line in terminal.written)
    assert "left" not in terminal.written[-1]


def left(line):
    return line.text().rpartition("; ")[2]


@pytest.fixture
def clock(monkeypatch):
    """The time since a fit began, which a test sets."""
    now = [0.0]
    with running_fit() as fit:
        fit.ledger.began = 0.0
        monkeypatch.setattr("time.perf_counter", lambda: now[0])
        yield now


def test_of_a_long_round_the_line_tells_when_its_tasks_are_done(clock):
    line = StatusLine("Model")
    line.begins(Round(3, "grow_whole_tree", 20))
    clock[0] = 1.0
    line.arrived(line._round, 0)
    assert left(line) == "1 s"  # others have just come, and it may be short
    clock[0] = 10.0
    line.arrived(line._round, 1)
    assert left(line) == "about 90 s left of this round"
    line.begins(Round(4, "f", 20))
    assert left(line) == "10 s"


def test_the_fall_of_a_violation_tells_how_long_it_will_take(clock):
    line = StatusLine("Model", tol=1e-3)
    line.begins(Round(0, "f", 2))
    for second, violation in enumerate([5.0, 6.0, 5.5, 5.0, 4.0, 6.0]):
        clock[0] = float(second)
        line.noted({"objective": -1.0, "violation": violation})
        assert left(line) == f"{second} s"  # it has hardly fallen
    for second in range(6, 14):  # by a factor of 2 a second
        clock[0] = float(second)
        line.noted({"objective": -1.0, "violation": 2.0 ** (6 - second)})
    assert left(line) == f"about {np.log(2.0**-7 / 1e-3) / np.log(2.0):.0f} s left"
    line.noted({"objective": -1.0, "violation": 5e-4})
    assert left(line) == "13 s"


@quietly
def test_steps_are_counted_where_solvers_note_them_alone():
    bounds = {
        skdist.DistributedLogisticRegression(max_iter=7): 7,
        skdist.DistributedMLPClassifier(max_iter=7): 7,
        skdist.DistributedMLPClassifier(max_iter=7, solver="lbfgs"): 14,
        skdist.DistributedSVC(max_iter=7): None,  # pairs of rows
        skdist.DistributedElasticNet(max_iter=7): None,  # without rounds
        skdist.DistributedRandomForestClassifier(): None,
    }
    assert {model: status_line_of(model, "fit").most for model in bounds} == bounds
    assert status_line_of(skdist.DistributedSGDClassifier(), "partial_fit").most is None


def test_bytes_are_in_the_line_where_some_were_sent(monkeypatch):
    line = StatusLine("Model")
    with running_fit() as fit:
        line.begins(Round(0, "f", 2))
        fit.ledger.moved = 2_000_000
        assert "2 MB moved" in line.text()


@quietly
@pytest.mark.parametrize("verbose", [0, 1])
def test_verbose_prints_the_line_and_the_report_at_the_end(verbose, monkeypatch, capsys):
    monkeypatch.setattr("skdist._status_line.ELSEWHERE", 0.0)
    skdist.DistributedLogisticRegression(n_shards=3, verbose=verbose).fit(X, Y)
    out = capsys.readouterr().out.splitlines()
    assert bool(out) == bool(verbose)
    if verbose:
        assert any("round 4" in line and "certificate" in line for line in out)
        assert "newton, sums, 3 shards" in out[-1]


@quietly
@pytest.mark.parametrize("name", ["logistic", "sgd", "mlp"])
def test_bytes_of_a_fit_on_a_cluster_are_data_once_and_state_and_summaries(name, dask_client):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(40_000, 20))
    y = (wide[:, 0] + rng.normal(size=len(wide)) > 0).astype(int)
    make = {
        "logistic": lambda: skdist.DistributedLogisticRegression(n_shards=4, solver="lbfgs"),
        "sgd": FITS["sgd"],
        "mlp": FITS["mlp"],
    }[name]
    with joblib.parallel_config(backend="dask", client=dask_client):
        model = make().fit(wide, y)
    report, m = model.report_, model.n_shards_
    data = wide.nbytes + 8 * len(y)
    # Parameters down and summaries of 3 such vectors up, a small envelope each.
    n_parameters = {"logistic": 21, "sgd": 21, "mlp": 20 * 4 + 4 + 4 + 1}[name]
    per_round = m * (8 * 3 * n_parameters + 6_000)
    moved = report.bytes_down + report.bytes_up
    assert wide.nbytes <= moved <= 1.05 * data + report.rounds * 2 * per_round
