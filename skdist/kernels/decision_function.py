# SPDX-License-Identifier: BSD-3-Clause
"""What kernel machines say of rows: expansions in kernel functions, and the vote of the pairs.

    f_ij(x) = sum over s in class i of c_(j-1)s k(x, x_s) + sum over s in class j of c_is k(x, x_s)

for classes i < j: support vectors lie class by class, and each has K - 1 coefficients, one per
opponent. That is libsvm's order. Regression and two classes are one such function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.kernels.kernel_function import KernelFunction, Points

BLOCK_SUMS = 1 << 19  # of one block of rows: their sums, and the rows, stay in the cache
LEAST_BLOCK, MOST_BLOCK = 128, 2048
MOST_WEIGHTS = 1 << 22  # coefficients of features, in all functions of a linear kernel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Expansions:
    """The functions f_ij, without their offsets.

    Parameters
    ----------
    kernel : KernelFunction
    vectors : ndarray or CSR of shape (S, d), float64
    coef : ndarray of shape (max(K - 1, 1), S), float64
    counts : tuple of int
        Vectors of each class; (S,) for one function.
    """

    kernel: KernelFunction
    vectors: Any
    coef: Floats
    counts: tuple[int, ...]

    @property
    def n_functions(self) -> int:
        """K (K - 1) / 2, or 1."""
        k = len(self.counts)
        return max(1, k * (k - 1) // 2)

    def values(self, X: Any, out: Floats) -> None:
        """Write f_ij(x) of every row, pairs in the order (0, 1), (0, 2), ..., (1, 2), ...

        Parameters
        ----------
        X : ndarray or CSR of shape (n, d), float64
        out : ndarray of shape (n, n_functions), float64

        Notes
        -----
        Cost: ``n S (d + K)`` multiplications and n S kernel values; ``n d`` per function where the
        kernel is linear and d is small, as sums of its vectors are one vector.
        """
        if self.weights is not None:
            out[:] = X @ self.weights.T
            return
        n_sums = self.coef.shape[0] * len(self.counts)
        size = min(max(BLOCK_SUMS // n_sums, LEAST_BLOCK), MOST_BLOCK)
        for start in range(0, X.shape[0], size):
            stop = start + size
            self._write_pairs(self._by_class(X[start:stop]), out[start:stop])

    def prepare(self) -> None:
        """Compute what all rows have in common, before several threads would do it each."""
        if self.weights is None:
            _ = self._points

    @cached_property
    def weights(self) -> Floats | None:
        """The functions' coefficients of the features, (n_functions, d), where that is shorter."""
        n_weights = self.coef.shape[0] * len(self.counts) * self.vectors.shape[1]
        if self.kernel.name != "linear" or n_weights > MOST_WEIGHTS:
            return None
        by_class = [self.coef[:, own] @ self.vectors[own] for own in self._classes]
        weights = np.empty((self.n_functions, self.vectors.shape[1]))
        self._write_pairs(np.concatenate(by_class).T, weights.T)
        return weights

    @cached_property
    def _classes(self) -> list[slice]:
        """The vectors of each class."""
        ends = np.cumsum(self.counts).tolist()
        return [slice(end - count, end) for end, count in zip(ends, self.counts, strict=True)]

    @cached_property
    def _points(self) -> tuple[Floats | None, Points]:
        """What rows are centred at, and the vectors as the kernel takes them."""
        centre = self.kernel.centre(self.vectors)
        return centre, self.kernel.points(self.vectors, centre)

    def _by_class(self, X: Any) -> Floats:
        """What the vectors of each class add to each of its functions, (n, K * (K - 1))."""
        centre, vectors = self._points
        rows = self.kernel.points(X, centre)
        sums = np.zeros((len(rows), len(self.counts), self.coef.shape[0]))
        for i, j, tile in self.kernel.tiles(rows, vectors):
            for k, own in enumerate(self._classes):
                first, last = max(own.start, j.start), min(own.stop, j.stop)
                if first < last:
                    part = tile[:, first - j.start : last - j.start]
                    sums[i, k] += part @ self.coef[:, first:last].T
        return sums.reshape(len(rows), -1)

    def _write_pairs(self, by_class: Floats, out: Floats) -> None:
        k = len(self.counts)
        if k == 1:
            out[:] = by_class
            return
        i, j = np.triu_indices(k, 1)
        np.add(by_class[:, i * (k - 1) + j - 1], by_class[:, j * (k - 1) + i], out=out)


def votes(values: Floats, n_classes: int) -> NDArray[np.intp]:
    """Number of the class that wins most pairs, the first of those with as many, (n,).

    Parameters
    ----------
    values : ndarray of shape (n, K * (K - 1) / 2)
        Above 0 the first class of a pair wins, else the second, as in libsvm.
    n_classes : int
    """
    i, j = np.triu_indices(n_classes, 1)
    pairs = np.arange(len(i))
    gain = np.zeros((len(i), n_classes), np.float32)  # of a win of the first over one of the second
    gain[pairs, i], gain[pairs, j] = 1.0, -1.0
    return ((values > 0.0).astype(np.float32) @ gain - np.minimum(gain, 0.0).sum(axis=0)).argmax(1)
