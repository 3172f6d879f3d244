# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's callbacks on every family: rounds and shards as tasks, models on the way."""

import dask.array as da
import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skdist
from skdist._callbacks import most_rounds
from skdist.linear_model import DistributedLogisticRegression

callback = pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")

X, Y = make_classification(600, 8, n_informative=4, random_state=0)
X32 = X.astype(np.float32)
T = make_regression(600, 8, noise=10.0, random_state=0)[1] / 100.0


def net():
    torch.manual_seed(0)
    return skdist.DistributedNeuralNetClassifier(
        torch.nn.Linear(8, 2),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=3,
        n_shards=2,
        verbose=0,
        train_split=None,
    )


# Estimators whose solvers say where they stand, with parameters that predict.
SHOWING = {
    "logistic": lambda: DistributedLogisticRegression(n_shards=2),
    "lbfgs": lambda: DistributedLogisticRegression(n_shards=2, solver="lbfgs"),
    "poisson": lambda: skdist.DistributedPoissonRegressor(n_shards=2),
    "squared hinge": lambda: skdist.DistributedLinearSVC(n_shards=2),
    "huber": lambda: skdist.DistributedHuberRegressor(n_shards=2),
    "sgd": lambda: skdist.DistributedSGDClassifier(n_shards=2, random_state=0, average=True),
    "sgd regressor": lambda: skdist.DistributedSGDRegressor(n_shards=2, random_state=0),
    "mlp": lambda: skdist.DistributedMLPClassifier(
        (5,), n_shards=2, max_iter=6, random_state=0, n_iter_no_change=20
    ),
    "mlp, gradients": lambda: skdist.DistributedMLPClassifier(
        (5,), n_shards=2, max_iter=3, random_state=0, sync="gradient"
    ),
    "mlp, lbfgs": lambda: skdist.DistributedMLPRegressor(
        hidden_layer_sizes=(5,), n_shards=2, max_iter=5, random_state=0, solver="lbfgs"
    ),
    "net": net,
}
# The rest: rounds and tasks alone.
OTHERS = {
    "ridge": lambda: skdist.DistributedRidge(n_shards=2),
    "svc": lambda: skdist.DistributedSVC(n_shards=2),
    "forest": lambda: skdist.DistributedRandomForestClassifier(
        n_estimators=4, n_shards=2, tree_method="hist", random_state=0
    ),
    "scaler": lambda: skdist.DistributedStandardScaler(n_shards=2),
}
REGRESSION = {"poisson", "huber", "sgd regressor", "mlp, lbfgs", "ridge"}
PROBLEM_OF_MAX_ITER = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def target(name):
    y = T if name in REGRESSION else Y
    return np.exp(y - y.max()) if name == "poisson" else y


def rows(name):
    return X32 if name == "net" else X


class Diary:
    """Writes down the tasks it is told of, and checks that each that begins ends."""

    def setup(self, estimator, context):
        self.begun, self.ended, self.is_open = [], [], True

    def teardown(self, estimator, context):
        self.is_open = False

    def on_fit_task_begin(self, estimator, context):
        assert self.is_open
        self.begun.append(path(context))

    def on_fit_task_end(self, estimator, context):
        assert self.is_open
        self.ended.append(path(context))


def path(context):
    """((name, number), ...) from the root."""
    own = ((context.task_name, context.task_id),)
    return own if context.parent is None else path(context.parent) + own


@PROBLEM_OF_MAX_ITER
@pytest.mark.parametrize("name", [*SHOWING, *OTHERS])
def test_rounds_are_tasks_of_the_fit_and_shards_tasks_of_rounds(name):
    diary, model = Diary(), (SHOWING | OTHERS)[name]()
    model.set_callbacks(diary).fit(rows(name), target(name))
    assert not diary.is_open
    assert sorted(diary.begun) == sorted(diary.ended)
    assert diary.begun[0] == diary.ended[-1] == (("fit", 0),)
    of_depth = [[p for p in diary.ended if len(p) == depth] for depth in (1, 2, 3)]
    numbers = [p[1][1] for p in of_depth[1]]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 1
    assert of_depth[2]


def plain(name):
    return {
        key: value
        for key, value in vars((SHOWING | OTHERS)[name]().fit(rows(name), target(name))).items()
        if key in ("coef_", "intercept_", "coefs_", "dual_coef_")
    }


