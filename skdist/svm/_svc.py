# SPDX-License-Identifier: BSD-3-Clause
"""C-support vector classification."""

from __future__ import annotations

from functools import partial

from sklearn.svm import SVC

from skdist._sklearn import SVC_PROBABILITY
from skdist.solvers.dual_formulations import weighed_classification
from skdist.svm._kernel_classifier import KernelClassifier
from skdist.svm._kernel_machine import OURS


class DistributedSVC(KernelClassifier, SVC):
    """Support vector classification whose fit is spread over cores or a cluster.

    Of two classes, y in {1, -1}, it finds the function f(x) = sum_i y_i a_i k(x_i, x) + b of ::

        min over a:  1/2 sum_ij a_i a_j y_i y_j k(x_i, x_j) - sum_i a_i,
                     0 <= a_i <= C s_i,     sum_i y_i a_i = 0,

    where s are the sample weights times the class weights; that is the dual of minimising
    ``|f|^2 / 2 + C sum_i s_i max(0, 1 - y_i f(x_i))`` over the functions of the kernel's space. Of
    K > 2 classes each pair is such a problem, and the class that wins most pairs is predicted. That
    is :class:`sklearn.svm.SVC`, of which this is a subclass, and libsvm. What differs:

    - Blocks of up to 1,024 variables are optimised at a time. Rows of the kernel matrix come from
      matrix products, on all cores or workers, each for its own rows. Pairs of classes are tasks
      that run side by side. `predict` and `decision_function` work block by block too.
    - The fit ends with a certificate in `report_`: the duality gap, summed over all rows, an upper
      bound of how far the dual objective is from its optimum.
    - ``n_jobs=None`` means what :func:`joblib.parallel_config` says, and all cores where it says
      nothing. No `n_jobs` changes the model.

    Parameters
    ----------
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
    probability : bool
        As the installed version of scikit-learn has it; True is its own fit, in this process.
    tol : float, default=1e-3
        The fit stops where no pair of variables violates the optimality conditions by more.
    cache_size : float, default=200
        Megabytes of kernel rows that are kept at a time: by all shards together, or by a task that
        solves a whole problem.
    class_weight : dict or "balanced", default=None
        What the sample weights of each class are multiplied with; "balanced" is in inverse
        proportion to the class's number of rows.
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
        How many tasks run at once; -1 is all cores or slots. See above for None.
    strategy : {"auto", "parallel", "cascade"}, default="auto"
        How a problem of two classes is spread. "parallel": all shards compute kernel rows for one
        optimisation. "cascade": shards are solved apart, their support vectors merged pairwise on
        the workers, and violators looked for in every shard until none is left. Both end at the
        same optimum. "auto" solves up to 2,048 rows by one task, and more by "parallel"; but a Dask
        collection of 8,192 rows or more by "cascade", which needs half the rounds, if at most 42
        percent of the rows of a pilot, 2,048 of them, are support vectors. Pairs of more than two
        classes are tasks of their own.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    class_weight_ : ndarray of shape (n_classes,)
        What C was multiplied with.
    support_ : ndarray of shape (n_SV,)
        Numbers of the support vectors, class by class.
    support_vectors_ : ndarray or CSR of shape (n_SV, n_features)
    n_support_ : ndarray of shape (n_classes,)
        Support vectors of each class.
    dual_coef_ : ndarray or CSR of shape (n_classes - 1, n_SV)
        y_i a_i of each support vector, one per opponent of its class.
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
        What the fit did: `method`, `strategy`, `why` it was taken, `certificate` (the duality gap),
        `rounds`, `bytes_down`, `bytes_up`, `retries`, `seconds` per phase, a table of the `shards`,
        and in `extra` the primal and the dual value, the `violation` of the optimality conditions,
        the `passes` (blocks solved), kernel `rows_computed`, `cache_hits`, `support_fraction`,
        whether it `converged`, and the like for each of the `pairs`.

    See Also
    --------
    skdist.merge : One model out of several, fitted apart.
    DistributedLinearSVC : The linear kernel for many rows.

    Notes
    -----
    A pass over q variables sends their rows, 8 q d bytes, to every shard, and 8 bytes a row come
    up. In one-vs-one a row goes to K - 1 tasks. What comes to the driver are targets and weights
    (16 bytes a row), the rows of working sets and the support vectors; X is never gathered.

    Sample weights multiply C. Rows of weight 0 or less are left out, as by libsvm.

    `fit_shard` keeps the support vectors with labels and weights, and all rows where there is one
    class alone. :func:`skdist.merge` optimises over the support vectors of all models, which is
    approximate: a row that its own shard dropped may have become a support vector.

    References
    ----------
    .. [1] C.-C. Chang, C.-J. Lin, "LIBSVM: A Library for Support Vector Machines", ACM TIST 2,
       2011.
    .. [2] R.-E. Fan, P.-H. Chen, C.-J. Lin, "Working Set Selection Using Second Order Information
       for Training Support Vector Machines", JMLR 6, 2005.
    .. [3] H. P. Graf et al., "Parallel Support Vector Machines: The Cascade SVM", NIPS, 2004.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedSVC
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistributedSVC(n_shards=3).fit(X, y)
    >>> model.predict(X[[0, 60, 149]])
    array([0, 1, 2])
    >>> model.n_support_.shape, model.report_.exact
    ((3,), True)
    >>> model.report_.certificate < 1e-2 * model.report_.extra["dual"]
    True
    """

    _parameter_constraints = {**SVC._parameter_constraints, **OURS}

    def __init__(
        self,
        *,
        C=1.0,
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
            C=C,
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

    def _formulate(self, mass):
        return partial(c_problem, C=float(self.C))


def c_problem(pair, sign, weight, *, C):
    """Of a pair of classes."""
    return weighed_classification(sign, weight, C=C)
