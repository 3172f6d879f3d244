# SPDX-License-Identifier: BSD-3-Clause
"""Features as uint8 codes, and the bin edges the codes refer to.

    code(x) = #{b : edge_b < x}   for a number x,      code(NaN) = MISSING

so that  x <= edge_b  <=>  code(x) <= b.  Codes are feature-major, (d, n): a node reads few
features of many rows.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numba import njit

from skdist.kernels.compiling import entry, read_only

MAX_BINS = 255  # of numbers; the 256th code is MISSING
MISSING = 255
_BLOCK = 1024  # rows of X that stay in L2 while all features are encoded


def bin_edges(
    column: np.ndarray, weight: np.ndarray | None = None, max_bins: int = MAX_BINS
) -> tuple[np.ndarray, np.ndarray]:
    """Edges and centres of the bins of one feature.

    At most `max_bins` distinct values: a bin each, edges midway. More: bins of about equal mass,
    whose edges still lie midway between neighbouring distinct values, so that no edge hits a
    value and ties stay together.

    Parameters
    ----------
    column : (n,) float32, NaN allowed.
    weight : (n,) float64, mass of each row; None: rows count the same.
    max_bins : int

    Returns
    -------
    edges : (b - 1,) float32, increasing.
    centres : (b,) float32, a value of each bin: the only one, or the median of the bin's values.
    """
    values, mass = _distinct(column, weight)
    if len(values) <= 1:  # np.resize: a column of NaN alone has a bin too, never used
        return np.empty(0, np.float32), np.resize(values, 1).astype(np.float32)
    last = np.arange(len(values) - 1)
    if len(values) > max_bins:
        last = _equal_mass_cuts(mass, max_bins)
    starts, stops = np.r_[0, last + 1], np.r_[last, len(values) - 1]
    return _midway(values[last], values[last + 1]), values[(starts + stops) // 2]


def _distinct(column: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Distinct numbers of a column and the mass of each; a row without mass is no row."""
    if weight is None:
        return np.unique(column[~np.isnan(column)], return_counts=True)
    number = ~np.isnan(column) & (weight > 0)
    values, inverse = np.unique(column[number], return_inverse=True)
    return values, np.bincount(inverse, weight[number], len(values))


def _equal_mass_cuts(mass: np.ndarray, max_bins: int) -> np.ndarray:
    """Indices of the last distinct value of all bins but the last, for bins of equal mass.

    A value that alone outweighs a bin's share closes a bin, wherever it lies; all other bins
    share the mass of the other values, which is why the share is recomputed at every cut.
    """
    heavy = mass > mass.sum() / max_bins
    light_below, heavy_at = np.cumsum(np.where(heavy, 0, mass)), np.flatnonzero(heavy)
    cuts, last, start = [], -1, 0.0
    for left in range(max_bins, 1, -1):
        heavy_left = heavy_at[np.searchsorted(heavy_at, last, side="right") :]
        share = (light_below[-1] - start) / max(left - len(heavy_left), 1)
        cut = max(int(np.searchsorted(light_below, start + share)), last + 1)
        cut = min(cut, *heavy_left[:1].tolist(), len(mass) - 2)
        if cut == last:
            break
        cuts.append(cut)
        last, start = cut, light_below[cut]
    return np.array(cuts)


def _midway(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Float32 t with low <= t < high, midway: x <= t separates the two values."""
    middle = (low.astype(np.float64) + high) / 2
    rounded = middle.astype(np.float32)
    return np.where(rounded >= high, low, rounded)


@entry()
def encode_columns(X, edges, n_edges, codes):
    """Write the codes of float32 X (n, d) into uint8 `codes` (d, n).

    `edges` (d, 255) float32 holds `n_edges` (d,) int64 edges per feature, then +inf.
    """
    n, d = X.shape
    x, position = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.int32)
    for start in range(0, n, _BLOCK):
        m = min(_BLOCK, n - start)
        for f in range(d):
            for i in range(m):
                x[i] = X[start + i, f]
            _bisect(x[:m], edges[f], n_edges[f], position[:m])
            for i in range(m):
                codes[f, start + i] = MISSING if np.isnan(x[i]) else position[i]


@njit
def _bisect(x, edges, n_edges, position):
    # All values take the same steps over a power of two of edges (the padding is +inf), step by
    # step for the whole block: this becomes SIMD gathers, which value by value does not.
    top = 1
    while top <= n_edges:
        top *= 2
    position[:] = 0
    step = np.int32(top // 2)
    while step > 0:
        reach = edges[step - 1 :]
        for i in range(len(x)):
            p = position[i]
            position[i] = p + (step if reach[np.uint32(p)] < x[i] else np.int32(0))
        step = np.int32(step // 2)


class Bins(NamedTuple):
    """The bins of d features, padded with +inf."""

    edges: (
        np.ndarray
    )  # (d, 256) float32: edges[f, b] is the threshold of "code b or less goes left"
    centres: np.ndarray  # (d, 256) float32, a value of each bin
    n_edges: np.ndarray  # (d,) int64


def make_bins(columns: Iterable[tuple[np.ndarray, np.ndarray | None]]) -> Bins:
    """Bins of features, each given by values (n_f,) float32 and their masses, or None."""
    made = [bin_edges(values, mass) for values, mass in columns]
    edges = np.full((len(made), MAX_BINS + 1), np.inf, np.float32)
    centres = np.full((len(made), MAX_BINS + 1), np.inf, np.float32)
    for f, (e, c) in enumerate(made):
        edges[f, : len(e)], centres[f, : len(c)] = e, c
    return Bins(edges, centres, np.array([len(e) for e, _ in made]))


def encode(X: np.ndarray, bins: Bins) -> np.ndarray:
    """Codes (d, n) uint8 of float32 X (n, d)."""
    codes = np.empty(X.shape[::-1], np.uint8)
    encode_columns(read_only(X), read_only(bins.edges), read_only(bins.n_edges), codes)
    return codes
