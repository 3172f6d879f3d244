# SPDX-License-Identifier: BSD-3-Clause
"""Every parameter that the binned kernel knows is obeyed as scikit-learn's trees obey it."""

from contextlib import nullcontext

import numpy as np
import pytest
from forest_twins import SINCE_19, assert_same_forest, assert_twins, exact_twin, whole_numbers

from skdist.ensemble import (
    DistributedExtraTreesClassifier,
    DistributedRandomForestClassifier,
    DistributedRandomForestRegressor,
)

X, CLASSES, COUNTS, WEIGHT = whole_numbers()
X_MISSING = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
N_TREES = 3
LEAST = 8  # rows per leaf where nothing else ends the growth: in small nodes most splits are ties

LIMITS = {
    "max_depth": {"max_depth": 4},
    "min_samples_split": {"min_samples_split": 40},
    "min_samples_split, a share": {"min_samples_split": 0.1},
    "min_samples_leaf": {"min_samples_leaf": 17},
    "min_samples_leaf, a share": {"min_samples_leaf": 0.05},
    "min_weight_fraction_leaf": {"min_weight_fraction_leaf": 0.06},
    "none": {},
}
SAMPLES = {
    "all rows": {"bootstrap": False},
    "bootstrap": {"bootstrap": True},
    "max_samples": {"bootstrap": True, "max_samples": 150},
    "max_samples, a share": {"bootstrap": True, "max_samples": 0.6},
}


def classifier(**parameters):
    defaults = {"max_features": None, "min_samples_leaf": LEAST, "random_state": 0}
    return DistributedRandomForestClassifier(
        **{"n_estimators": N_TREES, "tree_method": "hist", **defaults, **parameters}
    )


def regressor(**parameters):
    defaults = {"max_features": None, "min_samples_leaf": LEAST, "random_state": 0}
    return DistributedRandomForestRegressor(
        **{"n_estimators": N_TREES, "tree_method": "hist", **defaults, **parameters}
    )


weights = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
samples = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())


@weights
@samples
@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
@pytest.mark.parametrize("criterion", ["gini", "entropy", "log_loss"])
def test_classification_trees_are_the_exact_ones(criterion, limit, sample, weight):
    forest = classifier(criterion=criterion, **{**limit, **sample}).fit(X, CLASSES, weight)
    assert_twins(forest, X, CLASSES, weight)


@weights
@samples
@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
@pytest.mark.parametrize("criterion", ["squared_error", "poisson"])
def test_regression_trees_are_the_exact_ones(criterion, limit, sample, weight):
    forest = regressor(criterion=criterion, **{**limit, **sample}).fit(X, COUNTS, weight)
    assert_twins(forest, X, COUNTS, weight)


@weights
@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize(
    ("make", "criterion", "y", "decrease"),
    [
        (classifier, "gini", CLASSES, 0.01),
        (classifier, "entropy", CLASSES, 0.02),
        (regressor, "squared_error", COUNTS, 1.0),
        (regressor, "poisson", COUNTS, 0.05),
    ],
)
def test_min_impurity_decrease(make, criterion, y, decrease, bootstrap, weight):
    forest = make(criterion=criterion, min_impurity_decrease=decrease, bootstrap=bootstrap)
    assert_twins(forest.fit(X, y, weight), X, y, weight)
    free = make(criterion=criterion, bootstrap=bootstrap).fit(X, y, weight)
    assert node_counts(forest) < node_counts(free)


def node_counts(forest):
    return sum(tree.tree_.node_count for tree in forest.estimators_)


def test_friedman_mse_is_squared_error_and_deprecated():
    warns = pytest.warns(FutureWarning, match="friedman_mse") if SINCE_19 else nullcontext()
    with warns:
        forest = regressor(criterion="friedman_mse").fit(X, COUNTS)
    for tree, other in zip(forest.estimators_, regressor().fit(X, COUNTS).estimators_, strict=True):
        np.testing.assert_array_equal(tree.tree_.feature, other.tree_.feature)
        np.testing.assert_array_equal(tree.tree_.value, other.tree_.value)


