# SPDX-License-Identifier: BSD-3-Clause
"""A kernel matrix in four parts behaves as the whole."""

import numpy as np
import pytest

from skdist.kernels.kernel_blocks import KernelBlocks, in_one_part


def matrix(q, dtype=np.float64):
    A = np.random.default_rng(q).normal(size=(q, 3))
    return (A @ A.T).astype(dtype)


def cut(K, p):
    halves = slice(0, p), slice(p, len(K))
    return KernelBlocks(tuple(K[a, b].copy() for a in halves for b in halves))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("p", [0, 3, 7])
def test_its_diagonal_and_its_products(p, dtype):
    K = matrix(7, dtype)
    coef = np.array([0.0, 1.0, -2.0, 0.0, 0.5, 3.0, 0.0])
    blocks = cut(K, p)
    assert len(blocks) == 7 and blocks.dtype == dtype
    np.testing.assert_array_equal(blocks.diagonal(), np.diag(K).astype(float))
    np.testing.assert_allclose(blocks.product(coef), K.astype(float) @ coef, rtol=1e-6)


def test_rows_that_are_all_rows_are_not_copied():
    blocks = cut(matrix(5), 2)
    assert blocks.of(np.arange(5)) is blocks


def test_variables_that_stand_for_other_rows():
    K, rows = matrix(5), np.array([4, 0, 0, 2])
    np.testing.assert_array_equal(cut(K, 2).of(rows).parts[0], K[np.ix_(rows, rows)])
    np.testing.assert_array_equal(in_one_part(K).of(rows).parts[0], K[np.ix_(rows, rows)])
