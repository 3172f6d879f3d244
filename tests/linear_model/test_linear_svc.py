# SPDX-License-Identifier: BSD-3-Clause
"""Linear support vector machines: liblinear's objective, its optimum or a better one."""

import pickle
import warnings
from functools import lru_cache

import numpy as np
import pytest
from linear_problems import classes_problem
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, random_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skdist import DistributedLinearSVC
from skdist.solvers.choose_hinge_solver import choose_hinge_solver

TIGHT = 1e-8
KINDS = {
    "squared": {"loss": "squared_hinge", "C": 0.1},
    "l1": {"loss": "squared_hinge", "penalty": "l1", "C": 0.05},
    "hinge": {"loss": "hinge", "C": 0.02},
}
CLASS_WEIGHTS = [None, "balanced", ((0, 2.0), (1, 0.5))]


def as_given(class_weight):
    return dict(class_weight) if isinstance(class_weight, tuple) else class_weight


def ours(kind, X, y, weight=None, **parameters):
    options = {**KINDS[kind], "tol": TIGHT, "n_shards": 3, **parameters}
    return DistributedLinearSVC(**options).fit(X, y, weight)


@lru_cache
def best(kind, n_classes, weighted=False, class_weight=None, **parameters):
    """scikit-learn's model, as far as liblinear can be brought: a smaller `tol` leads it astray."""
    X, y, weight = classes_problem(n_classes)
    model = LinearSVC(
        **KINDS[kind],
        tol=1e-9,
        max_iter=200_000,
        dual="auto" if kind == "hinge" else False,
        random_state=0,
        class_weight=as_given(class_weight),
        **parameters,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, weight if weighted else None)


def objective(model, X, y, weight=None):
    """liblinear's, summed over the problems; class weights not among them."""
    weight = np.ones(len(y)) if weight is None else weight
    classes = model.classes_[1:] if len(model.classes_) == 2 else model.classes_
    total = 0.0
    for k, label in enumerate(classes):
        b = np.ravel(model.intercept_)[k] if model.fit_intercept else 0.0
        hinge = np.maximum(0, 1 - np.where(y == label, 1, -1) * (X @ model.coef_[k] + b))
        w = np.append(model.coef_[k], b / model.intercept_scaling)
        total += np.abs(w).sum() if model.penalty == "l1" else 0.5 * w @ w
        total += model.C * weight @ (hinge if model.loss == "hinge" else hinge**2)
    return total


def assert_optimum(model, expected, rtol=1e-6):
    """Coefficients and intercepts within `rtol` of the largest."""
    scale = max(np.abs(expected.coef_).max(), np.abs(expected.intercept_).max())
    assert_allclose(model.coef_, expected.coef_, rtol=0, atol=rtol * scale)
    assert_allclose(model.intercept_, expected.intercept_, rtol=0, atol=rtol * scale)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_classes", [2, 3, 26])
@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum(kind, n_classes, dtype, container):
    X, y, _ = classes_problem(n_classes)
    model = ours(kind, container(X.astype(dtype)), y)
    assert model.coef_.dtype == model.intercept_.dtype == dtype
    assert_optimum(model, best(kind, n_classes))
    assert model.report_.exact and model.report_.extra["converged"]
    assert_allclose(model.report_.extra["objective"], objective(best(kind, n_classes), X, y))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS)
@pytest.mark.parametrize("n_classes", [2, 3, 26])
@pytest.mark.parametrize("kind", KINDS)
def test_weights(kind, n_classes, class_weight, weighted):
    X, y, weight = classes_problem(n_classes)
    model = ours(kind, X, y, weight if weighted else None, class_weight=as_given(class_weight))
    assert_optimum(model, best(kind, n_classes, weighted, class_weight))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{"fit_intercept": False}, {"intercept_scaling": 7.5}])
def test_the_intercept_is_a_feature(kind, n_classes, options):
    X, y, _ = classes_problem(n_classes)
    model, expected = ours(kind, X, y, **options), best(kind, n_classes, **options)
    assert_optimum(model, expected)
    assert type(model.intercept_) is type(expected.intercept_)