@weights
@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize(("make", "y"), [(classifier, CLASSES), (regressor, COUNTS)])
def test_missing_values_go_to_the_better_side(make, y, bootstrap, weight):
    forest = make(bootstrap=bootstrap).fit(X_MISSING, y, weight)
    assert_twins(forest, X_MISSING, y, weight)


@weights
@pytest.mark.parametrize("class_weight", [{0: 1.0, 1: 2.0, 2: 5.0}, "balanced"])
@pytest.mark.parametrize("bootstrap", [False, True])
def test_class_weights(class_weight, bootstrap, weight):
    forest = classifier(class_weight=class_weight, bootstrap=bootstrap).fit(X, CLASSES, weight)
    assert_twins(forest, X, CLASSES, total_weight(class_weight, weight))


@weights
def test_balanced_subsample_weighs_the_classes_of_each_sample(weight):
    forest = classifier(class_weight="balanced_subsample").fit(X, CLASSES, weight)
    assert_twins(forest, X, CLASSES)
    for tree in forest.estimators_:
        np.testing.assert_allclose(tree.tree_.value[0], 1 / 3)


def test_balanced_subsample_without_samples_is_balanced():
    balanced, subsample = (
        classifier(class_weight=name, bootstrap=False).fit(X, CLASSES)
        for name in ("balanced", "balanced_subsample")
    )
    assert_same_forest(balanced, subsample)


def total_weight(class_weight, weight):
    """Sample weights times class weights; "balanced" counts as the scikit-learn that is here."""
    given = np.ones(len(X)) if weight is None else weight
    if class_weight == "balanced":
        counted = given if SINCE_19 else np.ones(len(X))
        per_class = counted.sum() / (3 * np.bincount(CLASSES, counted))
    else:
        per_class = np.array(list(class_weight.values()))
    return given * per_class[CLASSES]


@pytest.mark.parametrize("class_weight", [{0: 1.0, 1: 9.0, 2: 1.0}, {0: 9.0, 1: 1.0, 2: 1.0}])
def test_bootstrap_draws_rows_by_class_weight(class_weight):
    forest = classifier(class_weight=class_weight, n_estimators=50).fit(X, CLASSES)
    drawn = np.bincount(CLASSES[np.concatenate(forest.estimators_samples_)], minlength=3)
    expected = np.bincount(CLASSES) * np.array(list(class_weight.values()))
    expected = expected / expected.sum() * drawn.sum()
    # 50 * 400 multinomial draws: five standard deviations
    assert (np.abs(drawn - expected) < 5 * np.sqrt(expected)).all()


def test_bootstrap_draws_rows_by_weight():
    forest = classifier(n_estimators=200).fit(X, CLASSES, WEIGHT)
    drawn = np.bincount(np.concatenate(forest.estimators_samples_), minlength=len(X))
    assert drawn[WEIGHT == 0].sum() == 0
    expected = WEIGHT / WEIGHT.sum() * drawn.sum()
    chi2 = (np.square(drawn - expected)[WEIGHT > 0] / expected[WEIGHT > 0]).sum()
    freedom = (WEIGHT > 0).sum() - 1
    assert abs(chi2 - freedom) < 5 * np.sqrt(2 * freedom)


@pytest.mark.parametrize(("max_samples", "draws"), [(None, 400), (37, 37), (0.25, 100), (1.0, 400)])
def test_max_samples_is_the_number_of_draws(max_samples, draws):
    forest = regressor(max_samples=max_samples).fit(X, COUNTS)
    for tree, rows in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        assert len(rows) == draws
        assert tree.tree_.weighted_n_node_samples[0] == draws
        assert tree.tree_.n_node_samples[0] == len(np.unique(rows))


