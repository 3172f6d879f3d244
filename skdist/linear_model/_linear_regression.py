# SPDX-License-Identifier: BSD-3-Clause
"""Ordinary least squares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.linear_model import LinearRegression

from skdist._estimator import SHARDING
from skdist.linear_model._least_squares_fit import (
    MOST_FEATURES,
    TARGETS,
    MergedLeastSquares,
    expose_intercept,
    is_wide,
    is_wide_and_dense,
    n_targets,
    report_cg,
    report_sums,
    warn_of_the_residual,
    y_ndim,
)
from skdist.solvers.least_squares import least_squares
from skdist.solvers.normal_equations import LeastSquaresProblem, solve_least_squares
from skdist.solvers.ridge_by_gradients import ridge_by_gradients


class DistributedLinearRegression(MergedLeastSquares, LinearRegression):
    """Ordinary least squares whose fit is spread over cores or a cluster.

    It minimises ::

        F(w, b) = sum_i s_i (y_i - w'x_i - b)^2        (w >= 0, with positive=True)

    and of all minima takes the one of least ``|w|``. With weights s, means m and centred sums::

        sum_i s_i (x_i - m)(x_i - m)' w = sum_i s_i (x_i - m)(y_i - m_y),    b = m_y - m'w

    Both sums are added up over shards of the rows, in one round. That is
    :class:`sklearn.linear_model.LinearRegression`, of which this is a subclass: the same optimum,
    parameters and fitted attributes. What differs:

    - Where features are nearly collinear, squaring them would lose digits: a second round then
      merges the triangular factors of the shards, and nothing is squared.
    - ``n_jobs=None`` means what :func:`joblib.parallel_config` says, and all cores where it says
      nothing. No `n_jobs` changes the model.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether there is an intercept b, or b = 0.
    copy_X : bool, default=True
        X is not changed in either case.
    tol : float, default=1e-6
        Singular values of dense X up to `tol` times the largest count as 0: see `rank_`. With
        more than 4,096 columns of sparse X, whose equations are solved by conjugate gradients,
        these stop where the residual of the equations is `tol` times their right-hand side.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. See above for None.
    positive : bool, default=False
        Whether all coefficients must be 0 or more; dense X only.
    n_shards : int, default=None
        Pieces that the rows are cut into; they do not change the optimum. None is one per 16,384
        rows, at most 64 but at least 4 of 4,096 rows, and fewer where X is so wide that the sums of
        all shards would take 256 MiB. For a Dask collection, whose partitions are the shards, it
        must be None.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The coefficients; float32 where X is.
    intercept_ : float or ndarray of shape (n_targets,)
    rank_ : int
        Singular values of X, centred if there is an intercept, that count. Dense X only.
    singular_ : ndarray of shape (min(n_samples, n_features),)
        All of them, largest first. Dense X only.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method` ("moments"; "tsqr" with the second round; "cg"), `certificate`
        (the bound of ``F(w) - min F``), `rounds`, `bytes_down`, `bytes_up`, `seconds` per phase.

    See Also
    --------
    DistributedRidge : The same with a penalty.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    One round: n d^2 flops, and 8 d (d + T) bytes up per shard, for n rows, d features, T targets.
    Dense rows in memory of more than 4,096 columns are left to scikit-learn's own fit.

    `fit_shard` keeps the sums, 8 (d^2 + d T) bytes: the merged model is the fit on all rows.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for
       computing sample variances", Stanford University, 1979.
    .. [2] J. Demmel, L. Grigori, M. Hoemmen, J. Langou, "Communication-optimal parallel and
       sequential QR and LU factorizations", SIAM Journal on Scientific Computing 34, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist import DistributedLinearRegression
    >>> X = np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 3.0]])
    >>> model = DistributedLinearRegression(n_shards=2).fit(X, X @ [1.0, 2.0] + 3.0)
    >>> model.coef_.round(6), model.report_.method
    (array([1., 2.]), 'moments')
    """

    _parameter_constraints = {
        **LinearRegression._parameter_constraints,
        **SHARDING,
    }

    def __init__(
        self,
        *,
        fit_intercept=True,
        copy_X=True,
        tol=1e-6,
        n_jobs=None,
        positive=False,
        n_shards=None,
    ):
        super().__init__(
            fit_intercept=fit_intercept, copy_X=copy_X, tol=tol, n_jobs=n_jobs, positive=positive
        )
        self.n_shards = n_shards

    def _scikit_learns(self, X):
        """Why scikit-learn's own fit is run; "" where it is not."""
        if is_wide_and_dense(X) or (self.positive and is_wide(X)):
            return f"X has more than {MOST_FEATURES:,} columns, and rows are at hand."
        return ""

    def _encode(self, X, y, sample_weight):
        intake = replace(TARGETS, accept_sparse=not self.positive)
        return super()._encode(X, y, sample_weight, intake)

    def _solve(self, rows, watch):
        if rows.n_features > MOST_FEATURES:
            return self._solve_wide(rows, watch)
        problem = self._problem(n_targets(rows), rows.is_sparse)
        found, sums = least_squares(rows.shards, rows.n_features, problem)
        self._expose(found, rows.dtype, y_ndim(rows), rows.is_sparse)
        self.report_ = report_sums(rows, sums, found.bound, watch)
        return sums

    def _solve_wide(self, rows, watch):
        found = ridge_by_gradients(
            rows.shards,
            rows.n_features,
            np.zeros(1),
            fit_intercept=self.fit_intercept,
            tol=self.tol,
        )
        warn_of_the_residual(found, self.tol)
        self._expose(found, rows.dtype, y_ndim(rows), is_sparse=True)
        why = f"Squares of more than {MOST_FEATURES:,} columns are not summed."
        self.report_ = report_cg(rows, found, why, watch)

    def _problem(self, n_targets, is_sparse):
        cut = None if is_sparse or self.positive else self.tol
        return LeastSquaresProblem(np.zeros(n_targets), self.fit_intercept, self.positive, cut)

    def _expose_sums(self, kept):
        problem = self._problem(len(kept.sums.moments.yy), kept.is_sparse)
        found = solve_least_squares(kept.sums, problem)
        self._expose(found, kept.dtype, kept.y_ndim, kept.is_sparse)

    def _expose(self, found, dtype, y_ndim, is_sparse):
        """scikit-learn's attributes, of numbers of the dtype of X."""
        coef = np.ascontiguousarray(found.coef, dtype)
        self.coef_ = coef[0] if y_ndim == 1 else coef
        expose_intercept(self, found.intercept, dtype, y_ndim)
        for name in ("rank_", "singular_"):
            vars(self).pop(name, None)
        if not (is_sparse or self.positive):
            self.rank_, self.singular_ = found.rank, found.singular.astype(dtype)
