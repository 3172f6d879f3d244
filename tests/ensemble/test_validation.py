# SPDX-License-Identifier: BSD-3-Clause
"""Bad input: scikit-learn's own error, or one that says what was given and what to change.

Whatever fails leaves the estimator as it was.
"""

import warnings

import numpy as np
import pytest
from forest_twins import CLASSIFIERS, REGRESSORS, SINCE_19, theirs, whole_numbers
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError

X, CLASSES, COUNTS, WEIGHT = whole_numbers()
N = len(X)
ALL = [*CLASSIFIERS, *REGRESSORS]

both_methods = pytest.mark.parametrize("tree_method", ["hist", "exact"])
every_kind = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)


def new(kind, **parameters):
    return kind(**{"n_estimators": 3, "random_state": 0, "tree_method": "hist", **parameters})


def target(forest):
    return CLASSES if is_classifier(forest) else COUNTS


def with_inf():
    wrong = X.copy()
    wrong[3, 1] = np.inf
    return wrong


# What is wrong: X, y (None: as it should be), weights, parameters
WRONG = {
    "inf": (with_inf(), None, None, {}),
    "too large for float32": (X * 1e300, None, None, {}),
    "empty X": (X[:0], np.empty(0), None, {}),
    "no columns": (X[:, :0], None, None, {}),
    "one-dimensional X": (X[:, 0], None, None, {}),
    "three-dimensional X": (X[:, :, None], None, None, {}),
    "fewer y": (X, np.zeros(N - 1), None, {}),
    "words in X": (np.where(X > 0, "a", "b"), None, None, {}),
    "NaN in y": (X, np.where(np.arange(N) == 5, np.nan, 1.0), None, {}),
    "no y": (X, None, None, {"y": None}),
    "too few weights": (X, None, np.ones(N - 1), {}),
    "weights in two columns": (X, None, np.ones((N, 2)), {}),
    "NaN in the weights": (X, None, np.full(N, np.nan), {}),
    "max_samples without bootstrap": (X, None, None, {"bootstrap": False, "max_samples": 3}),
    "oob_score without bootstrap": (X, None, None, {"bootstrap": False, "oob_score": True}),
    "n_estimators": (X, None, None, {"n_estimators": 0}),
    "max_depth": (X, None, None, {"max_depth": -1}),
    "min_samples_leaf": (X, None, None, {"min_samples_leaf": 0}),
    "criterion": (X, None, None, {"criterion": "mean"}),
    "max_features": (X, None, None, {"max_features": "auto"}),
    "random_state": (X, None, None, {"random_state": "x"}),
    "ccp_alpha": (X, None, None, {"ccp_alpha": -1.0}),
}


def fit(forest, X, y, weight):
    with warnings.catch_warnings():  # on the way to the error, of both
        warnings.simplefilter("ignore")
        return forest.fit(X, y, weight)


def error_of(forest, X, y, weight):
    with pytest.raises((ValueError, TypeError)) as caught:
        fit(forest, X, y, weight)
    return caught.value


def prepare(kind, case, tree_method):
    data, y, weight, parameters = WRONG[case]
    parameters = dict(parameters)
    y = target(kind()) if y is None else y
    y = parameters.pop("y", y)
    return new(kind, tree_method=tree_method, **parameters), data, y, weight


@both_methods
@every_kind
@pytest.mark.parametrize("case", WRONG)
def test_scikit_learns_own_error(kind, case, tree_method):
    forest, data, y, weight = prepare(kind, case, tree_method)
    ours, expected = (error_of(f, data, y, weight) for f in (forest, theirs(forest)))
    assert type(ours) is type(expected)
    name = type(theirs(forest)).__name__
    assert str(ours) == str(expected).replace(name, kind.__name__)


@both_methods
@every_kind
@pytest.mark.parametrize("case", WRONG)
def test_a_failed_fit_leaves_no_trace(kind, case, tree_method):
    forest, data, y, weight = prepare(kind, case, tree_method)
    parameters = forest.get_params()
    fresh = set(vars(forest))
    error_of(forest, data, y, weight)
    assert set(vars(forest)) == fresh
    assert forest.get_params() == parameters
    with pytest.raises(NotFittedError):
        forest.predict(X)


@both_methods
@every_kind
@pytest.mark.parametrize("case", WRONG)
def test_a_fitted_forest_survives_a_failed_fit(kind, case, tree_method):
    wrong, data, y, weight = prepare(kind, case, tree_method)
    forest = new(kind, tree_method=tree_method).fit(X, target(kind()))
    before, expected = dict(vars(forest)), forest.predict(X)
    forest.set_params(**wrong.get_params())
    error_of(forest, data, y, weight)
    forest.set_params(**{name: before[name] for name in forest.get_params()})
    assert {k: id(v) for k, v in vars(forest).items()} == {k: id(v) for k, v in before.items()}
    np.testing.assert_array_equal(forest.predict(X), expected)


@every_kind
def test_negative_weights(kind):
    """scikit-learn's trees take them; a row drawn with a negative probability is none."""
    weight = np.ones(N)
    weight[[3, 9]] = -0.5, -2.0
    with pytest.raises(ValueError, match=r"2 negative values, the smallest -2; .*0 or more"):
        new(kind).fit(X, target(kind()), weight)


