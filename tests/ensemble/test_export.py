# SPDX-License-Identifier: BSD-3-Clause
"""Trees to and from scikit-learn, node for node."""

import pickle

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
    export_text,
)

from skdist._sklearn import NODE_DTYPE
from skdist.ensemble._export import (
    floor_to_float32,
    from_sklearn_trees,
    place_classes,
    to_sklearn_trees,
)
from skdist.solvers.binned_forest import empty_tree
from skdist.summaries import Trees

BIGGEST = float(np.finfo(np.float32).max)
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)


def with_missing(X):
    X = X.copy()
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    return X


# scikit-learn's forest, its X and y
CASES = {
    "binary": (RandomForestClassifier(5, random_state=0), X_IRIS[:, :2], (Y_IRIS > 0).astype(int)),
    "three classes": (RandomForestClassifier(5, max_depth=3, random_state=0), X_IRIS, Y_IRIS),
    "best first": (RandomForestClassifier(5, max_leaf_nodes=6, random_state=0), X_IRIS, Y_IRIS),
    "pruned": (RandomForestClassifier(5, ccp_alpha=0.02, random_state=0), X_IRIS, Y_IRIS),
    "stumps": (RandomForestClassifier(5, max_depth=1, random_state=0), X_IRIS, Y_IRIS),
    "single leaves": (RandomForestClassifier(5, min_samples_leaf=150), X_IRIS, Y_IRIS),
    "missing": (RandomForestClassifier(5, random_state=0), with_missing(X_IRIS), Y_IRIS),
    "regression": (RandomForestRegressor(3, random_state=0), X_DIABETES, Y_DIABETES),
    "missing regression": (
        RandomForestRegressor(3, random_state=0),
        with_missing(X_DIABETES),
        Y_DIABETES,
    ),
    "extra trees": (ExtraTreesRegressor(3, random_state=0), X_DIABETES, Y_DIABETES),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    forest, X, y = CASES[request.param]
    return forest.fit(X, y), X.astype(np.float32)


def round_trip(forest):
    trees = from_sklearn_trees(forest.estimators_)
    seeds = [tree.random_state for tree in forest.estimators_]
    template = forest.estimators_[0]  # has the forest's parameters, `estimator_` has not
    return to_sklearn_trees(trees, template, seeds, n_features=forest.n_features_in_)


def assert_same_tree(copy, original, X):
    for method in ("predict", "apply"):
        np.testing.assert_array_equal(getattr(copy, method)(X), getattr(original, method)(X))
    assert (copy.decision_path(X) != original.decision_path(X)).nnz == 0
    np.testing.assert_array_equal(copy.feature_importances_, original.feature_importances_)
    assert copy.get_depth() == original.get_depth()
    assert copy.get_n_leaves() == original.get_n_leaves()
    assert export_text(copy, decimals=4) == export_text(original, decimals=4)


def test_round_trip_changes_nothing(case):
    forest, X = case
    for copy, original in zip(round_trip(forest), forest.estimators_, strict=True):
        assert type(copy) is type(original)
        assert_same_tree(copy, original, X)
        assert copy.random_state == original.random_state


def test_exported_trees_have_every_fitted_attribute():
    forest = RandomForestClassifier(2, random_state=0).fit(X_IRIS, Y_IRIS)
    for copy, original in zip(round_trip(forest), forest.estimators_, strict=True):
        learned = {name for name in vars(original) if name.endswith("_")}
        assert learned == {name for name in vars(copy) if name.endswith("_")}
        for name in learned - {"tree_"}:
            np.testing.assert_array_equal(getattr(copy, name), getattr(original, name))
        assert copy.tree_.__getstate__()["nodes"].dtype == NODE_DTYPE


def test_exported_trees_pickle(case):
    forest, X = case
    copy = pickle.loads(pickle.dumps(round_trip(forest)[0]))
    assert_same_tree(copy, forest.estimators_[0], X)


def test_exported_trees_serve_a_forest_of_scikit_learn():
    forest = RandomForestClassifier(5, random_state=0).fit(X_IRIS, Y_IRIS)
    expected = forest.predict_proba(X_IRIS)
    importances = permutation_importance(forest, X_IRIS, Y_IRIS, n_repeats=2, random_state=0)
    forest.estimators_ = round_trip(forest)
    np.testing.assert_array_equal(forest.predict_proba(X_IRIS), expected)
    again = permutation_importance(forest, X_IRIS, Y_IRIS, n_repeats=2, random_state=0)
    np.testing.assert_array_equal(again.importances, importances.importances)


@pytest.mark.parametrize("max_features", [None, "sqrt", "log2", 3, 0.7, 0.01, 1.0])
@pytest.mark.parametrize("kind", [ExtraTreeClassifier, ExtraTreeRegressor])
def test_max_features_are_counted_as_scikit_learn_does(kind, max_features):
    fitted = kind(max_features=max_features, random_state=0).fit(X_DIABETES, Y_DIABETES > 100)
    (copy,) = to_sklearn_trees(
        from_sklearn_trees([fitted]), kind(max_features=max_features), [0], n_features=10
    )
    assert copy.max_features_ == fitted.max_features_


def test_given_classes_are_the_labels():
    names = np.array(["setosa", "versicolor", "virginica"])
    fitted = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X_IRIS, names[Y_IRIS])
    trees = from_sklearn_trees([fitted])
    (copy,) = to_sklearn_trees(trees, fitted, [0], n_features=4, classes=names)
    np.testing.assert_array_equal(copy.predict(X_IRIS), fitted.predict(X_IRIS))
    (plain,) = to_sklearn_trees(trees, fitted, [0], n_features=4)
    np.testing.assert_array_equal(names[plain.predict(X_IRIS).astype(int)], copy.predict(X_IRIS))