@PROBLEM_OF_MAX_ITER
@pytest.mark.parametrize("name", ["logistic", "lbfgs", "sgd", "mlp", "svc"])
def test_who_watches_changes_nothing(name):
    watched = vars((SHOWING | OTHERS)[name]().set_callbacks(Diary()).fit(rows(name), target(name)))
    for key, value in plain(name).items():
        for ours, theirs in zip(watched[key], value, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@PROBLEM_OF_MAX_ITER
@pytest.mark.parametrize("name", SHOWING)
def test_scores_on_the_way_are_those_of_models_on_the_way(name):
    scoring = "r2" if name in REGRESSION else "accuracy"
    monitor, model = callback.ScoringMonitor(scoring=scoring), SHOWING[name]()
    model.set_callbacks(monitor).fit(rows(name), target(name))
    log = monitor.get_logs().data
    scores = [row[scoring] for row in log if len(row["task_id_path"]) == 2]
    assert len(scores) >= 2
    last = next(row[scoring] for row in log if len(row["task_id_path"]) == 1)
    from sklearn.metrics import accuracy_score, r2_score

    score = {"r2": r2_score, "accuracy": accuracy_score}[scoring]
    assert last == pytest.approx(score(target(name), model.predict(rows(name))))
    assert scores[-1] == pytest.approx(last, abs=0.1)


def test_a_fit_of_scikit_learns_own_is_a_task_of_ours():
    diary = Diary()
    DistributedLogisticRegression(solver="saga", max_iter=500, tol=0.1).set_callbacks(diary).fit(
        X, Y
    )
    assert diary.begun == [(("fit", 0),), (("fit", 0), ("fit", 0))]
    assert sorted(diary.begun) == sorted(diary.ended)
    assert not diary.is_open


def test_a_fit_that_fails_tears_down_and_leaves_the_callbacks():
    diary = Diary()
    model = DistributedLogisticRegression().set_callbacks(diary)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((10, 2), np.nan), np.arange(10) % 2)
    assert not diary.is_open
    assert not hasattr(model, "_callback_fit_ctx")
    model.fit(X, Y)
    assert diary.begun
    assert clone(model)._skl_callbacks == [diary]
    model.set_callbacks()
    assert "_skl_callbacks" not in vars(model)


def test_many_rounds_do_not_make_many_bars():
    diary = Diary()
    skdist.DistributedSGDClassifier(
        n_shards=2, random_state=0, max_iter=40, tol=None
    ).set_callbacks(diary).fit(X, Y)
    with_tasks = {p[1][1] for p in diary.begun if len(p) == 3}
    n_rounds = len({p[1][1] for p in diary.begun if len(p) == 2})
    assert len(with_tasks) == 16 < 40 <= n_rounds


def test_events_come_from_the_driver_wherever_shards_are(process_backend):
    diary = Diary()  # cannot be told by another process
    model = DistributedLogisticRegression(n_shards=2).set_callbacks(diary).fit(X, Y)
    assert {p[2] for p in diary.ended if len(p) == 3} == {("task", 0), ("task", 1)}
    assert {task.worker for task in model.report_.tasks}.isdisjoint({"MainThread"})


class Bounds(Diary):
    """Writes down how many rounds a bar is told of."""

    def setup(self, estimator, context):
        super().setup(estimator, context)
        self.most = []

    def on_fit_task_begin(self, estimator, context):
        super().on_fit_task_begin(estimator, context)
        if context.parent is None:
            self.most.append(context.max_subtasks)

    @property
    def n_rounds(self):
        return sum(len(p) == 2 for p in self.begun)


@PROBLEM_OF_MAX_ITER
@pytest.mark.parametrize("max_iter", [1, 4, 100])
@pytest.mark.parametrize(
    "name", sorted(set(SHOWING) - {"mlp", "mlp, gradients", "mlp, lbfgs", "net"})
)
def test_a_bar_is_told_how_many_rounds_there_may_be(name, max_iter):
    diary, model = Bounds(), SHOWING[name]().set_params(max_iter=max_iter)
    model.set_callbacks(diary).fit(rows(name), target(name))
    assert diary.most == [2 * max_iter + 8]
    assert 1 < diary.n_rounds <= 2 * max_iter + 8


