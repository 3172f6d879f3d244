# SPDX-License-Identifier: BSD-3-Clause
"""Regression of positive targets whose spread grows with their mean."""

from __future__ import annotations

from sklearn.linear_model import GammaRegressor

from skdist.linear_model._glm import DistributedGeneralizedLinearRegressor
from skdist.losses import Gamma


class DistributedGammaRegressor(DistributedGeneralizedLinearRegressor, GammaRegressor):
    """A Gamma regression, of positive targets, whose fit is spread over cores or a cluster.

    With mu_i = exp(w'x_i + b) the mean of y_i > 0 given x_i, it minimises ::

        F(w, b) = 1 / sum_i s_i  sum_i s_i (log mu_i + y_i / mu_i)  +  alpha/2 |w|^2

    A subclass of :class:`sklearn.linear_model.GammaRegressor`. What is the same and what differs is
    said in :class:`DistributedPoissonRegressor`; so are all parameters and attributes.

    Parameters
    ----------
    alpha, fit_intercept, solver, max_iter, tol, warm_start, verbose, n_jobs, n_shards
        As in :class:`DistributedPoissonRegressor`, with the same defaults.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The coefficients w.
    intercept_ : float
        The intercept b.
    report_ : FitReport
        What the fit did, and the `certificate`.

    See Also
    --------
    DistributedPoissonRegressor : All parameters.

    Examples
    --------
    >>> from skdist import DistributedGammaRegressor
    >>> model = DistributedGammaRegressor().fit([[1, 2], [2, 3], [3, 4], [4, 3]], [19, 26, 33, 30])
    >>> model.coef_.round(3)
    array([0.073, 0.067])
    """

    _parameter_constraints = {
        **GammaRegressor._parameter_constraints,
        **DistributedGeneralizedLinearRegressor._parameter_constraints,
    }

    def _loss(self):
        return Gamma()
