# SPDX-License-Identifier: BSD-3-Clause
"""Between a net's tensors and the arrays that travel.

Everything that training changes is there: trainable parameters, buffers, the optimisers' moments
and counters. What is floating-point goes into one flat array; float16 and bfloat16 as float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy

from skdist.summaries import NetworkState

AS_NUMPY = {torch.float32, torch.float64, torch.int64}  # tensors that NumPy can write to


class Entry(NamedTuple):
    """What a tensor is called and how it looks."""

    name: str
    shape: tuple[int, ...]


class Moment(NamedTuple):
    """One tensor of an optimiser's memory: of parameter `number` in its groups."""

    optimizer: str
    number: int
    key: str
    shape: tuple[int, ...]
    dtype: str
    counts: bool


@dataclass(frozen=True, eq=False)
class Tensors:
    """The tensors of a net, sorted by how they merge; each with its name.

    Parameters
    ----------
    parameters : list of (str, tensor)
        Trainable ones, of the modules and of the criteria.
    centres, variances : list of (str, tensor)
        Running means and the variances about them, of normalisation layers.
    floats, counts : list of (str, tensor)
        Other buffers: floating ones are averaged, of integers the largest is kept.
    """

    parameters: list[tuple[str, torch.Tensor]]
    centres: list[tuple[str, torch.Tensor]]
    variances: list[tuple[str, torch.Tensor]]
    floats: list[tuple[str, torch.Tensor]]
    counts: list[tuple[str, torch.Tensor]]


def modules_of(net: Any) -> Iterator[tuple[str, torch.nn.Module]]:
    """The modules and criteria of a net that hold tensors."""
    for name in [*net._modules, *net._criteria]:
        part = getattr(net, name + "_")
        if isinstance(part, torch.nn.Module):
            yield name, part


def lacks_shapes(net: Any) -> bool:
    """Whether there are lazy layers, which are shaped by the first rows that they meet."""
    return any(is_lazy(tensor) for _, tensor in _all_tensors(net))


def shape_like(net: Any, state: NetworkState) -> None:
    """Shape the tensors of lazy layers as those of a state are; their values are anything."""
    if lacks_shapes(net):
        shapes = {entry.name: entry.shape for entry in state.layout if isinstance(entry, Entry)}
        for name, tensor in _all_tensors(net):
            if is_lazy(tensor):
                tensor.materialize(shapes[name])


def _all_tensors(net: Any) -> Iterator[tuple[str, Any]]:
    for name, module in modules_of(net):
        for key, tensor in [*module.named_parameters(), *module.named_buffers()]:
            yield f"{name}.{key}", tensor


def tensors_of(net: Any) -> Tensors:
    """The tensors of an initialised net."""
    found = Tensors([], [], [], [], [])
    for name, module in modules_of(net):
        found.parameters.extend(
            (f"{name}.{key}", parameter) for key, parameter in module.named_parameters()
        )
        _sort_buffers(name, module, found)
    return found


def _sort_buffers(name: str, module: torch.nn.Module, found: Tensors) -> None:
    paired = set()
    for path, layer in module.named_modules():
        if isinstance(layer, _NormBase) and layer.running_mean is not None:
            paired |= {id(layer.running_mean), id(layer.running_var)}
            found.centres.append((f"{name}.{path}.running_mean", layer.running_mean))
            found.variances.append((f"{name}.{path}.running_var", layer.running_var))
    for key, buffer in module.named_buffers():
        if id(buffer) in paired or buffer.numel() == 0:
            continue
        kind = found.floats if buffer.is_floating_point() else found.counts
        kind.append((f"{name}.{key}", buffer))


def moments_of(net: Any) -> list[tuple[Moment, torch.Tensor]]:
    """What the optimisers of a net remember, in a fixed order.

    Raises
    ------
    TypeError
        If one remembers what is no tensor, as LBFGS does.
    """
    return [entry for name in net._optimizers for entry in _memory(name, getattr(net, name + "_"))]


def can_read(net: Any) -> bool:
    """Whether all that the optimisers remember is tensors that a state has room for."""
    try:
        moments_of(net)
    except TypeError:
        return False
    return True


def _memory(name: str, optimizer: Any) -> Iterator[tuple[Moment, torch.Tensor]]:
    for number, parameter in enumerate(_grouped(optimizer)):
        memory = optimizer.state.get(parameter, {})
        for key in sorted(memory):
            value = memory[key]
            if value is None:
                continue
            if not isinstance(value, torch.Tensor) or value.is_complex():
                raise TypeError(
                    f"{type(optimizer).__name__} remembers {key!r}, a {type(value).__name__}, "
                    "which cannot be averaged. Take sync='gradient', which needs no averages of "
                    "what an optimiser remembers, or another optimizer."
                )
            counts = key == "step" or not value.is_floating_point()
            dtype = str(value.dtype).removeprefix("torch.")
            yield Moment(name, number, key, tuple(value.shape), dtype, counts), value


