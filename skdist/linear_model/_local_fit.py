# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own fit, for what no distributed solver does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist.sharding import is_dask


def fit_locally(
    estimator: Any, fit: Callable[..., Any], X: Any, y: Any, sample_weight: Any, why: str
) -> None:
    """Run scikit-learn's `fit` of the estimator and report it.

    Raises
    ------
    TypeError
        For a Dask collection, which it would have to gather.
    """
    solver = vars(estimator).get("solver")
    if is_dask(X):
        instead = "" if solver in (None, "auto") else ", or take solver='auto'"
        raise TypeError(
            f"X is a Dask collection, and {why} That needs all rows in memory: compute() X"
            f"{instead}."
        )
    watch = Stopwatch()
    with warnings.catch_warnings():
        # Said of scikit-learn's class; n_jobs of ours has an effect wherever work is spread.
        warnings.filterwarnings("ignore", "'n_jobs' has no effect", FutureWarning)
        fit(X, y, sample_weight)
    watch.lap("solve")
    estimator.n_shards_ = 1
    estimator.report_ = FitReport(
        method="scikit-learn" if solver is None else str(solver),
        strategy="local",
        exact=True,
        why=(why,),
        seconds=watch.seconds,
    )
