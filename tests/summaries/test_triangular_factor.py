# SPDX-License-Identifier: BSD-3-Clause
"""Merged factors are those of all rows, to the digits that squaring loses."""

from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest

from skdist.summaries import TriangularFactor

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(60, 4)) + 10.0
Z[:, 3] = Z[:, 0] + 1e-9 * RNG.normal(size=60)  # condition number 1e10: 1e20 when squared
WEIGHT = RNG.integers(0, 3, 60).astype(float)


def merged(cuts, Z=Z):
    edges = [0, *cuts, len(Z)]
    return reduce(
        add,
        (TriangularFactor.of_rows(Z[a:b], WEIGHT[a:b]) for a, b in pairwise(edges)),
    )


def singular(Z=Z, mean=True):
    centred = Z - (np.average(Z, axis=0, weights=WEIGHT) if mean else 0.0)
    return np.linalg.svd(centred * np.sqrt(WEIGHT)[:, None], compute_uv=False)


@pytest.mark.parametrize("cuts", [[], [1, 2], [30], list(range(1, 60))])
def test_singular_values_survive_the_merge(cuts):
    found = merged(cuts)
    assert found.n_rows == 60 and found.weight == WEIGHT.sum()
    np.testing.assert_allclose(np.linalg.svd(found.R, compute_uv=False), singular(), rtol=1e-5)
    np.testing.assert_allclose(found.mean, np.average(Z, axis=0, weights=WEIGHT), rtol=1e-14)
    assert np.all(np.diagonal(found.R) >= 0) and np.array_equal(found.R, np.triu(found.R))


def test_fewer_rows_than_columns():
    few = Z[:2]
    found = merged([1], few).R
    centred = (few - np.average(few, axis=0, weights=WEIGHT[:2])) * np.sqrt(WEIGHT[:2])[:, None]
    np.testing.assert_allclose(found.T @ found, centred.T @ centred, atol=1e-12)


def test_commutes_up_to_rounding():
    a, b = TriangularFactor.of_rows(Z[:20, :3]), TriangularFactor.of_rows(Z[20:, :3])
    np.testing.assert_allclose((a + b).R, (b + a).R, rtol=1e-12, atol=1e-12)


def test_about_zero():
    raw = merged([13]).about_zero()
    np.testing.assert_allclose(
        np.linalg.svd(raw.R, compute_uv=False), singular(mean=False), rtol=1e-4
    )
    assert not raw.mean.any()
