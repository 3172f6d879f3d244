# SPDX-License-Identifier: BSD-3-Clause
"""Regression of counts and rates."""

from __future__ import annotations

from sklearn.linear_model import PoissonRegressor

from skdist.linear_model._glm import DistributedGeneralizedLinearRegressor
from skdist.losses import Poisson


class DistributedPoissonRegressor(DistributedGeneralizedLinearRegressor, PoissonRegressor):
    """A Poisson regression, of counts and rates, whose fit is spread over cores or a cluster.

    With mu_i = exp(w'x_i + b) the mean of y_i given x_i, it minimises ::

        F(w, b) = 1 / sum_i s_i  sum_i s_i (mu_i - y_i log mu_i)  +  alpha/2 |w|^2

    with s the sample weights: half the mean Poisson deviance but for a constant, and an l2 penalty
    that leaves the intercept out. That is :class:`sklearn.linear_model.PoissonRegressor`, of which
    this is a subclass: the same objective, parameters and fitted attributes. What differs:

    - The sums over rows are added up over shards of the rows, so that the optimum does not depend
      on how the rows were cut.
    - The fit ends with a certificate, an upper bound of ``F(w) - min F``, in `report_`.
    - There are `n_jobs`, which changes the time and not the model, and `n_shards`.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, 0 or more.
    fit_intercept : bool, default=True
        Whether there is an intercept b, or b = 0.
    solver : str, default="auto"
        "newton" (also "newton-cholesky"), "newton_cg", "lbfgs", "gradient_descent" or
        "prox_newton"; "auto" is "newton" up to 1,500 coefficients (300 for sparse
        X) and "newton_cg" beyond. See
        :class:`DistributedLogisticRegression`.
    max_iter : int, default=100
        Iterations at most.
    tol : float, default=1e-4
        The fit stops where ``F(w) - min F <= tol^2 |F|`` is certain.
    warm_start : bool, default=False
        Start from the coefficients of the last fit.
    verbose : int, default=0
        Above 0: one line when the fit is done.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots, None what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.
    n_shards : int, default=None
        Pieces that the rows are cut into; they do not change the optimum. None is one per 16,384
        rows, at most 64 but at least 4 of 4,096 rows. For a Dask collection, whose partitions are
        the shards, it must be None.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The coefficients w; float32 where X is.
    intercept_ : float
        The intercept b.
    n_iter_ : int
        Iterations made.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into.
    report_ : FitReport
        What the fit did, and the `certificate`; see :class:`DistributedLogisticRegression`.

    See Also
    --------
    DistributedGammaRegressor : Positive targets whose spread grows with their mean.
    DistributedTweedieRegressor : Targets with a mass at 0, and the other powers.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    With P = d + 1 coefficients a round brings up 8 (1 + P) bytes a shard, and with the Hessian
    4 P (P + 1) more; P numbers go down. `fit_shard` keeps the curvature and the gradient of the
    loss at the optimum, 8 P^2 bytes.

    Examples
    --------
    >>> from skdist import DistributedPoissonRegressor
    >>> X, y = [[1, 2], [2, 3], [3, 4], [4, 3]], [12, 17, 22, 21]
    >>> model = DistributedPoissonRegressor().fit(X, y)
    >>> model.coef_.round(3)
    array([0.121, 0.158])
    >>> model.predict([[1, 1], [3, 4]]).round(2)
    array([10.68, 21.88])
    """

    _parameter_constraints = {
        **PoissonRegressor._parameter_constraints,
        **DistributedGeneralizedLinearRegressor._parameter_constraints,
    }

    def _loss(self):
        return Poisson()
