# SPDX-License-Identifier: BSD-3-Clause
"""The optimum of every machine is scikit-learn's, at the same tolerance."""

import numpy as np
import pytest
from kernel_problems import (
    KERNELS,
    MACHINES,
    classes_problem,
    dual_value,
    fitted,
    ours,
    outputs,
    problem_of,
    theirs,
)
from scipy.sparse import csr_array, csr_matrix

TOL = 1e-3
CONTAINERS = {"dense": np.asarray, "matrix": csr_matrix, "array": csr_array}
containers = pytest.mark.parametrize("container", ["dense", "matrix"])
weighted = pytest.mark.parametrize("weighted", [False, True])


def both(name, X, y, sample_weight, **parameters):
    """scikit-learn's fitted machine and ours."""
    machines = theirs(name, tol=TOL, **parameters), ours(name, tol=TOL, n_shards=2, **parameters)
    reference, own = (fitted(machine, X, y, sample_weight) for machine in machines)
    if sample_weight is not None:  # libsvm numbers the rows that weigh something
        left = np.flatnonzero(sample_weight > 0).astype(np.int32)
        reference.support_ = left[reference.support_]
    return reference, own


def votes(wins, losses, n_classes):
    """Votes of each class, of who wins and who loses each pair."""
    i, j = np.triu_indices(n_classes, 1)
    total = np.zeros((len(wins), n_classes))
    for p in range(len(i)):
        total[:, i[p]] += wins[:, p]
        total[:, j[p]] += losses[:, p]
    return total


def sure_rows(reference, X):
    """Rows whose class does not turn with pairs that are within ten times the tolerance of 0."""
    n_classes = len(reference.classes_)
    values = outputs(reference, X) * (-1.0 if n_classes == 2 else 1.0)
    fewest = votes(values > 10 * TOL, values < -10 * TOL, n_classes)
    most = votes(values > -10 * TOL, values < 10 * TOL, n_classes)
    rows, winner = np.arange(len(values)), fewest.argmax(axis=1)
    of_winner = fewest[rows, winner]
    most[rows, winner] = -1
    return of_winner > most.max(axis=1)


def assert_same_predictions(reference, own, X):
    sure = sure_rows(reference, X)
    assert sure.mean() > 0.7
    np.testing.assert_array_equal(own.predict(X)[sure], reference.predict(X)[sure])


@weighted
@containers
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_classes", [2, 3, 26])
def test_classes(n_classes, kernel, container, weighted):
    X, y, weight = classes_problem(n_classes)
    X = CONTAINERS[container](X)
    # Of a narrow sigmoid alone is the matrix positive semidefinite, and the optimum one.
    gamma = 0.01 if kernel == "sigmoid" else "scale"
    reference, own = both("SVC", X, y, weight if weighted else None, kernel=kernel, gamma=gamma)
    assert dual_value(own) == pytest.approx(dual_value(reference), rel=1e-5)
    assert_same_predictions(reference, own, X)
    assert own.report_.certificate <= 1e-2 * own.report_.extra["dual"]


@weighted
@containers
@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
@pytest.mark.parametrize("name", ["NuSVC", "SVR", "NuSVR", "OneClassSVM"])
def test_other_machines(name, kernel, container, weighted):
    X, y, weight = problem_of(name)
    weight = np.ones(len(weight)) if name == "NuSVC" and weighted else weight
    X = CONTAINERS[container](X)
    # The scale of poly's values and so of the optimum's is far from 1, which tol is relative to.
    gamma = 0.1 if kernel == "poly" else "scale"
    reference, own = both(name, X, y, weight if weighted else None, kernel=kernel, gamma=gamma)
    assert dual_value(own, y) == pytest.approx(dual_value(reference, y), rel=1e-5)
    scale = np.abs(outputs(reference, X)).max()
    np.testing.assert_allclose(outputs(own, X), outputs(reference, X), atol=10 * TOL * scale)


