# SPDX-License-Identifier: BSD-3-Clause
"""Where parameters and buffers lie."""

import numpy as np
import pytest

from skdist.kernels.mlp_layers import LINE, aligned_empty


@pytest.mark.parametrize("shape", [7, (3, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_begin_with_a_cache_line(shape, dtype):
    for _ in range(5):
        found = aligned_empty(shape, dtype)
        assert found.ctypes.data % LINE == 0
        assert found.shape == np.empty(shape).shape
        assert found.dtype == dtype
        assert found.flags.c_contiguous
        assert found.flags.writeable
