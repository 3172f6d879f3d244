# SPDX-License-Identifier: BSD-3-Clause
"""Displays, rendered and looked at: what is drawn, and what is written beside it."""

import io
import subprocess
import sys
from dataclasses import replace

import dask.array as da
import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError

import skdist
from skdist._report import ShardFacts
from skdist.inspection import ConvergenceDisplay, ShardDisplay, TimelineDisplay
from skdist.inspection._drawing import ALARM, COLOURS

matplotlib.use("Agg")
import matplotlib.pyplot as plt

X, Y = make_classification(1200, 6, n_informative=4, n_classes=3, random_state=0)
LABELS = np.array(["ash", "birch", "cedar"])[Y]


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def logistic():
    return skdist.DistributedLogisticRegression(n_shards=4).fit(X, LABELS)


@pytest.fixture(scope="module")
def lbfgs():
    return skdist.DistributedLogisticRegression(n_shards=4, solver="lbfgs").fit(X, LABELS)


def rendered(display):
    """Draw the figure, as a file; its size in pixels and the texts of its legend."""
    file = io.BytesIO()
    display.figure_.savefig(file, format="png", dpi=50)
    pixels = plt.imread(io.BytesIO(file.getvalue()))
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 3
    legend = display.ax_.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_convergence_draws_the_notes_of_the_trace(logistic):
    display = ConvergenceDisplay.from_estimator(logistic)
    assert rendered(display) == ["DistributedLogisticRegression"]
    (line,) = display.lines_
    notes = [note for note in logistic.report_.trace if "certificate" in note.values]
    np.testing.assert_array_equal(line.get_xdata(), [note.round + 1 for note in notes])
    np.testing.assert_array_equal(line.get_ydata(), [note.values["certificate"] for note in notes])
    assert display.ax_.get_xlabel() == "Round"
    assert display.ax_.get_ylabel() == "Objective above its minimum, at most"
    assert display.ax_.get_yscale() == "log"
    assert to_rgb(line.get_color()) == to_rgb(COLOURS[0])


def test_several_estimators_share_an_axis_and_what_they_have_in_common(logistic, lbfgs):
    display = ConvergenceDisplay.from_estimator([logistic, lbfgs], x="seconds", y="objective")
    assert rendered(display) == [
        "DistributedLogisticRegression (newton)",
        "DistributedLogisticRegression (lbfgs)",
    ]
    assert display.ax_.get_xlabel() == "Time since the fit began (s)"
    assert display.ax_.get_ylabel() == "Objective"
    assert display.ax_.get_yscale() == "linear"
    assert len({line.get_color() for line in display.lines_}) == 2
    assert len({line.get_marker() for line in display.lines_}) == 2  # not by colour alone
    ends = [line.get_ydata()[-1] for line in display.lines_]
    assert ends[0] == pytest.approx(ends[1], rel=1e-4)
    for line in display.lines_:
        assert np.all(np.diff(line.get_xdata()) >= 0)


def test_convergence_against_bytes(process_backend):
    model = skdist.DistributedLogisticRegression(n_shards=2).fit(X, Y)
    display = ConvergenceDisplay.from_estimator(model, x="bytes", labels=["sums"])
    assert rendered(display) == ["sums"]
    assert display.ax_.get_xlabel() == "Sent and received by the driver (MB)"
    megabytes = display.lines_[0].get_xdata()
    assert np.all(np.diff(megabytes) > 0)
    assert X.nbytes / 1e6 < megabytes[0] <= megabytes[-1]
    cost = model.report_.bytes_down + model.report_.bytes_up
    assert megabytes[-1] <= cost / 1e6


