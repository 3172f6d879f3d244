# SPDX-License-Identifier: BSD-3-Clause
"""Scorers: scikit-learn's values of rows in memory, and of collections without gathering them."""

import pickle

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.metrics
from dask.callbacks import Callback
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from skdist import (
    DistributedLogisticRegression,
    DistributedRandomForestClassifier,
    DistributedRidge,
    DistributedRidgeClassifier,
    DistributedStandardScaler,
)
from skdist.metrics import (
    accuracy_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    make_scorer,
    roc_auc_score,
)

RNG = np.random.default_rng(0)
N, CHUNKS = 600, (250, 0, 200, 150)
X = RNG.normal(size=(N, 4)) * [1.0, 10.0, 0.1, 1.0]
Z = X @ [1.0, 0.1, 5.0, 0.0] + RNG.normal(size=N)
TWO = np.where(Z > 0.3, "yes", "no")
THREE = np.array(["ash", "birch", "cedar"])[np.digitize(Z, [-0.5, 0.5])]
WEIGHT = RNG.integers(0, 4, N).astype(float)

MODELS = {
    "two": (make_pipeline(DistributedStandardScaler(), DistributedLogisticRegression()), TWO),
    "three": (make_pipeline(DistributedStandardScaler(), DistributedLogisticRegression()), THREE),
    "numbers": (make_pipeline(DistributedStandardScaler(), DistributedRidge()), Z),
}
CASES = [
    ("accuracy", "two"), ("accuracy", "three"), ("neg_log_loss", "two"), ("neg_log_loss", "three"),
    ("roc_auc", "two"), ("roc_auc_ovr", "three"), ("roc_auc_ovr_weighted", "three"),
    ("r2", "numbers"), ("neg_mean_squared_error", "numbers"),
]  # fmt: skip
every_case = pytest.mark.parametrize(("name", "kind"), CASES)


def cut(values):
    return da.from_array(values, chunks=(CHUNKS, -1)[: values.ndim])


class Largest(Callback):
    """The most rows that any task gave."""

    def __init__(self):
        super().__init__(posttask=self.see)
        self.rows = 0

    def see(self, key, value, *rest):
        if isinstance(value, pd.DataFrame | pd.Series | np.ndarray):
            self.rows = max(self.rows, len(value))


def test_every_name_is_scikit_learns_and_tested():
    assert get_scorer_names() == sorted({name for name, _ in CASES})
    assert set(get_scorer_names()) <= set(sklearn.metrics.get_scorer_names())


@every_case
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["rows", "weights"])
def test_in_memory_and_of_collections(name, kind, weight):
    pipe, y = MODELS[kind]
    pipe.fit(X, y)
    scorer = get_scorer(name)
    more = {} if weight is None else {"sample_weight": weight}
    expected = sklearn.metrics.get_scorer(name)(pipe, X, y, **more)
    assert scorer(pipe, X, y, **more) == expected
    weights = {} if weight is None else {"sample_weight": cut(weight)}
    with Largest() as largest:
        found = scorer(pipe, cut(X), cut(y), **weights)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0 < largest.rows <= max(CHUNKS)


@every_case
def test_of_frames_on_a_cluster(name, kind, dask_client):
    pipe, y = MODELS[kind]
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipe.fit(frame, y)
    there = dd.from_pandas(frame.assign(y=y), npartitions=4)
    with dask_client.as_current():
        found = get_scorer(name)(pipe, there[list("abcd")], there["y"])
    expected = sklearn.metrics.get_scorer(name)(pipe, frame, y)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@every_case
