# SPDX-License-Identifier: BSD-3-Clause
"""Linear regression by stochastic gradient descent."""

from __future__ import annotations

from sklearn.linear_model import SGDRegressor

from skdist._on_collections import OnCollections
from skdist._whole_fit import whole_fit
from skdist.linear_model._sgd import DistributedSGD


class DistributedSGDRegressor(OnCollections, DistributedSGD, SGDRegressor):
    """Linear regression by stochastic gradient descent, passes spread over shards of the rows.

    It makes small ::

        1/n sum_i s_i L(y_i, w'x_i + b) + alpha ((1 - l1_ratio)/2 |w|^2 + l1_ratio |w|_1)

    row after row, as :class:`DistributedSGDClassifier` does, which says what shards change. It is
    :class:`sklearn.linear_model.SGDRegressor`, of which this is a subclass, with the same
    parameters and fitted attributes; one shard in memory is scikit-learn's own loop, bit for bit.

    Parameters
    ----------
    loss : str, default="squared_error"
        "squared_error", "huber", "epsilon_insensitive" or "squared_epsilon_insensitive".
    penalty : {"l2", "l1", "elasticnet", None}, default="l2"
    alpha : float, default=0.0001
        Strength of the penalty; also sets the step sizes of ``learning_rate="optimal"``.
    l1_ratio : float, default=0.15
        Share of the absolute values in the penalty "elasticnet".
    fit_intercept : bool, default=True
    max_iter : int, default=1000
        Passes over the rows, at most.
    tol : float or None, default=1e-3
        What the objective, or the score on rows held out, must gain on the best so far to count as
        better. None: `max_iter` passes.
    shuffle : bool, default=True
        Whether every pass has the rows in a new order.
    verbose : int, default=0
        Above 0: what scikit-learn prints; of several shards, a line per pass when the fit is done.
    epsilon : float, default=0.1
        Of all losses but "squared_error".
    random_state : int, RandomState instance or None, default=None
        Orders of the rows, and which are held out.
    learning_rate : str, default="invscaling"
        "constant", "optimal", "invscaling", "adaptive", and "pa1" and "pa2" with
        ``loss="epsilon_insensitive"``.
    eta0 : float, default=0.01
    power_t : float, default=0.25
    early_stopping : bool, default=False
        Whether R^2 on rows held out decides when to stop.
    validation_fraction : float, default=0.1
        Share of the rows held out.
    n_iter_no_change : int, default=5
        Passes without a gain of `tol` after which to stop.
    warm_start : bool, default=False
        Start from the parameters of the last fit.
    average : bool or int, default=False
        Whether the fitted parameters are the mean of all iterates; of those from step `average` on,
        if it is an int.
    n_shards : int, default=None
        Pieces of the rows that are passed over side by side. None is 1 up to 24,575 rows, 2 up to
        131,071 and 4 beyond. For a Dask collection, whose partitions are the shards, it must be
        None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None is what
        :func:`joblib.parallel_config` says, and all cores where it says nothing.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        float32 where X is.
    intercept_ : ndarray of shape (1,)
    n_iter_ : int
        Passes made.
    t_ : float
        Rows passed over, plus 1.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
    report_ : FitReport
        See :class:`DistributedSGDClassifier`.

    See Also
    --------
    skdist.merge : One model out of several, fitted apart.
    DistributedRidge : Least squares with an l2 penalty, exact and in one round.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from skdist import DistributedSGDRegressor
    >>> X, y = make_regression(2_000, noise=1.0, random_state=0)
    >>> model = DistributedSGDRegressor(random_state=0, n_shards=2).fit(X, y)
    >>> model.score(X, y) > 0.99
    True
    """

    _parameter_constraints = {
        **SGDRegressor._parameter_constraints,
        **DistributedSGD._parameter_constraints,
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        penalty="l2",
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-3,
        shuffle=True,
        verbose=0,
        epsilon=0.1,
        random_state=None,
        learning_rate="invscaling",
        eta0=0.01,
        power_t=0.25,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        warm_start=False,
        average=False,
        n_shards=None,
        n_jobs=None,
    ):
        super().__init__(
            loss=loss,
            penalty=penalty,
            alpha=alpha,
            l1_ratio=l1_ratio,
            fit_intercept=fit_intercept,
            max_iter=max_iter,
            tol=tol,
            shuffle=shuffle,
            verbose=verbose,
            epsilon=epsilon,
            random_state=random_state,
            learning_rate=learning_rate,
            eta0=eta0,
            power_t=power_t,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            average=average,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs

    @whole_fit
    def partial_fit(self, X, y, sample_weight=None):
        """Pass once over these rows, from where the last pass ended.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            Enough rows for several shards are passed over side by side, as in `fit`.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        self._pass_once(X, y, sample_weight)

    @whole_fit
    def fit_shard(self, X, y, sample_weight=None):
        """Fit the rows that are here, for a later :func:`skdist.merge`.

        Merging takes the mean of the parameters, each model by the steps it has made.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        self._fit_rows(X, y, sample_weight=sample_weight)
