# SPDX-License-Identifier: BSD-3-Clause
"""Least squares with an l1 penalty."""

from __future__ import annotations

from sklearn.linear_model import Lasso

from skdist.linear_model._elastic_net import DistributedElasticNet


class DistributedLasso(DistributedElasticNet, Lasso):
    """The lasso, whose fit is spread over cores or a cluster.

    It minimises, with W the sum of the weights s, ::

        F(w, b) = 1/(2 W) sum_i s_i (y_i - w'x_i - b)^2 + alpha |w|_1

    (and w >= 0, with ``positive=True``): :class:`DistributedElasticNet` with ``l1_ratio=1``, which
    says how, and a subclass of :class:`sklearn.linear_model.Lasso` with its parameters and fitted
    attributes.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, 0 or more.
    fit_intercept : bool, default=True
        Whether there is an intercept b, or b = 0. It is not penalised.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Sums of squares and products are computed in any case; an array of them is given to
        scikit-learn's own fit.
    copy_X : bool, default=True
        X is not changed in either case.
    max_iter : int, default=1000
        Sweeps over all coordinates at most.
    tol : float, default=1e-4
        See :class:`DistributedElasticNet`.
    warm_start : bool, default=False
        Start from the coefficients of the last fit.
    positive : bool, default=False
        Whether all coefficients must be 0 or more.
    random_state : int, RandomState instance or None, default=None
        Draws the coordinates of ``selection="random"``.
    selection : {"cyclic", "random"}, default="cyclic"
        Whether coordinates are taken in turn, or drawn with replacement.
    n_shards : int, default=None
    n_jobs : int, default=None
        Both: see :class:`DistributedElasticNet`.

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
        See :class:`DistributedElasticNet`.

    See Also
    --------
    DistributedElasticNet : With an l2 penalty besides.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedLasso
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = DistributedLasso(alpha=0.5).fit(X, y)
    >>> int((model.coef_ != 0).sum())
    4
    """

    _parameter_constraints = {**DistributedElasticNet._parameter_constraints}
    _parameter_constraints.pop("l1_ratio")

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        precompute=False,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        positive=False,
        random_state=None,
        selection="cyclic",
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
            n_shards=n_shards,
            n_jobs=n_jobs,
        )