def test_plot_draws_again_on_axes_that_are_given(logistic):
    figure, axes = plt.subplots(1, 2)
    display = ConvergenceDisplay.from_estimator(logistic, ax=axes[0])
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert display.plot(ax=axes[1]) is display
    assert display.ax_ is axes[1]
    assert len(axes[1].lines) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "hours"}, "choose one of 'rounds', 'seconds', 'bytes'"),
        ({"y": "beauty"}, "what was noted of all of them is 'certificate', 'objective'"),
        ({"x": "bytes"}, "no bytes were sent"),
        ({"labels": ["a", "b"]}, "2 labels were given for 1 estimators"),
    ],
)
def test_what_cannot_be_drawn_is_refused(logistic, options, message):
    with pytest.raises(ValueError, match=message):
        ConvergenceDisplay.from_estimator(logistic, **options)


def test_models_without_steps_or_tasks_or_shards_say_so():
    ridge = skdist.DistributedRidge(n_shards=2).fit(X, Y)
    with pytest.raises(ValueError, match=r"DistributedRidge has no rounds to draw"):
        ConvergenceDisplay.from_estimator(ridge)
    alone = skdist.DistributedSGDClassifier(random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="no tasks to draw: it was fitted by 'sgd', 'local'"):
        TimelineDisplay.from_estimator(alone)
    with pytest.raises(ValueError, match="no table of shards"):
        ShardDisplay.from_estimator(alone)
    for display in (ConvergenceDisplay, TimelineDisplay, ShardDisplay):
        with pytest.raises(NotFittedError):
            display.from_estimator(skdist.DistributedRidge())


def test_the_timeline_has_a_bar_per_task_in_the_row_of_its_worker(process_backend):
    model = skdist.DistributedLogisticRegression(n_shards=3).fit(X, Y)
    display = TimelineDisplay.from_estimator(model)
    legend = rendered(display)
    tasks = model.report_.tasks
    workers = sorted({task.worker for task in tasks})
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == workers
    assert set(legend) == {task.name.strip("_") for task in tasks}
    drawn = {
        (name, *np.round(bar.get_extents().intervalx, 6), round(bar.get_extents().intervaly.mean()))
        for name, groups in display.bars_.items()
        for group in groups
        for bar in group.get_paths()
    }
    assert drawn == {
        (t.name.strip("_"), round(t.start, 6), round(t.stop, 6), workers.index(t.worker))
        for t in tasks
    }
    assert display.ax_.get_xlabel() == "Time since the fit began (s)"
    assert display.ax_.get_ylabel() == "Worker"


def test_numbers_of_shards_are_written_on_bars_and_rounds_can_be_chosen(logistic):
    number = logistic.report_.tasks[-1].round
    display = TimelineDisplay.from_estimator(logistic, rounds=range(number, number + 1))
    rendered(display)
    assert {task.round for task in display.tasks} == {number}
    assert {text.get_text() for text in display.ax_.texts} <= {"0", "1", "2", "3"}
    assert display.ax_.texts
    with pytest.raises(ValueError, match="no tasks to draw in rounds 900 to 909"):
        TimelineDisplay.from_estimator(logistic, rounds=range(900, 910))


def test_tasks_that_were_run_again_are_marked(logistic):
    first, *rest = logistic.report_.tasks
    display = TimelineDisplay([replace(first, attempt=2), *rest]).plot()
    assert "run again" in rendered(display)
    (bars,) = display.bars_["run again"]
    assert len(bars.get_paths()) == 1
    assert bars.get_hatch() == "////"
    assert to_rgb(bars.get_edgecolor()[0]) == to_rgb(ALARM)


def test_shards_are_drawn_by_rows_and_classes(logistic):
    display = ShardDisplay.from_estimator(logistic)
    assert rendered(display) == ["ash", "birch", "cedar"]
    heights = np.array([[bar.get_height() for bar in group] for group in display.bars_])
    counts = [
        np.bincount(Y[s.rows.start : s.rows.stop], minlength=3) for s in logistic.report_.shards
    ]
    np.testing.assert_allclose(heights.T, counts, rtol=1e-9)
    assert display.too_skewed_ == []
    assert [text.get_text() for text in display.ax_.texts] == [
        f"{shard.skew:.2f}" for shard in logistic.report_.shards
    ]
    assert display.ax_.get_ylabel() == "Rows"
    assert display.ax_.get_xlabel().startswith("Shard")


