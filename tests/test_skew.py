# SPDX-License-Identifier: BSD-3-Clause
"""Shards that are unlike in their features: measured, and warned of where it does harm."""

import warnings

import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp

import skdist
from skdist._report import ShardFacts
from skdist._skew import FEATURES_TOO_SKEWED, check_alike
from skdist.sharding import shard_rows
from skdist.solvers.feature_skew import MOST_COLUMNS, MOST_ROWS, feature_skews

N = 8_000
X = np.random.default_rng(0).normal(size=(N, 6)) * [1, 10, 0.1, 1, 1, 1] + [0, 5, -3, 0, 0, 0]
Y = np.arange(N) % 2  # each shard has as many of both
SORTED = X[np.argsort(X[:, 1], kind="stable")]


def shards_of(rows, n_shards=4):
    return shard_rows(rows, n_shards=n_shards, n_jobs=1)


def test_rows_in_no_order_have_no_skew():
    for n_shards in (2, 4, 32):
        assert max(feature_skews(shards_of(X, n_shards))) < 0.05


def test_the_skew_is_the_distance_of_the_means_in_deviations():
    found = feature_skews(shards_of(SORTED))
    by_hand = [
        np.abs((part.mean(axis=0) - SORTED.mean(axis=0)) / SORTED.std(axis=0)).max()
        for part in np.array_split(SORTED, 4)
    ]
    np.testing.assert_allclose(found, np.array(by_hand) - 4 / np.sqrt(N / 4), atol=1e-9)
    assert min(found[0], found[3]) > 1.0


def test_sparse_and_missing_values_and_constants_and_shards_without_rows():
    thin = np.where(np.random.default_rng(1).random(X.shape) < 0.8, 0.0, SORTED)
    np.testing.assert_allclose(
        feature_skews(shards_of(sp.csr_array(thin))), feature_skews(shards_of(thin))
    )
    holes = SORTED.copy()
    holes[::7, 1] = np.nan
    assert feature_skews(shards_of(holes))[0] > 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert feature_skews(shards_of(np.ones((8, 2)))) == [0.0] * 4
        empty = shard_rows(da.from_array(SORTED, chunks=((0, N // 2, N // 2), 6)), n_shards=None)
        skews = feature_skews(empty)
    assert skews[0] == 0.0
    assert skews[1] > 0.7


def test_a_sample_of_rows_and_columns_is_enough():
    wide = np.random.default_rng(0).normal(size=(400, 2 * MOST_COLUMNS))
    wide[:200] += 3.0
    assert feature_skews(shards_of(wide, 2))[0] > 0.2
    long = np.repeat(SORTED, 4, axis=0)[:, :2]
    assert len(long) > 4 * MOST_ROWS
    np.testing.assert_allclose(
        feature_skews(shards_of(long)), feature_skews(shards_of(SORTED[:, :2])), atol=0.1
    )


def alike(n):
    return tuple(ShardFacts(range(k, k + 1), 1.0, (0.5, 0.5), 0.0) for k in range(n))


def test_the_table_is_completed_and_the_warning_names_what_is_unlike():
    with pytest.warns(UserWarning, match=r"in a feature by up to 1\.\d\d standard dev.* Do this"):
        table = check_alike(shards_of(SORTED), alike(4), "Do this.", regression=False)
    assert max(shard.feature_skew for shard in table) > FEATURES_TOO_SKEWED
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = check_alike(shards_of(X), alike(4), "", regression=False)
        assert check_alike(shards_of(X, 1), alike(1), "", regression=False) == alike(1)
    assert max(shard.feature_skew for shard in table) < 0.05


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "model",
    [
        skdist.DistributedSGDClassifier(max_iter=2, tol=None, random_state=0),
        skdist.DistributedMLPClassifier((2,), max_iter=1, sync="local", random_state=0),
    ],
    ids=["sgd", "mlp"],
)
def test_averages_of_partitions_unlike_in_a_feature_are_warned_of_once(model):
    chunks = (N // 4, 6)
    y = da.from_array(Y, chunks=N // 4)
    with pytest.warns(UserWarning, match="differ from one another in a feature") as caught:
        model.fit(da.from_array(SORTED, chunks=chunks), y)
    assert len([w for w in caught if "differ" in str(w.message)]) == 1
    assert caught[0].filename == __file__
    assert "of features up to 1." in str(model.report_)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The shards differ")
        model.fit(da.from_array(X, chunks=chunks), y)
    # What merges sums does not mind, and does not look.
    exact = skdist.DistributedLogisticRegression().fit(da.from_array(SORTED, chunks=chunks), y)
    assert {shard.feature_skew for shard in exact.report_.shards} == {None}


def test_of_values_whose_squares_are_no_numbers_nothing_is_said():
    X = np.random.default_rng(0).normal(size=(300, 3))
    X[200:] *= 1e200
    assert feature_skews(shards_of(X, 3)) == [0.0] * 3
