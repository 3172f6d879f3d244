# SPDX-License-Identifier: BSD-3-Clause
"""Linear regression that is robust to outliers."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
from sklearn.linear_model import HuberRegressor

from skdist._estimator import SHARDING, ShardedFit, Stopwatch
from skdist._local_fit import fit_locally
from skdist._rows import Intake, encode_rows
from skdist._watching import shows
from skdist.linear_model._linear_fit import warn_of_the_bound
from skdist.linear_model._sums_report import sums_report
from skdist.sharding import one_blas_thread
from skdist.solvers.choose_solver import MOST_DENSE, MOST_SPARSE
from skdist.solvers.huber_newton import huber_newton
from skdist.solvers.huber_problem import HuberProblem, outliers_of


class DistributedHuberRegressor(ShardedFit, HuberRegressor):
    """Linear regression with the Huber loss, whose fit is spread over cores or a cluster.

    It minimises, over coefficients, intercept and the scale of the residuals at once, ::

        F(w, b, sigma) = sum_i s_i (sigma + sigma h((w'x_i + b - y_i) / sigma)) + alpha |w|^2
        h(z)           = z^2 where |z| <= epsilon, else 2 epsilon |z| - epsilon^2

    with s the sample weights, so that outliers, ``|z| > epsilon``, count by their distance and not
    by its square. That is :class:`sklearn.linear_model.HuberRegressor`, of which this is a
    subclass: the same objective, parameters and fitted attributes. What differs:

    - Newton's method on sums over shards of the rows, so that the optimum does not depend on how
      the rows were cut, nor on the units of features.
    - The fit ends with a certificate, an upper bound of ``F - min F``, in `report_`.

    Parameters
    ----------
    epsilon : float, default=1.35
        Residuals beyond epsilon times the scale are outliers; at least 1. At 1 that is least
        absolute deviations, and scikit-learn's own fit, in this process.
    max_iter : int, default=100
        Steps at most.
    alpha : float, default=0.0001
        Strength of the penalty, 0 or more.
    warm_start : bool, default=False
        Start from the coefficients and the scale of the last fit.
    fit_intercept : bool, default=True
        Whether there is an intercept, or b = 0.
    tol : float, default=1e-05
        The fit stops where ``F - min F <= tol^2 F`` is certain.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None means what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.
    n_shards : int, default=None
        Pieces that the rows are cut into; they do not change the optimum. None is one per 16,384
        rows, at most 64 but at least 4 of 4,096 rows. For a Dask collection, whose partitions are
        the shards, it must be None.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The coefficients. float32 where X is.
    intercept_ : float
        The intercept.
    scale_ : float
        sigma.
    outliers_ : ndarray of shape (n_samples,)
        True for outliers; one byte per row comes to the driver for it.
    n_iter_ : int
        Steps made.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into.
    report_ : FitReport
        What the fit did: `certificate` (the bound of ``F - min F``), `rounds`, `bytes_down`,
        `bytes_up`, `retries`, `seconds` per phase, a table of the `shards`, and in `extra` the
        certificate's name, the objective and the history of the rounds.

    See Also
    --------
    skdist.merge : One model out of several, fitted apart, by averaging.

    Notes
    -----
    With P = d + 2 parameters a round brings 8 (2 P + P^2 / 2) bytes up from every shard. Of more
    than 1,500 parameters (300, if X is sparse) products with the Hessian are merged instead, one a
    round.

    References
    ----------
    .. [1] P. J. Huber, E. M. Ronchetti, "Robust Statistics", 2nd edition, section 7.7, 2009.
    .. [2] A. B. Owen, "A robust hybrid of lasso and ridge regression", Contemporary Mathematics
       443, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist import DistributedHuberRegressor
    >>> X = np.arange(20.0)[:, None]
    >>> y = 3.0 * X[:, 0] + 1.0 + np.tile([0.1, -0.1], 10)
    >>> y[:3] += 50.0
    >>> model = DistributedHuberRegressor(n_shards=2).fit(X, y)
    >>> model.coef_.round(1), bool(model.outliers_[:3].all()), model.report_.exact
    (array([3.]), True, True)
    """

    _rounds_of_an_iteration = 2

    _parameter_constraints = {
        **HuberRegressor._parameter_constraints,
        **SHARDING,
    }

    def __init__(
        self,
        *,
        epsilon=1.35,
        max_iter=100,
        alpha=0.0001,
        warm_start=False,
        fit_intercept=True,
        tol=1e-05,
        n_jobs=None,
        n_shards=None,
    ):
        super().__init__(
            epsilon=epsilon,
            max_iter=max_iter,
            alpha=alpha,
            warm_start=warm_start,
            fit_intercept=fit_intercept,
            tol=tol,
        )
        self.n_jobs = n_jobs
        self.n_shards = n_shards

    def fit_shard(self, X, y, sample_weight=None):
        """Fit the rows that are here, for a later :func:`skdist.merge`.

        Models are averaged by the weights of their rows; the merged model has no `scale_` and no
        `outliers_`, which are of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        return self.fit(X, y, sample_weight)

    def _fit(self, X, y, sample_weight):
        if self.epsilon == 1.0:
            why = "epsilon=1 is least absolute deviations, without any curvature to merge."
            fit_locally(self, self._fit_plainly, X, y, sample_weight, why)
            return
        watch = Stopwatch()
        rows = encode_rows(
            self, X, y, sample_weight, intake=Intake(), n_shards=self.n_shards, n_jobs=self.n_jobs
        )
        problem = HuberProblem(
            rows.n_features,
            rows.total_weight,
            float(self.epsilon),
            float(self.alpha),
            self.fit_intercept,
            deviation_of(rows),
        )
        watch.lap("prepare")
        solution = self._solve(rows, problem)
        if not solution.converged:
            warn_of_the_bound("huber_newton", solution, self.tol, self.max_iter)
        self._expose(solution, rows, problem)
        watch.lap("solve")
        self.report_ = sums_report(
            rows,
            watch,
            method="newton",
            why="newton: coefficients and scale at once, from merged sums over in- and outliers.",
            bound=solution.bound,
            certificate=solution.certificate,
            history=solution.history,
            objective=solution.value,
            converged=solution.converged,
        )

    def _solve(self, rows, problem):
        """From the start to the minimum."""
        start = self._start(rows, problem.deviation)
        most = MOST_SPARSE if rows.is_sparse else MOST_DENSE
        shows(lambda w: self._model(w[0], rows))
        with one_blas_thread():
            return huber_newton(
                rows.shards,
                problem,
                start,
                tol=self.tol,
                max_iter=self.max_iter,
                forms_hessian=len(start) <= most,
            )

    def _start(self, rows, deviation):
        """Of the last fit, or no slope, and the mean and the deviation of y."""
        if self.warm_start and "scale_" in vars(self):
            intercept = [self.intercept_] if self.fit_intercept else []
            start = np.concatenate([self.coef_, intercept, [self.scale_]]).astype(np.float64)
            if len(self.coef_) != rows.n_features:
                raise ValueError(
                    f"The last fit was to {len(self.coef_)} features, X has {rows.n_features}. "
                    "A warm start needs the same; set warm_start=False to begin anew."
                )
            return start
        mean = reduce(add, rows.facts).mean
        scale = deviation if self.fit_intercept else float(np.hypot(deviation, mean))
        intercept = [mean] if self.fit_intercept else []
        return np.concatenate([np.zeros(rows.n_features), intercept, [scale]])

    def _model(self, w, rows):
        """What predictions need, of coefficients (p,)."""
        return {
            "coef_": w[: rows.n_features].astype(rows.dtype),
            "intercept_": float(w[-1]) if self.fit_intercept else 0.0,
        }

    def _expose(self, solution, rows, problem):
        """scikit-learn's attributes."""
        w, sigma = solution.w[0, :-1], float(solution.w[0, -1])
        vars(self).update(self._model(w, rows))
        self.scale_, self.n_iter_ = sigma, solution.n_iter
        self.outliers_ = np.concatenate(rows.shards.map(outliers_of, problem, w, sigma))
        self.n_shards_, self._weight_of_rows = rows.shards.n_shards, rows.total_weight


def deviation_of(rows):
    """Of y; 1.0 where it is constant."""
    facts = reduce(add, rows.facts)
    return float(np.sqrt(facts.squares / facts.weight)) or 1.0
