# SPDX-License-Identifier: BSD-3-Clause
"""Logistic regression, binary and multinomial."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from skdist._estimator import SHARDING, ShardedClassifierFit, Stopwatch
from skdist._local_fit import fit_locally
from skdist._rows import Intake, encode_rows
from skdist._shard_classes import (
    check_none_lacking,
    check_two_classes,
    knowing,
)
from skdist._sklearn import StrOptions
from skdist._watching import shows
from skdist.linear_model._linear_fit import SOLVER_NAMES, fit_linear
from skdist.linear_model._loss_expansion import keep_expansion
from skdist.linear_model._penalty import check_solver, resolve_penalty
from skdist.losses import Logistic, Multinomial
from skdist.solvers.choose_solver import choose_solver
from skdist.solvers.linear_objective import LinearObjective
from skdist.summaries import dense

# Solvers that have no distributed counterpart: scikit-learn's own fit.
SCIKIT_LEARNS = {"liblinear", "sag", "saga"}

# The l2 penalty, per unit of weight, of rows that lack a class. Where p is near 0 or 1 there is no
# curvature to merge; of 0.01 to 1 this lost least, over rows sorted by label.
KEEPS_NEAR_ZERO = 0.03


class DistributedLogisticRegression(ShardedClassifierFit, LogisticRegression):
    """Logistic regression whose fit is spread over cores or a cluster.

    For two classes, y in {0, 1} and p(1 | x) = 1 / (1 + exp(-w'x - b)), it minimises ::

        F(w, b) = C sum_i s_i log(1 + exp(-(2 y_i - 1)(w'x_i + b)))
                  + (1 - l1_ratio)/2 |w|^2 + l1_ratio |w|_1

    and for K > 2 classes, p(k | x) = exp(w_k'x + b_k) / sum_l exp(w_l'x + b_l), ::

        F(W, b) = C sum_i s_i (log sum_k exp(w_k'x_i + b_k) - w_{y_i}'x_i - b_{y_i})
                  + (1 - l1_ratio)/2 |W|^2 + l1_ratio |W|_1

    with s the sample weights times the class weights. The intercept is not penalised. That is
    :class:`sklearn.linear_model.LogisticRegression`, of which this is a subclass: the same
    objective, parameters and fitted attributes. What differs:

    - The sums over rows, of the loss, its gradient and its curvature, are added up over shards of
      the rows, so that the optimum does not depend on how the rows were cut. ``solver="auto"``
      takes few rounds of them, and knows every penalty.
    - The fit ends with a certificate, an upper bound of ``F(w) - min F``, in `report_`.
    - ``n_jobs=None`` means what :func:`joblib.parallel_config` says, and all cores where it says
      nothing. No `n_jobs` changes the model.

    Parameters
    ----------
    penalty : {"l1", "l2", "elasticnet", None}, default="deprecated"
        Deprecated by scikit-learn 1.8 in favour of `l1_ratio` and `C`, and understood as long as
        scikit-learn understands it.
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0; ``np.inf`` is no penalty.
    l1_ratio : float, default=0.0
        Share of the absolute values in the penalty: 0 is l2, 1 is l1, and what is between them
        the elastic net.
    dual : bool, default=False
        The dual problem; ``solver="liblinear"`` only.
    tol : float, default=1e-4
        The fit stops where ``F(w) - min F <= tol^2 F`` is certain. scikit-learn's solvers compare
        `tol` with the gradient, whose square is what the value lacks.
    fit_intercept : bool, default=True
        Whether there is an intercept b, or b = 0.
    intercept_scaling : float, default=1
        Value of the constant feature that ``solver="liblinear"`` appends, and penalises.
    class_weight : dict or "balanced", default=None
        Weight of each class; "balanced" is in inverse proportion to the class's weight in y.
    random_state : int, RandomState instance or None, default=None
        Order in which "liblinear", "sag" and "saga" look at the rows. The others draw nothing.
    solver : str, default="auto"
        - "newton" (also "newton-cholesky"): Newton's method on the merged Hessian.
        - "newton_cg" ("newton-cg"): the same, equations solved by conjugate gradients.
        - "lbfgs": SciPy's quasi-Newton method on merged gradients.
        - "gradient_descent": merged gradients and a line search.
        - "prox_newton": merged Hessians with l1 penalties.
        - "auto": "newton" up to 1,500 coefficients (300 for sparse X) and "newton_cg" beyond;
          where ``l1_ratio > 0``, "prox_newton" up to 3,000 and scikit-learn's "saga" beyond.
        - "liblinear", "sag", "saga": scikit-learn's own fit, in this process.
    max_iter : int, default=100
        Iterations at most; passes over the rows, but for what a line search and the conjugate
        gradients need within one.
    verbose : int, default=0
        Above 0: one line when the fit is done; what scikit-learn's own solvers print.
    warm_start : bool, default=False
        Start from the coefficients of the last fit.
    n_jobs : int, default=None
        How many tasks run at once; -1 is all cores or slots. See above for None.
    n_shards : int, default=None
        Pieces that the rows are cut into; they do not change the optimum. None is one per 16,384
        rows, at most 64 but at least 4 of 4,096 rows. For a Dask collection, whose partitions are
        the shards, it must be None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The coefficients; one row for two classes. float32 where X is.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The intercepts; for more than two classes they add up to 0, as any constant may be added.
    n_iter_ : ndarray of shape (1,)
        Iterations made.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has names that are all strings.
    n_shards_ : int
        Number of shards the rows were cut into; 1 for scikit-learn's own fit.
    report_ : FitReport
        What the fit did: `method` (the solver), `why` it was taken, `certificate` (the bound of
        ``F(w) - min F``), `rounds`, `bytes_down`, `bytes_up`, `retries`, `seconds` per phase, a
        table of the `shards`, and in `extra` the certificate's name, the objective and the history
        of the rounds.

    See Also
    --------
    skdist.merge : One model out of several, fitted apart.
    DistributedSGDClassifier : The same losses by stochastic gradient descent.

    Notes
    -----
    With n rows, d features, P = d + 1 coefficients (times K, for K > 2 classes) a round brings up
    8 (1 + P) bytes a shard, and with the Hessian 4 P (P + 1) more; P numbers go down.

    `fit_shard` keeps the curvature and the gradient of the loss at the optimum, 8 P^2 bytes. Where
    it is told of classes that its rows lack, their intercepts have no finite optimum: intercepts
    are then penalised too, and all coefficients by 0.03 times the weight of the rows, at least.

    References
    ----------
    .. [1] C.-J. Lin, R. C. Weng, S. S. Keerthi, "Trust Region Newton Method for Large-Scale
       Logistic Regression", JMLR 9, 2008.
    .. [2] J. D. Lee, Y. Sun, M. A. Saunders, "Proximal Newton-Type Methods for Minimizing Composite
       Functions", SIAM Journal on Optimization 24, 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdist import DistributedLogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistributedLogisticRegression(n_shards=3).fit(X, y)
    >>> model.predict(X[:2])
    array([0, 0])
    >>> model.report_.method, model.report_.exact
    ('newton', True)
    >>> model.report_.certificate < 1e-7 * model.report_.extra["objective"]
    True
    """

    _rounds_of_an_iteration = 2

    _parameter_constraints = {
        **LogisticRegression._parameter_constraints,
        "solver": [StrOptions(SOLVER_NAMES | SCIKIT_LEARNS)],
        **SHARDING,
    }

    def __init__(
        self,
        penalty="deprecated",
        *,
        C=1.0,
        l1_ratio=0.0,
        dual=False,
        tol=1e-4,
        fit_intercept=True,
        intercept_scaling=1,
        class_weight=None,
        random_state=None,
        solver="auto",
        max_iter=100,
        verbose=0,
        warm_start=False,
        n_jobs=None,
        n_shards=None,
    ):
        super().__init__(
            penalty=penalty,
            C=C,
            l1_ratio=l1_ratio,
            dual=dual,
            tol=tol,
            fit_intercept=fit_intercept,
            intercept_scaling=intercept_scaling,
            class_weight=class_weight,
            random_state=random_state,
            solver=solver,
            max_iter=max_iter,
            verbose=verbose,
            warm_start=warm_start,
            n_jobs=n_jobs,
        )
        self.n_shards = n_shards

    def _fit(self, X, y, sample_weight, *, shard=False, classes=None):
        self._expansion = self._merged_parts = None
        why = self._scikit_learns()
        if why:
            self._fit_locally(X, y, sample_weight, classes, why, self.solver)
            return
        watch = Stopwatch()
        penalty = resolve_penalty(self.penalty, self.C, self.l1_ratio)
        check_solver(self.solver, penalty.name, self.dual)
        rows, objective = self._problem(X, y, sample_weight, penalty, classes)
        choice = choose_solver(self.solver, objective, is_sparse=rows.is_sparse)
        if choice.name is None:
            self._fit_locally(X, y, sample_weight, classes, choice.why, "saga")
            return
        watch.lap("prepare")
        shows(lambda w: self._model(w, rows))
        fit = fit_linear(
            rows,
            objective,
            choice,
            start=self._start(objective, rows.classes),
            tol=self.tol,
            max_iter=self.max_iter,
            watch=watch,
        )
        self._expose(fit, rows)
        if shard:
            self._expansion, self.report_ = keep_expansion(rows, objective, fit)
        self._print_report()

    def _fit_locally(self, X, y, sample_weight, classes, why, solver):
        """scikit-learn's own fit, with a solver of scikit-learn."""
        fit_locally(self, self._fit_plainly, X, y, sample_weight, why, solver)
        check_none_lacking(self.classes_, classes, solver)

    def _scikit_learns(self):
        """Why scikit-learn's own fit is run; "" where it is not."""
        if self.solver in SCIKIT_LEARNS:
            return f"solver={self.solver!r} is scikit-learn's own fit."
        return ""

    def _problem(self, X, y, sample_weight, penalty, classes):
        """Encoded rows and what is to be minimised over them."""
        intake = Intake(classify=True, class_weight=self.class_weight)
        rows = encode_rows(
            self, X, y, sample_weight, intake=intake, n_shards=self.n_shards, n_jobs=self.n_jobs
        )
        n_found, rows = len(rows.classes), knowing(rows, classes)
        check_two_classes(rows.classes)
        objective = self._objective(penalty, rows.n_features, len(rows.classes))
        if n_found < len(rows.classes):
            kept_near = KEEPS_NEAR_ZERO * objective.scale * rows.total_weight
            objective = replace(objective, l2=max(objective.l2, kept_near), penalise_intercept=True)
        return rows, objective

    def _objective_of(self, expansion):
        """The objective of a merge."""
        penalty = resolve_penalty(self.penalty, self.C, self.l1_ratio)
        return self._objective(penalty, self.n_features_in_, len(expansion.classes))

    def _objective(self, penalty, n_features, n_classes):
        """``C sum_i s_i loss + (1 - l1_ratio)/2 |W|^2 + l1_ratio |W|_1``."""
        return LinearObjective(
            loss=Logistic() if n_classes == 2 else Multinomial(n_classes),
            n_features=n_features,
            fit_intercept=self.fit_intercept,
            scale=penalty.scale,
            l2=penalty.l2,
            l1=penalty.l1,
        )

    def _start(self, objective, classes):
        """Coefficients of the last fit, (K, p), for a warm start."""
        if not (self.warm_start and "coef_" in vars(self)):
            return None
        w = dense(self.coef_)
        if self.fit_intercept:
            w = np.column_stack([w, self.intercept_])
        if w.shape != objective.shape:
            raise ValueError(
                f"Initialization coef is of shape {w.shape}, expected shape {objective.shape}: "
                f"{len(classes)} classes, {objective.n_features} features. A warm start needs the "
                "shape of the last fit; set warm_start=False to begin anew."
            )
        return np.asarray(w, np.float64)

    def _model(self, w, rows):
        """What predictions need, of coefficients (K, p)."""
        w = w.astype(rows.dtype)
        return {
            "classes_": rows.classes,
            "coef_": np.ascontiguousarray(w[:, : rows.n_features]),
            "intercept_": w[:, -1].copy() if self.fit_intercept else np.zeros(len(w), rows.dtype),
        }

    def _expose(self, fit, rows):
        """scikit-learn's attributes, of numbers of the dtype of X."""
        vars(self).update(self._model(fit.solution.w, rows))
        self.n_iter_ = np.array([fit.solution.n_iter], np.int32)
        self.n_shards_, self.report_ = rows.shards.n_shards, fit.report
        self._weight_of_rows = rows.total_weight
