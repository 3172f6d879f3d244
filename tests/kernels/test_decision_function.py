# SPDX-License-Identifier: BSD-3-Clause
"""Values of kernel expansions and the vote of pairs are libsvm's."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import make_classification
from sklearn.svm import SVC, SVR

from skdist.kernels.decision_function import Expansions, votes
from skdist.kernels.kernel_function import KernelFunction

KERNELS = ("linear", "poly", "rbf", "sigmoid")


def rows(n_classes=3, n=500, scale=1.0, offset=0.0):
    X, y = make_classification(
        n,
        n_features=9,
        n_informative=6,
        n_classes=n_classes,
        n_clusters_per_class=1,
        flip_y=0.2,
        random_state=0,
    )
    return np.where(np.abs(X) < 0.3, 0.0, X) * scale + offset, y


def functions(model, counts):
    dense = model._dual_coef_.toarray() if model._sparse else model._dual_coef_
    kernel = KernelFunction(model.kernel, model._gamma, model.degree, model.coef0)
    return Expansions(kernel, model.support_vectors_, dense, tuple(counts))


def values(model, counts, X):
    expansions = functions(model, counts)
    out = np.full((X.shape[0], expansions.n_functions), np.nan)
    expansions.values(X, out)
    return out + model._intercept_


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_classes", [2, 3, 20])
def test_values_are_libsvms(kernel, container, n_classes):
    X, y = rows(n_classes)
    X = container(X)
    model = SVC(kernel=kernel, decision_function_shape="ovo", coef0=0.5).fit(X[:350], y[:350])
    expected = model.decision_function(X)
    expected = -expected[:, None] if n_classes == 2 else expected
    own = values(model, model.n_support_, X)
    np.testing.assert_allclose(own, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    np.testing.assert_array_equal(model.classes_[votes(own, n_classes)], model.predict(X))


@pytest.mark.parametrize("kernel", KERNELS)
def test_regression_is_one_function(kernel):
    X, y = rows()
    model = SVR(kernel=kernel).fit(X, X[:, 0] + y)
    own = values(model, (len(model.support_),), X)
    np.testing.assert_allclose(own.ravel(), model.predict(X), rtol=0, atol=1e-8)


def test_rows_far_from_the_origin():
    X, y = rows(offset=1e6)
    model = SVC(decision_function_shape="ovo").fit(X, y)
    own = values(model, model.n_support_, X)
    np.testing.assert_allclose(own, model.decision_function(X), rtol=0, atol=1e-7)


def test_many_rows_and_vectors_are_cut_into_blocks():
    X, y = rows(3, n=5000)
    model = SVC(decision_function_shape="ovo").fit(X[:2500], y[:2500])
    assert len(model.support_) > 1024
    own = values(model, model.n_support_, X)
    np.testing.assert_allclose(own, model.decision_function(X), rtol=0, atol=1e-8)


def test_no_rows_and_no_vectors():
    X, y = rows()
    model = SVC().fit(X, y)
    assert values(model, model.n_support_, X[:0]).shape == (0, 3)
    none = Expansions(KernelFunction("rbf"), X[:0], np.empty((2, 0)), (0, 0, 0))
    out = np.full((len(X), 3), np.nan)
    none.values(X, out)
    assert not out.any()


def test_the_first_class_wins_a_tie():
    around = np.array([[1.0, -1.0, 1.0]])  # 0 beats 1, 2 beats 0, 1 beats 2
    assert votes(around, 3).tolist() == [0]
    assert votes(np.zeros((1, 3)), 3).tolist() == [2]  # 0 is no win of the first


def test_weights_of_a_linear_kernel_are_not_made_where_they_would_be_long(monkeypatch):
    X, y = rows()
    model = SVC(kernel="linear", decision_function_shape="ovo").fit(X, y)
    short = values(model, model.n_support_, X)
    monkeypatch.setattr("skdist.kernels.decision_function.MOST_WEIGHTS", 0)
    assert functions(model, model.n_support_).weights is None
    np.testing.assert_allclose(values(model, model.n_support_, X), short, atol=1e-9)
