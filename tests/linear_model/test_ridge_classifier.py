# SPDX-License-Identifier: BSD-3-Clause
"""The ridge classifier: scikit-learn's coefficients and decisions for any labels."""

import numpy as np
import pytest
import sklearn.linear_model as sk
from least_squares_problems import CONTAINERS, assert_same_fit, rows_and_targets
from scipy.sparse import csr_array

from skdist import DistributedRidgeClassifier

X, Z, WEIGHT = rows_and_targets(3)
TREES = np.array(["ash", "birch", "cedar"])
LABELS = {
    "two": (Z[:, 0] > np.median(Z[:, 0])).astype(int),
    "two strings": TREES[(Z[:, 0] > 5).astype(int)],
    "three": Z.argmax(axis=1),
    "three strings": TREES[Z.argmax(axis=1)],
    "a column": Z.argmax(axis=1),
    "several each": (np.median(Z, axis=0) < Z).astype(int),
    "one": np.full(len(X), 3),
    "twenty-six": np.argsort(np.argsort(Z[:, 1])) % 26,
}
CLASS_WEIGHTS = {"none": None, "balanced": "balanced", "dict": {0: 2.0, 1: 0.5}}


def both(y, weight=None, container=np.asarray, dtype=np.float64, **parameters):
    ours = DistributedRidgeClassifier(n_shards=5, **parameters)
    theirs = sk.RidgeClassifier(**{"solver": "svd", **parameters})
    return ours.fit(container(X.astype(dtype)), y, weight), theirs.fit(X, y, weight)


def assert_same_classifier(ours, theirs, container=np.asarray, dtype=np.float64, **options):
    assert_same_fit(ours, theirs, dtype, **options)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    rows = container(X.astype(dtype))
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(X))
    z = ours.decision_function(rows)
    np.testing.assert_allclose(z, theirs.decision_function(X), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", LABELS)
def test_the_optimum(labels, weighted, container, dtype):
    weight, own = WEIGHT if weighted else None, CONTAINERS[container]
    ours, theirs = both(LABELS[labels], weight, own, dtype, alpha=0.6)
    assert_same_classifier(ours, theirs, own, dtype)
    assert ours.report_.exact and ours.report_.method == "moments"


@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", ["two", "three", "several each"])
def test_class_weights(labels, weighted, class_weight):
    weight = WEIGHT if weighted else None
    options = {"class_weight": CLASS_WEIGHTS[class_weight], "fit_intercept": labels != "two"}
    if labels == "several each" and class_weight == "dict":
        with pytest.raises(ValueError, match="should be a list of dicts, or the string 'balanced'"):
            both(LABELS[labels], weight, **options)
        return
    ours, theirs = both(LABELS[labels], weight, **options)
    assert_same_classifier(ours, theirs)


@pytest.mark.parametrize("solver", ["auto", "svd", "cholesky", "lsqr", "sparse_cg"])
@pytest.mark.parametrize("labels", ["two", "three", "several each"])
def test_every_solver_finds_it(labels, solver):
    ours, theirs = both(LABELS[labels], solver=solver, tol=1e-12)
    assert_same_classifier(ours, theirs, rtol=1e-7)


def test_positive():
    ours = DistributedRidgeClassifier(positive=True, n_shards=3).fit(X, LABELS["three"])
    theirs = sk.RidgeClassifier(positive=True, tol=1e-12).fit(X, LABELS["three"])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    assert ours.coef_.min() == 0


def test_stochastic_solvers_are_scikit_learns_own_fit():
    options = {"solver": "saga", "random_state": 0, "max_iter": 1000}
    ours = DistributedRidgeClassifier(**options).fit(X, LABELS["three"], WEIGHT)
    theirs = sk.RidgeClassifier(**options).fit(X, LABELS["three"], WEIGHT)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert ours.report_.strategy == "local"


@pytest.mark.parametrize("container", CONTAINERS)
def test_several_labels_in_sparse_y(container):
    y = LABELS["several each"]
    ours = DistributedRidgeClassifier(n_shards=3).fit(CONTAINERS[container](X), csr_array(y))
    assert_same_fit(ours, sk.RidgeClassifier().fit(X, y))


def test_shards_that_lack_classes():
    y = LABELS["three strings"]
    order = np.argsort(y, kind="stable")
    whole = DistributedRidgeClassifier(n_shards=1).fit(X, y)
    for n_shards in (3, 160):
        model = DistributedRidgeClassifier(n_shards=n_shards).fit(X[order], y[order])
        assert_same_fit(model, whole, rtol=1e-11)
    table = model.report_.shards
    assert len(table) == 160 and table[0].rates == (1.0, 0.0, 0.0)


def test_bad_labels():
    model = DistributedRidgeClassifier()
    with pytest.raises(ValueError, match="continuous"):
        model.fit(X, Z[:, 0])
    with pytest.raises(ValueError, match="Multioutput target data is not supported"):
        model.fit(X, np.column_stack([LABELS["three"], LABELS["three"]]))
    assert vars(model) == model.get_params()
    with pytest.raises(ValueError, match=r"classes=\[0, 1\] lacks \[2\]"):
        model.fit_shard(X, LABELS["three"], classes=[0, 1])
    with pytest.raises(ValueError, match="Leave classes out"):
        model.fit_shard(X, LABELS["several each"], classes=[0, 1])
    assert vars(model) == model.get_params()
