# SPDX-License-Identifier: BSD-3-Clause
"""The optimum is scikit-learn's: its objective, its parameters, its attributes."""

import numpy as np
import pytest
from linear_problems import PENALTIES, best, classes_problem
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skdist import DistributedLogisticRegression

TIGHT = 1e-8
CLASS_WEIGHTS = [None, "balanced", ((0, 2.0), (1, 0.5))]


def assert_optimum(model, expected, rtol=1e-6):
    """Coefficients and intercepts within `rtol` of the largest."""
    scale = max(np.abs(expected[0]).max(), np.abs(expected[1]).max())
    assert_allclose(model.coef_, expected[0], rtol=0, atol=rtol * scale)
    assert_allclose(model.intercept_, expected[1], rtol=0, atol=rtol * scale)


def as_given(class_weight):
    return dict(class_weight) if isinstance(class_weight, tuple) else class_weight


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS)
@pytest.mark.parametrize("n_classes", [2, 3, 26])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_optimum(penalty, n_classes, class_weight, weighted, container, dtype):
    X, y, weight = classes_problem(n_classes)
    model = DistributedLogisticRegression(
        tol=TIGHT, class_weight=as_given(class_weight), n_shards=3, **PENALTIES[penalty]
    ).fit(container(X.astype(dtype)), y, weight if weighted else None)
    assert model.coef_.dtype == model.intercept_.dtype == dtype
    assert_optimum(model, best(n_classes, penalty, weighted, class_weight))
    if penalty in ("l1", "elasticnet"):
        assert_array_equal(
            model.coef_ == 0.0, best(n_classes, penalty, weighted, class_weight)[0] == 0
        )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_without_intercept(penalty, n_classes):
    X, y, weight = classes_problem(n_classes)
    model = DistributedLogisticRegression(tol=TIGHT, fit_intercept=False, **PENALTIES[penalty])
    model.fit(X, y, weight)
    assert_optimum(model, best(n_classes, penalty, True, None, False))
    assert_array_equal(model.intercept_, np.zeros(len(model.coef_)))


SMOOTH = ["newton", "newton-cholesky", "newton_cg", "newton-cg", "lbfgs", "gradient_descent"]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("solver", "penalty"),
    [(solver, penalty) for solver in SMOOTH for penalty in ("l2", "none")]
    + [("prox_newton", penalty) for penalty in PENALTIES],
)
def test_every_solver_finds_it(solver, penalty, n_classes):
    X, y, _ = classes_problem(n_classes)
    model = DistributedLogisticRegression(
        solver=solver, tol=TIGHT, max_iter=5_000, n_shards=2, **PENALTIES[penalty]
    ).fit(X, y)
    assert_optimum(model, best(n_classes, penalty))
    assert model.report_.method == solver.replace("-cholesky", "").replace("-", "_")
    assert model.report_.why == (f"solver={solver!r} was asked for.",)


@pytest.mark.parametrize("solver", ["newton", "newton_cg", "lbfgs", "gradient_descent"])
def test_smooth_solvers_refuse_l1(solver):
    X, y, _ = classes_problem(2)
    with pytest.raises(ValueError, match=f"Solver {solver} supports only 'l2' or None penalties"):
        DistributedLogisticRegression(solver=solver, l1_ratio=1.0).fit(X, y)


@pytest.mark.parametrize("solver", ["auto", "newton", "lbfgs"])
def test_the_dual_is_liblinears(solver):
    X, y, _ = classes_problem(2)
    with pytest.raises(ValueError, match=f"Solver {solver} supports only dual=False, got dual=Tru"):
        DistributedLogisticRegression(solver=solver, dual=True).fit(X, y)


