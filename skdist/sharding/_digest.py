# SPDX-License-Identifier: BSD-3-Clause
"""What tells values apart in another process, another day: digests of their content.

Equal content has equal digests, whatever container's memory order it lies in. Names that a process
draws for its own use (fields of dataclasses with ``compare=False``) do not count.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import joblib
import numpy as np

from skdist.sharding._choice import client_for_collections
from skdist.sharding._here import map_in_threads
from skdist.sharding._type_table import class_names, look_up

_BLOCK = 1 << 24  # bytes that are hashed by one thread


def digest(value: Any) -> str:
    """32 hexadecimal digits that stand for the content of `value`.

    Numbers, texts, arrays, sparse matrices, containers, dataclasses, functions, scikit-learn's
    estimators and torch's modules are looked into; of anything else its pickle counts.
    """
    return _digest(value, _pickled)


def digest_of_question(function: Callable[..., Any], view: Any, broadcast: Any) -> str:
    """What is asked in a round. Of what cannot be looked into the name of the class counts."""
    return _digest((function, view, broadcast), _class_name)


def digest_rows(values: Any) -> str:
    """:func:`digest` of rows, or of the partitions of a Dask collection, made where they are."""
    if look_up(_COLLECTIONS, values) is None:
        return digest(values)
    from dask.base import compute
    from dask.delayed import delayed

    from skdist.sharding._collections import partitions

    parts = [delayed(digest)(part) for part in partitions(values)]
    client = client_for_collections()
    found = client.gather(client.compute(parts)) if client else compute(*parts, scheduler="threads")
    return digest(list(found))


def _digest(value: Any, other: Callable[[Any], str]) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    _feed(value, hasher.update, other)
    return hasher.hexdigest()


def _feed(value: Any, put: Callable[[bytes], None], other: Callable[[Any], str]) -> None:
    """Hand the content of a value over, in pieces that tell where they begin."""
    if value is None or type(value) in (bool, int, float, str, bytes):
        put(f"{type(value).__name__} {value!r};".encode(errors="surrogatepass"))
        return
    parts = look_up(_PARTS, value)
    if parts is None and is_dataclass(value) and not isinstance(value, type):
        parts = _of_dataclass
    if parts is None:
        put(f"{other(value)};".encode())
        return
    name = type(value).__qualname__
    inner = list(parts(value))
    put(f"{name} {len(inner)}(".encode())
    for part in inner:
        _feed(part, put, other)


def _of_array(array: Any) -> Iterable[Any]:
    if array.dtype.hasobject:
        return [*array.shape, *array.ravel().tolist()]
    rows = np.atleast_1d(array)
    step = max(1, _BLOCK // max(1, rows[:1].nbytes))
    if step >= len(rows):
        return [np.lib.format.dtype_to_descr(array.dtype), *array.shape, _of_block(rows)]
    starts = range(0, len(rows), step)
    digests = map_in_threads(lambda start: _of_block(rows[start : start + step]), starts)
    return [np.lib.format.dtype_to_descr(array.dtype), *array.shape, *digests]


def _of_block(rows: Any) -> bytes:
    whole = np.ascontiguousarray(rows)
    content = whole.reshape(-1).view(np.uint8).data if whole.nbytes else b""
    return hashlib.blake2b(content, digest_size=16).digest()


def _of_compressed(matrix: Any) -> Iterable[Any]:
    return [*matrix.shape, matrix.data, matrix.indices, matrix.indptr]


def _of_dataclass(value: Any) -> Iterable[Any]:
    return [type(value).__module__, *(getattr(value, f.name) for f in fields(value) if f.compare)]


def _of_function(function: Any) -> Iterable[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return [function.__module__, function.__qualname__, *cells]


def _of_class(cls: type) -> Iterable[Any]:
    return [cls.__module__, cls.__qualname__]


def _of_set(items: Any) -> Iterable[Any]:
    return sorted(items, key=repr)


def _of_dict(items: Any) -> Iterable[Any]:
    return [part for item in items.items() for part in item]


def _of_estimator(estimator: Any) -> Iterable[Any]:
    return [type(estimator), estimator.get_params(deep=False)]


def _of_module(module: Any) -> Iterable[Any]:
    return [type(module), repr(module), dict(module.state_dict())]


def _pickled(value: Any) -> str:
    return f"{class_names(value)[0]} {joblib.hash(value, 'sha1')}"


def _class_name(value: Any) -> str:
    return class_names(value)[0]


_COLLECTIONS = dict.fromkeys(("dask.Array", "dask.DataFrame", "dask.Series"), digest)

_PARTS: dict[str, Callable[[Any], Iterable[Any]]] = {
    "numpy.ndarray": _of_array,
    "numpy.generic": lambda value: _of_array(np.asarray(value)),
    "numpy.RandomState": lambda random: random.get_state(),
    "numpy.Generator": lambda random: [random.bit_generator.state],
    **dict.fromkeys(
        ("scipy.csr_matrix", "scipy.csr_array", "scipy.csc_matrix", "scipy.csc_array"),
        _of_compressed,
    ),
    "builtins.tuple": list,
    "builtins.list": list,
    "builtins.set": _of_set,
    "builtins.frozenset": _of_set,
    "builtins.dict": _of_dict,
    "builtins.range": lambda value: [value.start, value.stop, value.step],
    "builtins.slice": lambda value: [value.start, value.stop, value.step],
    "builtins.function": _of_function,
    "builtins.builtin_function_or_method": lambda function: [function.__qualname__],
    "builtins.method": lambda method: [method.__func__, method.__self__],
    "functools.partial": lambda call: [call.func, call.args, call.keywords],
    "builtins.type": _of_class,
    "enum.Enum": lambda member: [type(member), member.name],
    "sklearn.BaseEstimator": _of_estimator,
    "skorch.Callback": _of_estimator,
    "skorch.NeuralNet": _of_estimator,
    "torch.Module": _of_module,
    "torch.Tensor": lambda tensor: [tensor.detach().cpu().numpy()],
}