SQUARED = ["newton", "newton-cholesky", "newton_cg", "newton-cg", "lbfgs", "gradient_descent"]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("kind", "solver"),
    [("squared", name) for name in SQUARED] + [("l1", "prox_newton"), ("hinge", "interior_point")],
)
def test_every_solver_finds_it(kind, solver, n_classes):
    X, y, _ = classes_problem(n_classes)
    model = ours(kind, X, y, solver=solver, max_iter=20_000)
    assert_optimum(model, best(kind, n_classes))
    assert model.report_.method == solver.replace("-cholesky", "").replace("-", "_")
    assert model.report_.why == (f"solver={solver!r} was asked for.",)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_shards", [1, 3])
def test_cocoa_comes_as_near_as_it_says(n_classes, n_shards):
    X, y, _ = classes_problem(n_classes)
    model = ours("hinge", X, y, solver="cocoa", n_shards=n_shards, tol=1e-4)
    least = ours("hinge", X, y)
    lacking = objective(model, X, y) - objective(least, X, y)
    assert -1e-10 <= lacking <= model.report_.certificate
    assert model.report_.method == "cocoa" and model.n_shards_ == n_shards


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("C", [1e-6, 1.0, 100.0])
def test_never_worse_than_liblinear(kind, C):
    X, y, weight = classes_problem(2)
    model = ours(kind, X, y, weight, C=C, tol=1e-4)
    theirs = clone(best(kind, 2)).set_params(C=C, tol=1e-4, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y, weight)
    assert objective(model, X, y, weight) <= objective(theirs, X, y, weight) * (1 + 1e-8)


@pytest.mark.parametrize("dual", [True, False, "auto"])
def test_the_dual_has_the_same_optimum(dual):
    X, y, _ = classes_problem(2)
    assert_optimum(ours("squared", X, y, dual=dual), best("squared", 2))


# How rows are cut.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_law_4_any_number_of_shards_and_rows_sorted_by_label(kind, n_classes):
    X, y, _ = classes_problem(n_classes)
    order = np.argsort(y, kind="stable")
    for n_shards in (1, 2, 5, 13, 40):
        for rows in (slice(None), order):
            model = ours(kind, X[rows], y[rows], n_shards=n_shards)
            assert model.n_shards_ == len(model.report_.shards) == n_shards
            assert_optimum(model, best(kind, n_classes))


@pytest.mark.parametrize("kind", KINDS)
def test_law_4_shards_of_one_row(kind):
    X, y, _ = classes_problem(3)
    model, one = (ours(kind, X[:30], y[:30], C=1.0, n_shards=n) for n in (30, 1))
    assert_optimum(model, one)


@pytest.mark.parametrize("kind", KINDS)
def test_law_6_a_weight_is_a_repetition_and_none_is_no_row(kind):
    X, y, _ = classes_problem(3)
    times = np.arange(len(y)) % 3
    weighed = ours(kind, X, y, times.astype(float))
    repeated = ours(kind, np.repeat(X, times, axis=0), np.repeat(y, times), n_shards=2)
    assert_optimum(weighed, repeated)


@pytest.mark.parametrize("kind", KINDS)
def test_law_3_the_same_model_on_every_backend(backend, kind):
    X, y, weight = classes_problem(3)
    serial = ours(kind, X, y, weight, n_jobs=1)
    assert_allclose(ours(kind, X, y, weight).coef_, serial.coef_, rtol=1e-9, atol=1e-12)


def test_all_classes_share_the_rounds():
    X, y, _ = classes_problem(26)
    together = ours("squared", X, y).report_
    longest = max(ours("squared", X, (y == k).astype(int)).report_.rounds for k in range(26))
    assert together.rounds <= longest + 1


# Data that have no good optimum.