@pytest.mark.parametrize(
    ("container", "n_features", "l1_ratio", "solver"),
    [
        (np.asarray, 1499, 0.0, "newton"),
        (np.asarray, 1500, 0.0, "newton_cg"),
        (csr_array, 299, 0.0, "newton"),
        (csr_array, 300, 0.0, "newton_cg"),
        (csr_array, 300, 0.5, "prox_newton"),
        (csr_array, 3000, 0.5, "saga"),
    ],
)
def test_which_solver_is_chosen(container, n_features, l1_ratio, solver):
    X = np.zeros((20, n_features))
    X[:, :4], y = classes_problem(2)[0][:20], classes_problem(2)[1][:20]
    model = DistributedLogisticRegression(l1_ratio=l1_ratio, C=0.5, max_iter=1000)
    report = model.fit(container(X), y).report_
    assert report.method == solver
    assert (report.strategy == "local") == (solver == "saga")
    assert model.solver == "auto"
    assert f"{n_features + 1:,} parameters" in report.why[0]
    assert np.count_nonzero(model.coef_) <= 4


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "liblinear"},
        {"solver": "liblinear", "l1_ratio": 1.0, "intercept_scaling": 7.0},
        {"solver": "liblinear", "dual": True, "class_weight": "balanced", "max_iter": 10_000},
        {"solver": "sag", "max_iter": 1000},
        {"solver": "saga", "l1_ratio": 0.5, "C": 0.1, "max_iter": 1000, "tol": 1e-3},
    ],
)
def test_scikit_learns_own_fit(parameters):
    X, y, weight = classes_problem(2)
    ours = DistributedLogisticRegression(random_state=3, n_jobs=2, **parameters).fit(X, y, weight)
    theirs = LogisticRegression(random_state=3, **parameters).fit(X, y, weight)
    assert_array_equal(ours.coef_, theirs.coef_)
    assert_array_equal(ours.intercept_, theirs.intercept_)
    assert ours.n_iter_ == theirs.n_iter_
    assert (ours.report_.strategy, ours.report_.method) == ("local", parameters["solver"])
    assert ours.report_.why == (f"solver={parameters['solver']!r} is scikit-learn's own fit.",)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_attributes_have_scikit_learns_shapes(n_classes, fit_intercept):
    X, y, _ = classes_problem(n_classes)
    labels = np.array(["ash", "birch", "cedar"])[y]
    ours = DistributedLogisticRegression(fit_intercept=fit_intercept).fit(X, labels)
    theirs = LogisticRegression(fit_intercept=fit_intercept).fit(X, labels)
    for name in ("coef_", "intercept_", "classes_", "n_iter_"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), name
    assert ours.n_features_in_ == theirs.n_features_in_
    assert_array_equal(ours.predict(X), theirs.predict(X))
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)
    assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-2)
    assert ours.decision_function(X).shape == theirs.decision_function(X).shape


def test_all_of_scikit_learns_parameters_with_its_defaults():
    ours = DistributedLogisticRegression().get_params()
    theirs = LogisticRegression().get_params()
    assert {**theirs, "solver": "auto", "n_shards": None} == ours


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_warm_start_is_quick(n_classes):
    X, y, _ = classes_problem(n_classes)
    model = DistributedLogisticRegression(warm_start=True, tol=TIGHT)
    first = model.fit(X, y).n_iter_[0]
    coef = model.coef_.copy()
    again = model.fit(X, y).n_iter_[0]
    assert again < first
    assert_allclose(model.coef_, coef, atol=1e-7)
    assert_optimum(model.set_params(C=0.5).fit(X, y), best(n_classes, "l2"))
    assert_optimum(model.sparsify().fit(X, y), best(n_classes, "l2"))


def test_a_warm_start_from_another_shape_is_refused():
    X, y, _ = classes_problem(3)
    model = DistributedLogisticRegression(warm_start=True).fit(X, y)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=r"shape \(3, 5\), expected shape \(3, 4\)"):
        model.fit(X[:, :3], y)
    with pytest.raises(ValueError, match=r"shape \(3, 5\), expected shape \(1, 5\): 2 classes"):
        model.fit(X[y < 2], y[y < 2])
    assert vars(model) == before


def test_no_iterations_is_the_start():
    X, y, _ = classes_problem(2)
    with pytest.warns(ConvergenceWarning, match="max_iter=0"):
        model = DistributedLogisticRegression(max_iter=0, solver="lbfgs").fit(X, y)
    assert np.isfinite(model.coef_).all()


