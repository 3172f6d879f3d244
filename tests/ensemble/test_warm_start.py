# SPDX-License-Identifier: BSD-3-Clause
"""A warm start goes on where the forest was: known trees stay, new ones are the cold forest's."""

import numpy as np
import pytest
from forest_twins import CLASSIFIERS, REGRESSORS, assert_same_forest, whole_numbers
from sklearn.base import is_classifier

import skdist
from skdist.ensemble import DistributedRandomForestClassifier, DistributedRandomForestRegressor

X, CLASSES, COUNTS, WEIGHT = whole_numbers()
GROW_ON = "Warm-start fitting without increasing n_estimators does not fit new trees"


def target(forest):
    return CLASSES if is_classifier(forest) else COUNTS


def new(kind, **parameters):
    return kind(**{"n_estimators": 3, "random_state": 0, "tree_method": "hist", **parameters})


def grown(kind, *sizes, **parameters):
    forest = new(kind, warm_start=True, **parameters)
    for size in sizes:
        forest.set_params(n_estimators=size).fit(X, target(forest))
    return forest


@pytest.fixture(params=[*CLASSIFIERS, *REGRESSORS], ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.mark.parametrize("tree_method", ["hist", "exact"])
def test_equals_the_cold_forest(kind, tree_method):
    cold = new(kind, n_estimators=8, tree_method=tree_method).fit(X, target(kind()))
    warm = grown(kind, 2, 5, 8, tree_method=tree_method)
    assert_same_forest(warm, cold)
    np.testing.assert_array_equal(warm.predict(X), cold.predict(X))


def test_known_trees_do_not_change(kind):
    forest = grown(kind, 3)
    before = [tree.tree_.__getstate__()["nodes"] for tree in forest]
    samples = forest.estimators_samples_
    forest.set_params(n_estimators=6, random_state=99).fit(X, target(forest))
    assert len(forest) == 6
    for tree, nodes in zip(forest.estimators_[:3], before, strict=True):
        np.testing.assert_array_equal(tree.tree_.__getstate__()["nodes"], nodes)
    for tree, rows in zip(forest, forest.estimators_samples_, strict=True):
        assert tree.tree_.n_node_samples[0] == len(np.unique(rows))
    for now, then in zip(forest.estimators_samples_[:3], samples, strict=True):
        np.testing.assert_array_equal(now, then)


def test_goes_on_with_a_random_state_that_has_moved(kind):
    forest = grown(kind, 3, 6, random_state=np.random.RandomState(0), bootstrap=True)
    seeds = [tree.random_state for tree in forest]
    assert len(set(seeds)) == 6
    for tree, rows in zip(forest, forest.estimators_samples_, strict=True):
        assert tree.tree_.n_node_samples[0] == len(np.unique(rows))


@pytest.mark.parametrize(("first", "then"), [("hist", "exact"), ("exact", "hist")])
def test_one_forest_has_trees_of_one_method(kind, first, then):
    forest = grown(kind, 4, tree_method=first)
    before = forest.predict(X)
    forest.set_params(n_estimators=9, tree_method=then)
    with pytest.raises(ValueError, match=f"trees to go on from are those of tree_method='{first}'"):
        forest.fit(X, target(forest))
    np.testing.assert_array_equal(forest.predict(X), before)
    forest.set_params(tree_method="auto").fit(X, target(forest))
    assert forest.report_.method == first
    assert_same_forest(forest, new(kind, tree_method=first, n_estimators=9).fit(X, target(forest)))


def test_does_not_go_on_with_binned_trees_where_exact_ones_are_needed(kind):
    forest = grown(kind, 4).set_params(ccp_alpha=0.1, tree_method="auto", n_estimators=5)
    with pytest.raises(ValueError, match=r"ccp_alpha=0\.1 is not for binned ones"):
        forest.fit(X, target(forest))
    assert len(forest) == 4


def test_a_merged_forest_does_not_go_on(kind):
    merged = skdist.merge([grown(kind, 2), grown(kind, 2)])
    with pytest.raises(ValueError, match="merged forest"):
        merged.set_params(n_estimators=5).fit(X, target(merged))
    assert len(merged) == 4


@pytest.mark.parametrize("tree_method", ["hist", "exact"])
def test_as_many_trees_warns_and_fits_none(kind, tree_method):
    forest = grown(kind, 3, tree_method=tree_method)
    before = new(kind, tree_method=tree_method).fit(X, target(kind()))
    with pytest.warns(UserWarning, match=GROW_ON):
        forest.fit(X, target(forest))
    assert_same_forest(forest, before)


@pytest.mark.parametrize("tree_method", ["hist", "exact"])
def test_fewer_trees_are_refused(kind, tree_method):
    forest = grown(kind, 4, tree_method=tree_method)
    before = forest.predict(X)
    with pytest.raises(ValueError, match=r"n_estimators=2 must be larger or equal.*=4"):
        forest.set_params(n_estimators=2).fit(X, target(forest))
    assert len(forest) == 4
    np.testing.assert_array_equal(forest.predict(X), before)


@pytest.mark.parametrize("tree_method", ["hist", "exact"])
@pytest.mark.parametrize(
    "labels", [CLASSES % 2, CLASSES + 10, CLASSES.astype(str), np.arange(len(X)) % 5]
)
def test_other_classes_are_refused(tree_method, labels):
    forest = grown(DistributedRandomForestClassifier, 3, tree_method=tree_method)
    before = forest.predict_proba(X)
    with pytest.raises(ValueError, match="the same classes"):
        forest.set_params(n_estimators=5).fit(X, labels)
    np.testing.assert_array_equal(forest.predict_proba(X), before)
    np.testing.assert_array_equal(forest.classes_, [0, 1, 2])
    assert len(forest) == 3


def test_a_failure_late_in_a_warm_start_leaves_the_trees(kind):
    """Also the list of trees, to which scikit-learn appends before it scores."""

    def refuse(y, votes):
        raise RuntimeError("no score today")

    for tree_method in ("exact", "hist"):
        forest = grown(kind, 3, tree_method=tree_method, bootstrap=True)
        before = forest.predict(X)
        forest.set_params(n_estimators=30, oob_score=refuse)
        with pytest.raises(RuntimeError, match="no score today"):
            forest.fit(X, target(forest))
        assert len(forest.estimators_) == 3
        np.testing.assert_array_equal(forest.predict(X), before)


@pytest.mark.parametrize("kind", [DistributedRandomForestRegressor])
def test_without_warm_start_everything_is_new(kind):
    forest = new(kind).fit(X, COUNTS)
    forest.set_params(random_state=1).fit(X, COUNTS)
    assert_same_forest(forest, new(kind, random_state=1).fit(X, COUNTS))
