# SPDX-License-Identifier: BSD-3-Clause
"""Least squares with an l1 and an l2 penalty."""

from __future__ import annotations

import warnings
from functools import partial
from numbers import Number

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet
from sklearn.utils import check_random_state

from skdist._caller import level_of_caller
from skdist._estimator import SHARDING
from skdist._local_fit import fit_locally
from skdist._whole_fit import whole_fit
from skdist.linear_model._least_squares_fit import (
    MOST_FEATURES,
    KeptSums,
    MergedLeastSquares,
    expose_intercept,
    is_wide,
    report_sums,
    y_ndim,
)
from skdist.solvers.elastic_net import ElasticNetProblem, elastic_net
from skdist.solvers.least_squares import merged_moments
from skdist.solvers.normal_equations import LeastSquaresSums, without_constants


class DistributedElasticNet(MergedLeastSquares, ElasticNet):
    """The elastic net, whose fit is spread over cores or a cluster.

    It minimises, with W the sum of the weights s, ::

        F(w, b) = 1/(2 W) sum_i s_i (y_i - w'x_i - b)^2
                  + alpha l1_ratio |w|_1 + alpha (1 - l1_ratio)/2 |w|^2

    (and w >= 0, with ``positive=True``). The rows enter by their means and centred sums alone,
    which are added up over shards in one round; coordinate descent then goes on without them. That
    is :class:`sklearn.linear_model.ElasticNet`, of which this is a subclass: the same objective,
    parameters, rule to stop and fitted attributes. What differs:

    - Coordinate descent works on sums of squares and products, as scikit-learn's does with
      ``precompute=True``: a sweep costs d^2 flops and not n d.
    - Work is spread over all cores, or over what :func:`joblib.parallel_config` says.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of both penalties, 0 or more.
    l1_ratio : float, default=0.5
        Share of the absolute values in the penalty, from 0 to 1.
    fit_intercept : bool, default=True
        Whether there is an intercept b, or b = 0. It is not penalised.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Sums of squares and products are computed in any case; an array of them is given to
        scikit-learn's own fit.
    max_iter : int, default=1000
        Sweeps over all coordinates at most.
    copy_X : bool, default=True
        X is not changed in either case.
    tol : float, default=1e-4
        Where a sweep moves no coefficient by more than `tol` times the largest, the duality gap is
        looked at; the fit stops where that is at most `tol` times the mean square of y about its
        mean.
    warm_start : bool, default=False
        Start from the coefficients of the last fit.
    positive : bool, default=False
        Whether all coefficients must be 0 or more.
    random_state : int, RandomState instance or None, default=None
        Draws the coordinates of ``selection="random"``, which are not those that scikit-learn's
        class draws.
    selection : {"cyclic", "random"}, default="cyclic"
        Whether coordinates are taken in turn, or drawn with replacement.
    n_shards : int, default=None
        Pieces that the rows are cut into; they do not change the optimum. None is one per 16,384
        rows, at most 64 but at least 4 of 4,096 rows, and fewer where X is so wide that the sums of
        all shards would take 256 MiB. For a Dask collection, whose partitions are the shards, it
        must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing. It does not
        change the model.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The coefficients; float32 where X is.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        The same.
    intercept_ : float or ndarray of shape (n_targets,)
    n_iter_ : int or list of int
        Sweeps, for each target.
    dual_gap_ : float or ndarray of shape (n_targets,)
        The duality gap at the end: F is at most that much above its minimum.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method` ("moments"), `certificate` (the duality gaps, summed over
        targets; None for ``alpha=0``), `rounds`, `bytes_down`, `bytes_up`, `seconds` per phase.

    See Also
    --------
    DistributedLasso : The same with ``l1_ratio=1``.
    DistributedRidge : The same with l2 alone, solved at once.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    One round: n d^2 flops, and 8 d (d + T) bytes up per shard, for n rows, d features, T targets.
    With more than 4,096 columns the fit is scikit-learn's own.

    `fit_shard` keeps the sums, 8 (d^2 + d T) bytes: the merged model is the fit on all rows.

    References
    ----------
    .. [1] J. Friedman, T. Hastie, R. Tibshirani, "Regularization Paths for Generalized Linear
       Models via Coordinate Descent", Journal of Statistical Software 33, 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedElasticNet
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = DistributedElasticNet(alpha=0.01, l1_ratio=0.9, n_shards=4).fit(X, y)
    >>> round(model.score(X, y), 3), bool(model.dual_gap_ < 1e-4 * y.var())
    (0.491, True)
    """

    _parameter_constraints = {
        **ElasticNet._parameter_constraints,
        **SHARDING,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        precompute=False,
        max_iter=1000,
        copy_X=True,
        tol=1e-4,
        warm_start=False,
        positive=False,
        random_state=None,
        selection="cyclic",
        n_shards=None,
        n_jobs=None,
    ):
        ElasticNet.__init__(  # by name: Lasso, which DistributedLasso puts between, has no l1_ratio
            self,
            alpha=alpha,
            l1_ratio=l1_ratio,
            fit_intercept=fit_intercept,
            precompute=precompute,
            max_iter=max_iter,
            copy_X=copy_X,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X, y, sample_weight=None, check_input=True):
        """Find the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            float32 is kept, and summed as float64; everything else becomes float64, sparse
            matrices CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : float or array-like of shape (n_samples,), default=None
            Only their proportions matter: a number is no weights.
        check_input : bool, default=True
            False is scikit-learn's own fit, on arrays that it would not have to convert.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses. The estimator is then as it was before.

        Warns
        -----
        ConvergenceWarning
            If the duality gap is too large after `max_iter` sweeps.
        """
        self._fit(X, y, sample_weight, check_input=check_input)

    def _fit(self, X, y, sample_weight, *, shard=False, check_input=True):
        if self.alpha == 0:
            warnings.warn(
                "alpha=0 is no penalty: coordinate descent converges slowly, and "
                "DistributedLinearRegression finds the optimum at once.",
                stacklevel=level_of_caller(),
            )
        if isinstance(sample_weight, Number):
            sample_weight = None
        if check_input:
            super()._fit(X, y, sample_weight, shard=shard)
            return
        self._sums, unchecked = None, partial(ElasticNet.fit, self, check_input=False)
        fit_locally(self, unchecked, X, y, sample_weight, "check_input=False was passed.")

    def _scikit_learns(self, X):
        """Why scikit-learn's own fit is run; "" where it is not."""
        if isinstance(self.precompute, bool):
            return f"X has more than {MOST_FEATURES:,} columns." if is_wide(X) else ""
        return "precompute is a matrix."

    def _solve(self, rows, watch):
        sums = LeastSquaresSums(merged_moments(rows.shards, rows.n_features))
        bound = self._expose_sums(
            KeptSums(sums, rows.dtype, y_ndim(rows), rows.is_sparse), self._start(sums.moments)
        )
        self.report_ = report_sums(
            rows, sums, bound if self.alpha else None, watch, certificate="duality gap"
        )
        return sums

    def _start(self, moments):
        """Coefficients (T, d) of the last fit for a warm start, else zeros."""
        shape = len(moments.yy), len(moments.xx)
        if not (self.warm_start and "coef_" in vars(self)):
            return np.zeros(shape)
        start = np.atleast_2d(self.coef_).astype(np.float64)
        if start.shape != shape:
            raise ValueError(
                f"warm_start=True starts from coef_ of shape {start.shape}, but y has {shape[0]} "
                f"targets and X {shape[1]} features. Set warm_start=False to begin anew."
            )
        return start

    def _expose_sums(self, kept, start=None):
        """Solve, set scikit-learn's attributes, and return the sum of the duality gaps."""
        moments = without_constants(kept.sums.moments)
        start = np.zeros(moments.xy.T.shape) if start is None else start
        problem = ElasticNetProblem(
            self.alpha * self.l1_ratio,
            self.alpha * (1.0 - self.l1_ratio),
            self.fit_intercept,
            self.positive,
            self.tol,
            self.max_iter,
        )
        intercept, found = elastic_net(moments, problem, start, self._seeds(len(start)))
        n_iter = [one.n_iter for one in found]
        gaps = np.array([max(one.gap, 0.0) for one in found]) / moments.weight
        if not all(one.converged for one in found):
            self._warn(gaps, max(n_iter))
        coef = np.stack([one.w for one in found])
        expose_intercept(self, intercept, kept.dtype, kept.y_ndim)
        self.coef_, self.dual_gap_ = coef.astype(kept.dtype), gaps.astype(kept.dtype)
        self.n_iter_ = n_iter
        if len(found) == 1:
            self.coef_, self.dual_gap_, self.n_iter_ = self.coef_[0], self.dual_gap_[0], n_iter[0]
        return float(gaps.sum())

    def _seeds(self, n_targets):
        """For the order of the coordinates, one for each target."""
        if self.selection == "cyclic":
            return [None] * n_targets
        random = check_random_state(self.random_state)
        return [int(seed) for seed in random.randint(np.iinfo(np.int32).max, size=n_targets)]

    def _warn(self, gaps, n_iter):
        warnings.warn(
            f"Coordinate descent stopped after {n_iter} sweeps with a duality gap of "
            f"{gaps.max():.3g}, more than tol={self.tol:g} asks for. Raise max_iter, scale the "
            "features, or penalise more.",
            ConvergenceWarning,
            stacklevel=level_of_caller(),
        )