@pytest.mark.parametrize("name", MACHINES)
def test_the_reported_dual_is_that_of_the_attributes(name):
    X, y, _ = problem_of(name, n_classes=2)
    own = fitted(ours(name, n_shards=2), X, y)
    extra = own.report_.extra
    if name != "NuSVC":  # the others' coefficients are not divided by the width of the margin
        assert extra["dual"] == pytest.approx(dual_value(own, y), rel=1e-9)
    assert extra["primal"] - extra["dual"] == pytest.approx(own.report_.certificate, rel=1e-6)
    assert own.report_.certificate >= 0
    assert extra["violation"] <= own.tol


@pytest.mark.parametrize("name", MACHINES)
def test_the_gap_closes_with_the_tolerance(name):
    X, y, _ = problem_of(name)
    gaps = [fitted(ours(name, tol=tol), X, y).report_.certificate for tol in (1e-2, 1e-6)]
    assert gaps[1] < 1e-2 * gaps[0]


@pytest.mark.parametrize("C", [1e-4, 1e4])
@pytest.mark.parametrize("name", ["SVC", "SVR"])
def test_weak_and_strong_penalties(name, C):
    X, y, _ = problem_of(name)
    reference, own = (fitted(m(name, C=C, tol=1e-4), X, y) for m in (theirs, ours))
    assert dual_value(own, y) == pytest.approx(dual_value(reference, y), rel=1e-5)


@pytest.mark.parametrize("gamma", ["scale", "auto", 0.3, 1e-4, 50.0])
@pytest.mark.parametrize("container", CONTAINERS)
def test_widths_of_the_kernel(gamma, container):
    X, y, _ = classes_problem(3)
    reference, own = both("SVC", CONTAINERS[container](X), y, None, gamma=gamma)
    assert own._gamma == pytest.approx(reference._gamma, rel=1e-12)
    assert dual_value(own) == pytest.approx(dual_value(reference), rel=1e-5)


@pytest.mark.parametrize("degree, coef0", [(0, 1.0), (1, 0.0), (2, 1.0), (5, -0.5)])
def test_degrees_and_constants(degree, coef0):
    X, y, _ = classes_problem(2)
    parameters = {"kernel": "poly", "degree": degree, "coef0": coef0, "gamma": 0.1}
    reference, own = both("SVC", X, y, None, **parameters)
    assert dual_value(own) == pytest.approx(dual_value(reference), rel=1e-5)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 5.0, 1: 0.5}])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_weights(class_weight, n_classes):
    X, y, weight = classes_problem(n_classes)
    y = np.where(y == 0, 0, np.maximum(y, 1))[: len(y)]
    reference, own = both("SVC", X, y, weight, class_weight=class_weight)
    np.testing.assert_allclose(own.class_weight_, reference.class_weight_)
    assert dual_value(own) == pytest.approx(dual_value(reference), rel=1e-5)


def test_class_weights_change_nothing_with_nu():
    X, y, _ = classes_problem(3)
    plain, own = (fitted(ours("NuSVC", class_weight=w), X, y) for w in (None, {0: 9.0}))
    np.testing.assert_array_equal(own.dual_coef_, plain.dual_coef_)
    np.testing.assert_array_equal(own.class_weight_, [9.0, 1.0, 1.0])


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("parameters", [{"shrinking": False}, {"cache_size": 0.01}])
def test_how_it_is_solved_does_not_change_the_optimum(name, parameters):
    X, y, _ = problem_of(name)
    plain, own = fitted(ours(name), X, y), fitted(ours(name, **parameters), X, y)
    scale = np.abs(outputs(plain, X)).max()
    np.testing.assert_allclose(outputs(own, X), outputs(plain, X), atol=10 * TOL * scale)


@pytest.mark.parametrize("name", MACHINES)
def test_law_6_a_weight_of_2_is_the_row_twice_and_0_is_no_row(name):
    X, y, weight = problem_of(name)
    weight = np.minimum(weight, 2.0)
    twice = np.repeat(np.arange(len(weight)), weight.astype(int))
    parameters = {"tol": 1e-6, "gamma": 0.1}
    repeated = fitted(ours(name, **parameters), X[twice], None if y is None else y[twice])
    own = fitted(ours(name, **parameters), X, y, weight)
    scale = np.abs(outputs(own, X)).max()
    np.testing.assert_allclose(outputs(repeated, X), outputs(own, X), atol=1e-4 * scale)
