# SPDX-License-Identifier: BSD-3-Clause
"""Asking for memory ahead."""

import platform

import numpy as np
import pytest
from numba import njit

from skdist.kernels.prefetching import prefetch


@njit
def ask_and_sum(X, i):
    prefetch(X, (i, 2))
    prefetch(X[0], (i,))
    return X.sum()


def test_the_hint_is_compiled_and_changes_nothing():
    X = np.arange(12.0).reshape(3, 4)
    assert ask_and_sum(X, 2) == X.sum()
    assert "call void @llvm.prefetch" in next(iter(ask_and_sum.inspect_llvm().values()))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="another machine's instruction")
def test_the_hint_is_an_instruction():
    ask_and_sum(np.ones((3, 4)), 1)
    assert "prefetcht0" in next(iter(ask_and_sum.inspect_asm().values()))