def test_cross_validation_gives_scikit_learns_values(name, kind):
    pipe, y = MODELS[kind]
    ours = cross_val_score(pipe, X, y, cv=3, scoring=get_scorer(name))
    np.testing.assert_array_equal(ours, cross_val_score(pipe, X, y, cv=3, scoring=name))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_and_the_score_of_its_best_on_a_collection(n_jobs):
    pipe, y = MODELS["two"]
    grid = {"logisticregression__C": [0.01, 1.0]}
    grid = {key.replace("logistic", "distributedlogistic"): v for key, v in grid.items()}
    found = {
        scoring: GridSearchCV(pipe, grid, cv=3, scoring=scoring, n_jobs=n_jobs).fit(X, y)
        for scoring in ("neg_log_loss", get_scorer("neg_log_loss"))
    }
    theirs, ours = found.values()
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(ours.score(cut(X), cut(y)), theirs.score(X, y), rtol=1e-9)


def test_several_scorers_of_one_search():
    pipe, y = MODELS["two"]
    scoring = {name: get_scorer(name) for name in ("accuracy", "neg_log_loss", "roc_auc")}
    found = cross_validate(pipe, X, y, cv=3, scoring=scoring)
    expected = cross_validate(pipe, X, y, cv=3, scoring=list(scoring))
    for name in scoring:
        np.testing.assert_array_equal(found[f"test_{name}"], expected[f"test_{name}"])


def test_weights_are_routed():
    pipe, y = MODELS["two"]
    scorer, theirs = get_scorer("accuracy"), sklearn.metrics.get_scorer("accuracy")
    with sklearn.config_context(enable_metadata_routing=True):
        pair = [
            cross_val_score(
                DistributedRidgeClassifier().set_fit_request(sample_weight=True), X, y, cv=3,
                scoring=one.set_score_request(sample_weight=True),
                params={"sample_weight": WEIGHT},
            )
            for one in (scorer, theirs)
        ]  # fmt: skip
    np.testing.assert_array_equal(*pair)
    pipe.fit(X, y)
    assert not np.array_equal(pair[0], cross_val_score(pipe, X, y, cv=3, scoring=scorer))


def test_the_first_method_that_there_is():
    forest = DistributedRandomForestClassifier(5, random_state=0).fit(
        X, TWO
    )  # no decision_function
    found = get_scorer("roc_auc")(forest, cut(X), cut(TWO))
    np.testing.assert_allclose(found, roc_auc_score(TWO, forest.predict_proba(X)[:, 1]), atol=1e-6)
    with pytest.raises(AttributeError, match="none of the methods predict_proba"):
        get_scorer("neg_log_loss")(DistributedRidge().fit(X, Z), cut(X), cut(Z))


def test_a_class_that_the_scored_rows_lack():
    """The model says which classes there are; scikit-learn must be told."""
    pipe, y = MODELS["three"]
    pipe.fit(X, y)
    rows = y != "birch"
    found = get_scorer("neg_log_loss")(
        pipe, da.from_array(X[rows], chunks=(99, -1)), da.from_array(y[rows], chunks=99)
    )
    p = pipe.predict_proba(X[rows])
    np.testing.assert_allclose(
        found, -sklearn.metrics.log_loss(y[rows], p, labels=pipe.classes_), rtol=1e-12
    )


def test_a_label_that_no_model_knows():
    p = da.full((4, 2), 0.5, chunks=(2, 2))
    with pytest.raises(ValueError, match=r"has the labels \['x'\], which are none of the classes"):
        log_loss(da.from_array(np.array(["a", "b", "x", "a"]), chunks=2), p, labels=["a", "b"])


def test_scorers_of_ones_own():
    pipe, y = MODELS["two"]
    pipe.fit(X, y)
    wrong = make_scorer(accuracy_score, greater_is_better=False, normalize=False)
    assert wrong(pipe, cut(X), cut(y)) == wrong(pipe, X, y) == -(pipe.predict(X) == y).sum()
    assert pickle.loads(pickle.dumps(wrong))(pipe, cut(X), cut(y)) == wrong(pipe, X, y)
    assert get_scorer(wrong) is wrong
    with pytest.raises(ValueError, match=r"'f1' is none of .* make_scorer of a metric"):
        get_scorer("f1")
