# SPDX-License-Identifier: BSD-3-Clause
"""Binned or exact trees: the exact ones are scikit-learn's forest, bit for bit."""

import numpy as np
import pytest
from forest_twins import CLASSIFIERS, REGRESSORS, assert_same_forest, theirs, whole_numbers
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.datasets import make_classification

from skdist.ensemble import DistributedRandomForest, DistributedRandomForestRegressor

X, CLASSES, COUNTS, WEIGHT = whole_numbers()
ALL = [*CLASSIFIERS, *REGRESSORS]

# What the kernel does not do: parameters, X, and how y is made; None: regressors, or all.
EXOTIC = {
    "max_leaf_nodes": ({"max_leaf_nodes": 9}, X),
    "ccp_alpha": ({"ccp_alpha": 0.01}, X),
    "monotonic_cst": ({"monotonic_cst": [1, 0, 0, -1, 0]}, X),
    "sparse X": ({}, sparse.csr_matrix(np.where(X < 20, 0, X))),
    "several outputs": ({}, X),
}


def target(forest, several=False):
    if is_classifier(forest):
        return np.stack([CLASSES, CLASSES[::-1]], axis=1) if several else CLASSES % 2
    return np.stack([COUNTS, COUNTS**2], axis=1) if several else COUNTS


def as_list(p):
    return p if isinstance(p, list) else [p]


def assert_is_scikit_learns(forest, X, y, weight=None):
    reference = theirs(forest).fit(X, y, weight)
    forest.fit(X, y, weight)
    assert forest.report_.method == "exact"
    assert forest.report_.exact
    assert forest.n_shards_ == 1
    np.testing.assert_array_equal(forest.predict(X), reference.predict(X))
    np.testing.assert_array_equal(forest.apply(X), reference.apply(X))
    if is_classifier(forest):
        for ours, other in zip(
            as_list(forest.predict_proba(X)), as_list(reference.predict_proba(X)), strict=True
        ):
            np.testing.assert_array_equal(ours, other)
    np.testing.assert_array_equal(forest.feature_importances_, reference.feature_importances_)
    learned = {name for name in vars(reference) if name.endswith("_")} - {"estimators_"}
    assert learned <= set(vars(forest))
    return reference


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("parameters", [{}, {"tree_method": "exact"}, {"bootstrap": True}])
def test_small_data_takes_scikit_learns_forest(kind, parameters):
    forest = kind(n_estimators=5, random_state=3, **parameters)
    reference = assert_is_scikit_learns(forest, X, target(forest), WEIGHT)
    assert_same_forest(forest, reference)
    for ours, other in zip(forest.estimators_samples_, reference.estimators_samples_, strict=True):
        np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("case", EXOTIC)
def test_what_the_kernel_does_not_do_goes_to_scikit_learn(kind, case):
    parameters, data = EXOTIC[case]
    forest = kind(n_estimators=4, random_state=0, max_features=3, **parameters)
    assert_is_scikit_learns(forest, data, target(forest, case == "several outputs"))
    reason = next(iter(parameters), case)
    assert reason in forest.report_.why[0]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("case", EXOTIC)
@pytest.mark.parametrize(
    "asked", [{"tree_method": "hist"}, {"strategy": "histogram"}, {"strategy": "shard"}]
)
def test_and_is_refused_where_binned_trees_are_asked_for(kind, case, asked):
    parameters, data = EXOTIC[case]
    forest = kind(n_estimators=4, **parameters, **asked)
    reason = next(iter(parameters), case).replace("several outputs", "y with several outputs")
    with pytest.raises(ValueError, match=reason) as caught:
        forest.fit(data, target(forest, case == "several outputs"))
    message = str(caught.value)
    for name, value in asked.items():  # given, allowed, what to change
        assert f"{name}={value!r}" in message
    assert "Set tree_method='auto' or 'exact'" in message


@pytest.mark.parametrize("kind", REGRESSORS)
def test_absolute_error(kind):
    forest = kind(n_estimators=3, random_state=0, criterion="absolute_error")
    assert_is_scikit_learns(forest, X[:150], COUNTS[:150])
    assert "criterion='absolute_error'" in forest.report_.why[0]
    with pytest.raises(ValueError, match="criterion='absolute_error'"):
        forest.set_params(tree_method="hist").fit(X, COUNTS)


def test_a_column_of_y_is_one_output():
    with pytest.warns(UserWarning, match="column-vector y"):
        forest = DistributedRandomForest(3, tree_method="hist", random_state=0)
        forest.fit(X, CLASSES[:, None])
    assert_same_forest(
        forest, DistributedRandomForest(3, tree_method="hist", random_state=0).fit(X, CLASSES)
    )


@pytest.mark.parametrize("strategy", ["histogram", "shard"])
def test_exact_trees_and_a_strategy_for_binned_ones_exclude_each_other(strategy):
    forest = DistributedRandomForestRegressor(tree_method="exact", strategy=strategy)
    with pytest.raises(ValueError, match="tree_method='exact' was given") as caught:
        forest.fit(X, COUNTS)
    assert f"strategy={strategy!r}" in str(caught.value)
    assert "Set tree_method='hist' or 'auto', or strategy='auto'" in str(caught.value)


def test_large_data_is_binned_and_the_report_says_why():
    data, y = make_classification(3000, 9, random_state=0)
    forest = DistributedRandomForest(n_estimators=120, random_state=0, max_depth=2)
    assert forest.fit(data, y).report_.method == "hist"
    assert "(3000, 9) is large" in forest.report_.why[0]
    assert "fit on every worker" in forest.report_.why[1]
    forest.set_params(n_estimators=10).fit(data, y)
    assert forest.report_.method == "exact"
    assert "(3000, 9) is small" in forest.report_.why[0]


def test_the_choice_does_not_depend_on_the_workers():
    data, y = make_classification(3000, 9, random_state=0)
    methods = {
        DistributedRandomForest(120, max_depth=1, n_jobs=n_jobs).fit(data, y).report_.method
        for n_jobs in (1, 2, None)
    }
    assert methods == {"hist"}


@pytest.mark.parametrize("kind", ALL)
def test_large_predictions_of_exact_trees_go_through_the_kernel_unchanged(kind):
    forest = kind(n_estimators=20, random_state=0, tree_method="exact").fit(X, target(kind()))
    many = np.random.default_rng(0).uniform(-1, 41, (60_000, X.shape[1])).astype(np.float32)
    reference = theirs(forest).fit(X, target(forest))
    if is_classifier(forest):
        ours, expected = forest.predict_proba(many), reference.predict_proba(many)
    else:
        ours, expected = forest.predict(many), reference.predict(many)
    assert "votes" in forest._cache  # the kernel it was
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(forest.apply(many[:50_001]), reference.apply(many[:50_001]))


def test_criteria_have_the_kernels_numbers():
    from skdist.ensemble import _criteria
    from skdist.kernels import node_split

    for name in ("GINI", "ENTROPY", "SQUARED_ERROR", "POISSON"):
        assert getattr(_criteria, name) == getattr(node_split, name)