PLANNED = {  # what is fitted, and by how many rounds of a plan there may be less
    "mlp": (SHOWING["mlp"], 2),
    "mlp, gradients": (SHOWING["mlp, gradients"], 2),
    "mlp, scored": (lambda: SHOWING["mlp"]().set_params(early_stopping=True), 2),
    "mlp, measured": (lambda: SHOWING["mlp"]().set_params(local_steps="measured"), 99),
    "mlp, in order": (lambda: SHOWING["mlp"]().set_params(shuffle=False), 1),
    "mlp, lbfgs": (SHOWING["mlp, lbfgs"], 14),
    "ridge": (OTHERS["ridge"], 1),
    "scaler": (OTHERS["scaler"], 0),
    "medians": (lambda: skdist.DistributedSimpleImputer(strategy="median", n_shards=2), 3),
    "pca": (lambda: skdist.DistributedPCA(n_shards=2), 0),
}


@PROBLEM_OF_MAX_ITER
@pytest.mark.filterwarnings("ignore:Shards are unlike")
@pytest.mark.parametrize("name", PLANNED)
def test_a_bar_is_told_how_many_rounds_were_planned(name):
    make, slack = PLANNED[name]
    diary, model = Bounds(), make()
    model.set_callbacks(diary).fit(X, target(name))
    assert diary.n_rounds <= diary.most[0] <= diary.n_rounds + slack


def test_of_rows_that_make_no_sense_a_bar_is_told_nothing():
    assert most_rounds(skdist.DistributedRidge(), "fit", {"X": object(), "y": T}) is None
    far = da.from_array(X, chunks=(100, -1))
    assert most_rounds(skdist.DistributedRidge(), "fit", {"X": far, "y": T}) is None


@PROBLEM_OF_MAX_ITER
@pytest.mark.parametrize("name", ["svc", "forest", "net"])
def test_where_rows_decide_how_many_rounds_there_are_a_bar_is_told_nothing(name):
    diary, model = Bounds(), (SHOWING | OTHERS)[name]()
    model.set_callbacks(diary).fit(rows(name), target(name))
    assert diary.most == [None]


def test_one_pass_has_no_bound_of_many():
    diary = Bounds()
    skdist.DistributedSGDClassifier(n_shards=2).set_callbacks(diary).partial_fit(X, Y, [0, 1])
    assert diary.most == [None]


def test_the_bound_is_no_limit(monkeypatch):
    monkeypatch.setattr("skdist._callbacks.most_rounds", lambda *fit: 2)
    diary = Bounds()
    DistributedLogisticRegression(n_shards=2).set_callbacks(diary).fit(X, Y)
    assert diary.most == [2] < [diary.n_rounds]
    assert sorted(diary.begun) == sorted(diary.ended)


def test_the_progress_bar_runs_to_its_end(capsys):
    DistributedLogisticRegression(n_shards=2).set_callbacks(callback.ProgressBar()).fit(X, Y)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert "DistributedLogisticRegression - fit" in lines[0]
    assert len(lines) > 3
    assert all("100%" in line for line in lines)


@pytest.mark.parametrize("where", ["threading", "loky", "dask"])
def test_in_a_grid_search_bars_and_scores_come_to_the_user(where, request):
    options = {"n_jobs": 2}
    if where == "dask":
        options = {"client": request.getfixturevalue("dask_client")}
    monitor = callback.ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(
        make_pipeline(DistributedLogisticRegression(n_shards=2).set_callbacks(monitor)),
        {"distributedlogisticregression__C": [0.1, 1.0]},
        cv=2,
    )
    with joblib.parallel_config(backend=where, **options):
        search.fit(X, Y)
    logs = monitor.get_logs(select="all")
    scored = [row for log in logs for row in log.data if "accuracy" in row]
    # What is fitted on a Dask worker is not heard of, of scikit-learn's own classes neither.
    assert len(scored) > (3 if where == "dask" else 4 * 3)
    assert search.best_score_ > 0.6


def test_a_class_that_takes_callbacks_itself_is_not_broken():
    diary, theirs = Diary(), Diary()
    DistributedLogisticRegression(n_shards=2, solver="lbfgs").set_callbacks(diary).fit(X, Y)
    LogisticRegression().set_callbacks(theirs).fit(X, Y)
    assert diary.begun[0] == theirs.begun[0] == (("fit", 0),)
