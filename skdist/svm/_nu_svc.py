# SPDX-License-Identifier: BSD-3-Clause
"""Nu-support vector classification."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.svm import NuSVC

from skdist._sklearn import SVC_PROBABILITY
from skdist.solvers.dual_formulations import check_nu, nu_classification
from skdist.solvers.one_vs_one import pairs_of
from skdist.svm._kernel_classifier import KernelClassifier
from skdist.svm._kernel_machine import OURS_WITH_NU


class DistributedNuSVC(KernelClassifier, NuSVC):
    """Nu-support vector classification whose fit is spread over cores or a cluster.

    Of two classes, y in {1, -1}, it finds the function f(x) = sum_i y_i a_i k(x_i, x) / r + b / r
    of ::

        min over a:  1/2 sum_ij a_i a_j y_i y_j k(x_i, x_j),     0 <= a_i <= s_i,
                     sum of a_i over either class = nu sum_i s_i / 2,

    where s are the sample weights and r is the width of the margin. Of K > 2 classes each pair is
    such a problem, and the class that wins most pairs is predicted. That is
    :class:`sklearn.svm.NuSVC`, of which this is a subclass, and libsvm; what differs is said at
    :class:`DistributedSVC`.

    Parameters
    ----------
    nu : float, default=0.5
        Upper bound of the fraction of rows within the margin, lower bound of that of support
        vectors; in (0, 1], and no more than twice the smaller class's share in each pair.
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
    probability : bool
        As the installed version of scikit-learn has it; True is its own fit, in this process.
    tol : float, default=1e-3
        The fit stops where no pair of variables violates the optimality conditions by more.
    cache_size : float, default=200
        Megabytes of kernel rows that are kept at a time: by all shards together, or by a task that
        solves a whole problem.
    class_weight : dict or "balanced", default=None
        As in libsvm this changes nothing but `class_weight_`: there is no C to be multiplied.
    verbose : bool, default=False
        Whether a line is printed when the fit is done.
    max_iter : int, default=-1
        Changes of a pair of variables at most, in each problem; -1 is no limit.
    decision_function_shape : {"ovr", "ovo"}, default="ovr"
        Whether `decision_function` has a column for each class or for each pair of classes.
    break_ties : bool, default=False
        Whether `predict` breaks ties by the decision function, rather than by the class's number.
    random_state : int, RandomState instance or None, default=None
        Of ``probability=True``. The optimum does not depend on chance.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    class_weight_ : ndarray of shape (n_classes,)
        What `class_weight` says.
    support_ : ndarray of shape (n_SV,)
        Numbers of the support vectors, class by class.
    support_vectors_ : ndarray or CSR of shape (n_SV, n_features)
    n_support_ : ndarray of shape (n_classes,)
        Support vectors of each class.
    dual_coef_ : ndarray or CSR of shape (n_classes - 1, n_SV)
        y_i a_i / r of each support vector, one per opponent of its class.
    intercept_ : ndarray of shape (n_classes * (n_classes - 1) / 2,)
    coef_ : ndarray of shape (n_classes * (n_classes - 1) / 2, n_features)
        Of the linear kernel.
    fit_status_ : int
        0, or 1 if `max_iter` was reached.
    n_iter_ : ndarray of shape (n_classes * (n_classes - 1) / 2,)
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
    DistributedSVC : The same with C in place of nu.
    skdist.merge : One model out of several, fitted apart.

    Notes
    -----
    A pass over q variables sends their rows, 8 q d bytes, to every shard, and 8 bytes a row come
    up. What comes to the driver are labels and weights (16 bytes a row), the rows of working
    sets and the support vectors; X is never gathered.

    References
    ----------
    .. [1] B. Schoelkopf et al., "New Support Vector Algorithms", Neural Computation 12, 2000.
    .. [2] C.-C. Chang, C.-J. Lin, "LIBSVM: A Library for Support Vector Machines", ACM TIST 2,
       2011.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedNuSVC
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistributedNuSVC(nu=0.3, n_shards=3).fit(X, y)
    >>> model.predict(X[[0, 60, 149]])
    array([0, 1, 2])
    """

    _parameter_constraints = {**NuSVC._parameter_constraints, **OURS_WITH_NU}

    def __init__(
        self,
        *,
        nu=0.5,
        kernel="rbf",
        degree=3,
        gamma="scale",
        coef0=0.0,
        shrinking=True,
        probability=SVC_PROBABILITY,
        tol=1e-3,
        cache_size=200,
        class_weight=None,
        verbose=False,
        max_iter=-1,
        decision_function_shape="ovr",
        break_ties=False,
        random_state=None,
        n_shards=None,
        n_jobs=None,
        strategy="auto",
    ):
        super().__init__(
            nu=nu,
            kernel=kernel,
            degree=degree,
            gamma=gamma,
            coef0=coef0,
            shrinking=shrinking,
            probability=probability,
            tol=tol,
            cache_size=cache_size,
            class_weight=class_weight,
            verbose=verbose,
            max_iter=max_iter,
            decision_function_shape=decision_function_shape,
            break_ties=break_ties,
            random_state=random_state,
        )
        self.n_shards = n_shards
        self.n_jobs = n_jobs
        self.strategy = strategy

    _unit_width = True

    def _formulate(self, mass):
        nu = float(self.nu)
        for i, j in pairs_of(len(mass)):
            if mass[i] > 0 and mass[j] > 0:
                check_nu(nu, float(mass[i]), float(mass[j]))
        return partial(nu_problem, nu=nu, mass=mass)

    def _weights_in_problem(self, classes, n_rows):
        return np.ones(len(classes))


def nu_problem(pair, sign, weight, *, nu, mass):
    """Of a pair of classes, of which `mass` are the weights."""
    i, j = pair
    return nu_classification(sign, weight, nu=nu, mass=(float(mass[i]), float(mass[j])))
