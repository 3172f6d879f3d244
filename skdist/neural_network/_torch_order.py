# SPDX-License-Identifier: BSD-3-Clause
"""Which rows make a batch, and where they are: as the net's own iterator draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch


def drawn_batches(iterator: Any) -> Iterator[np.ndarray]:
    """Rows of the batches of an epoch, as the iterator itself would draw them.

    Raises
    ------
    TypeError
        If the iterator draws none, because its rows have no numbers.
    """
    sampler = getattr(iterator, "batch_sampler", None)
    if sampler is None:
        raise TypeError(
            f"Rows are drawn by {type(iterator).__name__}, which has no batch_sampler, so that "
            "they cannot be told apart by number and cut into shards. Take a data set with a "
            "length, and torch's DataLoader with a batch_size, or n_shards=1."
        )
    # A loader draws one number of its own before its sampler draws: so do we, and the rows are
    # in the order in which a net of one machine meets them.
    torch.empty((), dtype=torch.int64).random_(generator=getattr(iterator, "generator", None))
    for batch in sampler:
        yield np.asarray(batch, np.intp)


def places_of(rows: Sequence[range], order: np.ndarray) -> np.ndarray:
    """Shard and place there of every row, shards having been cut from the rows in an order."""
    places = np.empty((len(order), 2), np.int64)
    for j, own in enumerate(rows):
        places[order[own.start : own.stop], 0] = j
        places[order[own.start : own.stop], 1] = np.arange(len(own))
    return places


def batches_of(rows: np.ndarray, size: int, ragged: bool) -> list[np.ndarray]:
    """Rows cut into batches; the last one may be smaller, or is left out."""
    stop = len(rows) if ragged else len(rows) - len(rows) % size
    return [rows[first : first + size] for first in range(0, stop, size)]
