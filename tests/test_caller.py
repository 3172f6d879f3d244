# SPDX-License-Identifier: BSD-3-Clause
"""A warning is of the line that called the library, through whatever calls it went."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skdist

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
