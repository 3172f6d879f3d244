# SPDX-License-Identifier: BSD-3-Clause
"""What the estimators of least squares share: five steps of a fit, its report, and merging."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from skdist._caller import level_of_caller
from skdist._estimator import ShardedFit, Stopwatch
from skdist._local_fit import fit_locally
from skdist._merge_checks import take_columns
from skdist._report import FitReport
from skdist._rows import EncodedRows, Intake, encode_rows, shards_of_products
from skdist.linear_model._finite_model import check_finite_model
from skdist.linear_model._merge_linear import check_alike, merge_linear
from skdist.linear_model._sums_report import sums_report
from skdist.sharding import Shard, is_dask
from skdist.solvers.normal_equations import LeastSquaresSums, LinearSolution

# Features up to which d x d numbers are summed: 8 d^2 bytes a shard, d^3 / 3 flops to solve.
MOST_FEATURES = 4096
TARGETS = Intake(multi_output=True)


@dataclass(frozen=True, eq=False)
class KeptSums:
    """What a fit keeps for a merge.

    Parameters
    ----------
    sums : LeastSquaresSums
    dtype : dtype of X
    y_ndim : int
        Dimensions of y: what shapes the coefficients get.
    is_sparse : bool
        Whether X was sparse.
    """

    sums: LeastSquaresSums
    dtype: Any
    y_ndim: int
    is_sparse: bool


class MergedLeastSquares(ShardedFit):
    """Mixin in front of a scikit-learn class whose fit is a function of moments.

    A class says what is solved (`_solve`, which returns the sums or None), when scikit-learn's own
    fit is run (`_scikit_learns`), and what sums mean for it (`_expose_sums`).
    """

    _rounds_are_alike = True

    def _fit(self, X, y, sample_weight, *, shard=False, **encoding):
        """Validate, encode, shard, solve, expose."""
        self._sums = None
        why = self._scikit_learns(X)
        if why:
            fit_locally(self, self._fit_plainly, X, y, sample_weight, why)
            return
        watch = Stopwatch()
        rows = self._encode(X, y, sample_weight, **encoding)
        watch.lap("prepare")
        sums = self._solve(rows, watch)
        check_finite_model(self)
        self.n_shards_ = rows.shards.n_shards
        self._weight_of_rows = rows.total_weight
        if shard and sums is not None:
            self._sums = KeptSums(sums, rows.dtype, y_ndim(rows), rows.is_sparse)

    def _encode(self, X, y, sample_weight, intake=TARGETS):
        """The rows, in shards."""
        return encode_rows(
            self,
            X,
            y,
            sample_weight,
            intake=intake,
            n_shards=fitting_n_shards(X, self.n_shards),
            n_jobs=self.n_jobs,
        )

    def _take_sums(self, models):
        """Become what the sums of all models say."""
        sums = reduce(add, (model._sums.sums for model in models))
        kept = replace(models[0]._sums, sums=sums)
        self._expose_sums(kept)
        return kept

    def _merges_exactly(self):
        """Whether the weights of the rows do not depend on where they were fitted."""
        return True


# -- which way -----------------------------------------------------------------------------------


def n_columns(X: Any) -> int:
    """Columns of X; 0 where only validation will tell, as of lists."""
    shape = getattr(X, "shape", ())
    return int(shape[1]) if len(shape) == 2 else 0


def fitting_n_shards(X: Any, n_shards: int | None) -> int | None:
    """`n_shards`; without it fewer than usual where X is wide: sums of each take 8 d^2 bytes."""
    d = n_columns(X)
    if n_shards is not None or is_dask(X) or d == 0:
        return n_shards
    return shards_of_products(X.shape[0], d)


def is_wide(X: Any) -> bool:
    """Whether X has too many columns to sum their squares and products."""
    return n_columns(X) > MOST_FEATURES


def is_wide_and_dense(X: Any) -> bool:
    """The same, of dense rows in memory."""
    return is_wide(X) and not is_dask(X) and not issparse(X)


def y_ndim(rows: EncodedRows) -> int:
    """Dimensions of y."""
    return 1 if rows.facts else 2


def n_targets(rows: EncodedRows) -> int:
    """Columns of y."""
    return 1 if rows.facts else rows.shards.map(_columns_of_y)[0]


def _columns_of_y(shard: Shard) -> int:
    return int(shard.y.shape[1])


# -- what is exposed -----------------------------------------------------------------------------


def expose_intercept(model: Any, intercept: np.ndarray, dtype: Any, y_ndim: int) -> None:
    """``intercept_`` in scikit-learn's shapes: a scalar for a column y, 0.0 where there is none."""
    own = intercept.astype(dtype)
    model.intercept_ = (own[0] if y_ndim == 1 else own) if model.fit_intercept else 0.0


def report_sums(
    rows: EncodedRows, sums: LeastSquaresSums, bound: float | None, watch: Stopwatch, **extra: Any
) -> FitReport:
    """The report of a fit by merged moments."""
    if sums.factor is None:
        return _report(rows, "moments", MOMENTS, bound, watch, **extra)
    return _report(rows, "tsqr", FACTORS, bound, watch, **extra)


MOMENTS = "The moments of all rows tell the optimum."
FACTORS = "The moments are ill-conditioned, so that triangular factors were merged too."


def report_cg(rows: EncodedRows, found: LinearSolution, why: str, watch: Stopwatch) -> FitReport:
    """The report of a fit by conjugate gradients."""
    return _report(rows, "cg", why, found.bound, watch, converged=found.converged)


def _report(
    rows: EncodedRows, method: str, why: str, bound: float | None, watch: Stopwatch, **extra: Any
) -> FitReport:
    watch.lap("solve")
    extra = {"certificate": "residual of the normal equations", **extra}
    return sums_report(rows, watch, method=method, why=why, bound=bound, **extra)


def warn_of_the_residual(found: LinearSolution, tol: float) -> None:
    """Say that conjugate gradients stopped early."""
    if found.converged or found.n_iter is None:
        return
    bound = "" if found.bound is None else f", at most {found.bound:.3g} above the minimum"
    warnings.warn(
        f"Conjugate gradients stopped after {found.n_iter.max()} iterations{bound}, with residuals "
        f"larger than tol={tol:g} asks for. Raise max_iter, scale the features, or penalise more.",
        ConvergenceWarning,
        stacklevel=level_of_caller(),
    )


# -- merging -------------------------------------------------------------------------------------


def merge_sums(first: Any, models: Sequence[Any], X: Any, y: Any, sample_weight: Any) -> Any:
    """What one fit on all rows would have given, where every model kept its sums.

    Else the coefficients are averaged, as those of scikit-learn's own models are.
    """
    models = list(models)
    if X is not None or any(vars(model).get("_sums") is None for model in models):
        return merge_linear(first, models, X, y, sample_weight)
    check_alike(models)
    merged = type(first)(**first.get_params(deep=False))
    take_columns(merged, first)
    merged._sums = merged._take_sums(models)
    merged.n_shards_ = sum(model.n_shards_ for model in models)
    moments = merged._sums.sums.moments
    merged._weight_of_rows = moments.weight
    exact = all(model._merges_exactly() for model in models)
    merged.report_ = FitReport(
        method="merge",
        strategy="sums",
        exact=exact,
        why=("Sums were added: this is the fit on all rows." if exact else BALANCED_APART,),
        extra={"n_rows": moments.n_rows},
    )
    return merged


BALANCED_APART = (
    "Sums were added, but every place balanced the classes of its own rows: approximate."
)