def _grouped(optimizer: Any) -> Iterator[torch.Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]


def read_state(net: Any, weight: float, *, moments: bool = True, parameters: bool = True):
    """The state of a net as arrays.

    Parameters
    ----------
    net : initialised skorch net
    weight : float
        Of the rows behind it.
    moments, parameters : bool
        Whether to include what optimisers remember, and the trainable parameters.

    Returns
    -------
    NetworkState
    """
    own = tensors_of(net)
    memory = moments_of(net) if moments else []
    trained = own.parameters if parameters else []
    averaged = [*trained, *own.centres, *own.floats, *((m, t) for m, t in memory if not m.counts)]
    counted = [*own.counts, *((m, t) for m, t in memory if m.counts)]
    named = [*averaged, *own.variances, *counted]
    return NetworkState(
        weight,
        flat(tensor for _, tensor in averaged),
        flat(tensor for _, tensor in own.variances),
        flat((tensor.double() for _, tensor in counted)).astype(np.float64),
        sum(tensor.numel() for _, tensor in trained),
        tuple(_entry(name, tensor) for name, tensor in named),
    )


def _entry(name: Any, tensor: torch.Tensor) -> Any:
    return Entry(name, tuple(tensor.shape)) if isinstance(name, str) else name


def flat(tensors: Any) -> np.ndarray:
    """Tensors one after the other, float64 if one of them is, else float32."""
    tensors = [tensor.detach().reshape(-1) for tensor in tensors]
    wide = any(tensor.dtype == torch.float64 for tensor in tensors)
    dtype = torch.float64 if wide else torch.float32
    if not tensors:
        return np.zeros(0, np.float32)
    # NumPy's copies are made by this thread alone; torch's by all, and shards need the cores.
    return np.concatenate([tensor.to("cpu", dtype).numpy() for tensor in tensors])


def fill(tensors: Sequence[torch.Tensor], values: np.ndarray) -> None:
    """Copy a flat array into tensors, in order."""
    start = 0
    for tensor in tensors:
        stop = start + tensor.numel()
        _put(tensor.detach(), values[start:stop].reshape(tensor.shape))
        start = stop


def _put(tensor: torch.Tensor, values: np.ndarray) -> None:
    if tensor.device.type == "cpu" and tensor.dtype in AS_NUMPY:
        np.copyto(tensor.numpy(), values, casting="unsafe")
    else:
        # A copy, since what tasks share is read-only and torch does not know of such memory.
        tensor.copy_(torch.from_numpy(np.array(values)))


def write_state(net: Any, state: NetworkState) -> None:
    """Give a net a state that was read from one of the same layout, its optimisers' included.

    A state that was read without moments leaves those of the net alone.
    """
    own = tensors_of(net)
    memory = [entry for entry in state.layout if isinstance(entry, Moment)]
    parameters = own.parameters if state.n_parameters else []
    remembered = [_remembered(net, entry) for entry in memory]
    averaged = [tensor for _, tensor in [*parameters, *own.centres, *own.floats]]
    counted = [tensor for _, tensor in own.counts]
    for entry, tensor in zip(memory, remembered, strict=True):
        (counted if entry.counts else averaged).append(tensor)
    fill(averaged, state.mean)
    fill([tensor for _, tensor in own.variances], state.variance)
    fill(counted, state.count)


def _remembered(net: Any, entry: Moment) -> torch.Tensor:
    """The tensor in an optimiser's memory, made where it is not there."""
    optimizer = getattr(net, entry.optimizer + "_")
    parameter = list(_grouped(optimizer))[entry.number]
    memory = optimizer.state[parameter]
    if memory.get(entry.key) is None:
        # Where torch keeps them: numbers of steps on the CPU, moments beside their parameters.
        device = "cpu" if entry.counts and not entry.shape else parameter.device
        dtype = getattr(torch, entry.dtype)
        memory[entry.key] = torch.empty(entry.shape, dtype=dtype, device=device)
    return memory[entry.key]


def forget_moments(net: Any, state: NetworkState) -> None:
    """Empty what the optimisers of a net remember, if there is nothing of it in the state."""
    if not any(isinstance(entry, Moment) for entry in state.layout):
        for name in net._optimizers:
            getattr(net, name + "_").state.clear()
