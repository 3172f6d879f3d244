# SPDX-License-Identifier: BSD-3-Clause
"""Pieces of rows in registers."""

import numpy as np
import pytest
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal

from skdist.kernels.registers import WIDEST, pieces_of

N_BYTES = 64
load, store, times, plus = pieces_of(N_BYTES)


@njit
def add_rows(A, rows, x, j, out):
    total = load(out, (j,))
    for k in range(len(rows)):
        total = plus(total, times(load(A, (rows[k], j)), x[k]))
    store(total, out, (j,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.uint64])
def test_a_piece_is_added_to_and_nothing_beside_it(dtype, index):
    rng, n = np.random.default_rng(0), N_BYTES // np.dtype(dtype).itemsize
    A, x = rng.standard_normal((5, 40)).astype(dtype), rng.standard_normal(3).astype(dtype)
    rows, out = np.array([4, 0, 4], index), np.ones(40, dtype)
    add_rows(A, rows, x, 3, out)
    beside = np.r_[0:3, 3 + n : 40]
    assert_array_equal(out[beside], 1)
    expected = 1 + x @ A[rows.astype(int)]
    assert_allclose(out[3 : 3 + n], expected[3 : 3 + n], rtol=1e-5, atol=1e-6)


def test_sums_stay_in_registers():
    add_rows(np.ones((2, 16), np.float32), np.zeros(1, np.int32), np.ones(1, np.float32), 0,
             np.ones(16, np.float32))  # fmt: skip
    code = "".join(add_rows.inspect_llvm().values())
    assert "<16 x float>" in code
    assert WIDEST in (256, 1024)
