# SPDX-License-Identifier: BSD-3-Clause
"""Least squares fitted apart and merged is least squares of all rows."""

import copy
import pickle

import numpy as np
import pytest
import sklearn.linear_model as sk
from least_squares_problems import assert_same_fit, rows_and_targets
from scipy.sparse import csr_array
from sklearn.base import clone

from skdist import (
    DistributedElasticNet,
    DistributedLasso,
    DistributedLinearRegression,
    DistributedRidge,
    DistributedRidgeClassifier,
    merge,
)

X, Y, WEIGHT = rows_and_targets(3)
LABELS = np.array(["ash", "birch", "cedar"])[Y.argmax(axis=1)]
MODELS = {
    "least squares": DistributedLinearRegression(),
    "no intercept": DistributedLinearRegression(fit_intercept=False),
    "positive": DistributedLinearRegression(positive=True),
    "ridge": DistributedRidge([0.1, 1.0, 10.0]),
    "positive ridge": DistributedRidge(positive=True),
    "elastic net": DistributedElasticNet(0.05, tol=1e-13, max_iter=100_000),
    "lasso": DistributedLasso(0.1, tol=1e-13, max_iter=100_000),
}
PIECES = [slice(0, 1), slice(1, 50), slice(50, 53), slice(53, 160)]


def apart(model, X, y, weight=None, pieces=PIECES, **options):
    return [
        clone(model).fit_shard(X[p], y[p], None if weight is None else weight[p], **options)
        for p in pieces
    ]


