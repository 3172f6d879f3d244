# SPDX-License-Identifier: BSD-3-Clause
"""The kernel functions of support vector machines, on blocks of rows.

    linear    k(x, z) = x'z
    poly      k(x, z) = (gamma x'z + coef0)^degree
    rbf       k(x, z) = exp(-gamma |x - z|^2),    |x - z|^2 = |x|^2 + |z|^2 - 2 x'z
    sigmoid   k(x, z) = tanh(gamma x'z + coef0)

A matrix product on tiles that stay in the L2 cache, and the function on the tile while it is there.
Squares are subtracted, so rbf is computed about the mean row; what remains of |x - z|^2 and is no
more than rounding counts as 0: rows that are equal have k = 1, exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdist.kernels.exponentials import rbf_exponents, rbf_values

__all__ = ["KernelFunction", "Points"]

TILE_ROWS, TILE_COLUMNS = 256, 512  # a tile in float32 is half a megabyte
MOST_COLUMNS = 4096  # of a matrix that is computed in stripes of whole rows
DENSE_ENTRIES = 1 << 22  # of CSR rows that are made dense at a time
DENSE_SHARE = 0.05  # of entries that are not 0: from here on products are dense, a choice of speed
SINGLE_REACH = 1024.0  # gamma |x|^2 up to which float32 knows gamma |x - z|^2 well enough


@dataclass(frozen=True, eq=False)
class Points:
    """Rows, as kernels are computed from them.

    Parameters
    ----------
    values : ndarray or CSR of shape (n, d), float64 or float32
    squares : ndarray of shape (n,) of the same dtype
        gamma |x|^2 for rbf, else 0.
    """

    values: Any
    squares: np.ndarray

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __getitem__(self, rows: Any) -> "Points":
        return Points(self.values[rows], self.squares[rows])

    def astype(self, dtype: Any) -> "Points":
        """The same points in float32 or float64."""
        if self.dtype == dtype:
            return self
        return Points(self.values.astype(dtype), self.squares.astype(dtype))

    @property
    def dtype(self) -> Any:
        """Of what is computed from them."""
        return self.squares.dtype

    @property
    def nbytes(self) -> int:
        """Memory of rows and squares, in bytes."""
        X = self.values
        own = X.data.nbytes + X.indices.nbytes if issparse(X) else X.nbytes
        return int(own + self.squares.nbytes)


@dataclass(frozen=True)
class KernelFunction:
    """One of the four functions, by scikit-learn's names.

    Parameters
    ----------
    name : {"linear", "poly", "rbf", "sigmoid"}
    gamma : float, default=1.0
    degree : int, default=3
    coef0 : float, default=0.0

    Examples
    --------
    >>> import numpy as np
    >>> from skdist.kernels.kernel_function import KernelFunction
    >>> KernelFunction("poly", degree=2, coef0=1.0).block(np.eye(2), np.ones((1, 2)))
    array([[4.],
           [4.]])
    """

    name: str
    gamma: float = 1.0
    degree: int = 3
    coef0: float = 0.0

    def block(self, A: Any, B: Any) -> np.ndarray:
        """k(a_i, b_j), (len(A), len(B)), in float32 where A is of float32, else in float64.

        Parameters
        ----------
        A, B : ndarray or CSR of shape (m, d)
        """
        dtype = np.float32 if A.dtype == np.float32 else np.float64
        centre = self.centre(B)
        return self.matrix(self.points(A, centre, dtype), self.points(B, centre, dtype))

    def matrix(self, A: Points, B: Points, memory: np.ndarray | None = None) -> np.ndarray:
        """k(a_i, b_j), (len(A), len(B)), in the dtype of the points.

        `memory`, of the same dtype, is where to put it: fresh pages cost as much as the entries.
        """
        shape = len(A), len(B)
        if memory is None:
            memory = np.empty(shape, A.dtype)
        out = memory.reshape(-1)[: shape[0] * shape[1]].reshape(shape)
        if len(B) > _columns_at_once(B.values, MOST_COLUMNS):
            for i, j, tile in self.tiles(A, B):
                out[i, j] = tile
            return out
        right = _dense(B.values).T
        for i in _pieces(len(A), max(TILE_ROWS * TILE_COLUMNS // max(len(B), 1), 1)):
            # A stripe has no gaps, so that it is computed where it stays.
            _multiply(A.values[i], right, out[i])
            self._finish(out[i], A.squares[i], B.squares)
        return out

    def diagonal(self, A: Any) -> np.ndarray:
        """k(a_i, a_i), (len(A),), float64."""
        if self.name == "rbf":
            return np.ones(A.shape[0])
        return self._of_products(_squares(A))

    def centre(self, A: Any) -> np.ndarray | None:
        """The mean row of dense rows for rbf, which does not see it being subtracted."""
        if self.name != "rbf" or issparse(A) or not len(A):
            return None
        return np.asarray(A.mean(axis=0, dtype=np.float64))

    def points(self, A: Any, centre: np.ndarray | None, dtype: Any = np.float64) -> Points:
        """A, less the centre, prepared for :meth:`tiles`."""
        values = A if centre is None else A - centre
        squares = self.gamma * _squares(values) if self.name == "rbf" else np.zeros(A.shape[0])
        values = values.astype(dtype, copy=False)
        return Points(
            values if issparse(A) else np.ascontiguousarray(values), squares.astype(dtype)
        )

    def single(self, reach: float) -> bool:
        """Whether float32 is enough for points whose squares are at most `reach`.

        Of rbf alone: an error of its exponent counts relative to 1, whatever the rows' scale.
        """
        return self.name == "rbf" and reach <= SINGLE_REACH

    def tiles(self, A: Points, B: Points) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """The matrix k(A, B) in tiles: rows, columns, and the tile, valid until the next one."""
        memory = np.empty(TILE_ROWS * TILE_COLUMNS, A.dtype)
        for j in _pieces(len(B), _columns_at_once(B.values, TILE_COLUMNS)):
            right = _dense(B.values[j]).T
            for i in _pieces(len(A), TILE_ROWS):
                m, n = i.stop - i.start, j.stop - j.start
                tile = memory[: m * n].reshape(m, n)  # without gaps, whatever its shape
                _multiply(A.values[i], right, tile)
                self._finish(tile, A.squares[i], B.squares[j])
                yield i, j, tile

    def _finish(self, tile: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
        """k of the inner products on the tile."""
        if self.name != "rbf":
            self._of_products(tile, out=tile)
        elif tile.dtype == np.float32:
            rbf_values(tile, left, right, self.gamma)
        else:
            rbf_exponents(tile, left, right, self.gamma)
            np.exp(tile, out=tile)

    def _of_products(self, products: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """k of inner products, for all but rbf."""
        if self.name == "linear":
            return products
        z = np.multiply(products, self.gamma, out=out)
        z += self.coef0
        return np.tanh(z, out=z) if self.name == "sigmoid" else _raise(z, self.degree)


def _raise(z: np.ndarray, degree: int) -> np.ndarray:
    """z^degree in place, by squaring: cheaper than a general power."""
    square = z.copy()
    z[:] = 1.0
    while degree:
        if degree & 1:
            z *= square
        square *= square
        degree >>= 1
    return z


def _pieces(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _columns_at_once(values: Any, most: int) -> int:
    """Rows of B per tile: CSR rows are made dense, and these have to fit into memory."""
    if not issparse(values):
        return most
    return min(most, max(DENSE_ENTRIES // max(values.shape[1], 1), 1))


def _multiply(left: Any, right: np.ndarray, out: np.ndarray) -> None:
    """`left` @ `right`, of which `left` may be CSR."""
    if issparse(left) and left.nnz < DENSE_SHARE * left.shape[0] * left.shape[1]:
        out[:] = left @ right
    else:
        np.matmul(_dense(left), right, out=out)


def _dense(values: Any) -> np.ndarray:
    return np.asarray(values.toarray() if issparse(values) else values)


def _squares(values: Any) -> np.ndarray:
    """|x|^2 of each row, in float64."""
    if issparse(values):
        return np.asarray(values.astype(np.float64).power(2).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", values, values, dtype=np.float64)
