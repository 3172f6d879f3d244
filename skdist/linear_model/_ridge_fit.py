# SPDX-License-Identifier: BSD-3-Clause
"""What ridge regression and the classifier made of it share: which solver, and what it finds."""

from __future__ import annotations

import numpy as np

from skdist.linear_model._least_squares_fit import (
    MOST_FEATURES,
    MergedLeastSquares,
    expose_intercept,
    is_wide,
    is_wide_and_dense,
    report_cg,
    report_sums,
    warn_of_the_residual,
    y_ndim,
)
from skdist.solvers.least_squares import least_squares
from skdist.solvers.normal_equations import LeastSquaresProblem, solve_least_squares
from skdist.solvers.ridge_by_gradients import ridge_by_gradients

STOCHASTIC = {"sag", "saga"}


class MergedRidge(MergedLeastSquares):
    """Mixin in front of Ridge and RidgeClassifier."""

    def _scikit_learns(self, X):
        """Why scikit-learn's own fit is run; "" where it is not."""
        self._check_solver()
        if self.solver in STOCHASTIC:
            return f"solver={self.solver!r} is scikit-learn's own fit."
        if is_wide_and_dense(X) and self.solver != "sparse_cg":
            return f"X has more than {MOST_FEATURES:,} columns, and rows are at hand."
        if is_wide(X) and self.positive:
            return f"X has more than {MOST_FEATURES:,} columns, and coefficients must be positive."
        return ""

    def _check_solver(self):
        """Raise for what scikit-learn's class refuses."""
        if self.solver == "lbfgs" and not self.positive:
            raise ValueError(
                "solver='lbfgs' can be used only with positive=True; without it any other solver "
                "finds the optimum."
            )
        if self.positive and self.solver not in ("auto", "lbfgs"):
            raise ValueError(
                f"solver={self.solver!r} does not support positive=True. Take solver='auto' or "
                "'lbfgs', or set positive=False."
            )

    def _solve(self, rows, watch):
        n_classes = 0 if rows.classes is None else len(rows.classes)
        alpha = self._alphas(self._n_targets(rows))
        by_iteration = self.solver == "sparse_cg" or rows.n_features > MOST_FEATURES
        if by_iteration and not self.positive:
            self._solve_by_iteration(rows, alpha, n_classes, watch)
            return None
        problem = LeastSquaresProblem(alpha, self.fit_intercept, self.positive)
        found, sums = least_squares(rows.shards, rows.n_features, problem, n_classes)
        self._expose(found, rows.dtype, y_ndim(rows), rows.is_sparse)
        self.n_iter_ = np.full(len(alpha), 1 if sums.factor is None else 2, np.int32)
        self.report_ = report_sums(rows, sums, found.bound, watch)
        return sums

    def _solve_by_iteration(self, rows, alpha, n_classes, watch):
        found = ridge_by_gradients(
            rows.shards,
            rows.n_features,
            alpha,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            max_iter=self.max_iter,
            n_classes=n_classes,
        )
        warn_of_the_residual(found, self.tol)
        self._expose(found, rows.dtype, y_ndim(rows), rows.is_sparse)
        self.solver_, self.n_iter_ = "sparse_cg", np.maximum(found.n_iter, 1).astype(np.int32)
        why = f"Squares of more than {MOST_FEATURES:,} columns are not summed."
        if self.solver == "sparse_cg":
            why = "solver='sparse_cg' was asked for."
        self.report_ = report_cg(rows, found, why, watch)

    def _alphas(self, n_targets):
        """The penalty of each target."""
        alpha = np.ravel(np.asarray(self.alpha, np.float64))
        if len(alpha) not in (1, n_targets):
            raise ValueError(
                "Number of targets and number of penalties do not correspond: "
                f"{len(alpha)} != {n_targets}. Pass one alpha, or one for each target."
            )
        return np.broadcast_to(alpha, (n_targets,))

    def _expose_sums(self, kept):
        alpha = self._alphas(len(kept.sums.moments.yy))
        problem = LeastSquaresProblem(alpha, self.fit_intercept, self.positive)
        found = solve_least_squares(kept.sums, problem)
        self._expose(found, kept.dtype, kept.y_ndim, kept.is_sparse)
        self.n_iter_ = np.ones(len(alpha), np.int32)

    def _expose(self, found, dtype, y_ndim, is_sparse):
        """scikit-learn's attributes, of numbers of the dtype of X."""
        coef = np.ascontiguousarray(found.coef, dtype)
        self.coef_ = coef[0] if len(coef) == 1 else coef
        expose_intercept(self, found.intercept, dtype, y_ndim)
        self.solver_ = self.solver
        if self.solver == "auto":
            self.solver_ = "sparse_cg" if is_sparse else "cholesky"
            self.solver_ = "lbfgs" if self.positive else self.solver_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
