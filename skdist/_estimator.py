# SPDX-License-Identifier: BSD-3-Clause
"""What all estimators share besides scikit-learn's own classes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skdist.sharding import is_dask


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Run a fit; if it fails, leave the estimator as it was before."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def refuse_collection(X: Any) -> None:
    """Raise for a Dask collection, where a method of scikit-learn would gather it silently."""
    if is_dask(X):
        raise TypeError(
            "X is a Dask collection, which would have to be gathered here. Predict it where "
            "it is: X.map_partitions(model.predict), X.map_blocks(...), or compute() it."
        )


class Stopwatch:
    """Seconds per phase of a fit, in the order in which phases end."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Book the time since the last lap under `phase`."""
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now