@pytest.mark.parametrize("kind", KINDS)
def test_separable_classes(kind):
    X = np.array([[-2.0, 0.3], [-1.0, -0.4], [1.0, 0.2], [2.0, 0.1]])
    y = np.array([0, 0, 1, 1])
    model = ours(kind, X, y, C=1e4, n_shards=2, tol=1e-4)
    assert_array_equal(model.predict(X), y)
    assert objective(model, X, y) <= objective(
        LinearSVC(**KINDS[kind], dual="auto")
        .set_params(C=1e4, random_state=0, max_iter=100_000)
        .fit(X, y),
        X,
        y,
    ) * (1 + 1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_columns_of_any_scale_constant_and_twice(kind, scale):
    X, y, _ = classes_problem(2)
    odd = np.column_stack([X, scale * X[:, 0], np.full(len(X), 5.0), np.zeros(len(X)), X[:, 1]])
    model = ours(kind, odd, y, C=1.0, tol=1e-4)
    assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()
    assert objective(model, odd, y) <= objective(
        LinearSVC(**{**KINDS[kind], "C": 1.0}, dual=kind == "hinge", random_state=0).fit(odd, y),
        odd,
        y,
    ) * (1 + 1e-6)


@pytest.mark.parametrize("kind", ["squared", "hinge"])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_more_columns_than_rows(kind, container):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2_500)) * (rng.random((40, 2_500)) < 0.1)
    y = rng.integers(0, 2, 40)
    model = ours(kind, container(X), y, tol=1e-5)
    theirs = LinearSVC(**KINDS[kind], dual=True, tol=1e-9, random_state=0, max_iter=10_000)
    assert_optimum(model, theirs.fit(X, y), rtol=1e-4)
    assert model.report_.method == ("newton_cg" if kind == "squared" else "interior_point")


def test_many_columns_and_rows_are_cocoas():
    rng = np.random.default_rng(0)
    X = csr_array(rng.normal(size=(2_001, 3)))
    X.resize(2_001, 2_000)
    y = (X[:, [0]].toarray()[:, 0] > 0).astype(int)
    model = ours("hinge", X, y, tol=1e-2, n_shards=None)
    assert model.report_.method == "cocoa" and model.n_shards_ == 1
    assert_array_equal(model.coef_[0, 3:], 0.0)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_many_columns_of_few_entries_are_ascended(C):
    rng = np.random.default_rng(0)
    X = random_array((1_600, 6_000), density=0.005, rng=rng, format="csr")
    y = (X @ rng.normal(size=6_000) + rng.normal(size=1_600) > 0).astype(int)
    model = DistributedLinearSVC(loss="hinge", C=C).fit(X, y)
    theirs = LinearSVC(loss="hinge", C=C, tol=1e-9, random_state=0, max_iter=100_000).fit(X, y)
    assert model.report_.method == "dual_ascent" and model.n_shards_ == 1
    assert "48,000 entries are few" in model.report_.why[0]
    least = objective(theirs, X, y)
    assert model.report_.certificate <= 1e-8 * model.report_.extra["objective"]
    assert abs(objective(model, X, y) - least) <= 1e-7 * least
    assert_optimum(model, theirs, rtol=1e-3)


@pytest.mark.parametrize(
    ("n", "d", "density", "n_shards"),
    [(300, 6_000, 0.005, None), (2_000, 100, 0.05, None), (2_000, 2_500, 0.002, 2)],
)
def test_quick_programs_and_several_shards_are_not(n, d, density, n_shards):
    entries = np.inf if n_shards else density * n * d
    assert choose_hinge_solver("auto", n, d + 1, lambda: entries).name == "interior_point"


# The face.


def test_all_of_scikit_learns_parameters_with_its_defaults():
    own = {"n_shards": None, "n_jobs": None, "solver": "auto"}
    assert {**LinearSVC().get_params(), **own} == DistributedLinearSVC().get_params()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_string_labels_and_shapes(kind, n_classes):
    X, y, _ = classes_problem(n_classes)
    labels = np.array(["ash", "birch", "cedar"])[y]
    model, theirs = ours(kind, X, labels), clone(best(kind, n_classes)).fit(X, labels)
    for name in ("coef_", "intercept_", "classes_"):
        assert getattr(model, name).shape == getattr(theirs, name).shape
    assert type(model.n_iter_) is int
    assert (model.predict(X) == theirs.predict(X)).mean() > 0.999
    assert model.decision_function(X).shape == theirs.decision_function(X).shape