def test_not_converging_names_the_bound_that_was_reached():
    X, y, _ = classes_problem(3)
    with pytest.warns(ConvergenceWarning, match="is at most .* above the minimum") as caught:
        model = DistributedLogisticRegression(max_iter=2, solver="gradient_descent").fit(X, y)
    assert caught[0].filename == __file__
    report = model.report_
    assert f"{report.certificate:.3g} above the minimum" in str(caught[0].message)
    exact = DistributedLogisticRegression(tol=TIGHT).fit(X, y).report_.extra["objective"]
    assert 0 < report.extra["objective"] - exact <= report.certificate
    assert not report.extra["converged"]


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
def test_the_certificate_holds(penalty, tol):
    X, y, weight = classes_problem(3)
    fits = [
        DistributedLogisticRegression(tol=t, **PENALTIES[penalty]).fit(X, y, weight).report_
        for t in (tol, 1e-8)
    ]
    values = [report.extra["objective"] for report in fits]
    assert values[0] - values[1] <= fits[0].certificate + 1e-13 * values[1]
    assert fits[0].certificate <= max(tol**2, 2e-15) * values[0] * (1 + 1e-9)


def test_the_objective_is_scikit_learns():
    X, y, weight = classes_problem(2)
    C, share = 0.3, 0.4
    model = DistributedLogisticRegression(C=C, l1_ratio=share, tol=TIGHT).fit(X, y, weight)
    w = model.coef_.ravel()
    margin = np.where(y == 1, 1, -1) * model.decision_function(X)
    losses = C * weight @ np.logaddexp(0, -margin)
    penalty = (1 - share) / 2 * w @ w + share * np.abs(w).sum()
    assert model.report_.extra["objective"] == pytest.approx(losses + penalty, rel=1e-12)


def test_the_report(capsys):
    X, y, _ = classes_problem(3)
    model = DistributedLogisticRegression(n_shards=4, verbose=1).fit(X, y)
    report = model.report_
    assert (report.method, report.strategy, report.exact) == ("newton", "sums", True)
    assert report.why[0].startswith("newton: 15 parameters are few enough")
    assert list(report.seconds) == ["prepare", "solve"]
    assert len(report.shards) == model.n_shards_ == 4
    assert sum(shard.weight for shard in report.shards) == len(y)
    values = [step.value for step in report.extra["history"]]
    assert values[-1] == pytest.approx(report.extra["objective"])
    assert report.rounds >= len(values) > 1
    said = capsys.readouterr().out
    assert said.startswith("[DistributedLogisticRegression] newton, sums, 4 shards: prepare")


@pytest.mark.parametrize(
    "container", [csr_matrix, csc_array, lambda X: X.tolist(), np.asfortranarray]
)
def test_other_containers(container):
    X, y, _ = classes_problem(3)
    model = DistributedLogisticRegression(tol=TIGHT, C=0.5).fit(container(X), y)
    assert_optimum(model, best(3, "l2"))


def test_one_class_is_refused():
    X, _, _ = classes_problem(2)
    with pytest.raises(ValueError, match="contains only one class: 'x'"):
        DistributedLogisticRegression().fit(X, np.full(len(X), "x"))


def test_bad_input_leaves_nothing_half_fitted():
    X, y, _ = classes_problem(2)
    model = DistributedLogisticRegression()
    bad = X.copy()
    bad[3, 1] = np.nan
    for arguments in [(bad, y), (X, y[:-1]), (X, y, -np.ones(len(y))), (X, None)]:
        with pytest.raises(ValueError, match=r"NaN|inconsistent|negative|y to be passed"):
            model.fit(*arguments)
        assert vars(model) == vars(DistributedLogisticRegression())
    fitted = model.fit(X, y)
    before = vars(fitted).copy()
    with pytest.raises(ValueError, match="contains only one class"):
        fitted.fit(X, np.zeros(len(y)))
    assert vars(fitted) == before
