# SPDX-License-Identifier: BSD-3-Clause
"""How far numbers are from the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sklearn.metrics

from skdist.metrics._classification import mean_of
from skdist.metrics._pairs import columns_of, on_collection, paired, weights_of
from skdist.sharding import Shard
from skdist.solvers.target_facts import facts_of
from skdist.summaries import TargetFacts, WeightedMean


def mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """The mean of squared residuals.

        sum_i s_i (y_i - p_i)^2 / sum_i s_i

    Parameters
    ----------
    y_true, y_pred : array-like, or Dask collections that are cut alike, of shape (n_samples,) or \
            (n_samples, n_outputs)
    sample_weight : array-like or Dask collection of shape (n_samples,), default=None
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), \
            default="uniform_average"

    Returns
    -------
    error : float, or ndarray of shape (n_outputs,)

    Notes
    -----
    Of collections one round, T + 1 numbers a partition for T outputs.

    Examples
    --------
    >>> import dask.array as da
    >>> from skdist.metrics import mean_squared_error
    >>> y, p = da.arange(4, chunks=2), da.array([0, 1, 2, 5]).rechunk(2)
    >>> mean_squared_error(y, p)
    1.0
    """
    if not on_collection(y_true, y_pred):
        return sklearn.metrics.mean_squared_error(
            y_true, y_pred, sample_weight=sample_weight, multioutput=multioutput
        )
    errors = paired(y_true, y_pred, sample_weight).map_reduce(_squared_residuals).mean
    return over_outputs(errors, multioutput)


def r2_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """The coefficient of determination.

        1 - sum_i s_i (y_i - p_i)^2 / sum_i s_i (y_i - mean y)^2

    Parameters
    ----------
    y_true, y_pred : array-like, or Dask collections that are cut alike, of shape (n_samples,) or \
            (n_samples, n_outputs)
    sample_weight : array-like or Dask collection of shape (n_samples,), default=None
    multioutput : {"raw_values", "uniform_average", "variance_weighted"} or array-like of shape \
            (n_outputs,), default="uniform_average"

    Returns
    -------
    score : float, or ndarray of shape (n_outputs,)
        1.0 of a constant y that is met, 0.0 of one that is not, as in scikit-learn.

    Notes
    -----
    Of collections one round, 8 T + 1 numbers a partition for T outputs.

    Examples
    --------
    >>> import dask.array as da
    >>> from skdist.metrics import r2_score
    >>> y, p = da.arange(4, chunks=2), da.array([0, 1, 2, 5]).rechunk(2)
    >>> round(r2_score(y, p), 2)
    0.2
    """
    if not on_collection(y_true, y_pred):
        return sklearn.metrics.r2_score(
            y_true, y_pred, sample_weight=sample_weight, multioutput=multioutput
        )
    sums = paired(y_true, y_pred, sample_weight).map_reduce(_residuals)
    lost = sums.residual.mean * sums.residual.weight
    spread = np.array([facts.squares for facts in sums.targets])
    constant = spread == 0.0
    scores = np.where(constant, lost == 0.0, 1.0 - lost / np.where(constant, 1.0, spread))
    if isinstance(multioutput, str) and multioutput == "variance_weighted":
        return over_outputs(scores, spread if spread.any() else "uniform_average")
    return over_outputs(scores, multioutput)


@dataclass(frozen=True, eq=False)
class ResidualSums:
    """Of the rows of some partitions; ``+`` adds.

    Parameters
    ----------
    residual : WeightedMean
        (T,), of squared residuals.
    targets : tuple of TargetFacts
        One for each of T outputs.
    """

    residual: WeightedMean
    targets: tuple[TargetFacts, ...]

    def __add__(self, other: ResidualSums) -> ResidualSums:
        targets = tuple(a + b for a, b in zip(self.targets, other.targets, strict=True))
        return ResidualSums(self.residual + other.residual, targets)


def _squared_residuals(shard: Shard) -> WeightedMean:
    return mean_of(np.square(columns_of(shard.y) - columns_of(shard.X)), weights_of(shard))


def _residuals(shard: Shard) -> ResidualSums:
    weight = weights_of(shard)
    facts = tuple(facts_of(column, weight, 0) for column in columns_of(shard.y).T)
    return ResidualSums(_squared_residuals(shard), facts)


def over_outputs(values: np.ndarray, multioutput: object) -> float | np.ndarray:
    """The mean of the outputs, as `multioutput` says."""
    if isinstance(multioutput, str) and multioutput == "raw_values":
        return values
    weights = None if isinstance(multioutput, str) else multioutput
    return float(np.average(values, weights=weights))
