# SPDX-License-Identifier: BSD-3-Clause
"""Values as JSON and arrays, and back: what a journal's records are made of.

No pickle: reading a record runs no code that the record names. What can be written are numbers,
texts, arrays and their dtypes, sparse matrices, tuples, lists, dicts, sets, and skdist's
dataclasses and named tuples.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from scipy import sparse

from skdist.sharding._shard import compressed
from skdist.sharding._type_table import class_names

Array = np.ndarray[Any, Any]


class NotWritable(TypeError):
    """A value has no form in a journal."""


def encode(value: Any) -> tuple[Any, list[Array]]:
    """`value` as a tree for JSON, and the arrays that it names by their position.

    Raises
    ------
    NotWritable
        For what :func:`decode` could not make again.
    """
    arrays: list[Array] = []
    return _encode(value, arrays), arrays


def decode(tree: Any, arrays: list[Array]) -> Any:
    """What :func:`encode` was given: the same types, bits and memory order."""
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    return _DECODERS[kind](content, arrays)


def described(array: Array) -> dict[str, Any]:
    """What the bytes of an array do not say: dtype, shape, and which axis varies fastest."""
    return {
        "dtype": np.lib.format.dtype_to_descr(array.dtype),
        "shape": list(array.shape),
        "axes": _slowest_first(array),
    }


def in_memory_order(array: Array) -> Array:
    """The array's axes, slowest first, contiguous."""
    return np.ascontiguousarray(array.transpose(_slowest_first(array)))


def rebuilt(about: Mapping[str, Any], data: Any) -> Array:
    """The array of a description and its bytes; it may be written to."""
    axes = [int(axis) for axis in about["axes"]]
    shape = [int(about["shape"][axis]) for axis in axes]
    array = np.frombuffer(data, dtype_of(about)).reshape(shape).copy()
    return array.transpose(np.argsort(axes)) if axes else array


def dtype_of(about: Mapping[str, Any]) -> np.dtype[Any]:
    """The dtype that an array's description names."""
    return np.lib.format.descr_to_dtype(_as_descr(about["dtype"]))


def _slowest_first(array: Array) -> list[int]:
    """Axes by falling stride; C order where strides tell nothing."""
    if array.flags.c_contiguous:
        return list(range(array.ndim))
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def _as_descr(descr: Any) -> Any:
    """A dtype's description as numpy takes it: JSON has turned its tuples into lists."""
    if not isinstance(descr, list):
        return descr
    return [tuple(_as_descr(part) if i == 1 else part for i, part in enumerate(f)) for f in descr]


def _encode(value: Any, arrays: list[Array]) -> Any:
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    for name in class_names(value):
        if name in _ENCODERS:
            return _ENCODERS[name](value, arrays)
    if is_dataclass(value) and type(value).__module__.partition(".")[0] == "skdist":
        return _encode_value(value, arrays)
    raise NotWritable(f"a {type(value).__module__}.{type(value).__qualname__}")


def _encode_value(value: Any, arrays: list[Array]) -> Any:
    cls, names = type(value), _field_names(value)
    if value_class(cls.__module__, cls.__qualname__) is not cls:
        raise NotWritable(f"a {cls.__qualname__} that is not at the top of its module")
    own = {name: _encode(getattr(value, name), arrays) for name in names}
    return {"value": [cls.__module__, cls.__qualname__, own]}


def _field_names(value: Any) -> list[str]:
    named: Any = getattr(value, "_fields", None)  # of a named tuple
    return [f.name for f in fields(value)] if named is None else list(named)


def _decode_value(content: Any, arrays: list[Array]) -> Any:
    module, name, own = content
    cls = value_class(module, name)
    if cls is None:
        raise NotWritable(f"{module}.{name} is no class of skdist's values")
    if issubclass(cls, tuple):
        return cls(*(decode(tree, arrays) for tree in own.values()))
    value = object.__new__(cls)  # its constructor may compute; these are the computed fields
    for field, tree in own.items():
        object.__setattr__(value, field, decode(tree, arrays))
    return value


@cache
def value_class(module: str, name: str) -> Any:
    """The dataclass or named tuple of skdist of this name, or None."""
    if module.partition(".")[0] != "skdist" or not name.isidentifier():
        return None
    found = vars(import_module(module)).get(name)
    is_value = isinstance(found, type) and (is_dataclass(found) or issubclass(found, tuple))
    return found if is_value else None


