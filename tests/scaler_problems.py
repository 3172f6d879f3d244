# SPDX-License-Identifier: BSD-3-Clause
"""Rows to scale, the scalers, and what makes two of them the same."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skdist import DistributedMaxAbsScaler, DistributedMinMaxScaler, DistributedStandardScaler

N, D = 403, 6
ATTRIBUTES = {
    "StandardScaler": ("mean_", "var_", "scale_", "n_samples_seen_"),
    "MinMaxScaler": ("data_min_", "data_max_", "data_range_", "min_", "scale_", "n_samples_seen_"),
    "MaxAbsScaler": ("max_abs_", "scale_", "n_samples_seen_"),
}
SCALERS = {
    "standard": DistributedStandardScaler(),
    "centred": DistributedStandardScaler(with_std=False),
    "scaled": DistributedStandardScaler(with_mean=False),
    "neither": DistributedStandardScaler(with_mean=False, with_std=False),
    "range": DistributedMinMaxScaler((-1, 2), clip=True),
    "greatest": DistributedMaxAbsScaler(),
}
SPARSE = ("scaled", "neither", "greatest")
every_scaler = pytest.mark.parametrize("name", SCALERS)


def rows(holes=0.1):
    """Shifted columns, one of them constant, and values that are missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)) * [1, 10, 0.1, 1, 1, 1] + [0, 100, -7, 1e3, 0, 0]
    X[:, 4] = 3.25
    X[rng.random(X.shape) < holes] = np.nan
    return X


X = rows()
FRAME = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(N) * 2)
WEIGHT = np.random.default_rng(1).integers(0, 4, N).astype(float)


def assert_same(ours, reference, rtol=1e-12):
    names = ATTRIBUTES[type(reference).__name__]
    for name in (*names, "n_features_in_"):
        found, expected = getattr(ours, name), getattr(reference, name)
        if expected is None:
            assert found is None, name
        elif "StandardScaler" in type(reference).__name__:
            assert_allclose(found, expected, rtol=rtol, atol=1e-25, err_msg=name)
            assert np.shape(found) == np.shape(expected), name
        else:
            assert_array_equal(found, expected, err_msg=name)
            assert np.asarray(found).dtype == np.asarray(expected).dtype, name


def fit(name, values, n_shards=3, **options):
    return clone(SCALERS[name]).set_params(n_shards=n_shards).fit(values, **options)
