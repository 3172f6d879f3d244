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

    A thread takes its number from the process when it first computes, so a block that opens
    while another one is open would find that one's: what the first one found is restored.
    """
    global _open, _before
    with _lock:
        if _open == 0:
            _before = torch.get_num_threads()
        _open += 1
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        with _lock:  # restored before another block can open and take ours for what was there
            _open -= 1
            torch.set_num_threads(_before)
