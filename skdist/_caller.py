# SPDX-License-Identifier: BSD-3-Clause
"""Who called the library: the line that a warning is about."""

import sys
from types import FrameType

WITHIN = {"skdist", "sklearn", "skorch", "joblib", "contextlib"}


def level_of_caller() -> int:
    """The `stacklevel` at which a warning of the function that asks is one of the user's line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _package(frame) in WITHIN:
        frame, level = frame.f_back, level + 1
    return level


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
