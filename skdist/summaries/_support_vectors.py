# SPDX-License-Identifier: BSD-3-Clause
"""Rows that may lie on or within a margin, and what there was besides them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skdist.summaries._entry_moments import EntryMoments
from skdist.summaries._rows import stacked


@dataclass(frozen=True, eq=False)
class SupportVectors:
    """The support vectors of fits at different places; ``+`` puts them together, in order.

    A cascade keeps those of the rows that carry weight in the optimum of their own shard and drops
    all others. ``+`` is associative, and the classes become those of both.

    Parameters
    ----------
    X : ndarray or CSR of shape (S, d), float64
    y : ndarray of shape (S,), float64
        Targets, or numbers of classes.
    weight : ndarray of shape (S,), float64
    classes : ndarray of shape (K,), or None for targets
    mass : ndarray of shape (K,) or (1,), float64
        The weight of all rows of each class, of those that were dropped too.
    n_rows : ndarray of shape (K,) or (1,), float64
        Rows there were of each class.
    entries : EntryMoments
        Of all those rows.
    """

    X: Any
    y: NDArray[np.float64]
    weight: NDArray[np.float64]
    classes: NDArray[Any] | None
    mass: NDArray[np.float64]
    n_rows: NDArray[np.float64]
    entries: EntryMoments

    def __add__(self, other: SupportVectors) -> SupportVectors:
        classes = None
        if self.classes is not None and other.classes is not None:
            classes = np.union1d(self.classes, other.classes)
        a, b = self.knowing(classes), other.knowing(classes)
        return SupportVectors(
            stacked([a.X, b.X]),
            np.concatenate([a.y, b.y]),
            np.concatenate([a.weight, b.weight]),
            classes,
            a.mass + b.mass,
            a.n_rows + b.n_rows,
            a.entries + b.entries,
        )

    def knowing(self, classes: NDArray[Any] | None) -> SupportVectors:
        """The same vectors, with numbers and masses for all of `classes`."""
        if classes is None or self.classes is None or np.array_equal(classes, self.classes):
            return self
        where = np.searchsorted(classes, self.classes)
        mass, n_rows = np.zeros(len(classes)), np.zeros(len(classes))
        mass[where], n_rows[where] = self.mass, self.n_rows
        y = where[self.y.astype(np.intp)].astype(np.float64)
        return replace(self, y=y, classes=classes, mass=mass, n_rows=n_rows)

    @classmethod
    def empty(cls, n_features: int, classes: NDArray[Any] | None = None) -> SupportVectors:
        """Of no rows: the identity of ``+``, where its classes are among those of the other."""
        none = np.empty(0)
        nothing = np.zeros(1 if classes is None else len(classes))
        rows = np.empty((0, n_features))
        return cls(rows, none, none, classes, nothing, nothing, EntryMoments.empty())
