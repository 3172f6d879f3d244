# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch on one thread: on a busy machine its threads wait for one another."""

import pytest


@pytest.fixture
def one_torch_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
