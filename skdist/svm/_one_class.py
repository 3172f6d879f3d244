# SPDX-License-Identifier: BSD-3-Clause
"""The support of a distribution."""

from __future__ import annotations

import numpy as np
from sklearn.svm import OneClassSVM

from skdist._on_collections import Method
from skdist._rows import Intake
from skdist._sklearn import num_samples
from skdist._whole_fit import whole_fit
from skdist.sharding import is_dask, lazily
from skdist.solvers.dual_formulations import one_class
from skdist.svm._kernel_machine import OURS_WITH_NU
from skdist.svm._kernel_regressor import OneFunction


class DistributedOneClassSVM(OneFunction, OneClassSVM):
    """Unsupervised outlier detection whose fit is spread over cores or a cluster.

    It finds the function f(x) = sum_i a_i k(x_i, x) - offset, above 0 where rows are, of ::

        min over a:  1/2 sum_ij a_i a_j k(x_i, x_j),
                     0 <= a_i <= s_i,     sum_i a_i = nu sum_i s_i,

    where s are the sample weights. That is :class:`sklearn.svm.OneClassSVM`, of which this is a
    subclass, and libsvm; what differs is said at :class:`DistributedSVC`.

    Parameters
    ----------
    kernel : {"linear", "poly", "rbf", "sigmoid", "precomputed"} or callable, default="rbf"
        ``x'z``, ``(gamma x'z + coef0)^degree``, ``exp(-gamma |x - z|^2)`` or
        ``tanh(gamma x'z + coef0)``.
        "precomputed" and callables are scikit-learn's own fit, in this process.
    degree : int, default=3
        Of "poly".
    gamma : {"scale", "auto"} or float, default="scale"
        "scale" is 1 / (n_features * variance of all entries of X), "auto" 1 / n_features.
    coef0 : float, default=0.0
        Of "poly" and "sigmoid".
    tol : float, default=1e-3
        The fit stops where no pair of variables violates the optimality conditions by more.
    nu : float, default=0.5
        Upper bound of the fraction of rows that are outliers, lower bound of that of support
        vectors; in (0, 1].
    shrinking : bool, default=True
        Whether variables that will stay at their bounds are left out for a while.
    cache_size : float, default=200
        Megabytes of kernel rows that are kept at a time: by all shards together, or by a task that
        solves a whole problem.
    verbose : bool, default=False
        Whether a line is printed when the fit is done.
    max_iter : int, default=-1
        Changes of a pair of variables at most; -1 is no limit.
    n_shards : int, default=None
        Pieces that the rows are cut into; they do not change the optimum. None is one per 16,384
        rows, at most 64 but at least 4 of 4,096 rows. For a Dask collection, whose partitions are
        the shards, it must be None.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. None means what
        :func:`joblib.parallel_config` says, and all cores where it says nothing. No `n_jobs`
        changes the model.
    strategy : {"auto", "parallel"}, default="auto"
        How a problem is spread: see :class:`DistributedSVC`. There is no cascade, as shards apart
        do not have what nu is a share of.

    Attributes
    ----------
    support_ : ndarray of shape (n_SV,)
        Numbers of the support vectors, ascending.
    support_vectors_ : ndarray or CSR of shape (n_SV, n_features)
    n_support_ : ndarray of shape (1,)
        Their number.
    dual_coef_ : ndarray or CSR of shape (1, n_SV)
        a_i.
    intercept_ : ndarray of shape (1,)
    offset_ : ndarray of shape (1,)
        What is subtracted: -intercept_.
    coef_ : ndarray of shape (1, n_features)
        Of the linear kernel.
    fit_status_ : int
        0, or 1 if `max_iter` was reached.
    n_iter_ : int
        Changes of a pair of variables.
    shape_fit_ : tuple of int
        Shape of X.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did; see :class:`DistributedSVC`.

    See Also
    --------
    DistributedSVC : Classes.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    A pass over q variables sends their rows, 8 q d bytes, to every shard, and 8 bytes a row come
    up. What comes to the driver are weights (16 bytes a row), the rows of working sets and the
    support vectors; X is never gathered.

    References
    ----------
    .. [1] B. Schoelkopf et al., "Estimating the Support of a High-Dimensional Distribution", Neural
       Computation 13, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from skdist import DistributedOneClassSVM
    >>> X = np.r_[np.random.default_rng(0).normal(size=(200, 2)), [[9.0, 9.0]]]
    >>> model = DistributedOneClassSVM(nu=0.05, n_shards=2).fit(X)
    >>> model.predict([[0.0, 0.0], [9.0, 9.0]])
    array([ 1, -1])
    """

    _intake = Intake(dtypes=(np.float64,), unlabelled=True)
    _parameter_constraints = {**OneClassSVM._parameter_constraints, **OURS_WITH_NU}

    def __init__(
        self,
        *,
        kernel="rbf",
        degree=3,
        gamma="scale",
        coef0=0.0,
        tol=1e-3,
        nu=0.5,
        shrinking=True,
        cache_size=200,
        verbose=False,
        max_iter=-1,
        n_shards=None,
        n_jobs=None,
        strategy="auto",
    ):
        super().__init__(
            kernel=kernel,
            degree=degree,
            gamma=gamma,
            coef0=coef0,
            tol=tol,
            nu=nu,
            shrinking=shrinking,
            cache_size=cache_size,
            verbose=verbose,
            max_iter=max_iter,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs
        self.strategy = strategy

    @whole_fit
    def fit(self, X, y=None, sample_weight=None):
        """Find the support vectors and their coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)
            Becomes float64, sparse matrices CSR.
        y : None
            There are no targets; here so that all estimators are called alike.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For what scikit-learn's class refuses. The estimator is then as it was before.
        """
        self._fit(X, y, sample_weight)

    @whole_fit
    def fit_shard(self, X, y=None, sample_weight=None):
        """Fit the rows that are here, and keep what a :func:`skdist.merge` needs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        self._fit(X, y, sample_weight, shard=True)

    def decision_function(self, X):
        """f(x), above 0 for inliers.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,)
            Of a Dask collection: a collection that is not computed yet, cut as X is.
        """
        if is_dask(X):
            return lazily(Method("decision_function"), self, X)
        return self._values(X).ravel() if self._by_blocks(X) else super().decision_function(X)

    def score_samples(self, X):
        """f(x) + offset, the sum over support vectors alone.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,)
            Of a Dask collection: a collection, as of `decision_function`.
        """
        if is_dask(X):
            return lazily(Method("score_samples"), self, X)
        return super().score_samples(X)

    def predict(self, X):
        """1 for inliers, -1 for outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe, Dask collection} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,), intp
            Of a Dask collection: a collection, as of `decision_function`.
        """
        if not self._by_blocks(X):
            return super().predict(X)
        return np.where(self._values(X).ravel() > 0.0, 1, -1).astype(np.intp)

    def _encode(self, X, y, sample_weight, classes):
        y = None if is_dask(X) else np.zeros(num_samples(X))
        return super()._encode(X, y, sample_weight, classes)

    def _fit_by_libsvm(self, X, y, sample_weight, classes, why):
        y = None if is_dask(X) else np.ones(num_samples(X))
        super()._fit_by_libsvm(X, y, sample_weight, classes, why)

    def _fit_rows(self, rows, targets, gamma, watch):
        super()._fit_rows(rows, targets, gamma, watch)
        self.offset_ = -self._intercept_

    def _formulate(self, targets):
        (mass,) = targets.mass
        return one_class(None, targets.weight, nu=float(self.nu), mass=float(mass))
