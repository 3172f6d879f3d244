# SPDX-License-Identifier: BSD-3-Clause
"""Generalised linear models of positive and of skewed targets: Poisson, Gamma, Tweedie."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor

from skdist._estimator import SHARDING, ShardedFit, Stopwatch
from skdist._local_fit import fit_locally
from skdist._rows import Intake, encode_rows
from skdist._sklearn import StrOptions, glm_loss
from skdist.linear_model._linear_fit import SOLVER_NAMES, fit_linear
from skdist.linear_model._loss_expansion import keep_expansion
from skdist.losses import Gamma, Poisson, tweedie
from skdist.solvers.choose_solver import choose_solver
from skdist.solvers.linear_objective import LinearObjective


def check_in_range(loss, y):
    """Raise scikit-learn's error for targets that the loss is not defined for."""
    if not loss.in_y_true_range(y):
        raise ValueError(
            f"Some value(s) of y are out of the valid range of the loss {type(loss).__name__!r}."
        )


class DistributedGeneralizedLinearRegressor(ShardedFit):
    """Mixin in front of scikit-learn's three classes; they name their loss."""

    _parameter_constraints = {
        # A class of solver is scikit-learn's own, for its developers.
        "solver": [
            StrOptions(SOLVER_NAMES),
            *PoissonRegressor._parameter_constraints["solver"][1:],
        ],
        **SHARDING,
    }

    def __init__(
        self,
        *,
        alpha=1.0,
        fit_intercept=True,
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
        )
        self.n_jobs = n_jobs
        self.n_shards = n_shards

    def _fit(self, X, y, sample_weight, *, shard=False):
        self._expansion = self._merged_parts = None
        if isinstance(self.solver, type):
            why = "a class of solver was passed: scikit-learn's own fit."
            fit_locally(self, self._fit_plainly, X, y, sample_weight, why)
            return
        watch = Stopwatch()
        self._base_loss = glm_loss(self)
        intake = Intake(check_y=partial(check_in_range, self._base_loss))
        rows = encode_rows(
            self, X, y, sample_weight, intake=intake, n_shards=self.n_shards, n_jobs=self.n_jobs
        )
        watch.lap("prepare")
        objective = self._objective(rows.n_features, rows.total_weight)
        fit = fit_linear(
            rows,
            objective,
            choose_solver(self.solver, objective, is_sparse=rows.is_sparse),
            start=self._start(objective),
            tol=self.tol,
            max_iter=self.max_iter,
            watch=watch,
        )
        self._expose(fit.solution.w, rows.dtype)
        self.n_iter_, self._weight_of_rows = fit.solution.n_iter, rows.total_weight
        self.n_shards_, self.report_ = rows.shards.n_shards, fit.report
        if shard:
            self._expansion, self.report_ = keep_expansion(rows, objective, fit)
        if self.verbose:
            print(f"[{type(self).__name__}] {self.report_.in_one_line()}")

    def _objective_of(self, expansion):
        """The objective of a merge."""
        return self._objective(self.n_features_in_, expansion.weight)

    def _objective(self, n_features, total_weight):
        """``1 / sum(s) sum_i s_i loss + alpha/2 |w|^2``."""
        return LinearObjective(
            loss=self._loss(),
            n_features=n_features,
            fit_intercept=self.fit_intercept,
            scale=1.0 / total_weight,
            l2=float(self.alpha),
        )

    def _start(self, objective):
        """Coefficients of the last fit, (1, p), for a warm start."""
        if not (self.warm_start and "coef_" in vars(self)):
            return None
        w = self.coef_
        if len(w) != objective.n_features:
            raise ValueError(
                f"warm_start=True would start from coef_ of {len(w)} features, X has "
                f"{objective.n_features}. Set warm_start=False to begin anew."
            )
        w = np.append(w, self.intercept_) if self.fit_intercept else w
        return np.asarray(w, np.float64)[None, :]

    def _expose(self, w, dtype):
        w = w[0].astype(dtype)
        if self.fit_intercept:
            self.intercept_, self.coef_ = w[-1], w[:-1].copy()
        else:
            self.intercept_, self.coef_ = 0.0, w


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
