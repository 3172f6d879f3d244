# SPDX-License-Identifier: BSD-3-Clause
"""Attributes, parameters and errors of the machines are scikit-learn's."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from kernel_problems import (
    KERNELS,
    MACHINES,
    classes_problem,
    fitted,
    ours,
    outputs,
    problem_of,
    theirs,
)
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn import svm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdist

machines = pytest.mark.parametrize("name", MACHINES)
containers = pytest.mark.parametrize("container", [np.asarray, csr_matrix, csr_array])
# What a fit of scikit-learn's sets and ours does not: parameters that it keeps as attributes.
OWN_SOLVER = {"epsilon", "nu", "C"}


def learned(machine):
    """What was set by the fit, by name."""
    return {k: v for k, v in vars(machine).items() if k not in machine.get_params()}


@containers
@machines
def test_attributes_have_the_types_and_shapes_of_scikit_learns(name, container):
    X, y, _ = problem_of(name)
    reference, own = (fitted(m(name), container(X), y) for m in (theirs, ours))
    found = learned(own)
    for key, value in learned(reference).items():
        assert key in found, key
        if key in ("_gamma", "n_iter_"):
            continue
        assert type(found[key]) is type(value), key
        assert getattr(found[key], "dtype", None) == getattr(value, "dtype", None), key
        if "_SV" not in key and not key.startswith(("support", "dual", "_dual")):
            assert np.shape(found[key]) == np.shape(value), key
    assert type(own.n_iter_) is type(reference.n_iter_)
    assert np.all(own.n_iter_ > 0)


@containers
@machines
def test_attributes_are_consistent(name, container):
    X, y, _ = problem_of(name)
    own = fitted(ours(name, n_shards=3), container(X), y)
    V = own.support_vectors_
    assert issparse(V) == issparse(container(X))
    np.testing.assert_array_equal(V.toarray() if issparse(V) else V, X[own.support_])
    assert own.n_support_.sum() == len(own.support_) == own.dual_coef_.shape[1]
    assert own.shape_fit_ == X.shape
    if hasattr(own, "classes_"):
        labels = np.repeat(own.classes_, own.n_support_)
        np.testing.assert_array_equal(y[own.support_], labels)
        for start in np.split(own.support_, np.cumsum(own.n_support_)[:-1]):
            assert np.all(np.diff(start) > 0)


@containers
@pytest.mark.parametrize("kernel", KERNELS)
@machines
def test_scikit_learns_own_predict_gives_the_same(name, kernel, container):
    X, y, _ = problem_of(name)
    own = fitted(ours(name, kernel=kernel, gamma=0.1), container(X), y)
    again = pickle.loads(pickle.dumps(own))
    cls = getattr(svm, name)
    for model in (own, again):
        np.testing.assert_allclose(cls.predict(model, container(X)), own.predict(container(X)))
        if hasattr(cls, "decision_function"):
            expected = cls.decision_function(model, container(X))
            found = own.decision_function(container(X))
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@machines
def test_kernels_are_used_and_not_libsvm_alone(name, monkeypatch):
    X, y, _ = problem_of(name)
    own = fitted(ours(name), X, y)
    assert len(X) * len(own.support_) > 0
    few = outputs(own, X[:20])
    monkeypatch.setattr("skdist.svm._decide.FEW_VALUES", 0)
    np.testing.assert_allclose(outputs(own, X[:20]), few, atol=1e-9 * np.abs(few).max())
    monkeypatch.setattr(type(own), "_functions", None)
    with pytest.raises(TypeError):
        outputs(own, X[:20])


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
def test_coef_of_the_linear_kernel(container):
    X, y, _ = classes_problem(3)
    reference, own = (
        fitted(m("SVC", kernel="linear", tol=1e-6), container(X), y) for m in (theirs, ours)
    )
    dense = [m.coef_.toarray() if issparse(m.coef_) else m.coef_ for m in (own, reference)]
    np.testing.assert_allclose(*dense, atol=1e-4)
    with pytest.raises(AttributeError, match="linear kernel"):
        _ = fitted(ours("SVC"), X, y).coef_


@pytest.mark.parametrize("shape", ["ovo", "ovr"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_shapes_of_the_decision_function(n_classes, shape):
    X, y, _ = classes_problem(n_classes)
    reference, own = (
        fitted(m("SVC", tol=1e-6, decision_function_shape=shape), X, y) for m in (theirs, ours)
    )
    expected = reference.decision_function(X)
    assert own.decision_function(X).shape == expected.shape
    near_a_tie = (
        np.zeros(len(X), bool) if n_classes == 2 else (np.abs(outputs(reference, X)) < 1e-3).any(1)
    )
    np.testing.assert_allclose(
        own.decision_function(X)[~near_a_tie], expected[~near_a_tie], atol=1e-3
    )


def test_ties_are_broken_by_the_decision_function():
    X, y, _ = classes_problem(4)
    own = fitted(ours("SVC", break_ties=True), X, y)
    by_confidence = own.classes_[own.decision_function(X).argmax(axis=1)]
    np.testing.assert_array_equal(own.predict(X), by_confidence)
    with pytest.raises(ValueError, match="break_ties must be False"):
        own.set_params(decision_function_shape="ovo").predict(X)


def test_break_ties_of_two_classes():
    X, y, _ = classes_problem(2)
    own = fitted(ours("SVC", break_ties=True), X, y)
    np.testing.assert_array_equal(own.predict(X), own.set_params(break_ties=False).predict(X))


@pytest.mark.parametrize("labels", [["no", "yes"], [3, -1], [False, True], [2.0, 7.0]])
def test_labels_of_any_kind(labels):
    X, codes, _ = classes_problem(2)
    y = np.array(labels)[codes]
    own = fitted(ours("SVC"), X, y)
    np.testing.assert_array_equal(own.classes_, np.unique(y))
    assert own.predict(X).dtype == y.dtype
    assert own.score(X, y) > 0.8


@machines
def test_weights_below_0_are_0_as_with_libsvm(name):
    X, y, weight = problem_of(name)
    below = np.where(weight == 0, -1.5, weight)
    if name == "NuSVC":
        weight, below = np.ones(len(X)), np.ones(len(X))
    expected, own = fitted(ours(name), X, y, weight), fitted(ours(name), X, y, below)
    np.testing.assert_array_equal(own.support_, expected.support_)
    np.testing.assert_array_equal(own.dual_coef_, expected.dual_coef_)
    # libsvm counts the rows that are left; ours are the rows of X.
    np.testing.assert_array_equal(X[own.support_], own.support_vectors_)


@machines
@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_no_weight_at_all_is_refused(name, weight):
    X, y, _ = problem_of(name)
    with pytest.raises(ValueError, match="at least one"):
        ours(name).fit(X, y, sample_weight=np.full(len(X), weight))


def test_one_class_with_weight_is_refused():
    X, y, _ = classes_problem(2)
    with pytest.raises(ValueError, match="positive weights belong to the same class"):
        ours("SVC").fit(X, y, sample_weight=(y == 1).astype(float))


@pytest.mark.parametrize("name", ["SVC", "NuSVC"])
def test_a_class_without_weight_is_never_predicted(name):
    X, y, _ = classes_problem(3)
    own = fitted(ours(name, gamma=0.1), X, y, (y != 1).astype(float))
    expected = fitted(ours(name, gamma=0.1), X[y != 1], y[y != 1])
    np.testing.assert_array_equal(own.classes_, [0, 1, 2])
    np.testing.assert_array_equal(own.predict(X), expected.predict(X))
    assert own.n_support_[1] == 0


def test_one_class_is_refused():
    X, y, _ = classes_problem(2)
    with pytest.raises(ValueError, match="greater than one; got 1 class"):
        ours("SVC").fit(X, np.zeros(len(y)))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_nu_that_a_small_class_does_not_allow_is_refused(n_classes):
    X, y, _ = classes_problem(n_classes)
    rare = np.r_[np.flatnonzero(y > 0), np.flatnonzero(y == 0)[:5]]
    with pytest.raises(ValueError, match=r"specified nu is infeasible: nu=0\.9.*Lower nu"):
        ours("NuSVC", nu=0.9).fit(X[rare], y[rare])


@machines
def test_max_iter_warns_of_the_gap(name):
    X, y, _ = problem_of(name)
    machine = ours(name, max_iter=5)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=5 .* duality gap"):
        machine.fit(X, y)
    assert machine.fit_status_ == 1
    assert np.max(machine.n_iter_) <= 5
    assert not machine.report_.extra["converged"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = ours(name).fit(X, y)
    lacking = full.report_.extra["dual"] - machine.report_.extra["dual"]
    assert 0 < lacking <= machine.report_.certificate
    assert np.isfinite(machine.predict(X)).all()


@machines
def test_nothing_half_fitted_stays(name):
    X, y, _ = problem_of(name)
    machine = fitted(ours(name), X, y)
    before = vars(machine).copy()
    with pytest.raises(ValueError, match="NaN"):
        machine.fit(np.full_like(X, np.nan), y)
    assert vars(machine) == before
    fresh = ours(name)
    with pytest.raises(ValueError, match=r"inconsistent|sample_weight"):
        fresh.fit(X, y, sample_weight=np.ones(3))
    with pytest.raises(NotFittedError):
        fresh.predict(X)


def test_what_scikit_learn_refuses_in_predict_is_refused():
    X, y, _ = classes_problem(3)
    own = fitted(ours("SVC"), X, y)
    with pytest.raises(ValueError, match="cannot use sparse input"):
        own.predict(csr_matrix(X))
    with pytest.raises(ValueError, match="3 features"):
        own.predict(X[:, :3])
    own._n_support = own._n_support + 1
    with pytest.raises(ValueError, match="was altered"):
        own.predict(X)


def test_sparse_machines_take_dense_rows():
    X, y, _ = classes_problem(3)
    own = fitted(ours("SVC"), csr_matrix(X), y)
    np.testing.assert_allclose(own.decision_function(X), own.decision_function(csr_matrix(X)))


@pytest.mark.parametrize("name", ["SVC", "SVR", "OneClassSVM"])
@pytest.mark.parametrize("kernel", ["precomputed", rbf_kernel])
def test_kernels_that_are_left_to_scikit_learn(name, kernel):
    X, y, weight = problem_of(name)
    rows = rbf_kernel(X) if kernel == "precomputed" else X
    reference = fitted(theirs(name, kernel=kernel), rows, y, weight)
    own = fitted(ours(name, kernel=kernel), rows, y, weight)
    np.testing.assert_array_equal(own.dual_coef_, reference.dual_coef_)
    np.testing.assert_array_equal(own.predict(rows), reference.predict(rows))
    assert own.report_.strategy == "local"
    assert "scikit-learn's own fit" in own.report_.why[0]


@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_probabilities_are_scikit_learns():
    X, y, _ = classes_problem(3)
    reference, own = (m("SVC", probability=True, random_state=0).fit(X, y) for m in (theirs, ours))
    np.testing.assert_array_equal(own.predict_proba(X), reference.predict_proba(X))
    assert own.report_.strategy == "local"


def test_probability_false_is_deprecated_as_in_scikit_learn():
    X, y, _ = classes_problem(3)
    with pytest.warns(FutureWarning, match="probability"):
        own = ours("SVC", probability=False).fit(X, y)
    with pytest.raises(AttributeError, match="predict_proba"):
        own.predict_proba(X)


@machines
def test_verbose_says_one_line(name, capsys):
    X, y, _ = problem_of(name)
    fitted(ours(name, verbose=True), X, y)
    assert capsys.readouterr().out.startswith(f"[Distributed{name}] smo, ")


def test_the_report_tells_of_every_pair():
    X, y, _ = classes_problem(4)
    own = fitted(ours("SVC", n_shards=2), X, y)
    extra = own.report_.extra
    assert own.report_.strategy == "pairs"
    assert own.n_shards_ == len(own.report_.shards) == 2
    assert len(extra["pairs"]) == 6
    assert sum(pair["gap"] for pair in extra["pairs"]) == pytest.approx(own.report_.certificate)
    assert [pair["n_iter"] for pair in extra["pairs"]] == own.n_iter_.tolist()
    assert extra["support_fraction"] == len(own.support_) / len(X)
    assert 0 <= extra["cache_hits"] <= 1


# Tools of scikit-learn.


def test_grid_search_clone_and_pipeline():
    X, y, _ = classes_problem(3)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), ours("SVC")), {"distributedsvc__C": [0.1, 1.0]}, cv=3
    )
    grid.fit(X, y)
    assert grid.best_score_ > 0.8
    assert clone(grid.best_estimator_[-1]).get_params() == grid.best_estimator_[-1].get_params()


def test_cross_validation_in_processes():
    X, y, _ = classes_problem(3)
    here, apart = (cross_val_score(ours("SVC"), X, y, cv=3, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(here, apart)


def test_rows_of_a_frame_have_names():
    X, y, _ = classes_problem(3)
    names = [f"x{j}" for j in range(X.shape[1])]
    own = fitted(ours("SVC"), pd.DataFrame(X, columns=names), y)
    assert own.feature_names_in_.tolist() == names
    pipeline = make_pipeline(StandardScaler(), ours("SVC")).set_output(transform="pandas")
    pipeline.fit(pd.DataFrame(X, columns=names), y)
    assert pipeline[-1].feature_names_in_.tolist() == names


def test_weights_are_routed():
    X, y, weight = classes_problem(3)
    with sklearn.config_context(enable_metadata_routing=True):
        machine = ours("SVC").set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, machine).fit(X, y, sample_weight=weight)
    expected = fitted(ours("SVC"), StandardScaler().fit_transform(X), y, weight)
    np.testing.assert_array_equal(pipeline[-1].dual_coef_, expected.dual_coef_)


@machines
def test_parameters_are_scikit_learns_and_ours(name):
    parameters = getattr(skdist, f"Distributed{name}")().get_params()
    added = {"n_shards": None, "n_jobs": None, "strategy": "auto"}
    assert parameters == {**getattr(svm, name)().get_params(), **added}


@pytest.mark.parametrize(
    "parameters", [{"C": -1.0}, {"strategy": "fast"}, {"n_shards": 0}, {"kernel": "cubic"}]
)
def test_parameters_are_checked(parameters):
    X, y, _ = classes_problem(2)
    with pytest.raises(ValueError, match=f"The '{next(iter(parameters))}' parameter"):
        skdist.DistributedSVC(**parameters).fit(X, y)


def test_more_shards_than_rows_are_refused():
    X, y, _ = classes_problem(2)
    with pytest.raises(ValueError, match="n_shards"):
        ours("SVC", n_shards=len(X) + 1).fit(X, y)