def test_template_stays_as_it_was():
    template = DecisionTreeRegressor(random_state=7)
    trees = from_sklearn_trees([DecisionTreeRegressor(max_depth=1).fit(X_DIABETES, Y_DIABETES)])
    to_sklearn_trees(trees, template, [3], n_features=10)
    assert template.random_state == 7
    assert not [name for name in vars(template) if name.endswith("_")]


def test_no_trees_make_no_trees():
    assert to_sklearn_trees(Trees.empty(1), DecisionTreeRegressor(), [], n_features=2) == []


def test_one_seed_per_tree():
    with pytest.raises(ValueError, match="0 seeds for 1 trees"):
        trees = from_sklearn_trees([DecisionTreeRegressor().fit(X_DIABETES, Y_DIABETES)])
        to_sklearn_trees(trees, DecisionTreeRegressor(), [], n_features=10)


def test_one_class_per_column():
    with pytest.raises(ValueError, match="2 classes for trees with 3 values"):
        trees = from_sklearn_trees([DecisionTreeClassifier().fit(X_IRIS, Y_IRIS)])
        to_sklearn_trees(trees, DecisionTreeClassifier(), [0], n_features=4, classes=["a", "b"])


def test_values_of_scikit_learn_are_class_fractions():
    forest = RandomForestClassifier(3, max_depth=2, random_state=0).fit(X_IRIS, Y_IRIS)
    trees = from_sklearn_trees(forest.estimators_)
    for tree in trees.each:
        np.testing.assert_allclose(tree.value.sum(axis=1), 1, rtol=1e-14)
        assert tree.weight[0] == 150  # so these are not counts


def test_arrays_have_the_dtypes_of_trees():
    (tree,) = from_sklearn_trees([DecisionTreeClassifier().fit(X_IRIS, Y_IRIS)]).each
    for array, grown in zip(tree, empty_tree(1, 3), strict=True):
        assert array.dtype == grown.dtype
        assert array.flags.c_contiguous


def test_classes_are_united_and_columns_moved():
    early = DecisionTreeClassifier(random_state=0).fit(X_IRIS[:100], Y_IRIS[:100])  # 0, 1
    late = DecisionTreeClassifier(random_state=0).fit(X_IRIS[50:], Y_IRIS[50:])  # 1, 2
    trees = from_sklearn_trees([early, late])
    assert trees.n_values == 3
    np.testing.assert_array_equal(trees.each[0].value[:, :2], early.tree_.value[:, 0])
    np.testing.assert_array_equal(trees.each[1].value[:, 1:], late.tree_.value[:, 0])
    assert not trees.each[0].value[:, 2].any()
    assert not trees.each[1].value[:, 0].any()


def test_classes_may_be_given():
    early = DecisionTreeClassifier(random_state=0).fit(X_IRIS[:100], Y_IRIS[:100])
    trees = from_sklearn_trees([early], classes=[-1, 0, 1, 5])
    np.testing.assert_array_equal(trees.each[0].value[:, 1:3], early.tree_.value[:, 0])
    with pytest.raises(ValueError, match=r"classes \[1\].*not among the classes \[0, 2\]"):
        from_sklearn_trees([early], classes=[0, 2])


def test_place_classes_wants_a_class_per_column():
    with pytest.raises(ValueError, match="2 classes for trees with 3 values"):
        place_classes(Trees.empty(3), [0, 1], [0, 1, 2])


def test_several_outputs_are_refused():
    many = DecisionTreeRegressor(max_depth=1).fit(X_IRIS, X_IRIS[:, :2])
    with pytest.raises(ValueError, match="2 outputs"):
        from_sklearn_trees([many])
    many = DecisionTreeClassifier(max_depth=1).fit(X_IRIS, np.column_stack([Y_IRIS, Y_IRIS]))
    with pytest.raises(ValueError, match="2 outputs"):
        from_sklearn_trees([many])


def test_nothing_and_mixtures_are_refused():
    with pytest.raises(ValueError, match="0 trees of 0 kinds"):
        from_sklearn_trees([])
    mixture = [
        DecisionTreeClassifier().fit(X_IRIS, Y_IRIS),
        DecisionTreeRegressor().fit(X_IRIS, Y_IRIS),
    ]
    with pytest.raises(ValueError, match="2 trees of 2 kinds"):
        from_sklearn_trees(mixture)


thresholds = st.floats(allow_nan=False) | st.floats(width=32, allow_nan=False)


@given(t=thresholds, x=st.floats(width=32, allow_nan=False))
@example(t=np.inf, x=np.inf)
@example(t=-np.inf, x=-np.inf)
@example(t=1e300, x=np.inf)
@example(t=-1e300, x=-BIGGEST)
@example(t=BIGGEST * (1 + 1e-9), x=np.inf)
@example(t=-1e-300, x=-0.0)
@example(t=1e-300, x=0.0)
def test_rounding_a_threshold_changes_no_decision(t, x):
    floor = floor_to_float32(t)
    with np.errstate(over="ignore"):
        above = np.nextafter(floor, np.float32(np.inf))
    for value in (np.float32(x), floor, above):  # a wrong rounding shows at the last two
        assert (float(value) <= t) == bool(value <= floor)


@given(st.lists(st.floats(width=32, allow_nan=False)))
def test_float32_thresholds_are_kept(values):
    exact = np.array(values, np.float32)
    rounded = floor_to_float32(exact.astype(np.float64))
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, exact)
