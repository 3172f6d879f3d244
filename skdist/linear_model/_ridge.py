# SPDX-License-Identifier: BSD-3-Clause
"""Least squares with an l2 penalty."""

from __future__ import annotations

from sklearn.linear_model import Ridge

from skdist._estimator import SHARDING
from skdist.linear_model._least_squares_fit import n_targets
from skdist.linear_model._ridge_fit import MergedRidge


class DistributedRidge(MergedRidge, Ridge):
    """Ridge regression whose fit is spread over cores or a cluster.

    It minimises, for each target, ::

        F(w, b) = sum_i s_i (y_i - w'x_i - b)^2 + alpha |w|^2        (w >= 0, with positive=True)

    with weights s; the intercept is not penalised. With means m and centred sums that is ::

        (sum_i s_i (x_i - m)(x_i - m)' + alpha I) w = sum_i s_i (x_i - m)(y_i - m_y)

    and both sums are added up over shards of the rows, in one round. That is
    :class:`sklearn.linear_model.Ridge`, of which this is a subclass: the same optimum, parameters
    and fitted attributes. What differs:

    - All solvers but two find the optimum itself, to rounding, and then have nothing to stop at:
      `tol` and `max_iter` have a meaning for conjugate gradients only.
    - Where features are so nearly collinear, and alpha so small, that squaring would lose digits, a
      second round merges the triangular factors of the shards, and nothing is squared.
    - Work is spread over all cores, or over what :func:`joblib.parallel_config` says.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, 0 or more; one for all targets, or one for each. With 0, of all
        minima that of least ``|w|`` is taken.
    fit_intercept : bool, default=True
        Whether there is an intercept b, or b = 0.
    copy_X : bool, default=True
        X is not changed in either case.
    max_iter : int, default=None
        Iterations at most of conjugate gradients, each a round; None is ten times the number of
        features or of rows, whichever is less. Others of scikit-learn's own fit ("sag", "saga").
    tol : float, default=1e-4
        Conjugate gradients stop where the residual of the equations is `tol` times their
        right-hand side, "sag" and "saga" as in scikit-learn. Without effect on the others.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, \
            default="auto"
        - "auto", "svd", "cholesky", "lsqr", and with ``positive=True`` "lbfgs": merged moments, as
          above, or triangular factors where the moments are ill-conditioned. Beyond 4,096 columns
          conjugate gradients for sparse X and Dask collections, and scikit-learn's own fit for
          dense rows in memory.
        - "sparse_cg": conjugate gradients. One round per iteration, nothing d x d is formed.
        - "sag", "saga": scikit-learn's own fit, in this process.
    positive : bool, default=False
        Whether all coefficients must be 0 or more. "auto" and "lbfgs" only.
    random_state : int, RandomState instance or None, default=None
        Order of the rows for "sag" and "saga". The others draw nothing.
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
    intercept_ : float or ndarray of shape (n_targets,)
        0.0 with ``fit_intercept=False``.
    n_iter_ : ndarray of shape (n_targets,)
        Passes over the rows; iterations, where there were any.
    solver_ : str
        The solver that scikit-learn's class would have used.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method` ("moments"; "tsqr" with the second round; "cg"), `certificate`
        (the bound of ``F(w) - min F``, summed over targets), `rounds`, `bytes_down`, `bytes_up`,
        `seconds` per phase.

    See Also
    --------
    DistributedLinearRegression : Without a penalty.
    DistributedRidgeClassifier : The same for classes.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    One round: n d^2 flops, and 8 d (d + T) bytes up per shard, for n rows, d features, T targets.
    Conjugate gradients: two rounds and one per iteration, 8 d T bytes down and up in each.

    `fit_shard` keeps the sums, 8 (d^2 + d T) bytes: the merged model is the fit on all rows.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for
       computing sample variances", Stanford University, 1979.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedRidge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = DistributedRidge(alpha=0.1, n_shards=4).fit(X, y)
    >>> round(model.score(X, y), 3), model.report_.method
    (0.513, 'moments')
    """

    _parameter_constraints = {
        **Ridge._parameter_constraints,
        **SHARDING,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        solver="auto",
        positive=False,
        random_state=None,
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            alpha=alpha,
            fit_intercept=fit_intercept,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            solver=solver,
            positive=positive,
            random_state=random_state,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    def _n_targets(self, rows):
        return n_targets(rows)