def test_shards_that_are_unlike_stand_out():
    order = np.argsort(Y, kind="stable")
    order[600:] = np.random.default_rng(0).permutation(order[600:])
    model = skdist.DistributedLogisticRegression(n_shards=4).fit(X[order], Y[order])
    display = ShardDisplay.from_estimator(model)
    *_, warning = rendered(display)
    assert "do not average" in warning
    skews = [shard.skew for shard in model.report_.shards]
    assert display.too_skewed_ == [k for k, skew in enumerate(skews) if skew > 0.25]
    assert display.too_skewed_
    alarmed = [text.get_text() for text in display.ax_.texts if text.get_color() == ALARM]
    assert alarmed == [f"{skews[k]:.2f}" for k in display.too_skewed_]
    framed = [patch for patch in display.ax_.patches if patch.get_hatch()]
    assert len(framed) == len(display.too_skewed_)


def test_shards_that_are_unlike_in_a_feature_stand_out_too():
    order = np.argsort(X[:, 0], kind="stable")
    rows = (da.from_array(a[order], chunks=(300, *a.shape[1:])) for a in (X, Y % 2))
    with pytest.warns(UserWarning, match="in a feature by up to"):
        model = skdist.DistributedSGDClassifier(max_iter=1, tol=None, random_state=0).fit(*rows)
    shards = model.report_.shards
    display = ShardDisplay.from_estimator(model)
    *_, warning = rendered(display)
    assert "do not average" in warning
    unlike = [k for k, s in enumerate(shards) if max(2 * s.skew, s.feature_skew) > 0.5]
    assert display.too_skewed_ == unlike
    assert [k for k, s in enumerate(shards) if s.skew <= 0.25 and k in unlike]
    said = [text.get_text() for text in display.ax_.texts]
    assert said == [f"{s.skew:.2f}\nx: {s.feature_skew:.2f}" for s in shards]
    assert display.ax_.get_xlabel() == "Shard (above it: its skew, x: of a feature)"


def test_what_nobody_measured_is_not_written():
    shards = [ShardFacts(range(9), 9.0, (), np.nan), ShardFacts(range(9, 18), 9.0, (), np.nan)]
    display = ShardDisplay(shards).plot()
    assert display.too_skewed_ == []
    assert {text.get_text() for text in display.ax_.texts} == {""}


def test_shards_of_a_regression_have_one_colour():
    X, y = make_regression(300, 4, random_state=0)
    display = ShardDisplay.from_estimator(skdist.DistributedRidge(n_shards=3).fit(X, y))
    assert rendered(display) == []
    assert [bar.get_height() for bar in display.bars_[0]] == [100, 100, 100]
    assert len(display.bars_) == 1


def test_classes_beyond_the_colours_are_drawn_together():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 12, 2400)
    model = skdist.DistributedRidgeClassifier(n_shards=2).fit(rng.normal(size=(2400, 3)), y)
    display = ShardDisplay.from_estimator(model)
    *named, others = rendered(display)
    assert (len(named), others) == (6, "6 others")
    total = sum(bar.get_height() for group in display.bars_ for bar in group)
    assert total == pytest.approx(2400)


def test_without_matplotlib_the_error_says_what_to_install():
    code = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.pyplot"] = None
import numpy as np, skdist
from skdist.inspection import ShardDisplay
model = skdist.DistributedRidge(n_shards=2).fit(np.eye(6), np.arange(6.0))
try:
    ShardDisplay.from_estimator(model)
except ImportError as error:
    print(error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == (
        'ShardDisplay draws with matplotlib, which is not installed: pip install "skdist[plot]".\n'
    )
