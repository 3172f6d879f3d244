# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch's own threads, divided among the shards of a machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_open = 0
_before = 0


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """PyTorch uses `n_threads` in this thread while the block runs.

    A thread takes its number from the process when it first computes and keeps it: within an
    open block it would find that block's number, and a thread of a pool one of long ago. So
    the first block that opens asks for the number of the process, and every block restores it.
    A thread that sets a number before it has taken one would take one later, over what it set.
    """
    global _open, _before
    with _lock:
        if _open == 0:
            _before = _number_of_the_process()
        _open += 1
        torch.get_num_threads()  # it takes one
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        with _lock:  # restored before another block can open and take ours for what was there
            _open -= 1
            torch.set_num_threads(_before)


def _number_of_the_process() -> int:
    """What a thread that has not computed before finds."""
    found: list[int] = []
    new = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    new.start()
    new.join()
    return found[0]
