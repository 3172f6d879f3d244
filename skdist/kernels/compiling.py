# SPDX-License-Identifier: BSD-3-Clause
"""How kernels are compiled."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit


def digest_of(folder: Path) -> str:
    """Hash of all Python sources in a folder."""
    digest = sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


KERNELS = digest_of(Path(__file__).parent)


def entry(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a kernel that is called from Python: releases the GIL, compiled once per machine.

    numba keeps what it compiled until the file of the function itself changes, and would go on
    with old code of functions that it calls in other files: after an upgrade, say. So what is
    kept is stamped with the sources of all kernels.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        kernel = njit(nogil=True, cache=True, error_model="numpy", **options)(function)
        try:
            file = kernel._cache._cache_file
            file._source_stamp = (file._source_stamp, KERNELS)
        except AttributeError:  # another numba keeps its stamps elsewhere; a test tells
            pass
        return kernel

    return decorate


# For what runs once a node or oftener: compiled without reference counting. Counting is atomic,
# and threads that grow trees on the same codes would pass the counter's cache line to and fro
# at every node: that more than doubled the time of a forest. Such a function allocates nothing,
# and if it returns arrays it may be called from its like alone: others would count them down.
no_alloc = partial(njit, _nrt=False, error_model="numpy")()

# The same, pasted into the caller by LLVM: passing a dozen arrays by value costs a call as much
# as the work on a small node.
inlined = partial(njit, _nrt=False, forceinline=True, error_model="numpy")()


def read_only(array: np.ndarray) -> np.ndarray:
    """A read-only view.

    Data are writable in the process that made them and read-only in the processes they are sent
    to: numba would compile a kernel for both. Passed through here they have one type.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
