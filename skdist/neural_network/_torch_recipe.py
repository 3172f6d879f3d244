# SPDX-License-Identifier: BSD-3-Clause
"""How another process makes the net that is trained here: by names and parameters, not by code."""

from __future__ import annotations

import io
import pickle
import platform
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import FunctionType
from typing import Any

import torch
from skorch.callbacks import Callback

from skdist.neural_network._torch_memory import keep_what_steps_free
from skdist.neural_network._torch_random import OwnRandomNumbers

# Parameters of the net that its shards do not need, or have values of their own for.
NOT_SENT = {
    "callbacks": "disable",
    "train_split": None,
    "predict_nonlinearity": None,
    "n_shards": 1,
    "n_jobs": 1,
    "verbose": 0,
    "warm_start": False,
}
MOST_FITS = 4  # whose nets a process keeps

_nets: OrderedDict[str, dict[int, Any]] = OrderedDict()
_nets_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a shard's net is made of.

    It travels as references to importable names and as values of parameters.

    Parameters
    ----------
    fit : str
        Names the fit: nets are made once per fit, process and shard.
    cls : type
        The class of the net.
    parameters : mapping
        Of the net.
    callbacks : tuple of (str, Callback)
        Those that look at gradients, which are on the shards.
    fit_params : mapping
        What `fit` was given besides rows, for the module's ``forward``.
    host : str
        The machine of the driver.
    n_threads : int
        PyTorch's threads per shard on that machine.
    """

    fit: str = field(compare=False)  # a name drawn anew, which a resumed fit has otherwise
    cls: type
    parameters: Mapping[str, Any]
    callbacks: tuple[tuple[str, Any], ...]
    fit_params: Mapping[str, Any]
    host: str = field(compare=False)
    n_threads: int = field(compare=False)

    @cached_property
    def packed(self) -> bytes:
        """References and values, pickled."""
        return _packed(tuple(getattr(self, f.name) for f in fields(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (self.packed,)

    @property
    def threads_here(self) -> int:
        """PyTorch's threads for a shard where this is called."""
        if platform.node() == self.host:
            return self.n_threads
        return torch.get_num_threads()

    @contextmanager
    def net(self, index: int) -> Iterator[Any]:
        """A net for shard number `index`, its state anybody's, which nobody else uses meanwhile.

        It is kept for the next call. A task that is late, or runs twice, has another one.
        """
        with _nets_lock:
            nets = _nets.setdefault(self.fit, {})
            _nets.move_to_end(self.fit)
            while len(_nets) > MOST_FITS:
                _nets.popitem(last=False)
        net = nets.pop(index, None)
        if net is None:
            net = self._make(index)
        try:
            yield net
        finally:
            nets[index] = net

    def _make(self, index: int) -> Any:
        keep_what_steps_free()
        device = device_of(self.parameters["device"], index)
        own = {key: _own(value) for key, value in self.parameters.items()}
        net = self.cls(**{**own, "device": str(device)})
        # What parameters are at first does not matter here, and must not disturb other draws.
        with OwnRandomNumbers(0, torch.device("cpu")):
            net.initialize()
        net.callbacks_ = list(self.callbacks)
        return net


def _own(value: Any) -> Any:
    """A parameter's value; of a module or a tensor a copy, since nets write to theirs."""
    return deepcopy(value) if isinstance(value, (torch.nn.Module, torch.Tensor)) else value


def recipe_of(net: Any, fit: str, n_shards: int, fit_params: Mapping[str, Any]) -> Recipe:
    """The recipe of an initialised net."""
    looks = Callback.on_grad_computed
    return Recipe(
        fit,
        type(net),
        {**net.get_params(deep=False), **NOT_SENT},
        tuple((name, cb) for name, cb in net.callbacks_ if type(cb).on_grad_computed is not looks),
        dict(fit_params),
        platform.node(),
        max(1, torch.get_num_threads() // n_shards),
    )


def forget(fit: str) -> None:
    """Let go of this process's nets of a fit."""
    with _nets_lock:
        _nets.pop(fit, None)


def device_of(device: Any, index: int) -> torch.device:
    """Where shard number `index` is trained: one CUDA device each, where there are some."""
    if device is None or torch.device(device).type != "cuda":
        return torch.device("cpu" if device is None else device)
    n_devices = torch.cuda.device_count()
    return torch.device("cuda", index % n_devices) if n_devices else torch.device("cpu")


class _ByReference(pickle.Pickler):
    """Classes and functions as names that another process can import."""

    def reducer_override(self, value: Any) -> Any:
        """Refuse what lives in the main program: another process has another one."""
        if isinstance(value, (type, FunctionType)) and value.__module__ == "__main__":
            raise TypeError(
                f"{value.__qualname__} is defined in the main program or a notebook, where other "
                "processes cannot import it. Move it to a file of its own and import it from "
                "there, or train on threads, which is the default: "
                "joblib.parallel_config(backend='threading')."
            )
        return NotImplemented


def _packed(value: Any) -> bytes:
    file = io.BytesIO()
    try:
        _ByReference(file, protocol=5).dump(value)
    except (pickle.PicklingError, AttributeError) as error:
        raise TypeError(
            f"Other processes cannot be told of a parameter of this net: {error}. Modules, "
            "criteria, optimisers and callbacks must be importable by name: no lambdas, and no "
            "classes defined inside functions."
        ) from error
    return file.getvalue()


def _unpacked(packed: bytes) -> Recipe:
    recipe = Recipe(*pickle.loads(packed))
    vars(recipe)["packed"] = packed
    return recipe
