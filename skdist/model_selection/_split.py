# SPDX-License-Identifier: BSD-3-Clause
"""Rows to train on and rows to test with."""

from __future__ import annotations

from itertools import accumulate
from numbers import Integral
from typing import Any

import numpy as np
import sklearn.model_selection
from sklearn.utils import check_random_state

from skdist._sklearn import split_sizes
from skdist.model_selection._draw import ROUNDED, Draw, Shares, Stretch
from skdist.sharding import is_dask, lengths_in_common, pick

MAX_SEED = np.iinfo(np.int32).max
TEST_SIZE = 0.25


def train_test_split(
    *arrays, test_size=None, train_size=None, random_state=None, shuffle=True, stratify=None
):
    """Split rows at random into those to train on and those to test with.

    Of what is in memory this is :func:`sklearn.model_selection.train_test_split`. Dask arrays,
    dataframes and series are split partition by partition, when they are computed, and stay
    collections. A row's side is a function of (`random_state`, its partition, its place there, the
    number of rows, and of classes) alone: the same for all collections, in every run and on every
    machine.

    Parameters
    ----------
    *arrays : sequence of array-likes, or of Dask collections that are cut alike
        Chunks and divisions may be unknown.
    test_size : float or int, default=None
        The share of the rows, or how many, to test with; what `train_size` leaves, or 0.25. How
        many only where some collection knows its chunks.
    train_size : float or int, default=None
        To train on; what `test_size` leaves.
    random_state : int, RandomState instance or None, default=None
        What the draw depends on.
    shuffle : bool, default=True
        Whether rows are drawn at random. Without it the first ones are to train on and the next
        ones to test with, which needs known chunks.
    stratify : array-like, or Dask array or series, default=None
        Classes, each of which is split in the same proportion.

    Returns
    -------
    splitting : list, twice as long as arrays
        Train and test of the first, of the second, ... Rows of collections keep their order within
        their partition, and the number of partitions stays what it was.

    Raises
    ------
    ValueError
        For sizes that leave no rows, collections that are not cut alike, and what needs chunks that
        are known where they are not.
    TypeError
        Where some are collections and others are not.

    Notes
    -----
    How exact the sizes of collections are: within one row of the share in each partition, and of
    each class in each partition. Where some collection knows its chunks the totals are exact too,
    those of scikit-learn, and the parts know their chunks, but for `stratify` the total of one
    class may differ by up to a row per partition. With unknown chunks each partition rounds up or
    down at random: the total is right on average, with a standard deviation of half the square root
    of the number of partitions, in rows. Drawing every row on its own would deviate by
    ``sqrt(p (1 - p) n)``: 433 rows of a million, where 100 partitions deviate by 5.

    Nothing is computed here. A part is computed from the partitions of its collection, of
    `stratify`, and, where chunks are unknown and there are several collections, of the first of
    them, to check that lengths agree.

    Examples
    --------
    >>> import dask.array as da
    >>> from skdist.model_selection import train_test_split
    >>> X = da.arange(1_000, chunks=100).reshape(-1, 1)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, X[:, 0] % 3, random_state=0)
    >>> X_train.shape, X_test.shape, X_test.chunks[0]
    ((750, 1), (250, 1), (25, 25, 25, 25, 25, 25, 25, 25, 25, 25))
    """
    if not any(map(is_dask, [*arrays, stratify])):
        return sklearn.model_selection.train_test_split(
            *arrays,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
            shuffle=shuffle,
            stratify=stratify,
        )
    _check_all_are_collections(arrays, stratify)
    if stratify is not None and not shuffle:
        raise ValueError("Stratified train/test split is not implemented for shuffle=False")
    alike = [*arrays, *([] if stratify is None else [stratify])]
    _, lengths = lengths_in_common(alike)
    shares = _shares(test_size, train_size, lengths)
    if shuffle:
        seed = int(check_random_state(random_state).randint(MAX_SEED))
        parts = [Draw(shares, seed, "train"), Draw(shares, seed, "test")]
    else:
        parts = _stretches(shares)
    known = lengths is not None and stratify is None
    chunks = [part.lengths(lengths) if known else None for part in parts]
    return [
        pick(
            part,
            array,
            along=stratify,
            companion=_companion(array, alike, lengths),
            lengths=n,
        )
        for array in arrays
        for part, n in zip(parts, chunks, strict=True)
    ]


def _companion(array: Any, alike: list[Any], lengths: list[int] | None) -> Any:
    """Whose lengths are compared with the array's, when both are computed."""
    return None if lengths is not None or array is alike[0] else alike[0]


def _check_all_are_collections(arrays: tuple, stratify: Any) -> None:
    if not arrays:
        raise ValueError("At least one array required as input")
    for values in [*arrays, *([] if stratify is None else [stratify])]:
        if not is_dask(values):
            raise TypeError(
                f"A Dask collection and a {type(values).__name__} were given, and rows in memory "
                "cannot be told which partition they belong to. Pass collections that are cut "
                "alike, e.g. dask.array.from_array(y, chunks=X.chunks[0]), or compute() them all."
            )


def _shares(test_size: Any, train_size: Any, lengths: list[int] | None) -> Shares:
    """What is drawn; of known lengths as many rows as scikit-learn would draw."""
    for name, size in (("test_size", test_size), ("train_size", train_size)):
        _check_size(name, size, lengths)
    n = ROUNDED if lengths is None else sum(lengths)
    train, test = split_sizes(n, test_size, train_size, TEST_SIZE)
    starts = None if lengths is None else tuple(accumulate(lengths, initial=0))[:-1]
    return Shares(test, train, n, starts)


def _check_size(name: str, size: Any, lengths: list[int] | None) -> None:
    if size is None or lengths is not None:  # scikit-learn's to refuse
        return
    if isinstance(size, Integral):
        raise ValueError(
            f"{name}={size} was given, a number of rows, but no collection knows how many rows "
            f"there are. Pass a share such as {name}=0.25, or count the rows once: "
            "X.compute_chunk_sizes() of an array, df.to_dask_array(lengths=True) of a dataframe."
        )
    if not 0.0 < size < 1.0:
        raise ValueError(f"{name}={size} was given; a share must be between 0 and 1.")


def _stretches(shares: Shares) -> list[Stretch]:
    if shares.starts is None:
        raise ValueError(
            "shuffle=False was given, but no collection knows how many rows its partitions have, "
            "so that nobody knows where the first ones end. Set shuffle=True, or count the rows "
            "once: X.compute_chunk_sizes() of an array, df.to_dask_array(lengths=True)."
        )
    train, both = shares.train, shares.train + shares.test
    return [Stretch(rows, shares.starts) for rows in (range(train), range(train, both))]
