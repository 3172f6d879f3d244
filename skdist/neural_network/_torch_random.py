# SPDX-License-Identifier: BSD-3-Clause
"""Random numbers of a shard's own, whatever thread it runs on.

PyTorch has one generator per device and process. Shards that are threads would draw from it in
turns that nobody can repeat; here what a shard draws depends on its seed alone.
"""

from __future__ import annotations

import threading

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

# Functions that take a generator.
DRAWING = frozenset(
    {
        torch.bernoulli,
        torch.multinomial,
        torch.normal,
        torch.poisson,
        torch.rand,
        torch.randint,
        torch.randn,
        torch.randperm,
        torch.Tensor.bernoulli,
        torch.Tensor.bernoulli_,
        torch.Tensor.cauchy_,
        torch.Tensor.exponential_,
        torch.Tensor.geometric_,
        torch.Tensor.log_normal_,
        torch.Tensor.multinomial,
        torch.Tensor.normal_,
        torch.Tensor.random_,
        torch.Tensor.uniform_,
        torch.nn.init.kaiming_normal_,
        torch.nn.init.kaiming_uniform_,
        torch.nn.init.normal_,
        torch.nn.init.trunc_normal_,
        torch.nn.init.uniform_,
        torch.nn.init.xavier_normal_,
        torch.nn.init.xavier_uniform_,
    }
)
# Functions that draw and take none: they run one at a time, on the common generator reseeded.
DRAWING_FROM_THE_COMMON_ONE = frozenset(
    {
        F.alpha_dropout,
        F.dropout1d,
        F.dropout2d,
        F.dropout3d,
        F.feature_alpha_dropout,
        F.fractional_max_pool2d_with_indices,
        F.fractional_max_pool3d_with_indices,
        F.gumbel_softmax,
        F.multi_head_attention_forward,
        F.rrelu,
        F.scaled_dot_product_attention,
        torch.gru,
        torch.lstm,
        torch.rand_like,
        torch.randint_like,
        torch.randn_like,
        torch.rnn_relu,
        torch.rnn_tanh,
    }
)
_common = threading.Lock()


class OwnRandomNumbers(TorchFunctionMode):
    """``with OwnRandomNumbers(seed, device):`` - this thread's draws come from that seed."""

    def __init__(self, seed: int, device: torch.device) -> None:
        super().__init__()
        self._own = torch.Generator(device).manual_seed(seed)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Called in place of every function of torch; see :class:`TorchFunctionMode`."""
        kwargs = kwargs or {}
        if func is F.dropout:
            return self._dropout(*args, **kwargs)
        if func in DRAWING:
            if kwargs.get("generator") is None:
                kwargs = {**kwargs, "generator": self._own}
            return func(*args, **kwargs)
        if func in DRAWING_FROM_THE_COMMON_ONE:
            return self._draw_alone(func, args, kwargs)
        return func(*args, **kwargs)

    def _dropout(self, input, p=0.5, training=True, inplace=False):
        if not training or p in (0.0, 1.0):
            return F.dropout(input, p, training, inplace)
        mask = torch.empty_like(input).bernoulli_(1.0 - p, generator=self._own).div_(1.0 - p)
        return input.mul_(mask) if inplace else input * mask

    def _draw_alone(self, func, args, kwargs):
        seed = torch.randint(2**31, (), generator=self._own, device=self._own.device)
        devices = [self._own.device] if self._own.device.type == "cuda" else []
        with _common, torch.random.fork_rng(devices):
            torch.manual_seed(int(seed))
            return func(*args, **kwargs)
