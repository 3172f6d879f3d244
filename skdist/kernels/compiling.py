# SPDX-License-Identifier: BSD-3-Clause
"""How kernels are compiled."""

from functools import partial

import numpy as np
from numba import njit

# For what runs once a node or oftener: compiled without reference counting. Counting is atomic,
# and threads that grow trees on the same codes would pass the counter's cache line to and fro
# at every node: that made a forest five times as slow. Such a function allocates nothing.
no_alloc = partial(njit, _nrt=False, error_model="numpy")()

# The same, pasted into the caller by LLVM: a call with a dozen arrays costs 50 ns, as much as
# the work on a small node. (numba's own `inline="always"` does it before type inference and
# doubles the time to compile.)
inlined = partial(njit, _nrt=False, forceinline=True, error_model="numpy")()


def read_only(array: np.ndarray) -> np.ndarray:
    """A read-only view.

    Data are writable in the process that made them and read-only in the processes they are sent
    to: numba would compile a kernel for both. Passed through here they have one type.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
