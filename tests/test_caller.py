# SPDX-License-Identifier: BSD-3-Clause
"""A warning is of the line that called the library, through whatever calls it went."""

import dask.array as da
import numpy as np
import pytest
from journal_problems import Rounds
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skdist
from skdist.sharding import JournalWarning, _store, running_fit

X, Y = make_classification(400, 8, random_state=0)
SHORT = {
    "logistic": skdist.DistributedLogisticRegression(solver="lbfgs", max_iter=1),
    "SGD": skdist.DistributedSGDClassifier(max_iter=1, n_shards=2, random_state=0),
    "SVC": skdist.DistributedSVC(max_iter=1),
    "perceptron": skdist.DistributedMLPClassifier(8, max_iter=1, random_state=0),
    "lasso": skdist.DistributedLasso(1e-6, max_iter=1, tol=1e-12),
}


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("inside", ["alone", "pipeline", "search"])
def test_warnings_name_the_line_that_called(name, inside):
    model = SHORT[name]
    if inside == "pipeline":
        model = make_pipeline(skdist.DistributedStandardScaler(), model)
    if inside == "search":
        model = GridSearchCV(model, {"max_iter": [1]}, cv=2)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, Y)
    assert {w.filename for w in caught if w.category is ConvergenceWarning} == {__file__}


def test_a_forest_that_does_not_grow_says_so_where_it_was_asked_to():
    forest = skdist.DistributedRandomForestClassifier(2, tree_method="hist", warm_start=True).fit(
        X, Y
    )
    with pytest.warns(UserWarning, match="without increasing n_estimators") as caught:
        assert np.array_equal(forest.fit(X, Y).classes_, [0, 1])
    assert caught[0].filename == __file__


def interrupt():
    raise KeyboardInterrupt


def stopped(model, last):
    """Fit, with a Ctrl-C before a round."""
    with running_fit([Rounds(last, interrupt)]):
        model.fit(X, Y)


def test_an_interrupted_perceptron_says_so_where_it_was_fitted():
    with pytest.warns(UserWarning, match="Training interrupted by user") as caught:
        stopped(skdist.DistributedMLPClassifier(8, n_shards=2, random_state=0), 3)
    assert {w.filename for w in caught} == {__file__}


def test_journals_speak_of_the_line_that_fitted(tmp_path):
    model = skdist.DistributedLogisticRegression(solver="lbfgs", n_shards=2)
    with skdist.config_context(journal=tmp_path):
        with pytest.raises(KeyboardInterrupt):
            stopped(model, 4)
        with pytest.warns(JournalWarning, match="is another one: parameter C") as caught:
            model.set_params(C=2.0).fit(X, Y)
    assert {w.filename for w in caught} == {__file__}


def test_a_record_that_was_torn_is_told_where_it_is_fitted_again(tmp_path):
    model = skdist.DistributedLogisticRegression(solver="lbfgs", n_shards=2)
    with skdist.config_context(journal=tmp_path):
        with pytest.raises(KeyboardInterrupt):
            stopped(model, 4)
        (log,) = tmp_path.rglob("rounds")
        log.write_bytes(log.read_bytes()[:-3])
        with pytest.warns(JournalWarning, match="are no whole record") as caught:
            model.fit(X, Y)
    assert {w.filename for w in caught} == {__file__}


def test_a_full_disk_is_told_where_it_was_fitted(tmp_path, monkeypatch):
    monkeypatch.setattr(_store, "LEFT_FREE", 1.1)  # nothing is ever free enough
    rows, y = da.from_array(X, chunks=(100, 8)), da.from_array(Y, chunks=100)
    with (
        skdist.config_context(spill=str(tmp_path)),
        pytest.warns(UserWarning, match="found no room") as caught,
    ):
        skdist.DistributedLogisticRegression(solver="lbfgs").fit(rows, y)
    assert {w.filename for w in caught} == {__file__}
