# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own fit, for what no distributed solver does."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist.sharding import is_dask


def fit_locally(
    estimator: Any,
    fit: Callable[..., Any],
    X: Any,
    y: Any,
    sample_weight: Any,
    why: str,
    solver: str | None = None,
) -> None:
    """Run scikit-learn's `fit` of the estimator and report it.

    Parameters
    ----------
    estimator : scikit-learn's class or a subclass of it
    fit : callable
        Its `fit`, bound.
    X, y, sample_weight : as `fit` takes them
    why : str
        Why it is run, a sentence.
    solver : str, optional
        What `fit` is to find in ``estimator.solver``, if not what is there.

    Raises
    ------
    TypeError
        For a Dask collection, which it would have to gather.
    """
    asked = vars(estimator).get("solver")
    if is_dask(X):
        instead = "" if asked in (None, "auto") else ", or take solver='auto'"
        raise TypeError(
            f"X is a Dask collection, and {why} That needs all rows in memory: compute() X"
            f"{instead}."
        )
    watch = Stopwatch()
    with warnings.catch_warnings(), _solver_set(estimator, solver):
        # Said of scikit-learn's class; n_jobs of ours has an effect wherever work is spread.
        warnings.filterwarnings("ignore", "'n_jobs' has no effect", FutureWarning)
        fit(X, y, sample_weight)
    watch.lap("solve")
    estimator.n_shards_ = 1
    estimator._weight_of_rows = _total_weight(y, sample_weight)
    estimator.report_ = FitReport(
        method=str(solver or asked or "scikit-learn"),
        strategy="local",
        exact=True,
        why=(why,),
        seconds=watch.seconds,
    )


def _total_weight(y: Any, sample_weight: Any) -> float:
    """Sum of the weights of the rows: of an array, a number for all rows, or 1 each."""
    n_rows = y.shape[0] if issparse(y) else len(np.asarray(y))
    weight = np.asarray(1.0 if sample_weight is None else sample_weight, np.float64)
    return float(np.broadcast_to(weight, (n_rows,)).sum())


@contextmanager
def _solver_set(estimator: Any, solver: str | None) -> Iterator[None]:
    """The estimator with another `solver`, for as long as the block runs."""
    if solver is None:
        yield
        return
    asked, estimator.solver = estimator.solver, solver
    try:
        yield
    finally:
        estimator.solver = asked
