# SPDX-License-Identifier: BSD-3-Clause
"""The warning that processes or a cluster cost more than they compute."""

from __future__ import annotations

import warnings

import numpy as np

from skdist._caller import level_of_caller
from skdist.sharding import Record

# A fit of fewer rounds loses little; a task of more seconds is worth sending.
FEWEST_ROUNDS, SHORT = 30, 2e-3


class SmallDataWarning(UserWarning):
    """The data is too small to gain from other processes: threads would be faster."""


def warn_if_too_small(record: Record) -> None:
    """Warn, once per fit, where sending a task took longer than computing it.

    It is measured: the median task of other processes, and what the median round took besides.
    """
    away = [task.stop - task.start for task in record.tasks if task.worker in record.memory]
    if len(record.transfers) < FEWEST_ROUNDS or len(away) < FEWEST_ROUNDS:
        return
    a_task, besides = np.median(away), np.median(record.transfers)
    if a_task < SHORT and besides > 2.0 * a_task:
        warnings.warn(
            f"A task of this fit took {1e3 * a_task:.2g} ms to compute, and a round "
            f"{1e3 * besides:.2g} ms besides, to send and receive: the data is too small to gain "
            "from processes or a cluster. Threads share it at no cost; they are what runs where "
            "joblib is configured to no backend.",
            SmallDataWarning,
            stacklevel=level_of_caller(),
        )
