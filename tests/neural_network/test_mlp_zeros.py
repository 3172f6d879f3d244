# SPDX-License-Identifier: BSD-3-Clause
"""Networks of rows that are mostly zeros, or another usual value, which several shards skip."""

import dask.array as da
import numpy as np
import pytest
from network_problems import digits, one_blas_thread, parameters
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from skdist import DistributedMLPClassifier
from skdist.neural_network import _mlp_rows as mlp_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def brightest(dtype=np.float64):
    """Digits of which only the brightest pixels are left, an eighth, and their classes."""
    X, y, _, _ = digits(dtype)
    X = np.where(X > 0.9, X, 0).astype(dtype)
    assert 0.05 < np.mean(X != 0) < 0.15
    return X, y


def standardised(dtype=np.float64):
    """The brightest pixels as a scaler leaves them: no entry is zero but those of dead pixels."""
    X, y = brightest()
    X = StandardScaler().fit_transform(X).astype(dtype)
    assert np.mean(X == 0) < 0.3
    return X, y


def classifier(n_shards, **given):
    how = {"random_state": 0, "n_shards": n_shards, "batch_size": 56, "max_iter": 2, **given}
    return DistributedMLPClassifier(**how)


@pytest.mark.parametrize("sync", ["local", "gradient"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_zeros_are_skipped_by_several_shards(sync, early_stopping):
    """An array has the bits of the same rows given as CSR, which BLAS would not sum alike."""
    X, y = brightest(np.float32)
    how = {"sync": sync, "early_stopping": early_stopping}
    dense, sparse = (classifier(3, **how).fit(rows, y) for rows in (X, csr_matrix(X)))
    assert_array_equal(parameters(dense), parameters(sparse))
    assert dense.coefs_[0].dtype == np.float32


@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 1e-5), (np.float64, 1e-10)])
def test_law_4_merged_gradients_do_not_depend_on_shards(dtype, close):
    X, y = brightest(dtype)
    one = classifier(1).fit(X, y)
    for n_shards in (2, 5):
        several = classifier(n_shards, sync="gradient").fit(X, y)
        assert np.abs(parameters(several) - parameters(one)).max() < close


@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 2e-5), (np.float64, 1e-10)])
@pytest.mark.parametrize("how", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_law_4_of_rows_that_were_standardised(monkeypatch, dtype, close, how):
    X, y = standardised(dtype)
    if how.get("solver") == "lbfgs":
        close *= 100  # its line search makes more of rounding
    one = classifier(1, **how).fit(X, y)
    met = []
    plainly = mlp_rows.entries_beside
    monkeypatch.setattr(mlp_rows, "entries_beside", lambda *a: met.append(plainly(*a)) or met[-1])
    several = classifier(3, sync="gradient", **how).fit(X, y)
    assert sum(own.nnz for own in met) < 0.2 * X.size
    assert np.abs(parameters(several) - parameters(one)).max() < close


def test_averages_do_not_depend_on_what_is_skipped(monkeypatch):
    X, y = standardised()
    skipping = classifier(3, sync="local").fit(X, y)
    monkeypatch.setattr(mlp_rows, "skips", lambda *_: False)
    assert_allclose(
        parameters(skipping), parameters(classifier(3, sync="local").fit(X, y)), atol=1e-10
    )


def test_law_2_one_shard_is_scikit_learn_bit_for_bit():
    X, y = brightest(np.float32)
    with one_blas_thread():
        theirs = MLPClassifier(random_state=0, batch_size=56, max_iter=2).fit(X, y)
    assert_array_equal(parameters(classifier(1).fit(X, y)), parameters(theirs))


def test_partitions_skip_zeros():
    X, y = brightest()
    one = classifier(1).fit(X, y)
    chunks = da.from_array(X, chunks=(500, 64)), da.from_array(y, chunks=500)
    there = classifier(None, sync="gradient").fit(*chunks)
    assert there.n_shards_ == 3
    assert_allclose(parameters(there), parameters(one), atol=1e-9)
