# SPDX-License-Identifier: BSD-3-Clause
"""Which estimators send parameters that may be shortened; see ``config_context(wire=...)``."""

from __future__ import annotations

from typing import Any


def check_wire(estimator: Any, wire: str | float) -> None:
    """Raise where what travels cannot be shortened as it is asked to be."""
    kinds = getattr(type(estimator), "_wires", {"exact"})
    if (wire if isinstance(wire, str) else "share") in kinds:
        return
    raise ValueError(
        f"wire={wire!r} was given, but a {type(estimator).__name__} sends none of the parameters "
        "that may be shortened: stochastic gradient descent of linear models and perceptrons take "
        "'float32' and a share, and nets around torch modules are in float32 as they are. Leave "
        "wire='exact'."
    )
