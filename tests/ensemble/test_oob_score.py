# SPDX-License-Identifier: BSD-3-Clause
"""Out-of-bag scores: each row predicted by the trees that have not seen it."""

import numpy as np
import pytest
from forest_twins import CLASSIFIERS, REGRESSORS, whole_numbers
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, mean_absolute_error, r2_score

X, CLASSES, COUNTS, WEIGHT = whole_numbers()


@pytest.fixture(params=[*CLASSIFIERS, *REGRESSORS], ids=lambda kind: kind.__name__)
def forest(request):
    return request.param(40, bootstrap=True, oob_score=True, random_state=0, tree_method="hist")


def target(forest):
    return CLASSES if is_classifier(forest) else COUNTS


def by_hand(forest):
    """The definition, from the trees and their samples."""
    y = target(forest)
    votes = np.zeros((len(y), 3 if is_classifier(forest) else 1))
    n_votes = np.zeros(len(y))
    for tree, rows in zip(forest, forest.estimators_samples_, strict=True):
        unseen = np.setdiff1d(np.arange(len(y)), rows)
        if is_classifier(forest):
            votes[unseen] += tree.predict_proba(X[unseen])
        else:
            votes[unseen, 0] += tree.predict(X[unseen])
        n_votes[unseen] += 1
    return votes / np.maximum(n_votes, 1)[:, None]


def exposed(forest):
    if is_classifier(forest):
        return forest.oob_decision_function_
    return forest.oob_prediction_[:, None]


@pytest.mark.parametrize("parameters", [{}, {"n_shards": 3}, {"max_samples": 0.3}])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_is_what_the_trees_say_of_rows_they_have_not_seen(forest, parameters, weight):
    forest.set_params(**parameters).fit(X, target(forest), weight)
    expected = by_hand(forest)
    np.testing.assert_allclose(exposed(forest), expected, rtol=1e-9, atol=1e-12)
    if is_classifier(forest):
        assert forest.oob_score_ == accuracy_score(CLASSES, expected.argmax(axis=1))
    else:
        assert forest.oob_score_ == pytest.approx(r2_score(COUNTS, expected[:, 0]))


def test_a_function_may_score(forest):
    score = balanced_accuracy_score if is_classifier(forest) else mean_absolute_error
    forest.set_params(oob_score=score).fit(X, target(forest))
    predicted = exposed(forest)[:, 0]
    if is_classifier(forest):
        predicted = exposed(forest).argmax(axis=1)
    assert forest.oob_score_ == score(target(forest), predicted)


def test_rows_that_every_tree_has_seen_are_warned_about(forest):
    with pytest.warns(UserWarning, match="Some inputs do not have OOB scores"):
        forest.set_params(n_estimators=2).fit(X, target(forest))
    never = np.ones(len(X), bool)
    for rows in forest.estimators_samples_:
        never &= np.isin(np.arange(len(X)), rows)
    assert never.any()
    assert not exposed(forest)[never].any()


def test_a_warm_start_scores_all_trees(forest):
    forest.set_params(warm_start=True).fit(X, target(forest))
    forest.set_params(n_estimators=60, random_state=5).fit(X, target(forest))
    np.testing.assert_allclose(exposed(forest), by_hand(forest), rtol=1e-9, atol=1e-12)


def test_estimates_the_score_on_new_rows(forest):
    X_new, classes, counts, _ = whole_numbers(seed=1)
    forest.fit(X, target(forest))
    score = forest.score(X_new, classes if is_classifier(forest) else counts)
    assert forest.oob_score_ == pytest.approx(score, abs=0.06)
    assert forest.oob_score_ < forest.score(X, target(forest))


def test_no_score_unless_asked(forest):
    forest.set_params(oob_score=False).fit(X, target(forest))
    assert not hasattr(forest, "oob_score_")