def test_crammer_singer_is_scikit_learns_own_fit():
    X, y, weight = classes_problem(3)
    parameters = {
        "multi_class": "crammer_singer",
        "random_state": 0,
        "C": 0.01,
        "max_iter": 100_000,
    }
    model = DistributedLinearSVC(**parameters).fit(X, y, weight)
    assert_array_equal(model.coef_, LinearSVC(**parameters).fit(X, y, weight).coef_)
    assert model.report_.strategy == "local" and "crammer_singer" in model.report_.why[0]
    with pytest.raises(ValueError, match="cannot be told"):
        DistributedLinearSVC(**parameters).fit_shard(X, y, classes=[0, 1, 2, 3])


def test_not_converging_names_the_bound_that_was_reached():
    X, y, _ = classes_problem(3)
    with pytest.warns(ConvergenceWarning, match="is at most .* above the minimum") as caught:
        model = ours("hinge", X, y, solver="cocoa", max_iter=1)
    assert caught[0].filename == __file__
    assert not model.report_.extra["converged"] and model.n_iter_ == 1
    lacking = objective(model, X, y) - objective(ours("hinge", X, y), X, y)
    assert 0 < lacking <= model.report_.certificate


def test_verbose_prints_one_line(capsys):
    X, y, _ = classes_problem(2)
    ours("hinge", X, y, verbose=1)
    assert capsys.readouterr().out.startswith("[DistributedLinearSVC] interior_point, sums, 3 sh")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "hinge", "penalty": "l1"}, "penalty='l1' and loss='hinge' is not supported"),
        ({"loss": "hinge", "dual": False}, "not supported when dual=False"),
        ({"penalty": "l1", "dual": True}, "not supported when dual=True"),
        ({"intercept_scaling": 0}, "intercept_scaling"),
        (
            {"loss": "hinge", "solver": "newton"},
            "Choose one of interior_point, dual_ascent, cocoa, or 'auto'",
        ),
        ({"solver": "interior_point"}, "solver='interior_point' was given with loss='squared_hi"),
        ({"penalty": "l1", "solver": "newton"}, "Choose one of prox_newton"),
        ({"C": 0.0}, "The 'C' parameter"),
        ({"solver": "liblinear"}, "The 'solver' parameter"),
        ({"class_weight": {7: 2.0}}, "are not in class_weight"),
        ({"n_shards": 10_000}, "n_shards=10000"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(parameters, message):
    X, y, _ = classes_problem(2)
    model = DistributedLinearSVC().fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X, y)
    after = {name: value for name, value in vars(model).items() if name.endswith("_")}
    assert after == {name: value for name, value in before.items() if name.endswith("_")}


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(340), "the data contains only one class"),
        (np.linspace(0, 1, 340), "Unknown label type"),
        (None, "requires y to be passed"),
    ],
)
def test_bad_targets(y, message):
    X, _, _ = classes_problem(2)
    with pytest.raises(ValueError, match=message):
        DistributedLinearSVC().fit(X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_inside_of_other_estimators(kind):
    X, y, _ = classes_problem(3)
    base = DistributedLinearSVC(**KINDS[kind])
    pipe = make_pipeline(StandardScaler(), base)
    assert cross_val_score(pipe, X, y, cv=3).min() > 0.4
    search = GridSearchCV(base, {"C": [1e-4, 0.1]}, cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_ == {"C": 0.1}
    shares = CalibratedClassifierCV(base, cv=3).fit(X, y).predict_proba(X)
    assert_allclose(shares.sum(axis=1), 1.0)
    wrapped = OneVsRestClassifier(clone(base).set_params(tol=TIGHT)).fit(X, y)
    rows = np.vstack([one.coef_ for one in wrapped.estimators_])
    assert_allclose(rows, best(kind, 3).coef_, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_and_cloned(kind):
    X, y, _ = classes_problem(3)
    model = ours(kind, X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.decision_function(X), model.decision_function(X))
    assert clone(model).get_params() == model.get_params()
    assert_allclose(model.sparsify().decision_function(X), again.decision_function(X))
