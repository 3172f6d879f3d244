# SPDX-License-Identifier: BSD-3-Clause
"""Classes that a shard is told of, and has no rows of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skdist._rows import EncodedRows
from skdist.sharding import Shard
from skdist.solvers.target_facts import target_facts


def knowing(rows: EncodedRows, classes: Sequence | None) -> EncodedRows:
    """The rows with labels numbered among `classes`, all that there are.

    Raises
    ------
    ValueError
        If the rows have classes that are not among them.
    """
    found = rows.classes
    if classes is None:
        return rows
    classes = all_classes(found, classes)
    if len(classes) == len(found):
        return rows
    shards = rows.shards.kept_through(Renumber(np.searchsorted(classes, found)))
    return replace(rows, shards=shards, classes=classes, facts=target_facts(shards, len(classes)))


def all_classes(found: np.ndarray, classes: Sequence) -> np.ndarray:
    """`classes`, sorted; an error if one of `found` is not among them."""
    classes = np.unique(classes)
    lacking = np.setdiff1d(found, classes)
    if len(lacking):
        raise ValueError(
            f"classes={classes.tolist()} lacks {lacking.tolist()}, which y has. "
            "Pass all classes there are."
        )
    return classes


def check_none_lacking(found: np.ndarray, classes: Sequence | None, solver: str) -> None:
    """Raise if scikit-learn's own fit would have to know classes that y lacks."""
    if classes is None:
        return
    lacking = np.setdiff1d(all_classes(found, classes), found)
    if len(lacking):
        raise ValueError(
            f"y has no rows of the classes {lacking.tolist()}, and solver={solver!r} is "
            "scikit-learn's own fit, which cannot be told of them. Take solver='auto'."
        )


def check_two_classes(classes: np.ndarray) -> None:
    """Raise scikit-learn's error for a single class."""
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains "
            f"only one class: {classes.tolist()[0]!r}. For one shard of several, use fit_shard and "
            "pass all classes there are."
        )


@dataclass(frozen=True, eq=False)
class Renumber:
    """``shard -> shard``: labels numbered among more classes."""

    numbers: np.ndarray

    def __call__(self, shard: Shard) -> Shard:
        y = self.numbers[shard.y.astype(np.intp)].astype(np.float64)
        return replace(shard, y=y)