@pytest.mark.parametrize(
    ("given", "number"),
    [("sqrt", 3), ("log2", 3), (0.5, 5), (1.0, 10), (None, 10), (0.01, 1), (4, 4)],
)
@pytest.mark.parametrize("kind", [classifier, regressor])
def test_forms_of_max_features(kind, given, number):
    wide = np.hstack([X, X[:, ::-1] ** 2])
    y = CLASSES if kind is classifier else COUNTS
    forest = kind(max_features=given).fit(wide, y)
    assert_same_forest(forest, kind(max_features=number).fit(wide, y))
    assert {tree.max_features_ for tree in forest.estimators_} == {number}


@pytest.mark.parametrize(
    "kind", [DistributedRandomForestClassifier, DistributedExtraTreesClassifier]
)
@pytest.mark.parametrize("number", [1, 2, 4])
def test_max_features_candidates_are_drawn_at_a_split(kind, number):
    """Feature 0 is the best of five: it is chosen where it is drawn, in number / 5 of the roots."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 40, (200, 5)).astype(float)
    y = (noise[:, 0] > 20).astype(int)
    noise[:, 0] = y  # one cut, whatever the threshold
    stumps = kind(500, max_depth=1, max_features=number, tree_method="hist", random_state=0)
    roots = [tree.tree_.feature[0] for tree in stumps.fit(noise, y).estimators_]
    share = np.mean(np.array(roots) == 0)
    assert abs(share - number / 5) < 5 * np.sqrt(0.25 / 500)


def test_constant_features_are_no_candidates():
    """scikit-learn draws on until it has found `max_features` that are not constant in the node."""
    wide = np.hstack([np.ones((len(X), 20)), X[:, :1]])
    stumps = classifier(n_estimators=50, max_depth=1, max_features=1).fit(wide, CLASSES)
    assert {int(tree.tree_.feature[0]) for tree in stumps.estimators_} == {20}


@pytest.mark.parametrize(("make", "y"), [(classifier, CLASSES), (regressor, COUNTS)])
def test_law_6_a_weight_of_two_is_the_row_twice_and_of_zero_is_none(make, y):
    repeats = np.random.default_rng(3).integers(0, 3, len(X))
    weighted = make(bootstrap=False, min_samples_leaf=1, max_depth=4).fit(X, y, repeats)
    repeated = make(bootstrap=False, min_samples_leaf=1, max_depth=4)
    repeated.fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    for a, b in zip(weighted.estimators_, repeated.estimators_, strict=True):
        np.testing.assert_array_equal(a.tree_.feature, b.tree_.feature)
        np.testing.assert_allclose(
            a.tree_.weighted_n_node_samples, b.tree_.weighted_n_node_samples, rtol=1e-12
        )
    some = repeats > 0
    without = make(bootstrap=False, max_depth=4).fit(X[some], y[some], repeats[some])
    with_zeros = make(bootstrap=False, max_depth=4).fit(X, y, repeats)
    assert_twins(without, X[some], y[some], repeats[some])
    np.testing.assert_allclose(predicted(with_zeros), predicted(without), rtol=1e-9)


def predicted(forest):
    return getattr(forest, "predict_proba", forest.predict)(X)


def test_n_estimators():
    assert len(classifier(n_estimators=1).fit(X, CLASSES)) == 1
    assert len(classifier(n_estimators=17).fit(X, CLASSES).estimators_) == 17


def test_verbose_is_no_error(capsys):
    classifier(verbose=2).fit(X, CLASSES).predict(X)


def test_the_exact_twin_is_not_any_tree():
    """The comparison itself can fail: a tree of other rows is no twin."""
    forest = classifier(bootstrap=False).fit(X, CLASSES)
    tree, _ = exact_twin(classifier(bootstrap=False), 0, X[::-1], CLASSES)
    assert tree.tree_.node_count > 1
    with pytest.raises(AssertionError):
        assert_twins(forest, X[::-1], CLASSES)
