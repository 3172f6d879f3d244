# SPDX-License-Identifier: BSD-3-Clause
"""Some rows of every partition of a Dask collection, as a collection that is not computed yet.

out[k] = X[k][choose(k, rows in X[k], along[k])]        for each partition k
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dask.array import concatenate
from dask.array import from_delayed as array_from_delayed
from dask.array.utils import meta_from_array
from dask.base import compute
from dask.delayed import delayed

from skdist.sharding._collections import known_lengths, partitions
from skdist.sharding._partition import count_rows
from skdist.sharding._type_table import class_names, look_up

Choose = Callable[[int, int, Any], np.ndarray]


def lengths_in_common(collections: Sequence[Any]) -> tuple[int, list[int] | None]:
    """See :func:`skdist.sharding.lengths_in_common`."""
    first, n_parts, known = collections[0], len(partitions(collections[0])), None
    for values in collections:
        own = known_lengths(values)
        if len(partitions(values)) != n_parts or (own and known and own != known):
            raise ValueError(
                f"A {class_names(first)[0]} of {n_parts} partitions of {known or 'unknown'} rows "
                f"and a {class_names(values)[0]} of {len(partitions(values))} of "
                f"{own or 'unknown'} were given. Cut them alike, e.g. with "
                "y.rechunk(X.chunks[0]) or y.repartition(npartitions=X.npartitions)."
            )
        known = known or own
    return n_parts, known


def count_lengths(collections: Sequence[Any]) -> list[int]:
    """See :func:`skdist.sharding.count_lengths`."""
    _, known = lengths_in_common(collections)
    if known is not None:
        return known
    count: Any = delayed(count_rows)
    counts = [count(part) for part in partitions(collections[-1])]
    return list(compute(*counts))


def first_rows(collections: Sequence[Any], k: int, n: int) -> list[Any]:
    """See :func:`skdist.sharding.first_rows`."""
    parts = [None if c is None else partitions(c)[k] for c in collections]
    return [None if part is None else part[:n] for part in compute(*parts)]


def pick(choose: Choose, X: Any, along: Any, companion: Any, lengths: Sequence[int] | None) -> Any:
    """See :func:`skdist.sharding.pick`."""
    own = partitions(X)
    others = [None] * len(own) if companion is None else partitions(companion)
    values = [None] * len(own) if along is None else partitions(along)
    take: Any = delayed(_take, pure=True)
    picked = [
        take(choose, k, part, value, other)
        for k, (part, value, other) in enumerate(zip(own, values, others, strict=True))
    ]
    rebuild = look_up(_REBUILD, X)
    assert rebuild is not None  # `partitions` knew it
    return rebuild(X, picked, [math.nan] * len(own) if lengths is None else list(lengths))


def _take(choose: Choose, k: int, part: Any, values: Any, other: Any) -> Any:
    n_rows = count_rows(part)
    for what in (values, other):
        if what is not None and count_rows(what) != n_rows:
            raise ValueError(
                f"Partition {k} of one collection has {n_rows} rows but that of another has "
                f"{count_rows(what)}. Collections that are split together must be cut alike: "
                "derive them from one collection, or repartition them."
            )
    rows = choose(k, n_rows, None if values is None else np.asarray(values))
    take: Any = look_up(_TAKERS, part)
    return part[rows] if take is None else take(part, rows)


def _rebuild_array(X: Any, parts: list[Any], lengths: list[float]) -> Any:
    meta, inner = meta_from_array(X), X.shape[1:]
    # All as if of unknown length: an empty block would be dropped, and X would be cut unlike y.
    blocks = [array_from_delayed(p, (math.nan, *inner), dtype=X.dtype, meta=meta) for p in parts]
    whole = concatenate(blocks, allow_unknown_chunksizes=True)
    whole._chunks = (tuple(lengths), *((n,) for n in inner))
    return whole


def _rebuild_frame(X: Any, parts: list[Any], lengths: list[float]) -> Any:
    from dask.dataframe import from_delayed

    return from_delayed(parts, meta=X._meta, divisions=X.divisions, verify_meta=False)


_TAKERS: dict[str, Callable[[Any, Any], Any]] = {
    "pandas.DataFrame": lambda frame, rows: frame.iloc[rows],
    "pandas.Series": lambda series, rows: series.iloc[rows],
}

_REBUILD = {
    "dask.Array": _rebuild_array,
    "dask.DataFrame": _rebuild_frame,
    "dask.Series": _rebuild_frame,
}
