# SPDX-License-Identifier: BSD-3-Clause
"""Products of a few rows of a sparse matrix and a dense one, entry by entry.

Each entry takes a row of the dense matrix, so that these products are bound by the caches, not by
what the processor multiplies. Rows are added up in registers, and so many rows of the dense matrix
are taken at a time as the first level of cache holds: all rows of the sparse one meet them before
the next.
"""

import numpy as np

from skdist.kernels.compiling import entry, inlined
from skdist.kernels.registers import WIDEST, pieces_of

SUMS = {"contract"}  # x y + z is rounded once
WIDE, MIDDLE, NARROW = WIDEST, 256, 64  # bytes of a row that are summed in registers
NEAR = 40 * 1024  # bytes of the dense matrix that are kept near: a bit less than the first level
unsigned = np.uint64  # of an index: numba then does not look whether it counts from the end
FEW = 8  # entries, or more, of a row are met at a time on average


def _sums_of(n_bytes):
    """The sums of `rows_times` over `n_bytes` of every row, from column j on."""
    load, store, times, plus = pieces_of(n_bytes)

    @inlined
    def sums(data, columns, starts, rows, W, scale, first, out, j, near, at):
        for i in range(len(rows)):
            at[i] = starts[rows[i]]
            store(times(load(first, (j,)), scale[i]), out, (i, j))
        end = 0
        while end < len(W):
            end += near
            for i in range(len(rows)):
                k, stop = at[i], unsigned(starts[rows[i] + 1])
                if k < stop and columns[k] < end:
                    total = load(out, (i, j))
                    while k < stop and columns[k] < end:
                        total = plus(total, times(load(W, (columns[k], j)), data[k]))
                        k += unsigned(1)
                    store(total, out, (i, j))
                    at[i] = k

    return sums


_wide, _middle, _narrow = _sums_of(WIDE), _sums_of(MIDDLE), _sums_of(NARROW)


@inlined
def _single(data, columns, starts, rows, W, scale, first, out):
    """The same over all of rows that are too short for a piece."""
    for i in range(len(rows)):
        total = out[i]
        for j in range(len(total)):
            total[j] = scale[i] * first[j]
        for k in range(starts[rows[i]], starts[rows[i] + 1]):
            x, own = data[k], W[columns[k]]
            for j in range(len(total)):
                total[j] += x * own[j]


@entry(fastmath=SUMS)
def rows_times(data, columns, starts, rows, W, scale, first, out):
    """``out = scale first' + X[rows] W`` for a sparse X, row i having entries starts[i] and on.

    Parameters
    ----------
    data, columns : (nnz,) of the entries; floating, integers. Quickest if sorted within rows.
    starts : (n + 1,) integers
    rows : (b,) int64
    W : (d, h) in C order, of the dtype of `data`
    scale, first : (b,), (h,) of that dtype
    out : (b, h); quickest if it and W are aligned
    """
    h, one = W.shape[1], W.itemsize
    wide, middle, narrow = WIDE // one, MIDDLE // one, NARROW // one
    if h < narrow:
        _single(data, columns, starts, rows, W, scale, first, out)
        return
    n_entries = 1
    for row in rows:
        n_entries += starts[row + 1] - starts[row]
    near = max(NEAR // (h * one), FEW * len(rows) * len(W) // n_entries, 1)
    at, j = np.empty(len(rows), unsigned), 0
    while j < h:  # the last piece begins where it ends with the row, and sums some columns again
        if h >= wide and h - j >= 2 * middle:
            j = min(j, h - wide)
            _wide(data, columns, starts, rows, W, scale, first, out, j, near, at)
            j += wide
        elif h >= middle and h - j >= 2 * narrow:
            j = min(j, h - middle)
            _middle(data, columns, starts, rows, W, scale, first, out, j, near, at)
            j += middle
        else:
            j = min(j, h - narrow)
            _narrow(data, columns, starts, rows, W, scale, first, out, j, near, at)
            j += narrow


@entry()
def columns_of(data, columns, starts, rows, d):
    """``X[rows]'``, (d, b), by rows: a counting sort of the entries by column.

    Parameters
    ----------
    data, columns, starts, rows : as of `rows_times`
    d : int

    Returns
    -------
    data, columns, starts : the same of the transposed matrix; columns and starts int32, as SciPy's
        are, so that `rows_times` is compiled once for both
    """
    ends = np.zeros(d + 1, np.int32)
    for row in rows:
        for k in range(unsigned(starts[row]), unsigned(starts[row + 1])):
            ends[unsigned(columns[k]) + unsigned(1)] += 1
    for j in range(d):
        ends[j + 1] += ends[j]
    turned, numbers = np.empty(ends[d], data.dtype), np.empty(ends[d], np.int32)
    for i in range(len(rows)):
        for k in range(unsigned(starts[rows[i]]), unsigned(starts[rows[i] + 1])):
            j = unsigned(columns[k])
            place = unsigned(ends[j])
            turned[place], numbers[place] = data[k], i
            ends[j] += 1
    first = np.zeros(d + 1, np.int32)  # every column's end has moved on to that of the next
    first[1:] = ends[:d]
    return turned, numbers, first


@entry()
def entries_of(X, rows, usual):
    """The entries of ``X[rows] - 1 usual'`` that are not zero, by rows.

    Parameters
    ----------
    X : (n, d) in C order
    rows : (b,) int64
    usual : (d,) of the dtype of X

    Returns
    -------
    data (nnz,), columns (nnz,) int32, starts (b + 1,) int64
    """
    starts = np.zeros(len(rows) + 1, np.int64)
    for i in range(len(rows)):
        x, n = X[rows[i]], 0
        for j in range(len(x)):
            n += x[j] != usual[j]
        starts[i + 1] = starts[i] + n
    data, columns = np.empty(starts[-1], X.dtype), np.empty(starts[-1], np.int32)
    for i in range(len(rows)):
        x, k = X[rows[i]], starts[i]
        for j in range(len(x)):
            if x[j] != usual[j]:
                data[k], columns[k] = x[j] - usual[j], j
                k += 1
    return data, columns, starts
