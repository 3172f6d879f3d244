# SPDX-License-Identifier: BSD-3-Clause
"""The rows that go into a network: all or those of a batch, dense or without their usual values.

The first layer multiplies them twice, ``X W`` and ``X' delta``: most of the work, where they have
many columns. With the usual values c of the columns, ``X = S + 1 c'``, and where most entries are
usual, as zeros are, standardised or not, the products take only the few entries of S::

    X W = S W + 1 (c' W),        X' delta = S' delta + c (1' delta)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skdist.kernels.mlp_layers import Array

SAMPLE = 1_024  # rows that tell how many entries are usual
FEW = 255  # of them, which tell what is usual


class Inputs(Protocol):
    """Rows, (n, d)."""

    @property
    def n_rows(self) -> int:
        """How many."""

    def times(self, W: Array, out: Array) -> None:
        """``X W`` into `out`."""

    def transposed_times(self, delta: Array, out: Array) -> None:
        """``X' delta`` into `out`."""

    def squared(self) -> Inputs:
        """Every entry squared."""


@dataclass(frozen=True, eq=False)
class DenseInputs:
    """Rows of an array; products are those of BLAS."""

    X: Array

    @property
    def n_rows(self) -> int:
        """How many."""
        return len(self.X)

    def times(self, W: Array, out: Array) -> None:
        """``X W`` into `out`."""
        np.matmul(self.X, W, out=out)

    def transposed_times(self, delta: Array, out: Array) -> None:
        """``X' delta`` into `out`."""
        np.matmul(self.X.T, delta, out=out)

    def squared(self) -> DenseInputs:
        """Every entry squared."""
        return DenseInputs(np.square(self.X))


@dataclass(frozen=True, eq=False)
class SparseInputs:
    """Some rows of ``S + 1 c'``, which are not gathered.

    Parameters
    ----------
    S : sparse matrix or array of shape (n_all, d), CSR
    rows : ndarray of int64, (n,)
    usual : ndarray of shape (d,), or None
        c; None where it is zero.
    """

    S: Any
    rows: Array
    usual: Array | None = None

    @property
    def n_rows(self) -> int:
        """How many."""
        return len(self.rows)

    @cached_property
    def _entries(self) -> tuple[Array, Array, Array]:
        from skdist.kernels.compiling import read_only  # numba, when it is needed

        return read_only(self.S.data), read_only(self.S.indices), read_only(self.S.indptr)

    def times(self, W: Array, out: Array) -> None:
        """``S W + 1 (c' W)`` into `out`."""
        from skdist.kernels.compiling import read_only
        from skdist.kernels.sparse_products import rows_times

        first = np.zeros(W.shape[1], W.dtype) if self.usual is None else self.usual @ W
        ones = np.ones(self.n_rows, W.dtype)
        rows_times(*self._entries, self.rows, read_only(W), read_only(ones), read_only(first), out)

    def transposed_times(self, delta: Array, out: Array) -> None:
        """``S' delta + c (1' delta)`` into `out`."""
        from skdist.kernels.compiling import read_only
        from skdist.kernels.sparse_products import columns_of, rows_times

        d = self.S.shape[1]
        usual = np.zeros(d, delta.dtype) if self.usual is None else self.usual
        sums = delta.sum(axis=0)
        turned = map(read_only, columns_of(*self._entries, self.rows, d))
        rows_times(*turned, np.arange(d), read_only(delta), read_only(usual), read_only(sums), out)

    def squared(self) -> SparseInputs:
        """Every entry squared: ``(s + c)^2 = s (s + 2 c) + c^2``."""
        own = csr_matrix(self.S[self.rows], copy=True)
        if self.usual is None:
            own.data *= own.data
            return SparseInputs(own, np.arange(self.n_rows))
        own.data *= own.data + 2 * self.usual[own.indices]
        return SparseInputs(own, np.arange(self.n_rows), np.square(self.usual))


def inputs_of(
    X: Any, rows: Array | None = None, buffer: Array | None = None, usual: Array | None = None
) -> Inputs:
    """The given rows of X, or all.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_all, d)
    rows : ndarray of int, (n,), optional
    buffer : ndarray of shape (n or more, d), optional
        Where rows of an array are gathered; needed with `rows`.
    usual : ndarray of shape (d,), optional
        What the entries of a CSR matrix were counted from, if not from zero.
    """
    if issparse(X):
        return SparseInputs(X, np.arange(X.shape[0]) if rows is None else rows, usual)
    if rows is None or buffer is None:
        return DenseInputs(X if rows is None else X[rows])
    return DenseInputs(np.take(X, rows, axis=0, out=buffer[: len(rows)], mode="clip"))


def usual_values(X: Array) -> Array:
    """The most frequent value of every column, (d,), of up to 255 of the rows, evenly spaced."""
    ordered = np.sort(np.ascontiguousarray(X[:: -(-X.shape[0] // FEW)].T), axis=1)
    place = np.arange(ordered.shape[1])
    starts = np.zeros(ordered.shape, np.intp)  # where the run of equal values starts
    np.multiply(ordered[:, 1:] != ordered[:, :-1], place[1:], out=starts[:, 1:])
    ends = np.argmax(place - np.maximum.accumulate(starts, axis=1), axis=1)  # of the longest run
    return np.asarray(ordered[np.arange(len(ordered)), ends])


def skips(X: Any, usual: Any, width: int) -> bool:
    """Whether products with (d, width) are made of the entries that are not usual.

    They make a share of the operations of a dense product, but each row of the width is fetched
    for an entry of its own: the wider, the better that pays. The share of entries up to which it
    is done, ``0.45 (width - 8) / (width + 24)``, is a choice, on the careful side: what is lost
    where it is too small is time, and never accuracy. It depends on up to 1,024 of the rows, evenly
    spaced.
    """
    if issparse(X) or X.shape[0] == 0:
        return False
    some = X[:: max(1, X.shape[0] // SAMPLE)]
    return bool(np.count_nonzero(some != usual) * (width + 24) < 0.45 * (width - 8) * some.size)


def entries_beside(X: Array, rows: Array, usual: Array) -> csr_matrix:
    """``X[rows] - 1 usual'`` of an array X, as CSR."""
    from skdist.kernels.compiling import read_only  # numba, when it is needed
    from skdist.kernels.sparse_products import entries_of

    X = read_only(np.ascontiguousarray(X))
    data, columns, starts = entries_of(X, rows, read_only(usual.astype(X.dtype)))
    return csr_matrix((data, columns, starts), shape=(len(rows), X.shape[1]))
