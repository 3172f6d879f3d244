# SPDX-License-Identifier: BSD-3-Clause
"""The warning that shards are too unlike for what merges their solutions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from skdist._caller import level_of_caller
from skdist._report import ShardFacts
from skdist.sharding import ShardedDataset
from skdist.solvers.feature_skew import feature_skews

# `ShardFacts.skew` and `ShardFacts.feature_skew` of shards from which on what merges their
# solutions is a poor model.
TOO_SKEWED = 0.25
FEATURES_TOO_SKEWED = 0.5

Table = tuple[ShardFacts, ...]


def check_alike(
    shards: ShardedDataset, table: Table, what_follows: str, *, regression: bool
) -> Table:
    """Measure how unlike shards are whose solutions are to be merged; warn if they are too unlike.

    Parameters
    ----------
    shards : ShardedDataset
        Of X, ndarray or CSR.
    table : tuple of ShardFacts
        What is known of them.
    what_follows : str
        What that does to the model, and what to do instead: sentences.
    regression : bool
        Whether the skew of y is in standard deviations.

    Returns
    -------
    table : tuple of ShardFacts
        With the skew of the features.
    """
    if len(table) < 2:
        return table
    skews = feature_skews(shards)
    table = tuple(replace(t, feature_skew=s) for t, s in zip(table, skews, strict=True))
    warn_of_skew(table, what_follows, regression=regression)
    return table


def warn_of_skew(table: Sequence[ShardFacts], what_follows: str, *, regression: bool) -> None:
    """Warn, once per fit, where shards whose solutions are merged are unlike.

    Parameters as of :func:`check_alike`.
    """
    differences = _differences(table, regression)
    if differences:
        warnings.warn(
            f"The shards differ from one another {' and '.join(differences)} (report_.shards has "
            f"the table). {what_follows}",
            UserWarning,
            stacklevel=level_of_caller(),
        )


def _differences(table: Sequence[ShardFacts], regression: bool) -> list[str]:
    """What is too unlike, and by how much."""
    of_y = max((shard.skew for shard in table), default=0.0)
    of_x = max((shard.feature_skew or 0.0 for shard in table), default=0.0)
    unit = "standard deviations of y" if regression else "of the class rates"
    said: list[tuple[Any, str]] = [
        (of_y > TOO_SKEWED, f"in y by up to {of_y:.2f} {unit}"),
        (of_x > FEATURES_TOO_SKEWED, f"in a feature by up to {of_x:.2f} standard deviations"),
    ]
    return [text for is_too_much, text in said if is_too_much]
