# SPDX-License-Identifier: BSD-3-Clause
"""A net whose training failed is what it was before, in what training writes to in place too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch

from skdist.neural_network._torch_state import lacks_shapes, modules_of


@contextmanager
def unchanged_contents(net: Any, but: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Put back parameters, buffers, what optimisers and callbacks remember, and the history.

    What is bound to names of the net itself is left to
    :func:`skdist._whole_fit.unchanged_on_error`, which goes inside of this one.

    Parameters
    ----------
    net : skorch net
        One that is not initialised has no contents.
    but : tuple of exception classes
        After which it keeps what it has.
    """
    put_back = _kept(net) if net.initialized_ else []
    try:
        yield
    except but:
        raise
    except BaseException:
        with torch.no_grad():
            for back in put_back:
                back()
        raise


PutBack = Callable[[], None]


def _kept(net: Any) -> list[PutBack]:
    """What puts back, called in order."""
    copies = Copies()
    of_callbacks = [copies.of(vars(callback)) for _, callback in net.callbacks_]
    return [*_kept_history(net.history), *of_callbacks, *_kept_parts(net, copies)]


def _kept_history(history: Any) -> list[PutBack]:
    """Lines are added to a history; those before the last one are not written to any more."""
    if not isinstance(history, list):
        return []
    n, last = len(history), deepcopy(history[-1:])

    def put_back() -> None:
        del history[n:]
        for line, kept in zip(history[-1:], last, strict=True):
            line.clear()
            line.update(kept)

    return [put_back]


def _kept_parts(net: Any, copies: Copies) -> list[PutBack]:
    """The same of modules, criteria and optimisers."""
    if lacks_shapes(net):  # tensors that get a shape become others; as yet there is little of them
        names = [f"{name}_" for name in [*net._modules, *net._criteria, *net._optimizers]]
        parts = deepcopy({name: vars(net)[name] for name in names})
        return [lambda: vars(net).update(parts)]
    layers = [layer for _, module in modules_of(net) for layer in module.modules()]
    optimizers = [getattr(net, f"{name}_") for name in net._optimizers]
    learnt = [(tensor, tensor.requires_grad) for layer in layers for tensor in layer.parameters()]
    tensors = [t for layer in layers for t in (*layer.parameters(), *layer.buffers())]
    states = [state for o in optimizers for state in (o.state, o.param_groups)]

    def learn_as_before() -> None:
        for tensor, learns in learnt:
            tensor.requires_grad_(learns)

    contents = [*tensors, *map(vars, layers), *states]
    return [*(copies.of(value) for value in contents), learn_as_before]


@dataclass(frozen=True, eq=False)
class Copies:
    """Of tensors, lists and dicts, each copied once; tensors to the CPU: devices have less memory.

    Parameters
    ----------
    known : dict of int to object
        By their identity, which they keep for as long as they are here.
    """

    known: dict[int, Any] = field(default_factory=dict)

    def of(self, value: Any) -> PutBack:
        """What gives a value, and those in it, their contents back."""
        if id(value) in self.known:
            return _nothing
        self.known[id(value)] = value
        if isinstance(value, torch.Tensor):
            return _kept_tensor(value.detach())
        if isinstance(value, dict):
            return self._kept_container(value, value.update, list(value.values()))
        if isinstance(value, list):
            return self._kept_container(value, value.extend, value)
        return _nothing

    def _kept_container(self, value: Any, fill: Callable[[Any], None], inner: Any) -> PutBack:
        before, backs = value.copy(), [self.of(part) for part in inner]

        def put_back() -> None:
            value.clear()
            fill(before)
            for back in backs:
                back()

        return put_back


def _kept_tensor(tensor: torch.Tensor) -> PutBack:
    copied = tensor.to("cpu", copy=True)

    def put_back() -> None:
        if not torch.equal(tensor.cpu(), copied):  # one whose entries share memory takes no copy
            tensor.copy_(copied)

    return put_back


def _nothing() -> None:
    """For what does not change in place."""
