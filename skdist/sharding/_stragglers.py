# SPDX-License-Identifier: BSD-3-Clause
"""Which tasks of a wave are far behind the others.

A task is late when it has not come back after `deadline` times the median of its wave's times,
from the sending of the wave on: half of the tasks being back, the median is known.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from skdist._config import settings

# Seconds below which nobody is late: two looks at a wave are a few hundredths apart.
AT_LEAST = 0.1


class QuorumMet(Exception):
    """Tasks of a wave are late, and there is enough without them."""


@dataclass(eq=False)
class Stragglers:
    """The times of one wave.

    Parameters
    ----------
    tasks : iterable of int
        Numbers of the tasks that are sent.
    deadline : float
        A multiple of the median; infinite if nobody is ever late.
    is_enough : callable, optional
        Whether what came is enough, so that nobody waits for those who are late.
    """

    tasks: Iterable[int]
    deadline: float = field(default_factory=lambda: settings().deadline)
    is_enough: Callable[[], bool] | None = None
    _sent: float = field(default_factory=time.monotonic)
    _back: dict[int, float] = field(default_factory=dict)
    _out: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._out = set(self.tasks)
        self._n_tasks = len(self._out)

    @property
    def is_watching(self) -> bool:
        """Whether anybody can be late."""
        return math.isfinite(self.deadline) and self._n_tasks > 1

    def came(self, task: int) -> None:
        """A task is back."""
        if task not in self._back:
            self._back[task] = time.monotonic() - self._sent
            self._out.discard(task)

    def late(self) -> list[int]:
        """Tasks that are late now, each told of once.

        Raises
        ------
        QuorumMet
            If the others are enough.
        """
        half = (self._n_tasks + 1) // 2
        if len(self._back) < half:
            return []
        median = sorted(self._back.values())[half - 1]
        if time.monotonic() - self._sent < max(AT_LEAST, self.deadline * median):
            return []
        if self._out and self.is_enough is not None and self.is_enough():
            raise QuorumMet
        late, self._out = sorted(self._out), set()
        return late
