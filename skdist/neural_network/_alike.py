# SPDX-License-Identifier: BSD-3-Clause
"""What networks that become one have to tell besides what all models do, torch or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdist._report import FitReport

AVERAGES_OF_UNLIKE = (
    "With sync='local' their networks are averaged, and those of unlike rows average poorly. "
    "Shuffle the rows first, take fewer local_steps, or sync='gradient'."
)


def check_start(models: Sequence[Any], name: str, origin: str, remedy: str) -> None:
    """Raise if it is not known of networks that they started from the same parameters.

    Parameters
    ----------
    models : sequence of fitted networks
    name : str
        Of the attribute that holds a digest of a network's first parameters.
    origin : str
        Whose networks have none.
    remedy : str
        How to start from the same.
    """
    starts = {vars(model).get(name) for model in models}
    if len(starts) == 1 and None not in starts:
        return
    raise ValueError(
        f"merge got {len(models)} networks that did not start from the same parameters (or of "
        f"which that is not known, as of {origin} own). Hidden units of such networks do not "
        f"correspond, and averaging them is meaningless. {remedy}; or average what they predict: "
        "skdist.neural_network.logit_ensemble(models)."
    )


def rows_behind(models: Sequence[Any], name: str) -> np.ndarray:
    """n_j, the weight of the rows of each, (m,); all alike where that of one is not known."""
    known = all(name in vars(model) for model in models)
    return np.array([vars(model)[name] if known else 1.0 for model in models], np.float64)


def report_of(method: str, strategy: str, why: str) -> FitReport:
    """Of a network that was made of others: approximate, no rounds."""
    return FitReport(method=method, strategy=strategy, exact=False, why=(why,))
