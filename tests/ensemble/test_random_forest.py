# SPDX-License-Identifier: BSD-3-Clause
"""What goes into a random forest, and how well it predicts."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from forest_twins import SINCE_19, assert_same_forest, theirs, whole_numbers
from sklearn.datasets import make_classification, make_friedman1
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error
from sklearn.model_selection import train_test_split

from skdist.ensemble import DistributedRandomForestClassifier, DistributedRandomForestRegressor

X, CLASSES, COUNTS, WEIGHT = whole_numbers()
X[::9, 3] = np.nan
NAMES = [f"x{j}" for j in range(X.shape[1])]


def classifier(**parameters):
    return DistributedRandomForestClassifier(
        **{"n_estimators": 5, "random_state": 0, "tree_method": "hist", **parameters}
    )


def regressor(**parameters):
    return DistributedRandomForestRegressor(
        **{"n_estimators": 5, "random_state": 0, "tree_method": "hist", **parameters}
    )


@pytest.fixture(scope="module")
def expected():
    return classifier().fit(X, CLASSES)


def on_disk(folder, dtype, order):
    path = folder / "X.npy"
    mapped = np.lib.format.open_memmap(path, "w+", dtype=dtype, shape=X.shape, fortran_order=order)
    mapped[:] = X
    mapped.flush()
    return np.load(path, mmap_mode="r")


FORMS = {
    "float32": lambda folder: X.astype(np.float32),
    "fortran": lambda folder: np.asfortranarray(X),
    "every other row": lambda folder: np.repeat(X, 2, axis=0)[::2],
    "lists": lambda folder: X.tolist(),
    "memmap": lambda folder: on_disk(folder, np.float64, False),
    "float32 memmap": lambda folder: on_disk(folder, np.float32, True),
    "pandas": lambda folder: pd.DataFrame(X, columns=NAMES),
    "pandas with integers": lambda folder: pd.DataFrame(X, columns=NAMES).astype({"x0": int}),
    "polars": lambda folder: pl.DataFrame(X, schema=NAMES),
    "objects": lambda folder: X.astype(object),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_X_gives_the_same_forest(form, tmp_path, expected):
    data = FORMS[form](tmp_path)
    forest = classifier().fit(data, CLASSES)
    assert_same_forest(forest, expected)
    np.testing.assert_array_equal(forest.predict_proba(data), expected.predict_proba(X))
    np.testing.assert_array_equal(forest.apply(data), expected.apply(X))


@pytest.mark.parametrize("frame", [pd.DataFrame(X, columns=NAMES), pl.DataFrame(X, schema=NAMES)])
def test_feature_names_are_kept_and_checked(frame):
    if isinstance(frame, pl.DataFrame) and not SINCE_19:
        pytest.skip("scikit-learn reads names of frames of polars from 1.9 on")
    forest = classifier().fit(frame, CLASSES)
    assert forest.feature_names_in_.tolist() == NAMES
    with pytest.raises(ValueError, match="feature names"):
        forest.predict(frame[NAMES[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        forest.predict(X)


@pytest.mark.parametrize(
    "y",
    [
        CLASSES.tolist(),
        CLASSES.astype(np.int8),
        CLASSES.astype(float),
        pd.Series(CLASSES),
        pl.Series(CLASSES),
    ],
    ids=lambda y: type(y).__name__,
)
def test_forms_of_y(y, expected):
    assert_same_forest(classifier().fit(X, y), expected)


@pytest.mark.parametrize(
    "names", [np.array(["ant", "bee", "cow"]), np.array([-7, 0, 12]), np.array([False, True, True])]
)
def test_labels_of_any_kind(names):
    y = names[CLASSES]
    forest, reference = classifier().fit(X, y), theirs(classifier()).fit(X, y)
    np.testing.assert_array_equal(forest.classes_, np.unique(names))
    assert forest.n_classes_ == len(np.unique(names)) == reference.n_classes_
    predicted = forest.predict(X)
    assert predicted.dtype == reference.predict(X).dtype
    assert np.mean(predicted == y) > 0.9


def test_objects_as_labels():
    y = np.array(["ant", "bee", "cow"], dtype=object)[CLASSES]
    assert classifier().fit(X, y).predict(X).dtype == object


@pytest.mark.parametrize("make", [classifier, regressor])
def test_weights_may_be_anything_array_like(make):
    y = CLASSES if make is classifier else COUNTS
    plain = make().fit(X, y, WEIGHT)
    for weight in (WEIGHT.tolist(), pd.Series(WEIGHT), pl.Series(WEIGHT)):
        assert_same_forest(make().fit(X, y, weight), plain)


def test_nothing_that_was_given_is_changed():
    given = X.copy(order="F"), CLASSES.copy(), WEIGHT.copy()
    for array in given:
        array.setflags(write=False)
    classifier().fit(*given).predict(given[0])
    np.testing.assert_array_equal(given[0], X)
    np.testing.assert_array_equal(given[2], WEIGHT)


def test_fits_that_others_hold_do_not_change():
    forest = classifier().fit(X, CLASSES)
    trees, before = forest.estimators_, forest.predict_proba(X)
    forest.fit(X, CLASSES[::-1])
    np.testing.assert_array_equal(np.mean([t.predict_proba(X) for t in trees], axis=0), before)


# Quality: the loss on held-out rows, ours over scikit-learn's, mean over seeds.
SEEDS = range(6)


def losses(forest, X, y, loss):
    """Held-out loss of skdist's and of scikit-learn's forest, (seeds, 2)."""
    table = []
    for seed in SEEDS:
        parts = train_test_split(X, y, random_state=seed)
        pair = forest.set_params(random_state=seed), theirs(forest).set_params(random_state=seed)
        table.append([loss(f.fit(parts[0], parts[2]), parts[1], parts[3]) for f in pair])
    return np.array(table)


def assert_as_good(table):
    """No worse than scikit-learn by more than three standard errors of the paired difference.

    And by no more than 3 % of the loss, so that noisy losses do not excuse a bad forest.
    """
    difference = table[:, 0] - table[:, 1]
    error = difference.std(ddof=1) / np.sqrt(len(table))
    assert difference.mean() <= 3 * error
    assert difference.mean() <= 0.03 * table[:, 1].mean()


def smoothed(p):
    """Never sure: the log-loss of one row must not outweigh all others."""
    return 0.99 * p + 0.01 / p.shape[1]


def held_out_log_loss(forest, X, y):
    return log_loss(y, smoothed(forest.predict_proba(X)), labels=forest.classes_)


def held_out_squares(forest, X, y):
    return mean_squared_error(y, forest.predict(X))


def held_out_deviance(forest, X, y):
    return mean_poisson_deviance(y, np.maximum(forest.predict(X), 1e-3))


@pytest.mark.parametrize(
    "parameters", [{}, {"class_weight": "balanced_subsample"}, {"bootstrap": False}]
)
def test_as_good_as_scikit_learn_on_many_classes(parameters):
    data, y = make_classification(
        1500, 12, n_informative=8, n_classes=5, n_clusters_per_class=1, random_state=0
    )
    forest = classifier(n_estimators=40, **parameters)
    assert_as_good(losses(forest, data, y, held_out_log_loss))


@pytest.mark.parametrize("max_features", [1.0, 0.4])
def test_as_good_as_scikit_learn_on_friedman(max_features):
    data, y = make_friedman1(1500, noise=1.0, random_state=0)
    forest = regressor(n_estimators=40, max_features=max_features)
    assert_as_good(losses(forest, data, y, held_out_squares))


def test_as_good_as_scikit_learn_on_counts():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(1500, 6))
    y = rng.poisson(np.exp(data[:, 0] + 0.5 * np.sin(3 * data[:, 1])))
    forest = regressor(n_estimators=40, criterion="poisson", min_samples_leaf=5)
    assert_as_good(losses(forest, data, y, held_out_deviance))


def test_as_good_as_scikit_learn_with_missing_values():
    data, y = make_classification(1500, 8, n_informative=6, random_state=0)
    data[np.random.default_rng(0).random(data.shape) < 0.2] = np.nan
    assert_as_good(losses(classifier(n_estimators=40), data, y, held_out_log_loss))