@both_methods
@every_kind
@pytest.mark.parametrize("bootstrap", [False, True])
def test_all_weights_zero(kind, tree_method, bootstrap):
    if tree_method == "exact" and not SINCE_19:
        pytest.skip("scikit-learn's own fit took such weights before 1.9")
    forest = new(kind, tree_method=tree_method, bootstrap=bootstrap)
    error = str(error_of(forest, X, target(forest), np.zeros(N)))
    assert "non-zero" in error
    if SINCE_19:
        assert error == str(error_of(theirs(forest), X, target(forest), np.zeros(N)))


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("bootstrap", [False, True])
def test_weights_that_class_weights_make_negative_or_zero(kind, bootstrap):
    with pytest.raises(ValueError, match=r"class_weight.*negative.*must be 0 or more"):
        new(kind, class_weight={0: -1.0}, bootstrap=bootstrap).fit(X, CLASSES)
    with pytest.raises(ValueError, match=r"class_weight.*0 for all rows.*must be positive"):
        new(kind, class_weight={0: 0, 1: 0, 2: 0}, bootstrap=bootstrap).fit(X, CLASSES)
    forest = new(kind, class_weight={0: 0}, bootstrap=bootstrap).fit(X, CLASSES)
    assert not forest.predict_proba(X)[:, 0].any()


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_one_class(kind):
    forest = new(kind).fit(X, np.full(N, "only"))
    assert set(forest.predict(X)) == {"only"}
    np.testing.assert_array_equal(forest.predict_proba(X), np.ones((N, 1)))
    assert all(tree.tree_.node_count == 1 for tree in forest)


@every_kind
def test_a_column_without_values(kind):
    empty = X.copy()
    empty[:, 1] = np.nan
    forest = new(kind).fit(empty, target(kind()))
    assert not any((tree.tree_.feature == 1).any() for tree in forest)
    assert np.isfinite(forest.predict(empty)).all()
    only = new(kind).fit(np.full((N, 1), np.nan), target(kind()))
    assert all(tree.tree_.node_count == 1 for tree in only)


@every_kind
def test_one_row_and_constant_columns(kind):
    y = target(kind())
    assert new(kind).fit(X[:1], y[:1]).predict(X[:3]).tolist() == [y[0]] * 3
    forest = new(kind).fit(np.ones((N, 2)), y)
    assert all(tree.tree_.node_count == 1 for tree in forest)


@every_kind
def test_more_shards_than_rows(kind):
    with pytest.raises(ValueError, match="n_shards=7") as caught:
        new(kind, n_shards=7).fit(X[:6], target(kind())[:6])
    assert "6" in str(caught.value)
    assert new(kind, n_shards=6).fit(X[:6], target(kind())[:6]).n_shards_ == 6


@every_kind
@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("n_shards", 0, r"\[1, inf\)"),
        ("n_shards", 2.5, "int"),
        ("strategy", "scatter", "'auto', 'histogram', 'replicate'|'shard'"),
        ("tree_method", "approx", "'auto'|'exact'|'hist'"),
    ],
)
def test_our_own_parameters(kind, name, value, allowed):
    message = rf"The '{name}' parameter of {kind.__name__} must be .*{allowed}.* Got {value!r}"
    with pytest.raises(ValueError, match=message):
        new(kind, **{name: value}).fit(X, target(kind()))


@pytest.mark.parametrize("kind", REGRESSORS)
@both_methods
def test_poisson_wants_counts(kind, tree_method):
    forest = new(kind, criterion="poisson", tree_method=tree_method)
    with pytest.raises(ValueError, match=r"Some value\(s\) of y are negative"):
        forest.fit(X, COUNTS - 5)
    with pytest.raises(ValueError, match="Sum of y is not strictly positive"):
        forest.fit(X, 0 * COUNTS)


@pytest.mark.parametrize("kind", REGRESSORS)
@pytest.mark.parametrize(("scale", "shift"), [(2.0**-300, 0), (2.0**300, 0), (1, 1e9), (-1, 0)])
def test_targets_of_any_size(kind, scale, shift):
    """Sums are integers of 62 bits wherever y lies: the splits are the same."""
    plain = new(kind).fit(X, COUNTS)
    moved = new(kind).fit(X, COUNTS * scale + shift)
    for a, b in zip(moved, plain, strict=True):
        np.testing.assert_array_equal(a.tree_.feature, b.tree_.feature)
        np.testing.assert_array_equal(a.tree_.threshold, b.tree_.threshold)
    expected = plain.predict(X) * scale + shift
    np.testing.assert_allclose(moved.predict(X), expected, rtol=1e-12)


@every_kind
def test_predict_refuses_what_scikit_learn_refuses(kind):
    forest = new(kind).fit(X, target(kind()))
    reference = theirs(forest).fit(X, target(kind()))
    for wrong in (X[:, :2], with_inf(), X[0], X[:0]):
        with pytest.raises(ValueError) as expected:
            reference.predict(wrong)
        with pytest.raises(ValueError) as ours:
            forest.predict(wrong)
        name = type(reference).__name__
        assert str(ours.value) == str(expected.value).replace(name, kind.__name__)


@pytest.mark.parametrize("kind", CLASSIFIERS)
@both_methods
@pytest.mark.parametrize("class_weight", [{"x": 2.0}, "even", [{0: 1}, {0: 2}]])
def test_class_weights_that_scikit_learn_refuses(kind, class_weight, tree_method):
    forest = new(kind, class_weight=class_weight, tree_method=tree_method)
    ours, expected = (error_of(f, X, CLASSES, None) for f in (forest, theirs(forest)))
    assert str(ours) == str(expected).replace(type(theirs(forest)).__name__, kind.__name__)
