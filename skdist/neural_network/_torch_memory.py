# SPDX-License-Identifier: BSD-3-Clause
"""Memory that steps use over and over, kept by the process between them."""

import ctypes
import sys
from functools import cache

# Parameters of mallopt(3), by the numbers of glibc's malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
# Where glibc's own thresholds stop rising: a block from 32 MiB is mapped apart and given back when
# it is freed, and 64 MiB at most are kept free on top of a heap.
LARGEST_BLOCK = 32 << 20
MOST_KEPT = 2 * LARGEST_BLOCK


@cache
def keep_what_steps_free() -> None:
    """Have malloc keep what a step frees for the next one, once for a process.

    glibc gives the top of the heap back to the system where more is free than twice the largest
    block that was ever freed. The activations of a step are more than a small module's parameters,
    so that a young worker would give back and get anew all of its memory in every step. Dask's
    workers are told to (``MALLOC_TRIM_THRESHOLD_`` in their environment), and so is every process
    that is started beside them; what is said here comes after the environment.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another libc than glibc
        return
    mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
    mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