def state(model):
    return pickle.dumps(vars(model))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("weight", [None, WEIGHT + 0.5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_merging_is_fitting_all_rows(name, weight, dtype):
    rows = X.astype(dtype)
    whole = clone(MODELS[name]).fit(rows, Y, weight)
    a, b, c, d = models = apart(MODELS[name], rows, Y, weight)
    before = list(map(state, models))
    for merged in (merge(models), merge([a, merge([b, c]), d]), merge([merge([d, c, b]), a])):
        assert_same_fit(merged, whole, dtype, rtol=1e-10)
        assert merged.report_.exact and merged.report_.extra["n_rows"] == 160
        assert merged.n_shards_ == 4 and merged.n_features_in_ == 6
        assert merged.get_params() == MODELS[name].get_params()
        assert set(vars(whole)) == set(vars(merged))
    assert list(map(state, models)) == before


@pytest.mark.parametrize("name", ["least squares", "no intercept", "ridge"])
@pytest.mark.parametrize("kind", ["collinear", "constant", "wide", "apart"])
def test_merging_what_is_ill_conditioned(name, kind):
    more = {
        "collinear": np.column_stack([X, X[:, 0] - X[:, 1]]),
        "constant": np.column_stack([X, np.full(160, 3.3), np.arange(160) < 50]),
        "wide": np.random.default_rng(0).normal(size=(160, 165)),
        "apart": X + 1e5 * (np.arange(160) < 50)[:, None],
    }[kind]
    model = MODELS[name]
    if name == "ridge":
        model = DistributedRidge(1e-11)
    whole = clone(model).fit(more, Y)
    merged = merge(apart(model, more, Y))
    assert_same_fit(merged, whole, rtol=1e-6 if kind == "apart" else 1e-8)
    if name != "ridge":
        assert merged.rank_ == whole.rank_
        size = whole.singular_[0]
        np.testing.assert_allclose(merged.singular_ / size, whole.singular_ / size, atol=1e-12)


@pytest.mark.parametrize("y_shape", [(160,), (160, 1)])
@pytest.mark.parametrize("name", ["least squares", "ridge", "lasso"])
def test_one_target_keeps_its_shape(name, y_shape):
    y, model = Y[:, 0].reshape(y_shape), clone(MODELS[name])
    model = model.set_params(alpha=1.0) if name == "ridge" else model
    assert_same_fit(merge(apart(model, X, y)), clone(model).fit(X, y), rtol=1e-10)


def test_sparse_rows_have_no_rank():
    merged = merge(apart(DistributedLinearRegression(), csr_array(X), Y, pieces=PIECES[1:]))
    assert "rank_" not in vars(merged)
    assert_same_fit(merged, DistributedLinearRegression().fit(X[1:], Y[1:]), rtol=1e-10)


# Classes.

THREE = np.argsort(LABELS, kind="stable")  # the first pieces lack classes


@pytest.mark.parametrize("weight", [None, WEIGHT + 0.5])
@pytest.mark.parametrize(
    "pieces",
    [PIECES, [slice(0, 20), slice(20, 160)], [slice(0, 30), slice(30, 40), slice(40, 160)]],
)
@pytest.mark.parametrize("order", [np.arange(160), THREE])
def test_classes_are_aligned(pieces, order, weight):
    rows, labels = X[order], LABELS[order]
    w = None if weight is None else weight[order]
    model = DistributedRidgeClassifier(0.5)
    whole = clone(model).fit(rows, labels, w)
    models = apart(model, rows, labels, w, pieces)
    for merged in (merge(models), merge([merge(models[:2]), *models[2:]]), merge(models[::-1])):
        assert merged.classes_.tolist() == ["ash", "birch", "cedar"]
        assert_same_fit(merged, whole, rtol=1e-10)
        np.testing.assert_array_equal(merged.predict(X), whole.predict(X))
        assert merged.report_.exact


@pytest.mark.parametrize("pieces", [PIECES, [slice(0, 160)]])
def test_two_classes(pieces):
    labels = LABELS == "ash"
    whole = DistributedRidgeClassifier().fit(X, labels)
    merged = merge(apart(DistributedRidgeClassifier(), X, labels, pieces=pieces))
    assert_same_fit(merged, whole, rtol=1e-10)
    np.testing.assert_array_equal(merged.predict(X), whole.predict(X))


def test_one_class_each():
    labels = np.sort(LABELS == "ash")
    n = int((~labels).sum())
    models = apart(DistributedRidgeClassifier(), X, labels, pieces=[slice(n), slice(n, 160)])
    assert [len(model.classes_) for model in models] == [1, 1]
    assert_same_fit(merge(models), DistributedRidgeClassifier().fit(X, labels), rtol=1e-10)
    alone = merge([models[0], models[0]])
    assert alone.classes_.tolist() == [False] and not alone.predict(X).any()


def test_collinear_features_of_classes():
    rows = np.column_stack([X, X[:, 0] - X[:, 1]])[THREE]
    model = DistributedRidgeClassifier(1e-11)
    whole = clone(model).fit(rows, LABELS[THREE])
    assert_same_fit(merge(apart(model, rows, LABELS[THREE])), whole, rtol=1e-8)


def test_classes_that_a_shard_is_told_of():
    pieces = [slice(0, 30), slice(30, 160)]
    model, classes = DistributedRidgeClassifier(), np.unique(LABELS)
    models = apart(model, X[THREE], LABELS[THREE], pieces=pieces, classes=classes)
    assert [m.classes_.tolist() for m in models] == [classes.tolist()] * 2
    assert_same_fit(merge(models), clone(model).fit(X, LABELS), rtol=1e-10)


def test_several_labels():
    labels = (np.median(Y, axis=0) < Y).astype(int)
    model = DistributedRidgeClassifier()
    merged = merge(apart(model, X, labels))
    whole = clone(model).fit(X, labels)
    assert_same_fit(merged, whole, rtol=1e-10)
    np.testing.assert_array_equal(merged.predict(X), whole.predict(X))


def test_balanced_apart_is_approximate():
    model = DistributedRidgeClassifier(class_weight="balanced")
    merged = merge(apart(model, X, LABELS, pieces=PIECES[1:]))
    assert not merged.report_.exact and "balanced the classes of its own" in merged.report_.why[0]
    weights = DistributedRidgeClassifier(class_weight={"ash": 2.0})
    merged = merge(apart(weights, X, LABELS, pieces=[slice(70), slice(70, 160)]))
    assert merged.report_.exact
    assert_same_fit(merged, clone(weights).fit(X, LABELS), rtol=1e-10)


# What else is merged, or not.


def test_without_sums_coefficients_are_averaged():
    shard = DistributedRidge().fit_shard(X[:80], Y[:80])
    for other in (sk.Ridge().fit(X[80:], Y[80:]), DistributedRidge().fit(X[80:], Y[80:])):
        for pair in ([shard, other], [other, shard]):
            merged = merge(pair)
            assert not merged.report_.exact and merged.report_.strategy == "average"
            assert vars(merged).get("_sums") is None
            np.testing.assert_allclose(merged.coef_, (shard.coef_ + other.coef_) / 2)
    by_rounds = DistributedRidge(solver="sparse_cg").fit_shard(X[80:], Y[80:])
    assert not merge([shard, by_rounds]).report_.exact


def test_a_fit_forgets_the_sums_of_the_shard_before():
    model = DistributedRidge().fit_shard(X, Y)
    assert model._sums is not None
    assert model.fit(X, Y)._sums is None


@pytest.mark.parametrize(
    ("others", "error"),
    [
        (lambda: DistributedLasso().fit_shard(X, Y), "Merge models of one kind"),
        (lambda: DistributedRidge().fit_shard(X[:, :3], Y), "number of features"),
        (lambda: DistributedRidge().fit_shard(X, Y[:, 0]), "shape of coef_"),
        (lambda: DistributedRidge(fit_intercept=False).fit_shard(X, Y), "fit_intercept"),
    ],
)
def test_what_does_not_fit_together(others, error):
    with pytest.raises(ValueError, match=error):
        merge([DistributedRidge().fit_shard(X, Y), others()])


def test_a_multilabel_model_does_not_merge_with_one_of_classes():
    labels = (np.median(Y, axis=0) < Y).astype(int)
    several = DistributedRidgeClassifier().fit_shard(X, labels)
    one = DistributedRidgeClassifier().fit_shard(X, LABELS)
    for pair in ([several, one], [one, several]):
        with pytest.raises(ValueError, match="several labels"):
            merge(pair)
    with pytest.raises(ValueError, match="several labels"):
        merge([several, DistributedRidgeClassifier().fit_shard(X, labels[:, :2])])


def test_rows_are_for_forests():
    with pytest.raises(ValueError, match="rows for forests only"):
        merge([DistributedRidge().fit_shard(X, Y)], X, Y)


@pytest.mark.parametrize("name", MODELS)
def test_what_was_merged_travels(name):
    merged = merge(apart(MODELS[name], X, Y))
    for again in (pickle.loads(pickle.dumps(merged)), copy.deepcopy(merged)):
        assert_same_fit(merge([again, merged]), merge([merged, merged]), rtol=1e-14)
    assert not hasattr(clone(merged), "coef_")


@pytest.mark.parametrize("weight", [None, 2.0, WEIGHT[:80] + 1.0])
def test_scikit_learns_own_fit_knows_the_weight_of_its_rows(weight):
    local = DistributedRidge(solver="sag", random_state=0).fit(X[:80], Y[:80], weight)
    rest = DistributedRidge(solver="sparse_cg").fit(X[80:], Y[80:])
    share = 80.0 if weight is None else np.broadcast_to(weight, 80).sum()
    expected = (share * local.coef_ + 80.0 * rest.coef_) / (share + 80.0)
    np.testing.assert_allclose(merge([local, rest]).coef_, expected)
