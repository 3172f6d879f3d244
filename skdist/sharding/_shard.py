# SPDX-License-Identifier: BSD-3-Clause
"""A shard: a fixed piece of the rows."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from skdist.sharding._cost import nbytes
from skdist.sharding._type_table import look_up


@dataclass(frozen=True, eq=False)
class Shard:
    """A fixed piece of the rows, and what a task needs to know about it.

    Arrays are read-only on every backend. loky and Dask hand tasks read-only buffers anyway; that
    threads do so too means that a kernel that writes to its data fails everywhere alike, and that
    numba compiles one specialisation, not two.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features), or any value
        The rows, in the container they came in. A shard made by
        :meth:`ShardedDataset.map_shards` carries whatever the function returned.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
    sample_weight : ndarray of shape (n_rows,), or None
    rows : range
        The rows' positions in the whole data set.
    seed : int
        In ``[0, 2**32)``, derived from (seed of the data set, `index`) alone.
    index : int
        The shard's number, from 0.
    n_shards : int
        How many shards there are.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.sharding import Shard
    >>> Shard(np.eye(3), rows=range(4, 7), index=1, n_shards=2).n_rows
    3
    """

    X: Any
    y: Any = None
    sample_weight: Any = None
    rows: range = range(0)
    seed: int = 0
    index: int = 0
    n_shards: int = 1

    def __post_init__(self) -> None:
        for name in ("X", "y", "sample_weight"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def n_rows(self) -> int:
        """How many rows the shard holds."""
        return len(self.rows)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, so that arrays arrive read-only whatever carried them.
        return Shard, tuple(compact(getattr(self, field.name)) for field in fields(self))

    def __sizeof__(self) -> int:
        # Dask asks sys.getsizeof: told the truth, its scheduler moves tasks to data, not data.
        return 200 + nbytes(self.X) + nbytes(self.y) + nbytes(self.sample_weight)


def shard_seed(seed: int, index: int) -> int:
    """Seed of shard `index`: a hash of (seed, index), in ``[0, 2**32)``."""
    return int(np.random.SeedSequence(entropy=seed, spawn_key=(index,)).generate_state(1)[0])


def read_only(value: Any) -> Any:
    """A read-only view of an array or compressed sparse matrix; any other value as it is."""
    view = look_up(_READ_ONLY, value)
    return value if view is None else view(value)


def compressed(cls: Any, data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> Any:
    """A CSR or CSC matrix on these very arrays: the constructor would copy views of large ones."""
    matrix = cls(shape, dtype=data.dtype)
    matrix.data, matrix.indices, matrix.indptr = data, indices, indptr
    return matrix


def compact(value: Any) -> Any:
    """A contiguous array of the same memory order; any other value as it is.

    Rows of a column-major array are not contiguous, and pickling would turn them row-major: BLAS
    would then sum in another order than it does on threads.
    """
    order = look_up(_COMPACT, value)
    return value if order is None else order(value)


def _compact_array(array: Any) -> Any:
    column_major = array.ndim == 2 and array.strides[0] == array.itemsize < array.strides[1]
    return np.asfortranarray(array) if column_major else np.ascontiguousarray(array)


def _read_only_array(array: Any) -> Any:
    base = np.asarray(array)
    # A worker may receive an array at an address that is no multiple of its item size.
    view = base.view() if base.flags.aligned else base.copy(order="K")
    view.flags.writeable = False
    return view


def _read_only_compressed(matrix: Any) -> Any:
    data, indices, indptr = map(_read_only_array, (matrix.data, matrix.indices, matrix.indptr))
    return compressed(type(matrix), data, indices, indptr, matrix.shape)


_COMPACT = {"numpy.ndarray": _compact_array}

_READ_ONLY = {
    "numpy.ndarray": _read_only_array,
    "scipy.csr_matrix": _read_only_compressed,
    "scipy.csr_array": _read_only_compressed,
    "scipy.csc_matrix": _read_only_compressed,
    "scipy.csc_array": _read_only_compressed,
}
