# SPDX-License-Identifier: BSD-3-Clause
"""Regression of targets whose variance is a power of their mean."""

from __future__ import annotations

from sklearn.linear_model import TweedieRegressor

from skdist.linear_model._glm import DistributedGeneralizedLinearRegressor
from skdist.losses import tweedie


class DistributedTweedieRegressor(DistributedGeneralizedLinearRegressor, TweedieRegressor):
    """A Tweedie regression whose fit is spread over cores or a cluster.

    With mu_i the mean of y_i given x_i, log mu_i = w'x_i + b or mu_i = w'x_i + b, and a variance in
    proportion to mu^power, it minimises ::

        F(w, b) = 1 / sum_i s_i  sum_i s_i d(y_i, mu_i) / 2  +  alpha/2 |w|^2
        d(y, mu) / 2 = mu^(2 - power) / (2 - power) - y mu^(1 - power) / (1 - power) + constant

    (d is the unit deviance; for powers 1 and 2 the limits of that.) A subclass of
    :class:`sklearn.linear_model.TweedieRegressor`. What is the same and what differs is said in
    :class:`DistributedPoissonRegressor`; so are all parameters and attributes not named here.

    Parameters
    ----------
    power : float, default=0.0
        0 is the normal distribution, 1 Poisson, between 1 and 2 a Poisson sum of Gamma variables
        (with a mass at 0), 2 Gamma, 3 inverse Gaussian.
    link : {"auto", "identity", "log"}, default="auto"
        How the mean depends on w'x + b. "auto" is "identity" for ``power <= 0``, else "log".
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

    Notes
    -----
    With the log link F is convex for powers from 1 to 2 only. Elsewhere the optimum that is found
    may be a local one, as in scikit-learn, and the certificate holds near it.

    Examples
    --------
    >>> from skdist import DistributedTweedieRegressor
    >>> X, y = [[1, 2], [2, 3], [3, 4], [4, 3]], [2, 3.5, 5, 5.5]
    >>> DistributedTweedieRegressor().fit(X, y).coef_.round(3)
    array([0.6, 0.3])
    """

    _parameter_constraints = {
        **TweedieRegressor._parameter_constraints,
        **DistributedGeneralizedLinearRegressor._parameter_constraints,
    }

    def __init__(
        self,
        *,
        power=0.0,
        alpha=1.0,
        fit_intercept=True,
        link="auto",
        solver="auto",
        max_iter=100,
        tol=1e-4,
        warm_start=False,
        verbose=0,
        n_jobs=None,
        n_shards=None,
    ):
        super().__init__(
            alpha=alpha,
            fit_intercept=fit_intercept,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
            n_jobs=n_jobs,
            n_shards=n_shards,
        )
        self.power = power
        self.link = link

    def _loss(self):
        link = self.link
        if link == "auto":
            link = "identity" if self.power <= 0 else "log"
        return tweedie(self.power, link)