def _encode_array(value: Array, arrays: list[Array]) -> Any:
    if value.dtype.hasobject:
        items = [_encode(item, arrays) for item in value.ravel().tolist()]
        return {"objects": [list(value.shape), items]}
    arrays.append(value)
    return {"array": len(arrays) - 1}


def _decode_objects(content: Any, arrays: list[Array]) -> Any:
    shape, items = content
    array = np.empty(len(items), object)
    array[:] = [decode(item, arrays) for item in items]
    return array.reshape(shape)


def _encode_scalar(value: Any, arrays: list[Array]) -> Any:
    arrays.append(np.asarray(value))
    return {"scalar": len(arrays) - 1}


def _encode_dtype(value: np.dtype[Any], _: list[Array]) -> Any:
    return {"dtype": np.lib.format.dtype_to_descr(value)}


def _encode_compressed(value: Any, arrays: list[Array]) -> Any:
    parts = [_encode_array(part, arrays) for part in (value.data, value.indices, value.indptr)]
    return {"sparse": [type(value).__name__, parts, list(value.shape)]}


def _decode_compressed(content: Any, arrays: list[Array]) -> Any:
    name, parts, shape = content
    data, indices, indptr = (decode(part, arrays) for part in parts)
    return compressed(_SPARSE[name], data, indices, indptr, tuple(shape))


def _encode_enum(value: Enum, arrays: list[Array]) -> Any:
    raise NotWritable(f"the enumeration {type(value).__qualname__}")


def _several(kind: str, order: Callable[[Any], Any] = list) -> Callable[[Any, list[Array]], Any]:
    return lambda value, arrays: {kind: [_encode(item, arrays) for item in order(value)]}


def _encode_tuple(value: Any, arrays: list[Array]) -> Any:
    if type(value) is not tuple:
        return _encode_value(value, arrays)
    return {"tuple": [_encode(item, arrays) for item in value]}


def _encode_dict(value: Any, arrays: list[Array]) -> Any:
    return {"dict": [[_encode(k, arrays), _encode(v, arrays)] for k, v in value.items()]}


def _by_text(items: Any) -> list[Any]:
    return sorted(items, key=repr)


_SPARSE = {
    name: getattr(sparse, name) for name in ("csr_matrix", "csr_array", "csc_matrix", "csc_array")
}

# JSON's own; exact types, since a subclass would come back as its base.
_PLAIN: dict[type, Callable[[Any], Any]] = {
    cls: (lambda value: value) for cls in (type(None), bool, int, float, str)
}

_ENCODERS: dict[str, Callable[[Any, list[Array]], Any]] = {
    "numpy.ndarray": _encode_array,
    "numpy.generic": _encode_scalar,
    "numpy.dtype": _encode_dtype,
    **{f"scipy.{name}": _encode_compressed for name in _SPARSE},
    "enum.Enum": _encode_enum,
    "builtins.tuple": _encode_tuple,
    "builtins.list": _several("list"),
    "builtins.set": _several("set", _by_text),
    "builtins.frozenset": _several("frozenset", _by_text),
    "builtins.dict": _encode_dict,
    "builtins.range": lambda value, _: {"range": [value.start, value.stop, value.step]},
    "builtins.bytes": lambda value, _: {"bytes": base64.b64encode(value).decode()},
}

_DECODERS: dict[str, Callable[[Any, list[Array]], Any]] = {
    "value": _decode_value,
    "array": lambda position, arrays: arrays[position],
    "objects": _decode_objects,
    "dtype": lambda descr, _: np.lib.format.descr_to_dtype(_as_descr(descr)),
    "scalar": lambda position, arrays: arrays[position][()],
    "sparse": _decode_compressed,
    "tuple": lambda items, arrays: tuple(decode(item, arrays) for item in items),
    "list": lambda items, arrays: [decode(item, arrays) for item in items],
    "set": lambda items, arrays: {decode(item, arrays) for item in items},
    "frozenset": lambda items, arrays: frozenset(decode(item, arrays) for item in items),
    "dict": lambda items, arrays: {decode(k, arrays): decode(v, arrays) for k, v in items},
    "range": lambda content, _: range(*content),
    "bytes": lambda text, _: base64.b64decode(text),
}
