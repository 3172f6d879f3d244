# SPDX-License-Identifier: BSD-3-Clause
"""A fitted forest is scikit-learn's: its trees are real, and all that looks at them works."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from forest_twins import CLASSIFIERS, REGRESSORS, assert_same_forest, theirs, whole_numbers
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import export_text

import skdist
from skdist.ensemble import DistributedRandomForest, DistributedRandomForestClassifier

X, CLASSES, COUNTS, WEIGHT = whole_numbers()
X_NEW = np.random.default_rng(1).uniform(-5, 45, (300, X.shape[1])).astype(np.float32)
X_NEW[::7, 1] = np.nan
ALL = [*CLASSIFIERS, *REGRESSORS]


def target(forest):
    return CLASSES if is_classifier(forest) else COUNTS


def new(kind, **parameters):
    return kind(**{"n_estimators": 7, "random_state": 0, "tree_method": "hist", **parameters})


@pytest.fixture(scope="module", params=ALL, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(kind):
    forest = new(kind)
    with_missing = np.where(np.random.default_rng(1).random(X.shape) < 0.05, np.nan, X)
    return forest.fit(with_missing, target(forest))


def predicted(forest, X=X_NEW):
    return forest.predict_proba(X) if is_classifier(forest) else forest.predict(X)


def test_the_prediction_is_the_mean_of_the_trees(fitted):
    mean = np.mean([predicted(tree) for tree in fitted.estimators_], axis=0)
    np.testing.assert_allclose(predicted(fitted), mean, rtol=0, atol=1e-12 * np.abs(mean).max())


@pytest.mark.parametrize("kind", CLASSIFIERS, indirect=True, ids=lambda kind: kind.__name__)
def test_what_is_predicted_is_the_likeliest_class(fitted):
    p = fitted.predict_proba(X_NEW)
    np.testing.assert_array_equal(fitted.predict(X_NEW), fitted.classes_[p.argmax(axis=1)])
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(fitted.predict_log_proba(X_NEW), np.log(p))


def test_apply_and_decision_path_are_those_of_the_trees(fitted):
    leaves = fitted.apply(X_NEW)
    expected = np.stack([tree.apply(X_NEW) for tree in fitted.estimators_], axis=1)
    np.testing.assert_array_equal(leaves, expected)
    paths, pointer = fitted.decision_path(X_NEW)
    assert paths.shape == (len(X_NEW), sum(t.tree_.node_count for t in fitted.estimators_))
    assert paths[np.arange(len(X_NEW))[:, None], pointer[:-1] + leaves].min() == 1


def test_trees_are_scikit_learns(fitted):
    reference = theirs(fitted).set_params(n_estimators=1).fit(X, target(fitted)).estimators_[0]
    for tree in fitted.estimators_:
        assert type(tree) is type(reference)
        assert "feature_2" in export_text(tree)
        assert tree.get_params().keys() == reference.get_params().keys()
    assert fitted.estimators_[0] is fitted.estimators_[0]
    assert isinstance(fitted.estimator_, type(reference))


def test_length_iteration_and_index(fitted):
    assert len(fitted) == 7
    assert list(fitted) == fitted.estimators_
    assert fitted[3] is fitted.estimators_[3]


def test_seeds_of_the_trees_are_scikit_learns(fitted):
    reference = theirs(fitted).fit(X, target(fitted))
    assert [t.random_state for t in fitted] == [t.random_state for t in reference]


def test_feature_importances(fitted):
    importances = fitted.feature_importances_
    assert importances.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(
        importances, np.mean([tree.feature_importances_ for tree in fitted], axis=0)
    )
    assert set(np.argsort(importances)[-3:]) == {0, 1, 2}  # the others are noise


def test_permutation_importance(fitted):
    found = permutation_importance(fitted, X, target(fitted), n_repeats=2, random_state=0)
    assert found.importances_mean[0] > 0.05


@pytest.mark.parametrize("kind", REGRESSORS[:1], indirect=True)  # as in scikit-learn
def test_partial_dependence_by_recursion_is_that_by_brute_force(fitted):
    curves = [
        partial_dependence(fitted, X[:50], [0], method=method, grid_resolution=8)["average"]
        for method in ("recursion", "brute")
    ]
    assert curves[0].shape == (1, 8)
    assert np.ptp(curves[0]) > 1.0
    np.testing.assert_allclose(curves[0], curves[1], rtol=0.5)  # weighs rows by the trees' samples


def test_pickling_changes_no_prediction(fitted, tmp_path):
    expected = predicted(fitted)
    joblib.dump(fitted, tmp_path / "forest.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "forest.joblib")):
        np.testing.assert_array_equal(predicted(copy), expected)
        assert_same_forest(copy, fitted)
        assert copy.report_ == fitted.report_


def test_a_pickle_carries_no_caches(kind):
    forest = new(kind).fit(X, target(kind()))
    before = len(pickle.dumps(forest))
    predicted(forest)
    assert forest.estimators_
    assert len(pickle.dumps(forest)) == before


def test_a_mapped_pickle_is_read_only_and_predicts(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "forest.joblib")
    mapped = joblib.load(tmp_path / "forest.joblib", mmap_mode="r")
    np.testing.assert_array_equal(predicted(mapped), predicted(fitted))


def test_clone_and_parameters(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(X_NEW)
    assert not [name for name in vars(copy) if name.endswith("_") or name.startswith("_")]
    assert copy.set_params(max_depth=2, n_shards=3).fit(X, target(copy)).n_shards_ == 3
    assert max(tree.get_depth() for tree in copy) == 2


def test_all_of_scikit_learns_parameters_with_its_defaults(kind):
    ours, reference = kind().get_params(), theirs(kind()).get_params()
    assert ours.items() >= reference.items()
    assert set(ours) - set(reference) == {"n_shards", "strategy", "tree_method"}


def test_what_is_not_fitted_says_so(kind):
    with pytest.raises(NotFittedError, match=kind.__name__):
        kind().predict(X)
    with pytest.raises(AttributeError, match="not fitted yet"):
        kind().estimators_  # noqa: B018
    assert not hasattr(kind(), "estimators_")
    assert not hasattr(kind(), "feature_importances_")


def test_rows_of_each_sample(fitted):
    samples = fitted.estimators_samples_
    assert len(samples) == 7
    for tree, rows in zip(fitted, samples, strict=True):
        assert len(rows) == len(X)
        assert tree.tree_.n_node_samples[0] == len(np.unique(rows))
        assert tree.tree_.weighted_n_node_samples[0] == len(X)
        assert 0 <= rows.min() <= rows.max() < len(X)
    assert fitted.bootstrap == (len(np.unique(samples[0])) < len(X))
    assert not fitted.bootstrap or (samples[0] != samples[1]).any()


def test_a_tree_s_values_are_those_of_its_sample(kind):
    forest = new(kind, bootstrap=True).fit(X, target(kind()))
    for tree, rows in zip(forest, forest.estimators_samples_, strict=True):
        y = target(forest)[rows]
        root = np.bincount(y, minlength=3) / len(y) if is_classifier(forest) else [y.mean()]
        np.testing.assert_allclose(tree.tree_.value[0, 0], root, rtol=1e-9)


def test_the_same_seed_gives_the_same_forest(kind, fitted):
    one, two, other = (new(kind, random_state=s).fit(X, target(fitted)) for s in (4, 4, 5))
    assert_same_forest(one, two)
    with pytest.raises(AssertionError):
        assert_same_forest(one, other)
    free = [new(kind, random_state=None).fit(X, target(fitted)) for _ in range(2)]
    with pytest.raises(AssertionError):
        assert_same_forest(*free)
    drawn = [
        new(kind, random_state=np.random.RandomState(4)).fit(X, target(fitted)) for _ in range(2)
    ]
    assert_same_forest(drawn[0], one)
    assert_same_forest(drawn[1], one)


def test_in_a_pipeline(kind):
    y = target(kind())
    pipeline = make_pipeline(StandardScaler(), new(kind)).fit(X, y)
    assert pipeline.score(X, y) > 0.8


def test_in_a_grid_search(kind):
    y = target(kind())
    search = GridSearchCV(new(kind), {"max_depth": [1, 8], "n_shards": [1, 3]}, cv=3).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert search.best_params_["max_depth"] == 8
    assert scores[0] == scores[1]
    assert scores[2] == scores[3]


def test_refitting_forgets(kind, fitted):
    forest = new(kind).fit(X[:, :2], target(fitted))
    predicted(forest, X_NEW[:, :2])
    assert_same_forest(forest.fit(X, target(fitted)), new(kind).fit(X, target(fitted)))
    assert forest.n_features_in_ == X.shape[1]
    np.testing.assert_array_equal(predicted(forest), predicted(new(kind).fit(X, target(fitted))))


def test_the_report(fitted):
    report = fitted.report_
    assert (report.method, report.strategy, report.exact) == ("hist", "replicate", True)
    assert len(report.shards) == fitted.n_shards_ == 1
    assert report.shards[0].rows == range(len(X))
    assert report.rounds >= 3
    assert set(report.seconds) == {"bin", "grow"}


def test_the_short_name():
    assert DistributedRandomForest is DistributedRandomForestClassifier
    assert skdist.DistributedRandomForest is DistributedRandomForest


@pytest.mark.parametrize("tree_method", ["exact", "hist"])
def test_frames_are_predicted_without_a_warning(tree_method):
    """Of the names of columns, which scikit-learn's own trees look for again."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    for kind in ("Classifier", "Regressor"):
        forest = getattr(skdist, f"DistributedRandomForest{kind}")(3, tree_method=tree_method)
        forest.fit(frame, (frame.a > 0).astype(int))
        assert len(forest.predict(frame)) == len(forest.apply(frame)) == 60
