# SPDX-License-Identifier: BSD-3-Clause
"""The kernel matrix of two classes, and what pairs share of it."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from skdist.kernels.kernel_function import KernelFunction
from skdist.solvers.memo import Memo
from skdist.solvers.pair_matrix import PairKernel, PairMatrix

RBF = KernelFunction("rbf", 0.3)


def classes(container=np.asarray):
    rng = np.random.default_rng(0)
    return [container(rng.normal(size=(n, 4)) + c) for c, n in enumerate((9, 14, 5))]


def matrix(pair, memo, kernel=RBF, container=np.asarray):
    X = classes(container)
    centre = np.full(4, 0.5) if kernel.name == "rbf" and container is np.asarray else None
    return PairMatrix(PairKernel(kernel, centre, memo), pair, tuple(X[c] for c in pair))


@pytest.mark.parametrize("container", [np.asarray, csr_matrix])
@pytest.mark.parametrize("name", ["linear", "rbf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_the_kernel_matrix(name, container, dtype):
    kernel = KernelFunction(name, 0.3)
    pair = matrix((0, 2), Memo(1.0), kernel, container)
    a, b, c, d = pair.blocks(dtype).parts
    X = np.concatenate([classes()[0], classes()[2]])
    assert a.dtype == dtype
    np.testing.assert_allclose(np.block([[a, b], [c, d]]), kernel.block(X, X), rtol=2e-5, atol=1e-6)
    assert len(pair.points) == 14


def test_pairs_share_what_is_within_a_class():
    memo = Memo(1.0)
    first, second = (matrix(pair, memo).blocks(np.float32).parts for pair in ((0, 1), (1, 2)))
    assert first[3] is second[0]
    assert matrix((0, 1), memo).blocks(np.float64).parts[0].dtype == np.float64


@pytest.mark.parametrize("megabytes", [0.0, 14 * 14 * 4 / 2**20])
def test_without_room_the_bits_are_the_same(megabytes):
    small, large = Memo(megabytes), Memo(1.0)
    for pair in ((0, 1), (1, 2), (0, 2)):
        for one, other in zip(
            matrix(pair, small).blocks(np.float32).parts,
            matrix(pair, large).blocks(np.float32).parts,
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
