# SPDX-License-Identifier: BSD-3-Clause
"""What the estimators of least squares share: which way to take, what to report, and merging."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from skdist._estimator import Stopwatch
from skdist._report import FitReport
from skdist._rows import EncodedRows, default_n_shards
from skdist.linear_model._linear_fit import shard_table
from skdist.linear_model._merge_linear import check_alike, merge_linear
from skdist.sharding import is_dask
from skdist.solvers.normal_equations import LeastSquaresSums, LinearSolution

# Features up to which d x d numbers are summed: 8 d^2 bytes a shard, d^3 / 3 flops to solve.
MOST_FEATURES = 4096
# Bytes of all shards' sums together, beyond which fewer shards are cut.
MOST_SUMS = 1 << 28


def n_columns(X: Any) -> int:
    """Columns of X, 0 where only validation will tell: lists."""
    shape = getattr(X, "shape", ())
    return int(shape[1]) if len(shape) == 2 else 0


def fitting_n_shards(X: Any, n_shards: int | None) -> int | None:
    """`n_shards`, or fewer than the default where X is wide: sums of each take 8 d^2 bytes."""
    d = n_columns(X)
    if n_shards is not None or is_dask(X) or d == 0:
        return n_shards
    return min(default_n_shards(X.shape[0]), max(1, MOST_SUMS // (8 * d * d)))


def is_wide(X: Any) -> bool:
    """Whether X has more columns than squares of them are summed."""
    return n_columns(X) > MOST_FEATURES


def is_wide_in_memory(X: Any) -> bool:
    """The same of dense rows at hand, which scikit-learn's own fit takes by n x n numbers."""
    return is_wide(X) and not is_dask(X) and not issparse(X)


def report_sums(
    rows: EncodedRows, sums: LeastSquaresSums, bound: float | None, watch: Stopwatch, **extra: Any
) -> FitReport:
    """The report of a fit by merged moments."""
    if sums.factor is None:
        method, why = "moments", "The moments of all rows tell the optimum."
    else:
        method, why = "tsqr", "The moments are ill-conditioned: triangular factors were merged too."
    return _report(rows, method, why, bound, watch, certificate="residual", **extra)


def report_cg(rows: EncodedRows, found: LinearSolution, why: str, watch: Stopwatch) -> FitReport:
    """The report of a fit by conjugate gradients."""
    return _report(
        rows, "cg", why, found.bound, watch, certificate="residual", converged=found.converged
    )


def _report(
    rows: EncodedRows, method: str, why: str, bound: float | None, watch: Stopwatch, **extra: Any
) -> FitReport:
    watch.lap("solve")
    cost = rows.shards.cost
    return FitReport(
        method=method,
        strategy="sums",
        exact=True,
        why=(why,),
        rounds=cost.rounds,
        bytes_down=cost.bytes_down,
        bytes_up=cost.bytes_up,
        retries=cost.retries,
        seconds=watch.seconds,
        certificate=bound,
        shards=shard_table(rows),
        extra=extra,
    )


def warn_of_the_residual(found: LinearSolution, tol: float) -> None:
    """Say that conjugate gradients stopped early."""
    if found.converged or found.n_iter is None:
        return
    bound = "" if found.bound is None else f" at most {found.bound:.3g} above the minimum,"
    warnings.warn(
        f"Conjugate gradients stopped after {found.n_iter.max()} iterations,{bound} with residuals "
        f"that are larger than tol={tol:g} asks for. Raise max_iter, scale the features, or "
        "penalise more.",
        ConvergenceWarning,
        stacklevel=5,
    )


def merge_sums(first: Any, models: Sequence[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """What one fit on all rows would have given, where every model kept its sums.

    Else the coefficients are averaged, as those of scikit-learn's own models are.
    """
    models = list(models)
    if X is not None or any(vars(model).get("_sums") is None for model in models):
        return merge_linear(first, models, X, y, sample_weight)
    check_alike(models)
    merged = type(first)(**first.get_params(deep=False))
    for name in ("n_features_in_", "feature_names_in_"):
        if name in vars(first):
            setattr(merged, name, vars(first)[name])
    sums = merged._take_sums(models)
    merged.n_shards_ = sum(model.n_shards_ for model in models)
    exact = all(model.report_.exact for model in models)
    merged.report_ = FitReport(
        method="merge",
        strategy="sums",
        exact=exact,
        why=("Sums were added: this is the fit on all rows.",) if exact else models[0].report_.why,
        certificate=merged.report_.certificate,
        extra={"n_rows": sums.moments.n_rows},
    )
    return merged


def sum_of(models: Sequence[Any]) -> LeastSquaresSums:
    """The sums of all models."""
    return reduce(add, (model._sums for model in models))


def weight_of(sums: LeastSquaresSums) -> float:
    """Weight of the rows behind a model: its say where coefficients are averaged."""
    return float(sums.moments.weight)


def shaped(coef: np.ndarray, dtype: Any, flat: bool) -> np.ndarray:
    """Coefficients (T, d) in the dtype of X, as (d,) where one target was a plain column."""
    coef = np.ascontiguousarray(coef, dtype)
    return coef[0] if flat else coef
