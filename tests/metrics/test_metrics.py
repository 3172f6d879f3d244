# SPDX-License-Identifier: BSD-3-Clause
"""Metrics of Dask collections are scikit-learn's of the rows that they hold."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

import skdist.metrics as ours
from skdist.kernels.ordered_bits import ordered_bits
from skdist.metrics._roc_auc import worst

RNG = np.random.default_rng(0)
N = 500
LABELS = np.array(["ash", "birch", "cedar"])[RNG.integers(0, 3, N)]
P = RNG.dirichlet(np.ones(3), N)
WEIGHT = RNG.integers(0, 4, N).astype(float)
Z = RNG.normal(size=(N, 2))
PREDICTED = Z + 0.3 * RNG.normal(size=(N, 2))


def cut(values):
    """An array in partitions, one of which is empty."""
    return (
        None
        if values is None
        else da.from_array(values, chunks=((200, 0, 170, 130), -1)[: values.ndim])
    )


every_weight = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["rows", "weights"])


@every_weight
@pytest.mark.parametrize("normalize", [True, False])
def test_accuracy(weight, normalize):
    predicted = np.where(RNG.random(N) < 0.7, LABELS, "ash")
    options = {"normalize": normalize}
    found = ours.accuracy_score(cut(LABELS), cut(predicted), sample_weight=cut(weight), **options)
    expected = sklearn.metrics.accuracy_score(LABELS, predicted, sample_weight=weight, **options)
    assert type(found) is float
    np.testing.assert_allclose(found, expected)


@every_weight
@pytest.mark.parametrize("labels", [None, ["ash", "birch", "cedar"]])
@pytest.mark.parametrize("normalize", [True, False])
def test_log_loss(weight, labels, normalize):
    p = P.copy()
    p[0] = [0.0, 0.0, 1.0]  # a certain mistake, or a certain hit
    options = {"labels": labels, "normalize": normalize}
    found = ours.log_loss(cut(LABELS), cut(p), sample_weight=cut(weight), **options)
    expected = sklearn.metrics.log_loss(LABELS, p, sample_weight=weight, **options)
    np.testing.assert_allclose(found, expected)


def test_log_loss_of_a_column():
    y, p = (LABELS == "ash").astype(int), P[:, 0]
    np.testing.assert_allclose(
        ours.log_loss(cut(y), cut(p)), sklearn.metrics.log_loss(y, p), rtol=1e-12
    )
    with pytest.raises(ValueError, match="2 columns, and there are 3 classes"):
        ours.log_loss(cut(LABELS), cut(p))


@every_weight
@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", [0.2, 0.8]])
@pytest.mark.parametrize("name", ["mean_squared_error", "r2_score"])
def test_regression(name, weight, multioutput):
    options = {"multioutput": multioutput}
    y = 1e3 + Z  # a mean that is large beside the spread
    found = getattr(ours, name)(cut(y), cut(1e3 + PREDICTED), sample_weight=cut(weight), **options)
    expected = getattr(sklearn.metrics, name)(y, 1e3 + PREDICTED, sample_weight=weight, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_r2_by_variance_and_of_constants():
    options = {"multioutput": "variance_weighted"}
    np.testing.assert_allclose(
        ours.r2_score(cut(Z), cut(PREDICTED), **options),
        sklearn.metrics.r2_score(Z, PREDICTED, **options),
    )
    ones = np.ones((N, 2))
    off = ones + np.array([0.0, 1.0])
    found = ours.r2_score(cut(ones), cut(off), multioutput="raw_values")
    assert found.tolist() == [1.0, 0.0]
    assert ours.r2_score(cut(ones), cut(off), **options) == 0.5


@every_weight
def test_area_under_the_curve_of_two_classes(weight):
    y, z = (Z[:, 0] > 0).astype(int), np.round(PREDICTED[:, 0], 2)  # with ties
    exact = sklearn.metrics.roc_auc_score(y, z, sample_weight=weight)
    found = ours.roc_auc_score(cut(y), cut(z), sample_weight=cut(weight), tol=0)
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    for tol in (1e-1, 1e-3, 1e-6):
        near = ours.roc_auc_score(cut(y), cut(z), sample_weight=cut(weight), tol=tol)
        assert abs(near - exact) <= tol + 1e-12


def test_scores_that_share_their_leading_bits_are_told_apart():
    y = (Z[:, 0] > 0).astype(int)
    z = 1.0 + 1e-13 * PREDICTED[:, 0]
    exact = sklearn.metrics.roc_auc_score(y, z)
    assert 0.6 < exact < 0.99
    np.testing.assert_allclose(ours.roc_auc_score(cut(y), cut(z)), exact, atol=1e-6)
    assert ours.roc_auc_score(cut(y), cut(2.1 + z), tol=0.5) == 0.5  # in one bucket, within tol


@every_weight
@pytest.mark.parametrize("average", ["macro", "weighted", None])
def test_area_under_the_curve_of_three_classes(weight, average):
    options = {"average": average, "multi_class": "ovr"}
    found = ours.roc_auc_score(cut(LABELS), cut(P), sample_weight=cut(weight), tol=0, **options)
    expected = sklearn.metrics.roc_auc_score(LABELS, P, sample_weight=weight, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_there_is_no_area_of():
    z = cut(Z[:, 0])
    with pytest.raises(ValueError, match="only: there is no ROC curve"):
        ours.roc_auc_score(cut(np.ones(N)), z)
    with pytest.raises(ValueError, match=r"max_fpr=0\.1 is not known of Dask"):
        ours.roc_auc_score(cut(Z[:, 0] > 0), z, max_fpr=0.1)
    with pytest.raises(ValueError, match="3 classes and multi_class='raise'"):
        ours.roc_auc_score(cut(LABELS), cut(P))
    with pytest.raises(ValueError, match="contains NaN"):
        ours.roc_auc_score(cut(Z[:, 0] > 0), cut(np.full(N, np.nan)))


@settings(max_examples=200)
@given(st.lists(st.floats(allow_nan=False, width=64), min_size=2, max_size=20))
def test_bits_have_the_order_of_the_floats(values):
    z = np.array(values)
    bits = ordered_bits(z)
    np.testing.assert_array_equal(z[:, None] < z, bits[:, None] < bits)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9), st.floats(0, 20))
def test_what_is_left_is_allowed(values, allowed):
    values = np.array(values)
    mask = worst(values, allowed)
    assert values[~mask].sum() <= allowed * (1 + 1e-12)
    assert (values[mask] > 0).all()


def test_columns_of_frames():
    frame = pd.DataFrame({"y": Z[:, 0], "p": PREDICTED[:, 0], "w": WEIGHT})
    there = dd.from_pandas(frame, npartitions=3)
    np.testing.assert_allclose(
        ours.r2_score(there.y, there.p, sample_weight=there.w),
        sklearn.metrics.r2_score(frame.y, frame.p, sample_weight=frame.w),
    )


@pytest.mark.parametrize(
    "name", ["accuracy_score", "log_loss", "mean_squared_error", "r2_score", "roc_auc_score"]
)
def test_in_memory_it_is_scikit_learns(name):
    y = (Z[:, 0] > 0).astype(int)
    p = y if name == "accuracy_score" else P[:, 0]
    assert getattr(ours, name)(y, p) == getattr(sklearn.metrics, name)(y, p)


def test_one_of_two_collections():
    with pytest.raises(TypeError, match="pass two Dask collections that are cut alike"):
        ours.accuracy_score(LABELS, cut(LABELS))
    with pytest.raises(ValueError, match="Cut them alike"):
        ours.accuracy_score(da.from_array(LABELS, chunks=50), cut(LABELS))
