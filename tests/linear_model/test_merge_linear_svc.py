# SPDX-License-Identifier: BSD-3-Clause
"""Support vector machines fitted apart, merged; and rows of Dask collections."""

import dask.array as da
import numpy as np
import pytest
from linear_problems import classes_problem
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.svm import LinearSVC
from test_linear_svc import KINDS, assert_optimum, objective, ours

import skdist
from skdist import DistributedLinearSVC

PIECES = (slice(0, 500), slice(500, 800), slice(800, None))


def problem(n_classes):
    return classes_problem(n_classes, n=1500)


def shards(kind, n_classes, pieces=PIECES, **parameters):
    X, y, weight = problem(n_classes)
    model = DistributedLinearSVC(**{**KINDS[kind], "tol": 1e-7, **parameters})
    return [
        type(model)(**model.get_params()).fit_shard(
            X[own], y[own], weight[own], classes=np.unique(y)
        )
        for own in pieces
    ]


def lacking(model, n_classes):
    """How far it is above the minimum of all rows, in units of it."""
    X, y, weight = problem(n_classes)
    parameters = {name: getattr(model, name) for name in ("C", "loss", "penalty")}
    best = DistributedLinearSVC(**parameters, tol=1e-7).fit(X, y, weight)
    least = objective(best, X, y, weight)
    return (objective(model, X, y, weight) - least) / least


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", ["squared", "l1"])
def test_by_curvature_is_nearer_than_by_averaging(kind, n_classes):
    models = shards(kind, n_classes)
    merged = skdist.merge(models)
    assert merged.report_.strategy == "curvature" and not merged.report_.exact
    for model in models:
        model._expansion = None
    averaged = skdist.merge(models)
    assert averaged.report_.strategy == "average"
    assert lacking(merged, n_classes) < 0.5 * lacking(averaged, n_classes)
    assert lacking(merged, n_classes) < 1e-3


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_one_model_alone_is_itself(kind, n_classes):
    (model,) = shards(kind, n_classes, pieces=[slice(None)])
    merged = skdist.merge([model])
    assert_optimum(merged, model, rtol=1e-5)
    assert_array_equal(merged.classes_, model.classes_)


@pytest.mark.parametrize("kind", KINDS)
def test_law_1_merging_is_associative_and_changes_nothing(kind):
    a, b, c = shards(kind, 3)
    before = [model.coef_.copy() for model in (a, b, c)]
    at_once = skdist.merge([a, b, c])
    for other in (skdist.merge([skdist.merge([a, b]), c]), skdist.merge([a, skdist.merge([b, c])])):
        assert_allclose(other.coef_, at_once.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(other.intercept_, at_once.intercept_, rtol=1e-9)
        assert other.n_shards_ == 3
    for model, coef in zip((a, b, c), before, strict=True):
        assert_array_equal(model.coef_, coef)


def test_the_intercepts_scale_is_no_matter_of_the_merge():
    a, b, _ = shards("squared", 3)
    c = shards("squared", 3, intercept_scaling=10.0)[2]
    merged = skdist.merge([a, b, c])
    assert_optimum(merged, skdist.merge(shards("squared", 3)), rtol=1e-2)


def test_the_predicted_gap_is_that_of_the_models():
    same = shards("squared", 3, pieces=[slice(None)] * 2)
    apart = shards("squared", 3)
    gaps = [skdist.merge(models).report_.extra["predicted_gap"] for models in (same, apart)]
    assert 0 <= gaps[0] < 1e-2 * gaps[1]


def test_the_hinge_is_averaged_by_the_weight_of_the_rows():
    models = shards("hinge", 3)
    _, _, weight = problem(3)
    shares = [weight[own].sum() for own in PIECES]
    merged = skdist.merge(models)
    expected = np.average([model.coef_ for model in models], axis=0, weights=shares)
    assert_allclose(merged.coef_, expected, rtol=1e-12)
    assert merged.report_.strategy == "average" and not merged.report_.exact
    assert 0 < lacking(merged, 3) < 0.05


def test_scikit_learns_own_models_merge_with_ours():
    X, y, _ = problem(3)
    theirs = LinearSVC(C=0.1).fit(X[PIECES[0]], y[PIECES[0]])
    merged = skdist.merge([theirs, shards("squared", 3)[1]])
    assert isinstance(merged, DistributedLinearSVC)
    expected = (theirs.coef_ + shards("squared", 3)[1].coef_) / 2
    assert_allclose(merged.coef_, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_classes_are_united(kind):
    X, y, _ = problem(3)
    first, second = (np.isin(y, pair) for pair in ([0, 1], [1, 2]))
    models = [DistributedLinearSVC(**KINDS[kind]).fit_shard(X[p], y[p]) for p in (first, second)]
    merged = skdist.merge(models)
    assert_array_equal(merged.classes_, [0, 1, 2])
    assert merged.coef_.shape == (3, 4) and (merged.predict(X) == y).mean() > 0.5


def test_a_shard_of_one_class():
    X, y, _ = problem(3)
    models = [
        DistributedLinearSVC(C=0.1).fit_shard(X[y == k], y[y == k], classes=[0, 1, 2])
        for k in range(3)
    ]
    merged = skdist.merge(models)
    assert np.isfinite(merged.coef_).all() and (merged.predict(X) == y).mean() > 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["streamed", "on the cluster"])
def test_dask_arrays(kind, place, request):
    X, y, weight = problem(3)
    chunks = (400, 300, 800)
    parts = [da.from_array(values, chunks=(chunks, *values.shape[1:])) for values in (X, y, weight)]
    expected = ours(kind, X, y, weight)
    if place == "streamed":
        found = ours(kind, *parts, n_shards=None)
    else:
        with request.getfixturevalue("dask_client").as_current():
            found = ours(kind, *parts, n_shards=None)
    assert_optimum(found, expected)
    assert found.n_shards_ == 3
    np.testing.assert_array_equal(
        found.predict(parts[0]).compute(), found.predict(parts[0].compute())
    )
