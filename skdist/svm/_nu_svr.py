# SPDX-License-Identifier: BSD-3-Clause
"""Nu-support vector regression."""

from __future__ import annotations

from sklearn.svm import NuSVR

from skdist.solvers.dual_formulations import nu_regression
from skdist.svm._kernel_machine import OURS_WITH_NU
from skdist.svm._kernel_regressor import KernelRegressor


class DistributedNuSVR(KernelRegressor, NuSVR):
    """Nu-support vector regression whose fit is spread over cores or a cluster.

    Epsilon-support vector regression, of which the width of the tube is found and not given: about
    a fraction nu of the rows is outside. By its dual ::

        min over a, a':  1/2 (a - a')'K(a - a') - y'(a - a'),
                         0 <= a_i, a'_i <= C s_i,     sum_i a_i = sum_i a'_i = C nu sum_i s_i / 2,

    where s are the sample weights. That is :class:`sklearn.svm.NuSVR`, of which this is a subclass,
    and libsvm; what differs is said at :class:`DistributedSVC`.

    Parameters
    ----------
    nu : float, default=0.5
        Upper bound of the fraction of rows outside of the tube, lower bound of that of support
        vectors; in (0, 1].
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0.
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
    shrinking : bool, default=True
        Whether variables that will stay at their bounds are left out for a while.
    tol : float, default=1e-3
        The fit stops where no pair of variables violates the optimality conditions by more.
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
        a_i - a'_i.
    intercept_ : ndarray of shape (1,)
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
    DistributedSVR : The same with the width of the tube given.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    A pass over q variables sends their rows, 8 q d bytes, to every shard, and 8 bytes a row come
    up. What comes to the driver are targets and weights (16 bytes a row), the rows of working
    sets and the support vectors; X is never gathered.

    References
    ----------
    .. [1] B. Schoelkopf et al., "New Support Vector Algorithms", Neural Computation 12, 2000.
    .. [2] C.-C. Chang, C.-J. Lin, "LIBSVM: A Library for Support Vector Machines", ACM TIST 2,
       2011.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skdist import DistributedNuSVR
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = DistributedNuSVR(C=100.0, nu=0.4, n_shards=2).fit(X, y)
    >>> model.score(X, y) > 0.5
    True
    """

    _parameter_constraints = {**NuSVR._parameter_constraints, **OURS_WITH_NU}

    def __init__(
        self,
        *,
        nu=0.5,
        C=1.0,
        kernel="rbf",
        degree=3,
        gamma="scale",
        coef0=0.0,
        shrinking=True,
        tol=1e-3,
        cache_size=200,
        verbose=False,
        max_iter=-1,
        n_shards=None,
        n_jobs=None,
        strategy="auto",
    ):
        super().__init__(
            nu=nu,
            C=C,
            kernel=kernel,
            degree=degree,
            gamma=gamma,
            coef0=coef0,
            shrinking=shrinking,
            tol=tol,
            cache_size=cache_size,
            verbose=verbose,
            max_iter=max_iter,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs
        self.strategy = strategy

    def _formulate(self, targets):
        (mass,) = targets.mass
        return nu_regression(
            targets.y, targets.weight, C=float(self.C), nu=float(self.nu), mass=float(mass)
        )
